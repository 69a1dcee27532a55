package faults

import (
	"slices"

	"ouroboros/scenarios"
	"ouroboros/scenarios/node"
)

// holds are the faults that keep wires down and nodes killed. Faults may overlap: a wire is up again, and a
// node started again, only when the last of them has ended.
type holds struct {
	wires hold[*node.Wire]
	nodes hold[*node.System]
}

func newHolds() *holds { return &holds{wires: hold[*node.Wire]{}, nodes: hold[*node.System]{}} }

// hold has the faults in force on each wire or node.
type hold[T comparable] map[T][]*scenarios.Fault

func (h hold[T]) held(x T) bool { return len(h[x]) > 0 }

func (h hold[T]) begin(x T, f *scenarios.Fault) { h[x] = append(h[x], f) }

// end takes a fault away. It reports whether it was the last; one that was not in force is none.
func (h hold[T]) end(x T, f *scenarios.Fault) bool {
	i := slices.Index(h[x], f)
	if i < 0 {
		return false
	}
	h[x] = slices.Delete(h[x], i, i+1)
	return !h.held(x)
}

func (h *holds) down(wires []*node.Wire, f *scenarios.Fault) error {
	for _, w := range wires {
		h.wires.begin(w, f)
		w.SetUp(false)
	}
	return nil
}

func (h *holds) repair(wires []*node.Wire, f *scenarios.Fault) error {
	for _, w := range wires {
		if h.wires.end(w, f) {
			w.SetUp(true)
		}
	}
	return nil
}

// up ends all that holds the wires down, whatever its period.
func (h *holds) up(wires []*node.Wire) error {
	for _, w := range wires {
		delete(h.wires, w)
		w.SetUp(true)
	}
	return nil
}

func (h *holds) kill(n *node.Network, nodes []*node.System, f *scenarios.Fault) error {
	for _, s := range nodes {
		h.nodes.begin(s, f)
		n.Kill(s)
	}
	return nil
}

func (h *holds) restart(n *node.Network, nodes []*node.System, f *scenarios.Fault) error {
	for _, s := range nodes {
		if !h.nodes.end(s, f) {
			continue
		}
		if err := n.Revive(s); err != nil {
			return err
		}
	}
	return nil
}
