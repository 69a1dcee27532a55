package node

import (
	"fmt"

	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/fa"
	"ouroboros/ipcp/unicast/pff"
)

// Account is what has become of the packets of a member of a unicast layer, from the counters of its ports and
// flows.
type Account struct {
	In  uint64 // from neighbours, components and flows
	Out uint64 // sent, delivered, or dropped for a reason that is counted
	// Lost is how many more can have come in: what flows could not send for want of a route, what came for
	// flows that are no more, and what waits do not count as Out. What waits below, on a link, has been sent.
	Lost uint64
	// Failed is how many more can have gone out: what a component could not send counts at the port alone.
	Failed uint64
}

// Balanced reports whether all packets are accounted for.
func (a Account) Balanced() bool { return a.In <= a.Out+a.Lost && a.Out <= a.In+a.Failed }

// String prints the sums.
func (a Account) String() string {
	return fmt.Sprintf("%d packets came in and %d are accounted for, of which %d may be lost and %d have failed", a.In, a.Out, a.Lost, a.Failed)
}

// Account returns that of the system's member in a layer; ok is false if it has none now.
func (s *System) Account(layer string) (a Account, ok bool) {
	d, f := s.router(layer)
	if d == nil {
		return a, false
	}
	p, waiting := d.Gone(), 0
	d.Ports(func(_ pff.Port, _ uint64, st dt.Stats, queued int) {
		p.Add(&st)
		waiting += queued
	})
	flows := f.Carried()
	a.Failed = p.DropWrite.Packets + p.DropMTU.Packets
	a.Lost = d.Origin().DropNoRoute.Packets + f.Stats().UnknownFlow + uint64(max(waiting, 0))
	a.In = p.Received.Packets + p.LocalSent.Packets + flows.Sent + flows.SendFailed
	a.Out = p.Sent.Packets + p.LocalReceived.Packets + flows.Received +
		p.DropTTL.Packets + p.DropNoRoute.Packets + p.DropUnknown.Packets + a.Failed
	return a, true
}

// Flows returns how many flows the system's member in a layer has.
func (s *System) Flows(layer string) (n int) {
	if _, f := s.router(layer); f != nil {
		f.Flows(func(fa.FlowInfo) { n++ })
	}
	return n
}

// router returns the data transfer and the flow allocator of a member that is alive and in its layer.
func (s *System) router(layer string) (*dt.DT, *fa.FA) {
	i := s.IPCP(layer)
	if !s.alive || i == nil || i.DT() == nil {
		return nil, nil
	}
	return i.DT(), i.FA()
}
