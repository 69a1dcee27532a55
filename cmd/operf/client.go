package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"ouroboros"
	"ouroboros/cmd/internal/tool"
	"ouroboros/core"
)

// patience is how long the client waits for packets that are still out.
const patience = time.Second

// client is a test in progress.
type client struct {
	*options
	s     *tool.System
	flow  *ouroboros.Flow
	set   *ouroboros.Set
	pace  tool.Pace
	buf   []byte
	in    []byte
	full  bool // the flow has no room
	start core.Time
	end   core.Time // when the last packet was sent or came back

	sent, received, bytes  uint64
	late, twice, different uint64
	window                 tool.Window
	sentAt                 []core.Time // of the latest packets, by number
	rtt                    *hdrhistogram.Histogram
}

// measure runs a test and prints its result.
func (o *options) measure(s *tool.System) error {
	f, err := o.peer.Dial(s)
	if err != nil {
		return err
	}
	defer f.Close()
	mtu := f.Info().MTU
	if o.size > mtu {
		if o.sized() {
			return fmt.Errorf("a packet of %d bytes is too long: the flow takes %d", o.size, mtu)
		}
		o.size = mtu
	}
	c := &client{options: o, s: s, flow: f, set: s.App.NewSet(), buf: make([]byte, o.size), in: make([]byte, maxSize)}
	if o.percentiles {
		c.sentAt = make([]core.Time, tool.WindowLen)
		c.rtt = hdrhistogram.New(1, int64(time.Hour), 3)
	}
	if err := c.begin(); err != nil {
		return err
	}
	if err = c.run(); err == nil {
		if err = c.pace.Finish(); err == nil {
			c.end = max(c.end, c.pace.End)
		}
	}
	if tool.Interrupted(err) {
		err = nil
	}
	s.Printf("Test finished.\n")
	c.print()
	return err
}

// begin tells the server which test it will be.
func (c *client) begin() error {
	kind := map[string]uint32{"uni": uni, "bi": bi}[c.test]
	if err := c.flow.WriteMsg(binary.LittleEndian.AppendUint32(nil, kind)); err != nil {
		return err
	}
	if err := errors.Join(c.flow.SetFlags(ouroboros.DefaultFlags|ouroboros.WriteNonblock), c.set.Add(c.flow)); err != nil {
		return err
	}
	c.s.Printf("Doing a %sdirectional test.\n", c.test)
	if c.flood {
		c.s.Printf("Flooding %s with %d byte packets for %g seconds.\n", c.peer.Name, c.size, c.duration.Seconds())
	} else {
		c.s.Printf("Sending %d byte packets to %s at %.3f Mb/s for %g seconds.\n", c.size, c.peer.Name, float64(c.rate)/1e6, c.duration.Seconds())
	}
	c.start = c.s.B.Now()
	c.end = c.start
	c.pace = tool.Pace{System: c.s, Start: c.start, End: c.start.Add(c.duration), Size: c.size, Rate: c.rate}
	if c.flood {
		c.pace.Rate = 0
	}
	return nil
}

// run sends until the time is over, and then waits for what is still out.
func (c *client) run() error {
	for {
		now := c.s.B.Now()
		due := c.pace.Due()
		sending := !c.pace.Over()
		if sending && !c.full && now >= due {
			if err := c.send(now); err != nil {
				return err
			}
			if c.test == "uni" && !c.full { // nothing comes back that would have to be looked for
				continue
			}
			due = c.pace.Due()
		}
		until := c.pace.End.Add(patience) // for room
		switch {
		case sending && !c.full:
			until = due
		case !sending && (c.test == "uni" || c.received >= c.sent):
			return nil
		case !sending:
			until = max(c.end, c.pace.End).Add(patience)
		}
		events, err := c.set.Wait(until)
		if errors.Is(err, core.ErrTimedOut) {
			if !sending && c.s.B.Now() >= until {
				return nil
			}
			continue
		}
		if err == nil {
			err = c.take(events[0])
		}
		if !sending && errors.Is(err, core.ErrPeerClosed) {
			return nil // a server closes a flow that is silent, and may be the first to lose patience
		}
		if err != nil {
			return err
		}
	}
}

// send sends the next packet: its number, little endian as a client's host, and zeros.
func (c *client) send(now core.Time) error {
	binary.LittleEndian.PutUint32(c.buf, uint32(c.sent))
	err := c.flow.WriteMsg(c.buf)
	if errors.Is(err, core.ErrAgain) {
		c.full = true
		return nil
	}
	if err != nil {
		return err
	}
	if c.sentAt != nil {
		c.sentAt[c.sent%tool.WindowLen] = now
	}
	c.sent++
	c.end = now
	c.pace.Sent()
	return nil
}

// take does what an event asks for.
func (c *client) take(e ouroboros.Event) error {
	if e.Kind&ouroboros.EventWritable != 0 {
		c.full = false
	}
	if e.Kind&(ouroboros.EventDealloc|ouroboros.EventPeer) != 0 {
		return fmt.Errorf("the flow has ended: %w", e.Err)
	}
	if e.Kind&ouroboros.EventPkt == 0 {
		return nil
	}
	n, err := c.flow.ReadMsg(c.in)
	if errors.Is(err, core.ErrMsgSize) {
		c.different++
		return nil
	}
	if err == nil {
		c.count(c.in[:n])
	}
	return err
}

// count counts a packet that has come back.
func (c *client) count(b []byte) {
	if len(b) != c.size || uint64(binary.LittleEndian.Uint32(b)) >= c.sent {
		c.different++
		return
	}
	id := binary.LittleEndian.Uint32(b)
	switch c.window.Add(id) {
	case tool.Duplicate:
		c.twice++
		return
	case tool.Late:
		c.late++
	}
	c.end = c.s.B.Now()
	c.received++
	c.bytes += uint64(len(b))
	if c.rtt != nil && c.sent-uint64(id) <= tool.WindowLen {
		_ = c.rtt.RecordValue(int64(max(c.end.Sub(c.sentAt[id%tool.WindowLen]), 1))) // beyond an hour: not in the percentiles
	}
}

// print prints the result.
func (c *client) print() {
	s := c.s
	d := c.end.Sub(c.start)
	s.Printf("\n--- %s perf statistics ---\n", c.peer.Name)
	s.Printf("%d packets transmitted, ", c.sent)
	carried := c.sent * uint64(c.size)
	if c.test == "bi" {
		s.Printf("%d received, ", c.received)
		for _, x := range []struct {
			n    uint64
			what string
		}{{c.twice, "duplicates"}, {c.late, "out-of-order"}, {c.different, "invalid"}} {
			if x.n > 0 {
				s.Printf("+%d %s, ", x.n, x.what)
			}
		}
		s.Printf("%s packet loss, ", tool.Percent(c.sent-c.received, c.sent))
		carried = c.bytes
	}
	mbps := 0.0
	if d > 0 {
		mbps = float64(carried) * 8 / d.Seconds() / 1e6
	}
	s.Printf("time: %.3f ms, bandwidth: %.3f Mb/s\n", float64(d)/1e6, mbps)
	if c.rtt != nil && c.rtt.TotalCount() > 0 {
		at := func(q float64) float64 { return float64(c.rtt.ValueAtQuantile(q)) / 1e6 }
		s.Printf("rtt min/p50/p90/p99/p99.9/max = %.3f/%.3f/%.3f/%.3f/%.3f/%.3f ms\n",
			float64(c.rtt.Min())/1e6, at(50), at(90), at(99), at(99.9), float64(c.rtt.Max())/1e6)
	}
}
