package node

import (
	"slices"

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
	end := to.IPCP(l.Name)
	if end == nil || from.IPCP(l.Name) == nil {
		return nil
	}
	path := []*System{from}
	for s := from; s != to; {
		peer, _, ok := nextHop(s.IPCP(l.Name), end.Address(), hash)
		if s = l.At(peer); !ok || s == nil || len(path) > len(l.Members) {
			return nil
		}
		path = append(path, s)
	}
	return path
}

// At returns the member of a unicast layer with an address, nil if there is none. Members may change their
// addresses, so what is remembered is checked.
func (l *Layer) At(addr uint64) *System {
	has := func(s *System) bool {
		p := s.IPCP(l.Name)
		return p != nil && p.Address() == addr
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
