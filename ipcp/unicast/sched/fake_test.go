package sched

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// makeScheduler returns a scheduler by its name in the table.
func makeScheduler(t testing.TB, name string, params map[string]any) Scheduler {
	t.Helper()
	c, err := Policies().Choose(name, params)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.New(core.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// queued is a packet as an oracle sees it.
type queued struct {
	p    *pkt.Buf
	cube int // the class by which it is treated
	size int // bytes
}

// oracle is a scheduler as its rule says it, without regard to cost: it picks from all packets that wait,
// which stand in the order of their arrival.
type oracle struct {
	waiting []queued
	full    func(waiting []queued, cube int) bool
	pick    func(waiting []queued) int
	shown   *pkt.Buf
}

func (o *oracle) push(p *pkt.Buf, cube int) bool {
	if o.full(o.waiting, cube) {
		return false
	}
	o.hold(p, cube)
	return true
}

func (o *oracle) hold(p *pkt.Buf, cube int) {
	o.waiting = append(o.waiting, queued{p, cube, p.Len()})
}

func (o *oracle) head() *pkt.Buf {
	if len(o.waiting) > 0 {
		o.shown = o.waiting[o.pick(o.waiting)].p
	}
	return o.shown
}

// next returns the packet that pop removes.
func (o *oracle) next() *pkt.Buf {
	if o.shown == nil {
		return o.head()
	}
	return o.shown
}

func (o *oracle) pop() *pkt.Buf {
	p := o.next()
	o.waiting = slices.DeleteFunc(o.waiting, func(q queued) bool { return q.p == p })
	o.shown = nil
	return p
}

// ofCube returns the packets of a cube in the order of their arrival.
func ofCube(waiting []queued, cube int) (out []queued) {
	for _, q := range waiting {
		if q.cube == cube {
			out = append(out, q)
		}
	}
	return out
}

// fullPerCube is the limit of the schedulers that have one for each cube.
func fullPerCube(limits perCube) func([]queued, int) bool {
	return func(waiting []queued, cube int) bool { return len(ofCube(waiting, cube)) >= limits[cube] }
}

// checkAgainst drives a scheduler and its oracle with the same packets of random cubes and lengths. It holds
// in passing that a scheduler is work conserving (a head is there while packets wait), that Pop removes the
// packet that was shown last, and that Drain gives back the rest.
func checkAgainst(rt *rapid.T, s Scheduler, o *oracle) {
	pool := pkt.NewPool()
	cubes := rapid.SampledFrom([]core.Cube{0, 0, 1, 2, 3, 255})
	sizes := rapid.SampledFrom([]int{0, 1, 40, 100, 576, 1500, 9000})
	for range rapid.IntRange(0, 120).Draw(rt, "steps") {
		switch op := rapid.IntRange(0, 7).Draw(rt, "op"); {
		case op < 4:
			p, cube := pool.GetPhantom(0, 0, sizes.Draw(rt, "size")), cubes.Draw(rt, "cube")
			if ordering, ok := s.(Ordering); ok && rapid.Bool().Draw(rt, "held") {
				ordering.Hold(0, p, cube)
				o.hold(p, int(class(cube)))
			} else if took, want := s.Push(0, p, cube), o.push(p, int(class(cube))); took != want {
				rt.Fatalf("push of cube %d with %d waiting: %v, want %v", cube, len(o.waiting), took, want)
			}
		case op == 4:
			if s.Head(0) != o.head() {
				rt.Fatal("another head than the rule says")
			}
		case len(o.waiting) > 0:
			if op == 5 {
				if s.Head(0) != o.head() {
					rt.Fatal("another head than the rule says")
				}
				o.shown.Truncate(0) // whoever has passed it on does not own it any more
			}
			if s.Pop(0) != o.pop() {
				rt.Fatal("another packet than the rule says")
			}
		}
		if s.Len() != len(o.waiting) {
			rt.Fatalf("length %d, want %d", s.Len(), len(o.waiting))
		}
	}
	for len(o.waiting) > 0 {
		p := s.Drain()
		i := slices.IndexFunc(o.waiting, func(q queued) bool { return q.p == p })
		if i < 0 {
			rt.Fatal("drained a packet that does not wait")
		}
		o.waiting = slices.Delete(o.waiting, i, i+1)
	}
	if s.Drain() != nil || s.Head(0) != nil || s.Len() != 0 {
		rt.Fatal("not empty after draining")
	}
}

// TestSchedulersDoNotAllocate: no allocation on the packet path in the steady state.
func TestSchedulersDoNotAllocate(t *testing.T) {
	for _, name := range Policies().Names() {
		s, p := makeScheduler(t, name, nil), pkt.NewPool().GetPhantom(0, 0, 1000)
		next := 0
		if n := testing.AllocsPerRun(100, func() {
			for range 20 {
				s.Push(0, p, core.Cube(next%4))
				next++
			}
			for s.Head(0) != nil {
				s.Pop(0)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations for 20 packets", name, n)
		}
	}
}

// TestPopFromAnEmptyQueuePanics: it is an error of the owner.
func TestPopFromAnEmptyQueuePanics(t *testing.T) {
	for _, name := range Policies().Names() {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			makeScheduler(t, name, nil).Pop(0)
		}()
	}
}

// BenchmarkScheduler is one packet in and out, while 30 others wait.
func BenchmarkScheduler(b *testing.B) {
	for _, name := range Policies().Names() {
		b.Run(name, func(b *testing.B) {
			s, pool := makeScheduler(b, name, nil), pkt.NewPool()
			for i := range 30 {
				s.Push(0, pool.GetPhantom(0, 0, 1000), core.Cube(i%3))
			}
			p, i := pool.GetPhantom(0, 0, 1000), 0
			b.ReportAllocs()
			for b.Loop() {
				s.Push(0, p, core.Cube(i%3))
				s.Head(0)
				p = s.Pop(0)
				i++
			}
		})
	}
}
