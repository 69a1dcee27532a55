package sim

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// A timer fires exactly at its last deadline, once, however it was moved before; Stop and Reset at the
// instant of the deadline win if they come first (design §2, Timer). Every operation is an event of its
// own, on a handle before or behind the timers in the order of an instant.
func TestTimersAgreeWithAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := New(1)
		early := w.Node("early") // lower ids: its events come first at an instant
		env := w.Node("n")
		late := w.Node("late")
		const timers = 3
		var due [timers]clock.Time
		var tm [timers]core.Timer
		for i := range tm {
			due[i] = clock.Never
			tm[i] = env.NewTimer(func() {
				if env.Now() != due[i] {
					t.Fatalf("timer %d fires at %d, due at %d", i, env.Now(), due[i])
				}
				due[i] = clock.Never
				if i == 0 && env.Now()%3 == 0 { // armed again in its own callback
					tm[0].Reset(4)
					due[0] = env.Now() + 4
				}
			})
		}
		for range rapid.IntRange(1, 60).Draw(t, "ops") {
			at := rapid.Int64Range(0, 40).Draw(t, "at")
			i := rapid.IntRange(0, timers-1).Draw(t, "timer")
			d := time.Duration(rapid.Int64Range(-1, 25).Draw(t, "d"))
			stop := rapid.IntRange(0, 3).Draw(t, "op") == 0
			from := rapid.SampledFrom([]core.Env{early, late}).Draw(t, "from")
			op := from.NewTimer(func() {
				if stop {
					if was := tm[i].Stop(); was != (due[i] != clock.Never) {
						t.Fatalf("Stop of timer %d reports %v, due at %d", i, was, due[i])
					}
					due[i] = clock.Never
					return
				}
				tm[i].Reset(d)
				due[i] = from.Now().Add(max(d, 0))
			})
			op.Reset(time.Duration(at))
		}
		for now := clock.Time(0); now < 200; now++ {
			if err := w.Run(now); err != nil {
				t.Fatal(err)
			}
			for i, d := range due {
				if d <= now {
					t.Fatalf("at %d: timer %d has not fired, due at %d", now, i, d)
				}
			}
		}
		if n := w.Pending(); n != 0 {
			t.Fatalf("%d events are left", n)
		}
	})
}

// Simultaneous events run in the order of their objects' ids, whatever the order in which they were
// entered (design §3).
func TestOneInstantIsOrderedByObject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := New(1)
		var want, got []int
		var timers []core.Timer
		for i := range 12 {
			env := w.Node(string(rune('a' + i)))
			for k := range 2 {
				want = append(want, 2*i+k)
				timers = append(timers, env.NewTimer(func() { got = append(got, 2*i+k) }))
			}
		}
		for _, i := range rapid.Permutation(want).Draw(t, "order") {
			for _, d := range rapid.SliceOfN(rapid.Int64Range(1, 200), 0, 3).Draw(t, "moved by") {
				timers[i].Reset(time.Duration(d)) // history that must not show
			}
			timers[i].Reset(100)
		}
		_ = w.Run(300)
		if !slices.Equal(got, want) {
			t.Fatalf("order %v", got)
		}
	})
}

// A timer that goes to and fro between a near and a far deadline does not fill the queue.
func TestMovedTimersDoNotFillTheQueue(t *testing.T) {
	w := New(1)
	env := w.Node("n")
	far := 0
	tm := env.NewTimer(func() {})
	n := 0
	var tick core.Timer
	tick = env.NewTimer(func() {
		tm.Reset(time.Hour)
		tm.Reset(time.Microsecond)
		tm.Reset(time.Hour)
		if n++; n < 10_000 {
			tick.Reset(10 * time.Microsecond)
		}
		far = max(far, w.Pending())
	})
	tick.Reset(0)
	_ = w.Run(clock.Time(time.Second))
	if far > 4 {
		t.Errorf("up to %d events for two timers", far)
	}
	tm.Stop()
	_ = w.Run(clock.Time(2 * time.Hour))
	if w.Pending() != 0 {
		t.Errorf("%d events are left", w.Pending())
	}
}

