package host

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// TestPostFromOtherGoroutinesKeepsTheirOrder holds the promise of clock.Exec that Post may be called
// from outside the actor.
func TestPostFromOtherGoroutinesKeepsTheirOrder(t *testing.T) {
	w := New(1)
	defer w.Close()
	env := w.Node("n")
	const posters, each = 4, 500
	var got [posters][]int
	total := 0
	var wg sync.WaitGroup
	for i := range posters {
		h := env.Derive("poster")
		wg.Go(func() {
			for k := range each {
				h.Post(func() {
					got[i] = append(got[i], k)
					if total++; total == posters*each {
						w.Stop()
					}
				})
			}
		})
	}
	run(t, w, 10*time.Second)
	wg.Wait()
	for i := range got {
		if len(got[i]) != each || !slices.IsSorted(got[i]) {
			t.Errorf("poster %d: %d of %d calls ran, in order: %v", i, len(got[i]), each, slices.IsSorted(got[i]))
		}
	}
}

// run lets time pass and fails the test on an error.
func run(t testing.TB, w *World, d time.Duration) {
	t.Helper()
	if err := w.Run(w.Now().Add(d)); err != nil {
		t.Fatal(err)
	}
}

func TestStopFromAnotherGoroutineEndsASleepingRun(t *testing.T) {
	w := New(1)
	defer w.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		time.Sleep(5 * time.Millisecond)
		w.Stop()
	})
	if err := w.Run(clock.Never); err != nil || !w.Stopped() {
		t.Errorf("Run: %v, stopped %v", err, w.Stopped())
	}
	wg.Wait()
}

func TestRunRefusesTwoCallersAndAClosedWorld(t *testing.T) {
	w := New(1)
	w.Node("n").Post(func() {
		if err := w.Run(clock.Never); err == nil {
			t.Error("a Run inside Run is accepted")
		}
	})
	run(t, w, 0)
	w.Close()
	w.Close()
	if err := w.Run(0); err == nil {
		t.Error("Run after Close is accepted")
	}
}

// TestStopKeepsWhatItLeavesOver holds that a stopped actor loses no call.
func TestStopKeepsWhatItLeavesOver(t *testing.T) {
	a := newActor()
	var got []int
	for i := range 5 {
		a.post(nil, func() {
			got = append(got, i)
			if i == 2 {
				a.stop()
			}
		})
	}
	a.run(0)
	if !slices.Equal(got, []int{0, 1, 2}) {
		t.Fatalf("ran %v before the stop", got)
	}
	a.post(nil, func() { got = append(got, 5) })
	a.halt.Store(false)
	a.run(a.Now().Add(time.Millisecond))
	if !slices.Equal(got, []int{0, 1, 2, 3, 4, 5}) {
		t.Errorf("ran %v in all", got)
	}
}

// TestTimerHeapAgainstASortedList arms and stops timers at random and compares with a list.
func TestTimerHeapAgainstASortedList(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h timerHeap
	var list []*timer
	order := func(x, y *timer) int {
		if x.deadline != y.deadline {
			return int(x.deadline - y.deadline)
		}
		return int(x.seq) - int(y.seq)
	}
	for step := range 5000 {
		if len(list) == 0 || rng.IntN(5) < 3 {
			tm := &timer{deadline: clock.Time(rng.IntN(50)), seq: uint64(step), place: idle}
			h.insert(tm)
			list = append(list, tm)
			slices.SortFunc(list, order)
		} else {
			i := rng.IntN(len(list))
			h.remove(list[i])
			if list[i].place != idle {
				t.Fatal("a removed timer has a place")
			}
			list = slices.Delete(list, i, i+1)
		}
		if len(h) != len(list) || len(list) > 0 && h[0] != list[0] {
			t.Fatalf("step %d: %d timers in the heap, %d in the list, or another first", step, len(h), len(list))
		}
		for i, tm := range h {
			if tm.place != i {
				t.Fatalf("step %d: timer at %d says %d", step, i, tm.place)
			}
		}
	}
}

func TestAPanickingProgramPanicsInRun(t *testing.T) {
	w := New(1)
	defer w.Close()
	w.Go(w.Node("n"), func(core.Blocker) { panic("oh no") })
	defer func() {
		if s, _ := recover().(string); !strings.Contains(s, "oh no") || !strings.Contains(s, "exec_test.go") {
			t.Errorf("Run panics with %q, want the panic and its stack", s)
		}
	}()
	run(t, w, time.Second)
}

func TestAProgramNeedsANodeOfItsWorld(t *testing.T) {
	w, other := New(1), New(1)
	defer w.Close()
	defer other.Close()
	defer func() {
		if s, _ := recover().(string); !strings.Contains(s, `"n"`) {
			t.Errorf("Go panics with %q, want the path of the component", s)
		}
	}()
	w.Go(other.Node("n"), func(core.Blocker) {})
}

func TestCloseEndsProgramsThatWait(t *testing.T) {
	w := New(1)
	env := w.Node("n")
	ended := 0
	for _, wait := range []func(core.Blocker){core.Blocker.Park, func(b core.Blocker) { b.Sleep(time.Hour) }} {
		w.Go(env, func(b core.Blocker) {
			defer func() { ended++ }()
			wait(b)
		})
	}
	run(t, w, time.Millisecond)
	w.Close()
	if ended != 2 {
		t.Errorf("%d of 2 programs ended", ended)
	}
}

func TestTwoLiveNodesOfOneName(t *testing.T) {
	w := New(1)
	defer w.Close()
	w.Node("n")
	defer func() {
		if recover() == nil {
			t.Error("a second node of the same name is accepted")
		}
	}()
	w.Node("n")
}

func BenchmarkPost(b *testing.B) {
	b.ReportAllocs()
	w := New(1)
	defer w.Close()
	env := w.Node("n")
	var fn func()
	fn = func() {
		if b.Loop() {
			env.Post(fn)
		} else {
			w.Stop()
		}
	}
	env.Post(fn)
	run(b, w, time.Hour)
}

func BenchmarkTimerReset(b *testing.B) {
	b.ReportAllocs()
	w := New(1)
	defer w.Close()
	env := w.Node("n")
	timers := make([]clock.Timer, 1000)
	for i := range timers {
		timers[i] = env.NewTimer(func() {})
	}
	for i := 0; b.Loop(); i++ {
		timers[i%len(timers)].Reset(time.Hour)
	}
}

func BenchmarkParkWake(b *testing.B) {
	b.ReportAllocs()
	w := New(1)
	defer w.Close()
	env := w.Node("n")
	w.Go(env, func(blk core.Blocker) {
		wake := blk.Wake
		for b.Loop() {
			env.Post(wake)
			blk.Park()
		}
		w.Stop()
	})
	run(b, w, time.Hour)
}

// A program may be started by a goroutine that is bound to its thread, as one in another network namespace
// is, and killed by another.
func TestAProgramStartedOnABoundGoroutine(t *testing.T) {
	w := New(1)
	runtime.LockOSThread()
	env := w.Node("n")
	steps := 0
	w.Go(env, func(b core.Blocker) {
		defer func() { steps += 10 }()
		for {
			steps++
			b.Sleep(time.Millisecond)
		}
	})
	runtime.UnlockOSThread()
	for range 3 {
		var wg sync.WaitGroup
		wg.Go(func() { run(t, w, 3*time.Millisecond) })
		wg.Wait()
	}
	w.Close()
	if steps < 12 {
		t.Errorf("%d: the program ran less than twice, or its deferred calls did not run", steps)
	}
}
