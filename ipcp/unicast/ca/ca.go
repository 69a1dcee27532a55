// Package ca holds the congestion avoidance policies of a unicast layer (spec 06). One policy stands in
// each file; table.go lists them.
package ca

import (
	"time"

	"ouroboros/core"
)

// Avoidance is the congestion avoidance of one IPCP: it marks packets and makes the contexts of flows.
type Avoidance interface {
	// Mark returns the ECN byte of a packet that is about to be written to an N-1 flow in whose queue
	// queued packets wait before it (spec 06 §3). ecn is the byte it arrived with, 0 at the source.
	Mark(ecn uint8, queued int) uint8
	// NewFlow returns the context of one end of a flow that is made at now.
	NewFlow(now core.Time) Flow
}

// Unmarked is implemented by policies that can tell that their Mark leaves every ECN byte as it is. Nobody
// need count a queue for them.
type Unmarked interface {
	// Unmarked reports whether Mark returns ecn whatever the queue. The answer never changes.
	Unmarked() bool
}

// Flow is the congestion context of one end of a flow. Lengths are those of the SDU in bytes, without
// the header of the layer; they may be 0.
type Flow interface {
	// Send counts a packet that the flow is about to send and returns how long the flow has to pause
	// before it sends this packet: between 0 and 1 s (spec 06 §5.3). The packet is then sent without
	// another call.
	Send(now core.Time, n int) (wait time.Duration)
	// Recv counts a packet that arrived with the given ECN byte. With report set the receiver sends ece
	// to the other end in a flow update message, after it has delivered the packet (spec 06 §4).
	Recv(now core.Time, n int, ecn uint8) (report bool, ece uint16)
	// Report takes the level that the other end has reported (spec 06 §5.2).
	Report(now core.Time, ece uint16)
	// Snapshot returns the state for results and the management tree (spec 06 §7).
	Snapshot() Snapshot
}

// Snapshot is the state of a congestion context.
type Snapshot struct {
	Algorithm   string        // name for people: "None", "Multi-bit ECN"
	Rate        float64       // what the sender may send at most, in bytes per second; +Inf without limit
	Window      time.Duration // length of the current slot; 0 without slots
	Limit       int64         // bytes that may be sent in a slot
	Bytes       int64         // bytes counted in the current slot
	Packets     int64         // packets counted in the current slot
	Upstream    uint16        // last level reported by the other end
	UpPackets   uint32        // packets sent since that report
	Downstream  uint16        // level that this end reports
	DownPackets uint32        // congested packets received in this spell
	Regime      Regime
}

// Regime is what a sender does at the next slot.
type Regime uint8

// The regimes of spec 06 §7.
const (
	Unlimited Regime = iota
	SlowStart
	Decrease // multiplicative
	Increase // additive
)

// String returns the name as the prototype prints it.
func (r Regime) String() string {
	switch r {
	case SlowStart:
		return "slow start"
	case Decrease:
		return "multiplicative dec"
	case Increase:
		return "additive inc"
	default:
		return "unlimited"
	}
}
