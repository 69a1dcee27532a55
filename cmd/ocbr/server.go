package main

import (
	"errors"
	"time"

	"ouroboros/cmd/internal/tool"
	"ouroboros/core"
)

// count is what a flow has brought since its last line.
type count struct {
	packets, bytes uint64
	since          core.Time
}

// serve counts what arrives until it is interrupted.
func (o *options) serve(s *tool.System) error {
	l, err := o.peer.ListenOn(s)
	if err != nil {
		return err
	}
	defer l.Close()
	line := func(c *tool.Client[count]) {
		now := s.B.Now()
		d := now.Sub(c.State.since)
		pps, mbps := rates(c.State.packets, c.State.bytes, d)
		s.Printf("Flow %4d: %9d packets (%12d bytes) in %9d ms => %4.4f pps, %4.4f Mbps\n",
			c.FD, c.State.packets, c.State.bytes, d.Milliseconds(), pps, mbps)
		c.State = count{since: now}
	}
	v := tool.Server[count]{System: s, MaxFlows: maxFlows, Idle: o.timeout, Tick: o.interval, Buffer: maxSize}
	v.Opened = func(c *tool.Client[count]) error {
		c.State.since = s.B.Now()
		s.Printf("New flow %d.\n", c.FD)
		return nil
	}
	v.Message = func(c *tool.Client[count], b []byte) error {
		c.State.packets++
		c.State.bytes += uint64(len(b))
		return nil
	}
	v.Ticked = func() { v.Clients(line) }
	v.Ended = func(c *tool.Client[count], err error) {
		if c.State.packets > 0 {
			line(c)
		}
		if errors.Is(err, tool.ErrIdle) {
			s.Printf("Flow %d timed out.\n", c.FD)
		} else {
			s.Printf("Flow %d closed.\n", c.FD)
		}
	}
	return v.Serve(l)
}

// rates are packets and megabits in a second.
func rates(packets, bytes uint64, d time.Duration) (pps, mbps float64) {
	if d <= 0 {
		return 0, 0
	}
	return float64(packets) / d.Seconds(), float64(bytes) * 8 / d.Seconds() / 1e6
}
