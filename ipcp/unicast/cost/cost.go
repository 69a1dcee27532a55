// Package cost holds the link cost policies of a unicast layer: what an adjacency costs in the metric of
// its routing policy. One policy stands in each file; table.go lists them.
package cost

import "ouroboros/core"

// Cost gives the cost of an adjacency.
type Cost interface {
	// Of returns the cost of a packet over an N-1 flow, 1 to 2^32-1. What the flow does not tell of itself
	// counts as if it did not matter.
	Of(f core.FlowInfo) uint32
}
