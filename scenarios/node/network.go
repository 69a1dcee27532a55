package node

import (
	"fmt"
	"slices"

	"ouroboros/core"
	"ouroboros/scenarios"
	"ouroboros/topologies"
)

// Wire is a link of the network.
type Wire struct {
	core.Wire
	Name string
	A, B *System
	Shim string // what stands on it: eth-dix, eth-llc, udp4, udp6, direct; empty if no layer uses it
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
		s := &System{Name: x.Name, Index: i, net: n}
		s.start(w.Node(x.Name))
		n.Systems = append(n.Systems, s)
	}
	if err := n.wire(sc); err != nil {
		return nil, err
	}
	for i := range sc.Layers {
		if err := n.layer(sc, &sc.Layers[i]); err != nil {
			return nil, fmt.Errorf("layer %s: %w", sc.Layers[i].Name, err)
		}
	}
	for _, f := range sc.Faults {
		n.absent(&f)
	}
	for _, l := range n.Layers {
		for _, m := range l.members {
			m.begin()
		}
	}
	return n, nil
}

// absent has the nodes that join a layer later stay out of it at the start.
func (n *Network) absent(f *scenarios.Fault) {
	l := n.Layer(f.Join)
	if l == nil {
		l = n.Layer(f.Leave)
	}
	if l == nil {
		return
	}
	for _, m := range l.members {
		if len(f.Node.Select([]string{m.Name()})) > 0 && !m.scripted {
			m.scripted, m.wanted = true, f.Join == ""
		}
	}
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

// Connecting returns how many connections between members are still being made.
func (n *Network) Connecting() int { return n.connecting }

// Failed returns the errors of coming up so far: of connections that could not be made, and of nodes that
// should be members of a layer and are not.
func (n *Network) Failed() []error {
	out := slices.Clone(n.failed)
	for _, l := range n.Layers {
		for _, m := range l.members {
			if m.wanted && m.state != inLayer && m.System.alive {
				out = append(out, m.why())
			}
		}
	}
	return out
}

// Close takes all members out of their layers, the topmost layer first. What is on the wires still
// arrives.
func (n *Network) Close() {
	n.failed = n.Failed()
	for k := len(n.Layers) - 1; k >= 0; k-- {
		for _, m := range n.Layers[k].members {
			if err := m.Leave(); err != nil {
				n.failed = append(n.failed, err)
			}
		}
	}
}

// Kill ends a node with everything on it.
func (n *Network) Kill(s *System) {
	if !s.alive {
		return
	}
	s.alive = false
	n.World.Kill(s.Name)
	for _, m := range s.members {
		m.lost()
	}
}

// Revive starts a node that was killed. It has its configuration and nothing else: its members enroll
// anew.
func (n *Network) Revive(s *System) error {
	if s.alive {
		return nil
	}
	env, err := n.World.Revive(s.Name)
	if err != nil {
		return err
	}
	s.start(env)
	for _, w := range n.Wires {
		if w.A != s && w.B != s {
			continue
		}
		if err := w.install(s); err != nil {
			return err
		}
	}
	for _, m := range s.members {
		if err := m.make(); err != nil {
			return err
		}
		m.begin()
	}
	for _, f := range s.revived {
		f()
	}
	return nil
}
