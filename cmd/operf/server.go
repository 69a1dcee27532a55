package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"ouroboros/cmd/internal/tool"
	"ouroboros/core"
)

const (
	maxFlows = 256
	maxIdle  = time.Second
	testLen  = 4 // bytes of the first message: the type of the test, little endian as a client's host
)

// run is a test as the server sees it.
type run struct {
	known          bool // the first message has come
	test           uint32
	packets, bytes uint64
	first, last    core.Time
}

// serve takes part in tests until it is interrupted.
func (o *options) serve(s *tool.System) error {
	l, err := o.peer.ListenOn(s)
	if err != nil {
		return err
	}
	defer l.Close()
	v := tool.Server[run]{System: s, MaxFlows: maxFlows, Idle: maxIdle, Buffer: maxSize}
	v.Message = func(c *tool.Client[run], b []byte) error { return o.packet(s, c, b) }
	v.Opened = func(c *tool.Client[run]) error {
		s.Printf("New flow %d.\n", c.FD)
		return nil
	}
	v.Ended = func(c *tool.Client[run], err error) {
		if o.quiet && c.State.packets > 0 {
			s.Printf("%s\n", c.State.line(c.FD))
		}
		switch {
		case errors.Is(err, tool.ErrIdle):
			s.Printf("Flow %d timed out.\n", c.FD)
		case errors.Is(err, core.ErrInvalid):
			s.Printf("Flow %d closed: %v.\n", c.FD, err)
		default:
			s.Printf("Flow %d closed.\n", c.FD)
		}
	}
	return v.Serve(l)
}

// packet takes a message of a client.
func (o *options) packet(s *tool.System, c *tool.Client[run], b []byte) error {
	r := &c.State
	if !r.known {
		if len(b) != testLen || binary.LittleEndian.Uint32(b) > bi {
			return fmt.Errorf("its first message says no test: %w", core.ErrInvalid)
		}
		r.known, r.test = true, binary.LittleEndian.Uint32(b)
		return nil
	}
	now := s.B.Now()
	if r.packets == 0 {
		r.first = now
	}
	r.last = now
	r.packets++
	r.bytes += uint64(len(b))
	if r.test == bi {
		return c.Flow.WriteMsg(b)
	}
	if !o.quiet && len(b) >= 4 {
		us := s.Wall() / 1000
		s.Printf("Seqno %d from fd %d: %d.%06d\n", binary.LittleEndian.Uint32(b), c.FD, us/1e6, us%1e6)
	}
	return nil
}

// line is what a flow has brought, from its first packet to its last.
func (r *run) line(fd int) string {
	d := r.last.Sub(r.first)
	var pps, mbps float64
	if d > 0 { // the first packet is where the time begins: it is not counted in the rates
		pps = float64(r.packets-1) / d.Seconds()
		mbps = float64(r.bytes) * float64(r.packets-1) / float64(r.packets) * 8 / d.Seconds() / 1e6
	}
	return fmt.Sprintf("Flow %4d: %9d packets (%12d bytes) in %9d ms => %4.4f pps, %4.4f Mbps", fd, r.packets, r.bytes, d.Milliseconds(), pps, mbps)
}
