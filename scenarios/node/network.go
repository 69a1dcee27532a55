package node

import (
	"cmp"
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
	// Steps, if not nil, tells where members send packets in place of their forwarding tables, which are those of
	// shadows; in a broadcast layer, whether the first of two neighbours passes data on to the second.
	Steps func(layer, from, dest string, hash uint32) (Step, bool)

	scenario   *scenarios.Scenario
	part       *Part      // nil: all of it runs here
	authority  *authority // nil if no system has certificates
	byName     map[string]*System
	wireNamed  map[string]*Wire
	between    map[[2]string]*Wire // the first of the wires between two nodes, both ways round
	connecting int
	changing   bool // nodes join, leave or are restarted
	failed     []error
	dead       []ipcp // of killed nodes
	deadShims  []Shim
}

// Build assembles the network of a scenario in a world. Nothing has happened in it yet: its layers come
// up when time passes.
func Build(w core.World, sc *scenarios.Scenario, g *topologies.Graph) (*Network, error) {
	return BuildPart(w, sc, g, nil)
}

// BuildPart assembles the network with shadows of the nodes that do not run in this part of it; nil stands for
// all of it.
func BuildPart(w core.World, sc *scenarios.Scenario, g *topologies.Graph, part *Part) (*Network, error) {
	n := &Network{
		World: w, Graph: g, scenario: sc, part: part,
		byName: map[string]*System{}, wireNamed: map[string]*Wire{}, between: map[[2]string]*Wire{},
	}
	for i, x := range g.Nodes {
		s := &System{Name: x.Name, Index: i, net: n}
		if err := s.start(w.Node(x.Name)); err != nil {
			return nil, err
		}
		n.Systems, n.byName[s.Name] = append(n.Systems, s), s
	}
	if err := n.vouch(); err != nil {
		return nil, err
	}
	if err := n.wire(sc); err != nil {
		return nil, err
	}
	for i := range sc.Layers {
		if err := n.layer(sc, &sc.Layers[i]); err != nil {
			return nil, fmt.Errorf("layer %s: %w", sc.Layers[i].Name, err)
		}
	}
	n.script(sc.Faults)
	for _, l := range n.Layers {
		for _, m := range l.members {
			m.begin()
		}
	}
	return n, nil
}

// script has the nodes that join a layer later stay out of it at the start.
func (n *Network) script(faults []scenarios.Fault) {
	inTime := slices.SortedStableFunc(slices.Values(faults), func(a, b scenarios.Fault) int { return cmp.Compare(a.At, b.At) })
	for i := range inTime {
		f := &inTime[i]
		n.changing = n.changing || f.Kill || f.Join != "" || f.Leave != ""
		l := n.Layer(f.Join + f.Leave) // one of them is empty
		if l == nil {
			continue
		}
		for _, m := range l.members {
			if !m.scripted && len(f.Node.Select([]string{m.Name()})) > 0 {
				m.scripted, m.wanted = true, f.Join == ""
			}
		}
	}
}

// System returns the node of that name, nil if there is none.
func (n *Network) System(name string) *System { return n.byName[name] }

// Wire returns the wire of that name, nil if there is none.
func (n *Network) Wire(name string) *Wire { return n.wireNamed[name] }

// Layer returns the layer of that name, nil if there is none.
func (n *Network) Layer(name string) *Layer {
	i := slices.IndexFunc(n.Layers, func(l *Layer) bool { return l.Name == name })
	if i < 0 {
		return nil
	}
	return n.Layers[i]
}

// Between returns the wire between two nodes, the first in the map if there are several, nil if there is
// none.
func (n *Network) Between(a, b string) *Wire { return n.between[[2]string{a, b}] }

// add takes a wire in.
func (n *Network) add(w *Wire) {
	n.Wires, n.wireNamed[w.Name] = append(n.Wires, w), w
	for _, k := range [][2]string{{w.A.Name, w.B.Name}, {w.B.Name, w.A.Name}} {
		if n.between[k] == nil {
			n.between[k] = w
		}
	}
}

// Connecting returns how many connections between members are still being made.
func (n *Network) Connecting() int { return n.connecting }

// Failed returns what is not as it should be: members of a layer that should be in it and are not, neighbours that
// could not connect and still are not connected, and the errors of coming up.
func (n *Network) Failed() []error {
	out := slices.Clone(n.failed)
	for _, l := range n.Layers {
		for _, m := range l.members {
			if m.wanted && m.state != inLayer && m.System.alive && m.here() {
				out = append(out, m.why())
			}
		}
		for _, p := range l.pairs {
			if err := p.why(); err != nil {
				out = append(out, err)
			}
		}
	}
	return out
}

// Close takes all members out of their layers, the topmost layer first, and has those of killed nodes give back
// the packets that they hold. What is on the wires still arrives.
func (n *Network) Close() {
	n.failed = n.Failed()
	for _, p := range n.dead {
		p.Leave()
	}
	for _, p := range n.deadShims {
		p.Abandon()
	}
	n.dead, n.deadShims = nil, nil
	for k := len(n.Layers) - 1; k >= 0; k-- {
		for _, m := range n.Layers[k].members {
			if !m.here() {
				continue
			}
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
	n.deadShims = append(n.deadShims, s.shims...)
	for _, m := range s.members {
		m.lost()
		n.dead = append(n.dead, m.ipcp)
	}
	for _, f := range s.killed {
		f()
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
	if err := s.start(env); err != nil {
		return err
	}
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