// Slots of timers and posts are used again: many short-lived flows leave nothing behind.
func TestSlotsAreUsedAgain(t *testing.T) {
	w := New(1)
	env := w.Node("n")
	ran := 0
	for range 10_000 {
		x := w.k.newExec(w.nodeOf(env))
		tm := x.NewTimer(func() { ran++ })
		tm.Reset(5)
		stopped := x.NewTimer(func() { t.Error("a stopped timer fired") })
		stopped.Reset(3)
		stopped.Stop()
		x.Post(func() { ran++ })
		_ = w.Run(w.Now() + 6)
	}
	if ran != 20_000 {
		t.Errorf("%d calls", ran)
	}
	if n := len(w.k.timers.at); n > 4 {
		t.Errorf("%d slots for timers", n)
	}
	if n := len(w.k.execs.at); n > 2 {
		t.Errorf("%d slots for posts", n)
	}
}

// Programs that have ended are forgotten.
func TestEndedProgramsAreForgotten(t *testing.T) {
	w := New(1)
	env := w.Node("n")
	keep := false
	w.Go(env, func(b core.Blocker) { b.Park(); keep = true })
	for range 1000 {
		w.Go(env, func(b core.Blocker) { b.Sleep(1) })
		_ = w.Run(w.Now() + 10)
	}
	if n := len(w.nodeOf(env).procs); n > 3 {
		t.Errorf("%d programs are kept", n)
	}
	w.Kill("n")
	if keep {
		t.Error("the parked program ran on")
	}
}

// Two actors that always post before they are done never empty the list of posts; it does not grow.
func TestPostsForEverUseBoundedMemory(t *testing.T) {
	w := New(1)
	env := w.Node("n")
	n := 0
	var again func()
	again = func() {
		if n++; n < 100_000 {
			env.Post(again)
		}
	}
	for range 3 {
		env.Post(again)
	}
	_ = w.Run(1)
	if n < 100_000 {
		t.Fatalf("%d calls", n)
	}
	if c := cap(env.Exec.(*exec).posts); c > 64 {
		t.Errorf("room for %d posts was made for 3", c)
	}
}

// Posts of one handle keep their order, also while the list is moved down under them.
func TestPostsAreFIFO(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := New(1)
		env := w.Node("n")
		next, ran := 0, 0
		budget := 300
		var post func(n int)
		post = func(n int) {
			for range min(n, budget) {
				budget--
				id, more := next, rapid.IntRange(0, 2).Draw(t, "more")
				next++
				env.Post(func() {
					if id != ran {
						t.Fatalf("post %d runs after %d others", id, ran)
					}
					ran++
					post(more)
				})
			}
		}
		post(10)
		_ = w.Run(0)
		if ran != next {
			t.Fatalf("%d of %d ran", ran, next)
		}
	})
}

// A deadline beyond the end of time is never, not now.
func TestTheLongestTimerNeverFires(t *testing.T) {
	w := New(1)
	env := w.Node("n")
	_ = w.Run(10)
	tm := env.NewTimer(func() { t.Errorf("fired at %v", env.Now()) })
	tm.Reset(math.MaxInt64)
	_ = w.Run(clock.Never)
	if !tm.Stop() {
		t.Error("not armed")
	}
}

// Kill voids timers and posts of the node and its parts, takes its wires down, and leaves the name to a new
// node, which links and runs programs as any other (core.World).
func TestKillAndNameReuse(t *testing.T) {
	w := New(1)
	a, b := w.Node("a"), w.Node("b")
	part := b.Derive("part")
	wi, err := w.Link(core.LinkSpec{}, a, b)
	if err != nil {
		t.Fatal(err)
	}
	fail := func() { t.Error("a call of a killed node ran") }
	tm := part.NewTimer(fail)
	tm.Reset(10)
	part.Post(fail)
	w.Go(part, func(core.Blocker) { fail() })
	w.Kill("b")
	part.Post(fail)
	tm.Reset(5)
	w.Go(b, func(core.Blocker) { fail() })
	la, _ := wi.Ends()
	if err := la.Send(w.Pool().Get(0, 10), core.Addr{}); !errors.Is(err, core.ErrFlowDown) {
		t.Errorf("Send to a killed node: %v", err)
	}
	wi.SetUp(true)
	if err := la.Send(w.Pool().Get(0, 10), core.Addr{}); !errors.Is(err, core.ErrFlowDown) {
		t.Errorf("Send on a wire to a killed node that was to come up: %v", err)
	}
	_ = w.Run(20)
	if _, err := w.Link(core.LinkSpec{Name: "x"}, a, b); err == nil {
		t.Error("a killed node can be linked")
	}

	again := w.Node("b")
	if again.Path == b.Path || again.Rand.Uint64() == b.Rand.Uint64() {
		t.Error("the new node draws the numbers of the old one")
	}
	if _, err := w.Link(core.LinkSpec{}, a, again.Derive("part")); err != nil {
		t.Error(err)
	}
	lived := 0
	w.Go(again, func(b core.Blocker) { b.Sleep(5); lived++ })
	again.NewTimer(func() { lived++ }).Reset(5)
	_ = w.Run(40)
	if lived != 2 {
		t.Errorf("%d of 2 calls of the new node ran", lived)
	}
	if la.Info().Up {
		t.Error("the neighbour believes that the wire is up")
	}
	w.Close()
	if w.Pool().Live() != 0 {
		t.Errorf("%d packets are out", w.Pool().Live())
	}
}

