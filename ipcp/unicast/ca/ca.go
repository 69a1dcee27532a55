// Package ca holds the congestion avoidance policies of a unicast layer (spec 06). One policy stands in
// each file; table.go lists them.
package ca

import (
	"time"

	"ouroboros/core"
)

// Avoidance is the congestion avoidance of one IPCP: it marks packets and makes the contexts of flows.
type Avoidance interface {
	// NewPort returns what marks the packets that leave by a new N-1 flow, nil if the policy never marks:
	// nobody need count queues for it then. rate is what the N-1 flow can carry in bit/s, 0 if that is
	// not known.
	NewPort(rate int64) Marker
	// NewFlow returns the context of one end of a flow that is made at now.
	NewFlow(now core.Time) Flow
}

// Marker writes what a policy has to say about one N-1 flow into the packets that leave by it.
type Marker interface {
	// Mark returns the ECN byte of a packet of n bytes, with header, that is about to be written to the
	// N-1 flow, in whose queue queued packets wait before it (spec 06 §3). ecn is the byte it arrived
	// with, 0 at the source. How the marks of several nodes combine is the policy's own: OR, the larger.
	Mark(now core.Time, ecn uint8, queued, n int) uint8
	// SetRate tells that the rate of the N-1 flow has changed, in bit/s, 0 if it is not known.
	SetRate(rate int64)
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
	// Rate returns what the sender may send at most, in bytes per second; 0 without limit.
	Rate() int64
	// Snapshot returns the state for results and the management tree (spec 06 §7).
	Snapshot() Snapshot
}

// Snapshot is the state of a congestion context. Levels are in the unit in which the policy reports.
type Snapshot struct {
	Algorithm   string        // name for people: "None", "Multi-bit ECN"
	Rate        float64       // what the sender may send at most, in bytes per second; +Inf without limit
	Window      time.Duration // length of the current slot, or of the feedback interval; 0 without either
	Limit       int64         // bytes that may be sent in a window
	Bytes       int64         // bytes counted in the current window
	Packets     int64         // packets counted in the current window
	Upstream    uint16        // last level reported by the other end
	UpPackets   uint32        // packets sent since that report
	Downstream  uint16        // level that this end reports, or has reported last
	DownPackets uint32        // packets that this level stands for
	Regime      Regime
}

// Regime is what a sender does to its rate next.
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
