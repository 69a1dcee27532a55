package frcp

import "ouroboros/core/clock"

// Sequence numbers are 32 bits and wrap (spec 10 §10.4).

// before reports whether a comes before b.
func before(a, b uint32) bool { return int32(a-b) < 0 }

// rebuildEdge returns the 32-bit window edge nearest to have whose low 24 bits are those received. It
// goes both ways, unlike the prototype's rule (spec 10 §10.19, D12).
func rebuildEdge(have, window uint32) uint32 {
	diff := int32((window-have)<<8) >> 8
	return have + uint32(diff)
}

// wholeSeconds returns t in whole seconds, in which inactivity is counted (spec 10 §10.6).
func wholeSeconds(t clock.Time) int64 { return int64(t) / 1e9 }
