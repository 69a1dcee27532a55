package node

import (
	"fmt"
	"slices"

	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/core/wire"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/dir"
	"ouroboros/scenarios"
	"ouroboros/shim/direct"
	"ouroboros/shim/eth"
	"ouroboros/topologies"
)

// System is one node of the network.
type System struct {
	Name   string
	Index  int
	Env    core.Env
	Broker *irm.Broker
	IPCPs  []*unicast.IPCP // in the order of the layers
}

// unicastKind is the kind of a layer of unicast IPCPs, as scenarios write it.
const unicastKind = "unicast"

// IPCP returns the system's member of a layer, nil if it is none.
func (s *System) IPCP(layer string) *unicast.IPCP {
	for _, i := range s.IPCPs {
		if string(i.Layer().Name) == layer {
			return i
		}
	}
	return nil
}

// Wire is a link of the network.
type Wire struct {
	core.Wire
	Name string
	A, B *System
	Shim string // what stands on it: eth-dix, direct; empty if no layer uses it
}

// Layer is a layer of the network.
type Layer struct {
	Name    string
	Kind    string // unicast or shim
	Over    string
	Members []*System
	pairs   []pair
	byAddr  map[uint64]*System // as far as paths were asked for
}

// pair is an adjacency of a layer: a connects to b over the layer lower.
type pair struct {
	a, b  *System
	lower core.Name
}

// Network is an assembled network.
type Network struct {
	World   core.World
	Graph   *topologies.Graph
	Systems []*System
	Wires   []*Wire
	Layers  []*Layer

	connecting int
	failed     []error
}

// Build assembles the network of a scenario in a world. Nothing has happened in it yet: its layers come
// up when time passes.
func Build(w core.World, sc *scenarios.Scenario, g *topologies.Graph) (*Network, error) {
	n := &Network{World: w, Graph: g}
	for i, x := range g.Nodes {
		env := w.Node(x.Name)
		n.Systems = append(n.Systems, &System{
			Name: x.Name, Index: i, Env: env, Broker: irm.New(env.Derive("irm"), irm.Config{}),
		})
	}
	if err := n.wire(sc); err != nil {
		return nil, err
	}
	for i := range sc.Layers {
		if err := n.layer(sc, &sc.Layers[i]); err != nil {
			return nil, fmt.Errorf("layer %s: %w", sc.Layers[i].Name, err)
		}
	}
	return n, nil
}

