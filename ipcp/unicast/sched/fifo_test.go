package sched

import (
	"testing"

	"pgregory.net/rapid"

	"ouroboros/core/pkt"
)

// TestFIFOKeepsOrderOfArrival: spec 02 §8.1, across cubes, up to its limit.
func TestFIFOKeepsOrderOfArrival(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(0, 40).Draw(rt, "limit")
		checkAgainst(rt, makeScheduler(t, "fifo", map[string]any{"limit": limit}), &oracle{
			full: func(waiting []queued, _ int) bool { return len(waiting) >= limit },
			pick: func([]queued) int { return 0 },
		})
	})
}

// TestFIFOLimitIsChecked: the default is the ring of the prototype (spec 06 §9).
func TestFIFOLimitIsChecked(t *testing.T) {
	s := makeScheduler(t, "fifo", nil)
	for range DefaultLimit {
		if !s.Push(0, new(pkt.Buf), 0) {
			t.Fatalf("full at %d", s.Len())
		}
	}
	if s.Push(0, new(pkt.Buf), 0) {
		t.Errorf("more than %d packets", DefaultLimit)
	}
	for _, limit := range []int{-1, maxLimit + 1} {
		if _, err := Policies().Choose("fifo", map[string]any{"limit": limit}); err == nil {
			t.Errorf("limit %d is accepted", limit)
		}
	}
}
