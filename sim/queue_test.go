package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The queue gives events in the total order (time, object id) of design §3, whatever the pattern of
// insertions, among them thousands of events at one instant.
func TestQueueKeepsTheTotalOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newQueue()
		var model []event
		now := int64(0)
		spread := rapid.SampledFrom([]int64{1, 3, 100, 1e5, 1e9, 1e14}).Draw(t, "spread")
		steps := rapid.IntRange(1, 400).Draw(t, "steps")
		id := uint64(0)
		for range steps {
			if rapid.Bool().Draw(t, "look") { // a look ahead does not close the time until the next event
				q.peek()
			}
			for range rapid.IntRange(0, 12).Draw(t, "push") {
				id++
				e := event{at: now + rapid.Int64Range(0, spread).Draw(t, "dt"), id: id * 0x9E3779B97F4A7C15}
				q.push(e)
				model = append(model, e)
			}
			for range rapid.IntRange(0, 12).Draw(t, "pop") {
				e := q.peek()
				if len(model) == 0 {
					if e != nil {
						t.Fatalf("event %v from an empty queue", *e)
					}
					break
				}
				least := 0
				for i := range model {
					if model[i].before(&model[least]) {
						least = i
					}
				}
				if e == nil || *e != model[least] {
					t.Fatalf("got %v, want %v", e, model[least])
				}
				now = e.at
				q.pop()
				model = slices.Delete(model, least, least+1)
			}
			if q.len() != len(model) {
				t.Fatalf("len %d, want %d", q.len(), len(model))
			}
		}
	})
}

// Ten thousand events at one instant come out in order, also those that are entered meanwhile.
func TestQueueOfOneInstant(t *testing.T) {
	q := newQueue()
	for i := range 10_000 {
		q.push(event{at: 5, id: uint64(i * 7919 % 10_000)})
	}
	var last *event
	n := 0
	for e := q.peek(); e != nil; e = q.peek() {
		ev := *e
		q.pop()
		if last != nil && !last.before(&ev) {
			t.Fatalf("%v after %v", ev, *last)
		}
		if n++; n <= 1000 {
			q.push(event{at: 5, id: 20_000 + uint64(n)})
		}
		last = &ev
	}
	if n != 11_000 {
		t.Fatalf("%d events, want 11000", n)
	}
}

// Many events at one far instant, such as a timer of every node, do not keep those before it out of the
// wheel: the heap is for events of the instant at hand (design §3).
func TestQueueFarInstantLeavesTheHeapEmpty(t *testing.T) {
	q := newQueue()
	for i := range 4 * nearMax {
		q.push(event{at: 15e9, id: uint64(i)})
	}
	for i := range 4 * nearMax {
		q.push(event{at: int64(i) * 1000, id: 1000 + uint64(i)})
	}
	for range 10_000 {
		e := *q.peek()
		q.pop()
		e.at += 4 * nearMax * 1000
		q.push(e)
		if len(q.heap) > 0 {
			t.Fatalf("%d events in the heap at %d ns", len(q.heap), e.at)
		}
	}
	if q.len() != 8*nearMax {
		t.Errorf("len %d, want %d", q.len(), 8*nearMax)
	}
}

// BenchmarkHold is the hold model: with a constant number of events pending, each that is executed
// enters one at an exponentially distributed distance.
func BenchmarkHold(b *testing.B) {
	for _, pending := range []int{10, 32, 1e3, 1e5, 1e6} {
		b.Run(fmt.Sprintf("pending=%d", pending), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			dist := make([]int64, 1<<14)
			for i := range dist {
				dist[i] = int64(rng.ExpFloat64() * 1e6)
			}
			q := newQueue()
			for i := range pending {
				q.push(event{at: dist[i&(len(dist)-1)], id: uint64(i)})
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				e := *q.peek()
				q.pop()
				e.at += dist[i&(len(dist)-1)]
				q.push(e)
			}
		})
	}
}
