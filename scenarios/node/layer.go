package node

import (
	"fmt"
	"slices"

	"ouroboros/core"
	"ouroboros/core/wire"
	"ouroboros/ipcp/local"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/dir"
	"ouroboros/ipcp/unicast/routing"
	"ouroboros/scenarios"
)

// Layer is a layer of the network.
type Layer struct {
	Name    string
	Kind    string // as scenarios write it
	Over    []string
	Members []*System

	net     *Network
	members []*Member // of unicast and broadcast layers, in the order of Members
	boot    *Member   // begins the layer
	begun   bool
	pairs   []*pair
	qos     core.QoS // of the flows between neighbours
	given   bool     // the scenario gives qos
	catalog unicast.Catalog
	config  unicast.Layer
	offline *routing.Map // what members share under the routing policy static
	byAddr  map[uint64]*System
	upper   []*Layer // that run over this one
}

// pair is an adjacency of a layer: a connects to b over the layer lower.
type pair struct {
	a, b  *Member
	lower core.Name
	below *Layer // that provides lower, nil over a wire
	asked bool   // a was told to connect to b, in the present life of both
	busy  bool   // and has not answered yet
	life  uint32 // counts these attempts and the ends of either life, to know late answers
}

// other returns the other end.
func (p *pair) other(m *Member) *Member {
	if p.a == m {
		return p.b
	}
	return p.a
}

// usable reports whether both ends have the layer below.
func (p *pair) usable() bool {
	for _, m := range []*Member{p.a, p.b} {
		if !m.System.alive {
			return false
		}
		if p.below != nil && !p.below.has(m.System) {
			return false
		}
	}
	return true
}

// has reports whether a node is in the layer now.
func (l *Layer) has(s *System) bool {
	if l.members == nil {
		return slices.Contains(l.Members, s)
	}
	m := s.Member(l.Name)
	return m != nil && m.state == inLayer
}

// layer makes a layer and its members, which are not in it yet.
func (n *Network) layer(sc *scenarios.Scenario, l *scenarios.Layer) error {
	out := &Layer{Name: l.Name, Kind: l.Kind, Over: l.Over, net: n, given: l.QoS != scenarios.QoS{Preset: l.QoS.Preset} || l.QoS.Preset != "raw"}
	out.qos = l.QoS.Spec()
	names := l.Members.Select(n.Graph.NodeNames())
	for _, s := range n.Systems {
		if slices.Contains(names, s.Name) {
			out.Members = append(out.Members, s)
		}
	}
	n.Layers = append(n.Layers, out)
	switch l.Kind {
	case scenarios.LayerLocal:
		return out.local()
	case scenarios.LayerShim:
		return nil
	case scenarios.LayerUnicast:
		if err := out.policies(l); err != nil {
			return err
		}
	}
	for i, s := range out.Members {
		m := &Member{Layer: out, System: s, index: i, wanted: true}
		if s.Name == l.Bootstrap || l.Bootstrap == "" && i == 0 {
			out.boot = m
		}
		if err := m.make(); err != nil {
			return err
		}
		s.members = append(s.members, m)
		out.members = append(out.members, m)
	}
	return out.pair(sc, l)
}

// local puts an IPCP of a local layer on every member.
func (l *Layer) local() error {
	for _, s := range l.Members {
		add := func() error {
			p, err := local.New(s.Env.Derive(l.Name), local.Config{Layer: core.Name(l.Name), Hash: core.SHA3_256})
			if err != nil {
				return err
			}
			return s.Broker.AddProvider(p)
		}
		if err := add(); err != nil {
			return err
		}
		s.OnRevive(func() { l.net.note(add()) })
	}
	return nil
}

// policies looks up what the layer is configured with and which policies its members know.
func (l *Layer) policies(s *scenarios.Layer) error {
	l.offline = routing.NewMap()
	l.catalog = catalogOf(dir.NewNames(), l.offline)
	choices, err := choose(l.catalog, s.Policies, s.Params.AddrSize)
	if err != nil {
		return err
	}
	l.config = unicast.Layer{
		Info:   core.LayerInfo{Name: core.Name(l.Name), Kind: core.KindUnicast, Hash: core.SHA3_256},
		Header: wire.PCI{Addr: s.Params.AddrSize, EID: s.Params.EIDSize}, MaxTTL: uint8(s.Params.MaxTTL),
		MPL: s.Params.MPL.D(), Queue: s.Params.Queue, Cube: s.Params.Cubes, Policies: choices,
	}
	return nil
}

// pair finds out who is adjacent to whom: over wires those that share one, over another layer the pairs
// that the scenario lists, else all.
func (l *Layer) pair(_ *scenarios.Scenario, s *scenarios.Layer) error {
	add := func(a, b *System, lower string, below *Layer) {
		ma, mb := a.Member(l.Name), b.Member(l.Name)
		if ma == nil || mb == nil {
			return
		}
		p := &pair{a: ma, b: mb, lower: core.Name(lower), below: below}
		l.pairs = append(l.pairs, p)
		ma.pairs, mb.pairs = append(ma.pairs, p), append(mb.pairs, p)
	}
	for _, over := range l.Over {
		if over == scenarios.Links {
			for _, w := range l.net.Wires {
				add(w.A, w.B, w.Name, nil)
			}
			continue
		}
		below := l.net.Layer(over)
		if below == nil {
			return fmt.Errorf("over %q: there is no such layer", over)
		}
		for _, c := range s.Connect {
			if a, b := l.net.System(c[0]), l.net.System(c[1]); below.in(a) && below.in(b) {
				add(a, b, over, below)
			}
		}
		for i, a := range l.Members {
			for _, b := range l.Members[i+1:] {
				if len(s.Connect) == 0 && below.in(a) && below.in(b) {
					add(a, b, over, below)
				}
			}
		}
		below.upper = append(below.upper, l)
	}
	return nil
}

// in reports whether a node belongs to the layer, be it there now or not.
func (l *Layer) in(s *System) bool { return slices.Contains(l.Members, s) }

// dataQoS returns what a member asks of the flow to a neighbour. A direct link tells of every loss of its
// peer itself, so keepalives over it would show nothing.
func (l *Layer) dataQoS(p *pair) core.QoS {
	q := l.qos
	if w := l.net.Wire(string(p.lower)); !l.given && p.below == nil && w != nil && w.Shim == shimDirect {
		q.Timeout = 0
	}
	return q
}

// ipcpName is the name of a member of a layer.
func ipcpName(layer, node string) core.Name { return core.Name(layer + "." + node) }

// Note adds an error of coming up, if it is one.
func (n *Network) Note(err error) { n.note(err) }

func (n *Network) note(err error) {
	if err != nil {
		n.failed = append(n.failed, err)
	}
}
