// Package faults carries out the faults of a scenario: wires that go down and up, nodes that end, and
// links that change during the run.
package faults

import (
	"fmt"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/scenarios"
	"ouroboros/scenarios/node"
)

// Event is something that happens to wires or nodes.
type Event struct {
	Name  string
	At    core.Time
	Wires []*node.Wire   // affected
	Nodes []*node.System // that end
	// Breaks tells that wires or nodes go down, Repairs that wires come up. A change of parameters is
	// neither.
	Breaks, Repairs bool
	Joins, Leaves   string // layer that nodes come into, or go out of
	do              func() error
	holds           *holds
}

// Down reports whether the wire is held down as things stand: by a fault on it, or since a node at one of its
// ends is killed.
func (e *Event) Down(w *node.Wire) bool {
	return e.holds.wires.held(w) || !w.A.Alive() || !w.B.Alive()
}

// Plan returns the events of a scenario in the order of their time.
func Plan(n *node.Network, faults []scenarios.Fault) ([]Event, error) {
	var out []Event
	o, h := overlays{}, newHolds()
	for i := range faults {
		ev, err := plan(n, &faults[i], o, h)
		if err != nil {
			return nil, fmt.Errorf("fault %q: %w", faults[i].Name, err)
		}
		for k := range ev {
			ev[k].holds = h
		}
		out = append(out, ev...)
	}
	slices.SortStableFunc(out, func(a, b Event) int {
		switch {
		case a.At < b.At:
			return -1
		case a.At > b.At:
			return 1
		}
		return 0
	})
	return out, nil
}

func plan(n *node.Network, f *scenarios.Fault, o overlays, h *holds) ([]Event, error) {
	wires, nodes := targets(n, f)
	if len(wires) == 0 && len(nodes) == 0 {
		return nil, fmt.Errorf("it names no link and no node of the network")
	}
	e := Event{Name: f.Name, At: core.Time(f.At), Wires: wires}
	switch {
	case f.Kill:
		e.Nodes, e.Breaks = nodes, true
		e.do = func() error { return h.kill(n, nodes, f) }
		again := func() error { return h.restart(n, nodes, f) }
		return withEnd(e, f.For, "restarted", Event{Nodes: nodes, Repairs: true, do: again}), nil
	case f.Join != "", f.Leave != "":
		e.Wires, e.Nodes, e.Joins, e.Leaves = nil, nodes, f.Join, f.Leave
		e.do = func() error { return membership(n, f, nodes) }
		return []Event{e}, nil
	case f.Down != nil:
		e.Breaks = true
		e.do = func() error { return h.down(wires, f) }
		again := func() error { return h.repair(wires, f) }
		return withEnd(e, *f.Down, "repaired", Event{Repairs: true, do: again}), nil
	case f.Up:
		e.Repairs = true
		e.do = func() error { return h.up(wires) }
		return []Event{e}, nil
	case f.Set != nil:
		return change(e, f, o), nil
	}
	return nil, fmt.Errorf("it does nothing: accepted is one of down, up, kill, join, leave, set")
}

// membership has nodes join or leave a layer.
func membership(n *node.Network, f *scenarios.Fault, nodes []*node.System) error {
	for _, s := range nodes {
		m := s.Member(f.Join + f.Leave) // one of them is empty
		if m == nil {
			return fmt.Errorf("layer %q: %s is none of its members", f.Join+f.Leave, s.Name)
		}
		do := m.Join
		if f.Leave != "" {
			do = m.Leave
		}
		if !s.Alive() { // it holds when the node is started again
			n.Note(do())
			continue
		}
		s.Env.Post(func() { n.Note(do()) })
	}
	return nil
}

