package sched

import (
	"testing"

	"pgregory.net/rapid"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

func newFIFO(t testing.TB, params map[string]any) Scheduler {
	c, err := Policies().Choose("fifo", params)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.New(core.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFIFOKeepsOrderOfArrival: spec 02 §8.1, across cubes, up to its limit, against a slice.
func TestFIFOKeepsOrderOfArrival(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(0, 40).Draw(rt, "limit")
		s := newFIFO(t, map[string]any{"limit": limit})
		var model []*pkt.Buf
		for range rapid.IntRange(0, 200).Draw(rt, "steps") {
			if rapid.IntRange(0, 2).Draw(rt, "push") > 0 {
				p := new(pkt.Buf)
				took := s.Push(0, p, core.Cube(rapid.IntRange(0, 2).Draw(rt, "cube")))
				if took != (len(model) < limit) {
					rt.Fatalf("push with %d of %d waiting: %v", len(model), limit, took)
				}
				if took {
					model = append(model, p)
				}
			} else if len(model) > 0 {
				if head, p := s.Head(0), s.Pop(0); p != model[0] || head != p {
					rt.Fatal("another packet than the oldest")
				}
				model = model[1:]
			}
			if s.Len() != len(model) || (s.Head(0) == nil) != (len(model) == 0) {
				rt.Fatalf("length %d, want %d", s.Len(), len(model))
			}
		}
		for _, want := range model {
			if s.Drain() != want {
				rt.Fatal("another packet than the oldest")
			}
		}
		if s.Drain() != nil {
			rt.Fatal("not empty after draining, or a lookahead")
		}
	})
}

// TestFIFOLimitIsChecked: the default is the ring of the prototype (spec 06 §9).
func TestFIFOLimitIsChecked(t *testing.T) {
	s := newFIFO(t, nil)
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

func BenchmarkFIFO(b *testing.B) {
	s := newFIFO(b, nil)
	p := new(pkt.Buf)
	b.ReportAllocs()
	for b.Loop() {
		s.Push(0, p, 0)
		s.Pop(0)
	}
}
