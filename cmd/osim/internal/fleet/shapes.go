package fleet

import (
	"ouroboros/core"
	"ouroboros/scenarios"
	"ouroboros/scenarios/node"
	"ouroboros/sim"
	"ouroboros/topologies"
)

// shape is what a site must know of the wires of a scenario.
type shape struct {
	name string
	a, b string
	spec core.LinkSpec
	shim string
}

// shapes returns the wires of a scenario as its layers use them.
func shapes(sc *scenarios.Scenario, g *topologies.Graph) (out []shape, err error) {
	w := sim.New(1)
	defer w.Close()
	none := func(string) bool { return false }
	n, err := node.BuildPart(w, sc, g, &node.Part{Here: none, Apps: none})
	if err != nil {
		return nil, err
	}
	for _, x := range n.Wires {
		out = append(out, shape{x.Name, x.A.Name, x.B.Name, x.Spec(0), x.Shim})
	}
	return out, nil
}