// The Env of another world is refused.
func TestWorldsDoNotMix(t *testing.T) {
	w, other := New(1), New(1)
	a, b := w.Node("a"), other.Node("b")
	w.Node("b")
	if _, err := w.Link(core.LinkSpec{}, a, b); err == nil {
		t.Error("nodes of two worlds were linked")
	}
	defer func() {
		if recover() == nil {
			t.Error("a program was started on a node of another world")
		}
	}()
	w.Go(b, func(core.Blocker) {})
}

// The wall clock of a node is hardware: its offset outlives a restart (core.Env).
func TestReviveKeepsTheClock(t *testing.T) {
	w := New(1)
	w.Node("n")
	w.SetClock("n", -5)
	w.Kill("n")
	env, err := w.Revive("n")
	if err != nil || env.Wall() != Epoch-5 {
		t.Errorf("offset %d, want -5; error %v", env.Wall()-Epoch, err)
	}
}

// What is under way to a node when it is killed arrives at the user that its next life has attached by
// then; without one it is dropped and released (core.World.Revive).
func TestFramesInFlightReachTheNextLife(t *testing.T) {
	w := New(1)
	a := w.Node("a")
	wi, err := w.Link(core.LinkSpec{Delay: 10}, a, w.Node("b"))
	if err != nil {
		t.Fatal(err)
	}
	la, _ := wi.Ends()
	send := func() {
		if err := la.Send(w.Pool().Get(0, 10), core.Addr{}); err != nil {
			t.Error(err)
		}
	}
	restart := func() core.Link {
		w.Kill("b")
		if _, err := w.Revive("b"); err != nil {
			t.Fatal(err)
		}
		_, lb := wi.Ends()
		return lb
	}
	send()
	_ = w.Run(5)
	lb := restart()
	_ = w.Run(10)
	got := &sink{env: a}
	lb.Attach(got)
	send()
	_ = w.Run(15)
	lb = restart()
	next := &sink{env: a}
	lb.Attach(next)
	_ = w.Run(40)
	if len(got.at) != 0 || len(next.at) != 1 {
		t.Errorf("the second life received %d frames, the third %d; want 0 and 1", len(got.at), len(next.at))
	}
	if st := wi.Stats(0); st.DropDown != 1 || st.DeliveredPackets != 1 || w.Pool().Live() != 0 {
		t.Errorf("stats %+v, %d packets are out", st, w.Pool().Live())
	}
}

// TestArmed: the world names the component of each timer that is armed, and no other.
func TestArmed(t *testing.T) {
	w := New(1)
	env := w.Node("a").Derive("part")
	dead := w.Node("b")
	stopped, one := env.NewTimer(func() {}), env.NewTimer(func() {})
	stopped.Reset(time.Second)
	stopped.Stop()
	one.Reset(2 * time.Second)
	one.Reset(3 * time.Second)
	dead.NewTimer(func() {}).Reset(time.Second)
	w.Kill("b")
	var got []string
	w.Armed(func(path string, at clock.Time) { got = append(got, fmt.Sprint(path, " ", at)) })
	if len(got) != 1 || got[0] != "a/part 3s" {
		t.Errorf("armed: %q, want a/part at 3s", got)
	}
}
