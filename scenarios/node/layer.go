package node

import (
	"fmt"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/wire"
	"ouroboros/ipcp/local"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/catalog"
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
	members []*Member  // of unicast and broadcast layers, in the order of Members
	boot    *Member    // begins the layer
	locals  []ownLocal // of a local layer: those of all lives of its nodes
	pairs   []*pair
	qos     core.QoS // of the flows between neighbours
	given   bool     // the scenario gives qos
	catalog unicast.Catalog
	config  unicast.Layer
	offline *routing.Map // what members share under the routing policy static
	names   *dir.Names   // and under the directory policy static
	byAddr  map[uint64]*System
	upper   []*Layer // that run over this one
	hearing bool     // of names that other parts have registered
}

// has reports whether a node is in the layer now.
func (l *Layer) has(s *System) bool {
	if l.members == nil {
		return slices.Contains(l.Members, s)
	}
	m := s.Member(l.Name)
	return m != nil && m.state == inLayer
}

// empty reports whether nobody is in the layer now.
func (l *Layer) empty() bool {
	return !slices.ContainsFunc(l.members, func(m *Member) bool { return m.In() })
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

// localDelay is how long a packet takes within a system. Users that answer each other at once would otherwise
// never let time pass.
const localDelay = time.Microsecond

// local puts an IPCP of a local layer on every member.
func (l *Layer) local() error {
	for _, s := range l.Members {
		add := func() error {
			p, err := local.New(s.Env.Derive(l.Name), local.Config{Layer: core.Name(l.Name), Hash: core.SHA3_256, Delay: localDelay})
			if err != nil {
				return err
			}
			l.locals = append(l.locals, ownLocal{s, p})
			return s.Broker.AddProvider(p)
		}
		if err := add(); err != nil {
			return err
		}
		s.OnRevive(func() { l.net.note(add()) })
	}
	return nil
}

// ownLocal is an IPCP of a local layer and its system.
type ownLocal struct {
	s *System
	*local.IPCP
}

// Local calls yield for the counters of each IPCP that a local layer has or had.
func (l *Layer) Local(yield func(*System, local.Stats)) {
	for _, p := range l.locals {
		yield(p.s, p.Stats())
	}
}

// policies looks up what the layer is configured with and which policies its members know.
func (l *Layer) policies(s *scenarios.Layer) error {
	l.offline, l.names = routing.NewMap(), dir.NewNames()
	l.share(l.names)
	l.catalog = catalog.New(l.names, l.offline)
	choices, err := catalog.Choose(l.catalog, policiesOf(&s.Policies), s.Params.AddrSize)
	if err != nil {
		return err
	}
	l.config = unicast.Layer{
		Info:   core.LayerInfo{Name: core.Name(l.Name), Kind: core.KindUnicast, Hash: core.SHA3_256},
		Header: wire.PCI{Addr: s.Params.AddrSize, EID: s.Params.EIDSize}, MaxTTL: uint8(s.Params.MaxTTL),
		MPL: s.Params.MPL.D(), Queue: s.Params.Queue, MTU: int(s.Params.MTU), Cube: s.Params.Cubes, Policies: choices,
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

// ipcpName is the name of a member of a layer.
func ipcpName(layer, node string) core.Name { return core.Name(layer + "." + node) }

// Note adds an error of coming up, if it is one.
func (n *Network) Note(err error) { n.note(err) }

func (n *Network) note(err error) {
	if err != nil {
		n.failed = append(n.failed, err)
	}
}
