package ring

import (
	"testing"

	"pgregory.net/rapid"
)

// A ring behaves as a slice that is appended to and cut at the front, up to the limit of each push, which
// may change from one to the next.
func TestRingBehavesAsASlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Ring[int]
		var model []int
		for i := range rapid.IntRange(0, 300).Draw(t, "steps") {
			if rapid.IntRange(0, 4).Draw(t, "push") > 1 {
				limit := rapid.IntRange(-1, 60).Draw(t, "limit")
				took := r.Push(i, limit)
				if took != (len(model) < limit) {
					t.Fatalf("push with %d of %d waiting: %v", len(model), limit, took)
				}
				if took {
					model = append(model, i)
				}
			} else if len(model) > 0 {
				if front, v := r.Front(), r.Pop(); v != model[0] || front != v {
					t.Fatalf("front %d, popped %d, want %d", front, v, model[0])
				}
				model = model[1:]
			}
			if r.Len() != len(model) {
				t.Fatalf("length %d, want %d", r.Len(), len(model))
			}
		}
	})
}

// What has been popped is not kept from the garbage collector, and the memory is bounded by twice the
// longest queue.
func TestRingKeepsNothing(t *testing.T) {
	var r Ring[*int]
	for i := range 1000 {
		r.Push(new(int), 100)
		if i%3 == 0 {
			r.Pop()
		}
	}
	if len(r.buf) > 200 {
		t.Errorf("%d places for 100 values", len(r.buf))
	}
	for r.Len() > 0 {
		r.Pop()
	}
	for i, p := range r.buf {
		if p != nil {
			t.Fatalf("place %d still holds a value", i)
		}
	}
}

// An empty queue has no first value: to ask for it is an error of the caller.
func TestEmptyRingPanics(t *testing.T) {
	for name, f := range map[string]func(*Ring[int]){
		"pop":   func(r *Ring[int]) { r.Pop() },
		"front": func(r *Ring[int]) { r.Front() },
	} {
		for _, used := range []bool{false, true} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s, used %v: no panic", name, used)
					}
				}()
				var r Ring[int]
				if used {
					r.Push(1, 1)
					r.Pop()
				}
				f(&r)
			}()
		}
	}
}

// BenchmarkRing is one value in and out of a queue of 100.
func BenchmarkRing(b *testing.B) {
	var r Ring[*int]
	p := new(int)
	for range 100 {
		r.Push(p, 1000)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Push(p, 1000)
		p = r.Pop()
	}
}
