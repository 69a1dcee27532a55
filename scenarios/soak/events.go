package soak

import (
	"fmt"
	"strings"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
)

// event is something that happened to a flow.
type event struct {
	at   core.Time
	end  string // from, to
	what string
	n    int    // bytes, a count
	seq  uint64 // of a message
	head wire.FRCPHeader
	pci  bool // head is set
	err  error
}

// lastEvents is how many events of a flow are remembered.
const lastEvents = 48

// history are the last events of a flow.
type history struct {
	events [lastEvents]event
	n      int
}

func (h *history) add(e event) {
	h.events[h.n%lastEvents] = e
	h.n++
}

// String prints the event on one line.
func (e event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%14.6fs %-4s %-9s", e.at.Seconds(), e.end, e.what)
	switch e.what {
	case "written", "delivered":
		fmt.Fprintf(&b, " message %d of %d bytes", e.seq, e.n)
	case "sends", "gets":
		fmt.Fprintf(&b, " packet of %d bytes", e.n)
	}
	if e.pci {
		fmt.Fprintf(&b, " %v", e.head)
	}
	if e.err != nil {
		fmt.Fprintf(&b, ": %v", e.err)
	}
	return b.String()
}

// readPCI reads the FRCP header of a packet in clear.
func readPCI(p *pkt.Buf) (h wire.FRCPHeader, ok bool) {
	if p.Len() < wire.FRCPLen {
		return h, false
	}
	v := wire.FRCP(p.Front())
	return wire.FRCPHeader{Flags: v.Flags(), Window: v.Window(), Seqno: v.Seqno(), Ackno: v.Ackno()}, true
}
