package node

import (
	"slices"

	procs "ouroboros/ipcp"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/scenarios"
)

// Path returns the systems that a packet between two members of a layer passes now, both ends among
// them, as the forwarding tables stand; nil if there is no path or it loops. hash is what tells the flows
// between both apart: policies that spread flows go by it.
func (n *Network) Path(l *Layer, from, to *System, hash uint32) []*System {
	if l.Kind != scenarios.LayerUnicast { // a shim: both ends of one wire
		return []*System{from, to}
	}
	if from.Member(l.Name) == nil || to.Member(l.Name) == nil {
		return nil
	}
	path := []*System{from}
	for s := from; s != to; {
		step, ok := n.step(l, s, to, hash)
		if s = n.System(step.To); !ok || s == nil || len(path) > len(l.Members) {
			return nil
		}
		path = append(path, s)
	}
	return path
}

// Step is where a member sends the packets of a flow to another member.
type Step struct {
	Layer string `json:"layer"`
	From  string `json:"from"`
	Dest  string `json:"dest"` // the member that the packets are for
	Hash  uint32 `json:"hash"` // of the flow
	To    string `json:"to"`   // the neighbour
	Over  string `json:"over"` // a wire, or the layer below
	// Below is the hash of the flow between both in the layer below.
	Below uint32 `json:"below,omitempty"`
}

// step returns the next step of a packet, by the forwarding table of the member or by what a part has told of it.
func (n *Network) step(l *Layer, from, dest *System, hash uint32) (Step, bool) {
	if n.Steps != nil {
		return n.Steps(l.Name, from.Name, dest.Name, hash)
	}
	return n.Step(l, from, dest, hash)
}

// Step returns the next step of a packet at a member that runs here, by its forwarding table; false if it has none.
func (n *Network) Step(l *Layer, from, dest *System, hash uint32) (Step, bool) {
	out := Step{Layer: l.Name, From: from.Name, Dest: dest.Name, Hash: hash}
	p, end := from.IPCP(l.Name), dest.Member(l.Name)
	if p == nil || end == nil || end.Unicast == nil {
		return out, false
	}
	peer, port, ok := nextHop(p, end.Address(), hash)
	next := l.At(peer)
	if !ok || next == nil {
		return out, false
	}
	out.To = next.Name
	p.Connections(func(c unicast.Connection) {
		if c.Component != procs.DataTransfer.Component || c.Port != port {
			return
		}
		out.Over = string(c.Layer)
		if below := n.Layer(out.Over); below != nil {
			out.Below = from.flowHash(below, c.EID)
		}
	})
	return out, true
}

// flowHash returns what tells a flow with an endpoint here apart from others in a layer, 0 if there is none.
func (s *System) flowHash(l *Layer, eid uint64) uint32 {
	if p := s.IPCP(l.Name); p != nil && p.FA() != nil {
		if f, ok := p.FA().Flow(eid); ok {
			return dt.FlowHash(f.RemoteEID)
		}
	}
	return 0
}

// At returns the member of a unicast layer with an address, nil if there is none. Members may change their
// addresses, so what is remembered is checked.
func (l *Layer) At(addr uint64) *System {
	has := func(s *System) bool {
		m := s.Member(l.Name)
		return m != nil && m.Unicast != nil && m.Address() == addr
	}
	if s := l.byAddr[addr]; s != nil && has(s) {
		return s
	}
	i := slices.IndexFunc(l.Members, has)
	if i < 0 {
		return nil
	}
	if l.byAddr == nil {
		l.byAddr = map[uint64]*System{}
	}
	l.byAddr[addr] = l.Members[i]
	return l.Members[i]
}

// nextHop returns the address of the neighbour through which a member reaches dst, and the port to it.
func nextHop(p *unicast.IPCP, dst uint64, hash uint32) (peer uint64, port pff.Port, ok bool) {
	if p.Forwarding() == nil { // it is not in the layer
		return 0, pff.None, false
	}
	out := p.Forwarding().Next(dst, hash)
	p.DT().Ports(func(i pff.Port, addr uint64, _ dt.Stats, _ int) {
		if i == out && out != pff.None {
			peer, ok = addr, true
		}
	})
	return peer, out, ok
}

// Table calls yield for all steps that a member which runs here knows: to every other member, for a flow without a
// hash, and for the flows with the given hashes to a member. In a broadcast layer they are the neighbours that it
// passes data on to.
func (n *Network) Table(l *Layer, from *System, flows []FlowEnd, yield func(Step)) {
	m := from.Member(l.Name)
	if m == nil || !from.alive || !from.Here() {
		return
	}
	if l.Kind == scenarios.LayerBroadcast {
		for _, p := range m.pairs {
			if p.a == m && m.Hub.Carries(p.b.ipcpName()) {
				yield(Step{Layer: l.Name, From: from.Name, Dest: p.b.Name(), To: p.b.Name(), Over: string(p.lower)})
			}
		}
		return
	}
	one := func(dest *System, hash uint32) {
		if dest == from || !l.in(dest) {
			return
		}
		if s, ok := n.Step(l, from, dest, hash); ok {
			yield(s)
		}
	}
	for _, dest := range l.Members {
		one(dest, 0)
	}
	for _, f := range flows {
		if f.Hash != 0 {
			one(f.Dest, f.Hash)
		}
	}
}

// FlowEnd is where packets of a flow go, and what tells it apart from others.
type FlowEnd struct {
	Dest *System
	Hash uint32
}
