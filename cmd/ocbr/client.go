package main

import (
	"encoding/binary"
	"fmt"

	"ouroboros/cmd/internal/tool"
)

// send sends packets for the duration. Each begins with its number, 8 bytes in the order of the client's host, which
// is little endian (spec 14 §14.8).
func (o *options) send(s *tool.System) error {
	f, err := o.peer.Dial(s)
	if err != nil {
		return err
	}
	defer f.Close()
	if mtu := f.Info().MTU; o.size > mtu {
		return fmt.Errorf("a packet of %d bytes is too long: the flow takes %d", o.size, mtu)
	}
	how := fmt.Sprintf("rate %d b/s", o.rate)
	if o.flood {
		how = "flooding"
	}
	s.Printf("Client started, duration %g, %s, size %d B.\n", o.duration.Seconds(), how, o.size)
	start := s.B.Now()
	pace := tool.Pace{System: s, Start: start, End: start.Add(o.duration), Size: o.size, Rate: o.rate}
	if o.flood {
		pace.Rate = 0
	}
	b := make([]byte, o.size)
	var sent uint64
	for err == nil {
		var more bool
		if more, err = pace.Next(); err != nil || !more {
			break
		}
		binary.LittleEndian.PutUint64(b, sent)
		if err = f.WriteMsg(b); err == nil {
			sent++
		}
	}
	if err == nil {
		err = pace.Finish()
	}
	if tool.Interrupted(err) {
		err = nil
	}
	d := s.B.Now().Sub(start)
	_, mbps := rates(sent, sent*uint64(o.size), d)
	s.Printf("sent statistics: %9d packets, %12d bytes in %9d ms, %4.4f Mb/s\n", sent, sent*uint64(o.size), d.Milliseconds(), mbps)
	return err
}
