// Package shape holds the traffic shaping policies of a unicast layer: how a member keeps a flow to the
// bandwidth that it asked for. A policy sees lengths and the QoS of the flow, never content. One policy
// stands in each file; table.go lists them.
//
// The bound of shape and police holds where the flow allocator lets a packet go: over any interval of length
// t no more than burst + rate·t. A queue below, that of a full N-1 flow, may bunch packets again.
package shape

import (
	"time"

	"ouroboros/core"
)

// Shaper makes the shaping contexts of flows.
type Shaper interface {
	// NewFlow returns the context of the sending side of a flow that is made at now; nil if a flow of this
	// QoS is not shaped.
	NewFlow(now core.Time, q core.QoS) Flow
}

// Flow is the shaping context of one flow.
type Flow interface {
	// Send counts a packet of n bytes (the SDU, without the header of the layer) that is about to be sent.
	// It returns how long the packet waits before it goes, then without another call; with drop set it does
	// not go at all. Packets are asked about in the order in which they go.
	Send(now core.Time, n int) (wait time.Duration, drop bool)
}
