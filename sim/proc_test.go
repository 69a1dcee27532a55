package sim

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// Sleep lasts exactly its time; a Wake that comes meanwhile, also at its last instant and from whichever
// side of the order, ends the next Park and no more than that (core.Blocker).
func TestSleepIsExactAndKeepsWakes(t *testing.T) {
	for _, at := range []time.Duration{1, 3, 10} {
		for _, who := range []string{"a", "z"} { // before and behind the sleeper in the order of an instant
			t.Run(fmt.Sprintf("%s at %d", who, at), func(t *testing.T) {
				w := New(1)
				first, env, last := w.Node("a"), w.Node("m"), w.Node("z")
				waker := map[string]core.Env{"a": first, "z": last}[who]
				var steps []clock.Time
				var b core.Blocker
				w.Go(env, func(blk core.Blocker) {
					b = blk
					b.Sleep(10)
					steps = append(steps, b.Now())
					b.Park() // ends by the Wake
					steps = append(steps, b.Now())
					b.Park() // nothing ends this one
					t.Error("one Wake ended two Parks")
				})
				waker.NewTimer(func() { b.Wake() }).Reset(at)
				_ = w.Run(1000)
				w.Close()
				if !slices.Equal(steps, []clock.Time{10, 10}) {
					t.Errorf("steps at %v", steps)
				}
			})
		}
	}
}

// Wakes that come before a Park do not add up (core.Blocker).
func TestWakesDoNotAddUp(t *testing.T) {
	w := New(1)
	env := w.Node("n")
	steps := 0
	var b core.Blocker
	w.Go(env, func(blk core.Blocker) {
		b = blk
		for {
			b.Park()
			steps++
		}
	})
	_ = w.Run(1)
	env.Post(func() { b.Wake(); b.Wake(); b.Wake() })
	_ = w.Run(2)
	if steps != 1 {
		t.Errorf("%d steps after three wakes at once", steps)
	}
	w.Close()
	if steps != 1 {
		t.Error("the program ran on when the world was closed")
	}
}

// A panic of a program goes through Run, so that a test or a run sees it.
func TestAPanicGoesThroughRun(t *testing.T) {
	w := New(1)
	w.Go(w.Node("n"), func(b core.Blocker) {
		b.Sleep(5)
		panic("boom")
	})
	defer func() {
		if r := recover(); r != "boom" || w.Now() != 5 {
			t.Errorf("recovered %v at %v", r, w.Now())
		}
		w.Close()
	}()
	_ = w.Run(10)
	t.Error("Run returned")
}

// Kill unwinds the programs of its node, in the order of their start; what they do while they unwind reaches
// nobody, and a program that kills its own node ends where it suspends next (core.World).
func TestKillUnwinds(t *testing.T) {
	w := New(1)
	env, other := w.Node("n"), w.Node("other")
	wi, err := w.Link(core.LinkSpec{Kind: core.LinkDirect}, env, other)
	if err != nil {
		t.Fatal(err)
	}
	link, _ := wi.Ends()
	var ends []string
	for _, name := range []string{"one", "two"} {
		w.Go(env, func(b core.Blocker) {
			defer func() {
				ends = append(ends, name)
				env.Post(func() { t.Error("a post of a killed node ran") })
				if err := link.Send(env.Pool.Get(0, 8), core.Addr{}); !errors.Is(err, core.ErrFlowDown) {
					t.Errorf("Send while unwinding: %v", err)
				}
				b.Wake()
				b.Park() // returns for the Wake
				b.Sleep(5)
				t.Error("a program of a killed node slept")
			}()
			b.Park()
		})
	}
	w.Go(env, func(b core.Blocker) {
		defer func() { ends = append(ends, "killer") }()
		b.Sleep(10)
		w.Kill("n")
		ends = append(ends, "after the kill")
		b.Sleep(1)
		t.Error("the killer ran on")
	})
	alive := false
	w.Go(other, func(b core.Blocker) { b.Sleep(20); alive = true })
	_ = w.Run(30)
	if want := []string{"one", "two", "after the kill", "killer"}; !slices.Equal(ends, want) {
		t.Errorf("ends %q, want %q", ends, want)
	}
	if !alive || w.Pool().Live() != 0 {
		t.Errorf("the other node lives: %v; %d packets are out", alive, w.Pool().Live())
	}
}

// BenchmarkParkWake is a round trip between the kernel and a program.
func BenchmarkParkWake(b *testing.B) {
	w := New(1)
	env := w.Node("n")
	w.Go(env, func(blk core.Blocker) {
		wake := blk.Wake
		for b.Loop() {
			env.Post(wake)
			blk.Park()
		}
		w.Stop()
	})
	b.ReportAllocs()
	_ = w.Run(clock.Never)
}