// System returns the node of that name, nil if there is none.
func (n *Network) System(name string) *System {
	i := slices.IndexFunc(n.Systems, func(s *System) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return n.Systems[i]
}

// Wire returns the wire of that name, nil if there is none.
func (n *Network) Wire(name string) *Wire {
	i := slices.IndexFunc(n.Wires, func(w *Wire) bool { return w.Name == name })
	if i < 0 {
		return nil
	}
	return n.Wires[i]
}

// Layer returns the layer of that name, nil if there is none.
func (n *Network) Layer(name string) *Layer {
	i := slices.IndexFunc(n.Layers, func(l *Layer) bool { return l.Name == name })
	if i < 0 {
		return nil
	}
	return n.Layers[i]
}

// Between returns the wire between two nodes, nil if there is none.
func (n *Network) Between(a, b string) *Wire {
	i := slices.IndexFunc(n.Wires, func(w *Wire) bool {
		return w.A.Name == a && w.B.Name == b || w.A.Name == b && w.B.Name == a
	})
	if i < 0 {
		return nil
	}
	return n.Wires[i]
}

// wire makes the wires and the shims on them. The first layer that runs over a wire says which shim.
func (n *Network) wire(sc *scenarios.Scenario) error {
	g := n.Graph
	shims := make([]string, len(g.Links))
	kinds := make([]core.LinkKind, len(g.Links))
	for _, l := range sc.Layers {
		if l.Over != scenarios.Links {
			continue
		}
		members := l.Members.Select(g.NodeNames())
		kind, err := kindOf(l.Shim)
		if err != nil {
			return fmt.Errorf("layer %s: %w", l.Name, err)
		}
		for i, x := range g.Links {
			in := slices.Contains(members, g.Nodes[x.A].Name) && slices.Contains(members, g.Nodes[x.B].Name)
			switch {
			case !in:
			case shims[i] == "":
				shims[i], kinds[i] = l.Shim, kind
			case shims[i] != l.Shim:
				return fmt.Errorf("layer %s: shim %s on link %s, which has %s already; accepted is one shim a link", l.Name, l.Shim, x.Name, shims[i])
			}
		}
	}
	all := specs(sc, g, kinds)
	for i, x := range g.Links {
		a, b := n.Systems[x.A], n.Systems[x.B]
		w, err := n.World.Link(all[i][0], a.Env, b.Env)
		if err != nil {
			return err
		}
		if err := w.Set(1, all[i][1]); err != nil {
			return err
		}
		n.Wires = append(n.Wires, &Wire{Wire: w, Name: x.Name, A: a, B: b, Shim: shims[i]})
		la, lb := w.Ends()
		if shims[i] == "" {
			continue
		}
		if err := a.addShim(x.Name, shims[i], la); err != nil {
			return err
		}
		if err := b.addShim(x.Name, shims[i], lb); err != nil {
			return err
		}
	}
	return nil
}

// addShim puts a shim IPCP on one end of a wire. Its layer is named after the wire.
func (s *System) addShim(wireName, kind string, l core.Link) error {
	env := s.Env.Derive("shim:" + wireName)
	var p core.Provider
	var err error
	if kind == "direct" {
		p, err = direct.New(env, l, direct.Config{Layer: core.Name(wireName), Hash: core.SHA3_256})
	} else {
		p, err = eth.New(env, l, eth.Config{Layer: core.Name(wireName), Hash: core.SHA3_256})
	}
	if err != nil {
		return err
	}
	return s.Broker.AddProvider(p)
}

// layer makes a layer: one IPCP on every member, and the connections between neighbours.
func (n *Network) layer(sc *scenarios.Scenario, l *scenarios.Layer) error {
	out := &Layer{Name: l.Name, Kind: l.Kind, Over: l.Over}
	names := l.Members.Select(n.Graph.NodeNames())
	for _, s := range n.Systems {
		if slices.Contains(names, s.Name) {
			out.Members = append(out.Members, s)
		}
	}
	n.Layers = append(n.Layers, out)
	if l.Kind != unicastKind {
		return nil
	}
	out.pairs = n.pairs(l, names)
	pol, err := choose(l.Policies, dir.NewNames(), l.Params.AddrSize)
	if err != nil {
		return err
	}
	for i, s := range out.Members {
		p, err := unicast.New(s.Env.Derive(l.Name), s.Broker, unicast.Config{
			Name: ipcpName(l.Name, s.Name), Layer: core.LayerInfo{Name: core.Name(l.Name), Kind: core.KindUnicast, Hash: core.SHA3_256},
			Header: wire.PCI{Addr: l.Params.AddrSize, EID: l.Params.EIDSize}, MaxTTL: uint8(l.Params.MaxTTL),
			MPL: l.Params.MPL.D(), Queue: l.Params.Queue, Policies: pol,
		})
		if err != nil {
			return err
		}
		if err := p.Bootstrap(i); err != nil {
			return err
		}
		s.IPCPs = append(s.IPCPs, p)
		if err := s.Broker.AddProvider(p); err != nil {
			return err
		}
	}
	n.connect(out)
	return nil
}

// ipcpName is the name of a member of a layer.
func ipcpName(layer, node string) core.Name { return core.Name(layer + "." + node) }

// pairs returns who connects to whom: over links those that share a wire, else the pairs that the
// scenario lists, else all.
func (n *Network) pairs(l *scenarios.Layer, members []string) (out []pair) {
	if l.Over == scenarios.Links {
		for _, w := range n.Wires {
			if slices.Contains(members, w.A.Name) && slices.Contains(members, w.B.Name) {
				out = append(out, pair{w.A, w.B, core.Name(w.Name)})
			}
		}
		return out
	}
	for _, c := range l.Connect {
		out = append(out, pair{n.System(c[0]), n.System(c[1]), core.Name(l.Over)})
	}
	if len(l.Connect) == 0 {
		for i, a := range members {
			for _, b := range members[i+1:] {
				out = append(out, pair{n.System(a), n.System(b), core.Name(l.Over)})
			}
		}
	}
	return out
}

// connect registers the members of a layer below and has neighbours connect.
func (n *Network) connect(l *Layer) {
	lower := map[*System][]core.Name{}
	for _, p := range l.pairs {
		lower[p.b] = append(lower[p.b], p.lower)
	}
	for _, s := range l.Members {
		below := lower[s]
		if len(below) == 0 {
			continue
		}
		slices.Sort(below)
		p := s.IPCP(l.Name)
		s.Env.Post(func() {
			if err := s.Broker.Register(p.Name(), slices.Compact(below)...); err != nil {
				n.failed = append(n.failed, err)
			}
			if err := p.Serve(); err != nil {
				n.failed = append(n.failed, err)
			}
		})
	}
	for _, x := range l.pairs {
		n.connecting++
		p := x.a.IPCP(l.Name)
		x.a.Env.Post(func() {
			p.Connect(ipcpName(l.Name, x.b.Name), x.lower, n.dataQoS(x.lower), func(err error) {
				n.connecting--
				if err != nil {
					n.failed = append(n.failed, err)
				}
			})
		})
	}
}

// dataQoS returns what data transfer asks of the flows that it runs over: raw ones. A direct link tells
// of every loss of its peer itself, so keepalives over it would show nothing.
func (n *Network) dataQoS(lower core.Name) core.QoS {
	q := core.QoSRaw
	if w := n.Wire(string(lower)); w != nil && w.Shim == "direct" {
		q.Timeout = 0
	}
	return q
}

// Connecting returns how many connections between members are still being made.
func (n *Network) Connecting() int { return n.connecting }

// Failed returns the errors of coming up so far.
func (n *Network) Failed() []error { return n.failed }

// Close takes all members out of their layers, the topmost layer first. What is on the wires still
// arrives.
func (n *Network) Close() {
	for k := len(n.Layers) - 1; k >= 0; k-- {
		for _, s := range n.Layers[k].Members {
			if p := s.IPCP(n.Layers[k].Name); p != nil {
				p.Leave()
			}
		}
	}
}