// targets returns what a fault is about. A node stands for all its wires.
func targets(n *node.Network, f *scenarios.Fault) (wires []*node.Wire, nodes []*node.System) {
	var wireNames, nodeNames []string
	for _, w := range n.Wires {
		wireNames = append(wireNames, w.Name)
	}
	for _, s := range n.Systems {
		nodeNames = append(nodeNames, s.Name)
	}
	for _, name := range f.Link.Select(wireNames) {
		wires = append(wires, n.Wire(name))
	}
	for _, name := range f.Node.Select(nodeNames) {
		nodes = append(nodes, n.System(name))
	}
	for _, w := range n.Wires {
		if (slices.Contains(nodes, w.A) || slices.Contains(nodes, w.B)) && !slices.Contains(wires, w) {
			wires = append(wires, w)
		}
	}
	return wires, nodes
}

// withEnd adds the event that ends e after a period.
func withEnd(e Event, after scenarios.Period, what string, end Event) []Event {
	if after == scenarios.Forever {
		return []Event{e}
	}
	end.Name, end.Wires = e.Name+" "+what, e.Wires
	end.At = e.At.Add(time.Duration(after))
	return []Event{e, end}
}

// overlays holds for each wire what the changes in force make of it. Changes may overlap: each is laid
// over the specs that the wires had before the first of them, in the order in which they began, and what
// one has set is gone when it ends, whatever else began meanwhile.
type overlays map[*node.Wire]*overlay

type overlay struct {
	base  [2]core.LinkSpec
	rules []*scenarios.Fault
}

// begin puts a change in force on a wire, finish ends it.
func (o overlays) begin(w *node.Wire, f *scenarios.Fault) error {
	if o[w] == nil {
		o[w] = &overlay{base: [2]core.LinkSpec{w.Spec(0), w.Spec(1)}}
	}
	o[w].rules = append(o[w].rules, f)
	return o.apply(w, f)
}

func (o overlays) finish(w *node.Wire, f *scenarios.Fault) error {
	o[w].rules = slices.DeleteFunc(o[w].rules, func(x *scenarios.Fault) bool { return x == f })
	return o.apply(w, f)
}

// apply sets the directions of a wire that a change is about.
func (o overlays) apply(w *node.Wire, changed *scenarios.Fault) error {
	for _, d := range node.Directions(changed.Direction) {
		spec := o[w].base[d]
		for _, f := range o[w].rules {
			if slices.Contains(node.Directions(f.Direction), d) {
				spec = node.Apply(spec, *f.Set)
			}
		}
		if err := w.Set(d, spec); err != nil {
			return err
		}
	}
	return nil
}

// change sets new values on wires and, with a period, takes them back.
func change(e Event, f *scenarios.Fault, o overlays) []Event {
	each := func(do func(*node.Wire, *scenarios.Fault) error) func() error {
		return func() error {
			for _, w := range e.Wires {
				if err := do(w, f); err != nil {
					return err
				}
			}
			return nil
		}
	}
	e.do = each(o.begin)
	return withEnd(e, f.For, "ended", Event{do: each(o.finish)})
}

// Do carries an event out.
func (e *Event) Do() error {
	if err := e.do(); err != nil {
		return fmt.Errorf("fault %q: %w", e.Name, err)
	}
	return nil
}

// Kills reports whether the event ends a node, and Revives whether it starts it again.
func (e *Event) Kills(name string) bool { return e.Breaks && e.names(name) }

// Revives is the opposite of Kills.
func (e *Event) Revives(name string) bool { return e.Repairs && e.names(name) }

func (e *Event) names(name string) bool {
	return slices.ContainsFunc(e.Nodes, func(s *node.System) bool { return s.Name == name })
}

// Schedule has the events carried out at their time on env, an actor that no fault ends. before and after are
// called with each event right before and after it happens, failed with the error of one that could not.
func Schedule(env core.Env, events []Event, before, after func(*Event), failed func(error)) {
	for i := range events {
		e := &events[i]
		env.NewTimer(func() {
			before(e)
			if err := e.Do(); err != nil {
				failed(err)
			}
			after(e)
		}).Reset(e.At.Sub(env.Now()))
	}
}
