package coretest

import (
	"slices"
	"testing"
	"time"

	"ouroboros/core"
)

// TestExec holds the rules of core.Exec and core.Timer.
func TestExec(t *testing.T, mk Make) {
	rules(t, mk, []rule{
		{"PostKeepsOrderPerHandle", postOrder},
		{"PostFromInsideRunsAfterTheCurrentCall", postInside},
		{"TimerFiresOnceNotBeforeItsDeadline", timerOnce},
		{"ZeroTimerFiresAfterTheCurrentCall", timerZero},
		{"ResetReplacesTheDeadline", resetReplaces},
		{"StopReportsWasArmed", stopReports},
		{"StopAtTheSameDeadlineWins", stopSameDeadline},
		{"ResetAtTheSameDeadlineWins", resetSameDeadline},
		{"StopInAPostAtTheDeadlineWins", stopInPost},
		{"TimerCanBeReArmedInItsCallback", timerPeriodic},
		{"TimersKeepTheirDeadlinesUnderRandomUse", timerModel},
		{"NowNeverGoesBack", nowMonotonic},
		{"KillVoidsTimersAndPosts", killVoids},
		{"ReviveGivesAFreshLife", reviveFresh},
		{"ReviveRefusesWhoIsNotDead", reviveRefuses},
		{"DeriveGivesPartsTheirOwnStreams", deriveStreams},
		{"StopEndsRunAfterTheCurrentCall", stopEndsRun},
	})
}

// postOrder posts through two handles of one node, from outside and from inside.
func postOrder(h *Harness) {
	env := h.Node("n")
	handles := [2]core.Env{env.Derive("a"), env.Derive("b")}
	const n = 200
	var got [2][]int
	post := func(from, to int) {
		for i := from; i < to; i++ {
			for k := range handles {
				handles[k].Post(func() { got[k] = append(got[k], i) })
			}
		}
	}
	post(0, n/2)
	env.Post(func() { post(n/2, n) })
	h.Until("all posts have run", func() bool { return len(got[0]) == n && len(got[1]) == n })
	for k := range got {
		if !slices.IsSorted(got[k]) {
			h.t.Errorf("handle %d: posts ran in the order %v", k, got[k])
		}
	}
}

func postInside(h *Harness) {
	env := h.Node("n")
	var order []string
	env.Post(func() {
		env.Post(func() {
			order = append(order, "inner")
			env.Post(func() { order = append(order, "innermost") })
		})
		order = append(order, "outer")
	})
	h.Until("three calls", func() bool { return len(order) == 3 })
	if !slices.Equal(order, []string{"outer", "inner", "innermost"}) {
		h.t.Errorf("calls ran in the order %v", order)
	}
}

func timerOnce(h *Harness) {
	env := h.Node("n")
	var due, fired core.Time
	count := 0
	tm := env.NewTimer(func() { fired, count = env.Now(), count+1 })
	h.Advance(2 * time.Millisecond)
	if count != 0 {
		h.t.Fatal("a timer that was never armed fired")
	}
	h.On(env, func() {
		due = env.Now().Add(3 * time.Millisecond)
		tm.Reset(3 * time.Millisecond)
	})
	h.Until("the timer fires", func() bool { return count > 0 })
	h.Advance(5 * time.Millisecond)
	if fired < due || count != 1 {
		h.t.Errorf("fired %d times, at %v, due at %v", count, fired, due)
	}
}

func timerZero(h *Harness) {
	env := h.Node("n")
	fired, inside := 0, false
	note := func() {
		fired++
		if inside {
			h.t.Error("a timer fired inside the call that armed it")
		}
	}
	zero, past := env.NewTimer(note), env.NewTimer(note)
	h.On(env, func() {
		inside = true
		zero.Reset(0)
		past.Reset(-time.Second)
		inside = false
	})
	h.Until("both timers fire", func() bool { return fired == 2 })
}

func resetReplaces(h *Harness) {
	env := h.Node("n")
	var due [2]core.Time
	var fired [2][]core.Time
	later := env.NewTimer(func() { fired[0] = append(fired[0], env.Now()) })
	sooner := env.NewTimer(func() { fired[1] = append(fired[1], env.Now()) })
	h.On(env, func() {
		later.Reset(2 * time.Millisecond)
		later.Reset(8 * time.Millisecond)
		due[0] = env.Now().Add(8 * time.Millisecond)
		sooner.Reset(time.Hour)
		sooner.Reset(2 * time.Millisecond)
		due[1] = env.Now().Add(2 * time.Millisecond)
	})
	h.Until("both timers fire", func() bool { return len(fired[0]) > 0 && len(fired[1]) > 0 })
	h.Advance(10 * time.Millisecond)
	for i, f := range fired {
		// The live clock moves on between Reset and the reading of due, so due is an upper bound there.
		if len(f) != 1 || f[0] < due[i].Add(-time.Millisecond) {
			h.t.Errorf("timer %d fired at %v, due at %v", i, f, due[i])
		}
	}
}

func stopReports(h *Harness) {
	env := h.Node("n")
	fired := 0
	tm := env.NewTimer(func() { fired++ })
	h.On(env, func() {
		if tm.Stop() {
			h.t.Error("Stop of a timer that was never armed reports that it was")
		}
		tm.Reset(2 * time.Millisecond)
		if !tm.Stop() {
			h.t.Error("Stop of an armed timer reports that it was not armed")
		}
		if tm.Stop() {
			h.t.Error("a second Stop reports that the timer was armed")
		}
	})
	h.Advance(5 * time.Millisecond)
	if fired != 0 {
		h.t.Errorf("fired %d times after Stop", fired)
	}
	h.On(env, func() { tm.Reset(0) })
	h.Until("the timer fires", func() bool { return fired == 1 })
	h.On(env, func() {
		if tm.Stop() {
			h.t.Error("Stop of a timer that has fired reports that it was armed")
		}
	})
}

// stopSameDeadline arms several timers for one instant; the first to fire stops the others.
func stopSameDeadline(h *Harness) {
	env := h.Node("n")
	for _, d := range []time.Duration{0, time.Millisecond} {
		timers := make([]core.Timer, 5)
		var fired []int
		for i := range timers {
			timers[i] = env.NewTimer(func() {
				fired = append(fired, i)
				for k, other := range timers {
					if other.Stop() == (k == i || len(fired) > 1) {
						h.t.Errorf("delay %v: timer %d: Stop of timer %d: wrong report", d, i, k)
					}
				}
			})
		}
		h.On(env, func() {
			for _, tm := range timers {
				tm.Reset(d)
			}
		})
		h.Until("a timer fires", func() bool { return len(fired) > 0 })
		h.Advance(3 * time.Millisecond)
		if len(fired) != 1 {
			h.t.Errorf("delay %v: timers %v fired; the first had stopped all others", d, fired)
		}
	}
}

// resetSameDeadline has the first of two timers push the other back at the instant both are due.
func resetSameDeadline(h *Harness) {
	env := h.Node("n")
	var timers [2]core.Timer
	var times [2][]core.Time
	var due core.Time
	for i := range timers {
		timers[i] = env.NewTimer(func() {
			if times[i] = append(times[i], env.Now()); len(times[1-i]) == 0 {
				due = env.Now().Add(4 * time.Millisecond)
				timers[1-i].Reset(4 * time.Millisecond)
			}
		})
	}
	h.On(env, func() { timers[0].Reset(0); timers[1].Reset(0) })
	h.Until("both timers fire", func() bool { return len(times[0]) > 0 && len(times[1]) > 0 })
	h.Advance(6 * time.Millisecond)
	last := max(times[0][0], times[1][0])
	if len(times[0]) != 1 || len(times[1]) != 1 || last < due {
		h.t.Errorf("fired at %v, the second was due at %v", times, due)
	}
}

// stopInPost stops a timer from a post at its deadline; it may have fired before, never after.
func stopInPost(h *Harness) {
	env := h.Node("n")
	other := env.Derive("other")
	for range 20 {
		fired, stopped := false, false
		tm := env.NewTimer(func() {
			fired = true
			if stopped {
				h.t.Error("fired after Stop had returned")
			}
		})
		h.On(env, func() {
			other.Post(func() {
				if was := tm.Stop(); was == fired {
					h.t.Errorf("Stop reports %v, fired is %v", was, fired)
				}
				stopped = true
			})
			tm.Reset(0)
		})
		h.Until("the post has run", func() bool { return stopped })
		h.Advance(0)
	}
}

func timerPeriodic(h *Harness) {
	env := h.Node("n")
	n := 0
	var tm core.Timer
	tm = env.NewTimer(func() {
		if n++; n < 10 {
			tm.Reset(100 * time.Microsecond)
		}
	})
	h.On(env, func() { tm.Reset(0) })
	h.Until("ten periods", func() bool { return n == 10 })
	h.Advance(2 * time.Millisecond)
	if n != 10 {
		h.t.Errorf("fired %d times, re-armed 9 times", n)
	}
}

// timerModel arms, re-arms and stops timers at random and keeps the books beside them.
func timerModel(h *Harness) {
	env := h.Node("n")
	type book struct {
		tm    core.Timer
		armed bool
		due   core.Time
	}
	books := make([]book, 30)
	for i := range books {
		b := &books[i]
		b.tm = env.NewTimer(func() {
			if !b.armed || env.Now() < b.due {
				h.t.Errorf("timer %d fired at %v: armed %v, due at %v", i, env.Now(), b.armed, b.due)
			}
			b.armed = false
		})
	}
	step := func() {
		for range 20 {
			b := &books[env.Rand.IntN(len(books))]
			if env.Rand.IntN(3) == 0 {
				if was := b.tm.Stop(); was != b.armed {
					h.t.Errorf("Stop reports %v, armed is %v", was, b.armed)
				}
				b.armed = false
				continue
			}
			d := time.Duration(env.Rand.IntN(int(2 * time.Millisecond)))
			b.armed, b.due = true, env.Now().Add(d)
			b.tm.Reset(d)
		}
	}
	for range 20 {
		h.On(env, step)
	}
	h.Until("every armed timer has fired", func() bool {
		return !slices.ContainsFunc(books, func(b book) bool { return b.armed })
	})
}

func nowMonotonic(h *Harness) {
	env := h.Node("n")
	part := env.Derive("part")
	last, looks := h.Now(), 0
	look := func() {
		for _, now := range []core.Time{env.Now(), part.Now(), h.Now()} {
			if now < last {
				h.t.Errorf("time went back from %v to %v", last, now)
			}
			last = now
		}
		looks++
	}
	var tm core.Timer
	tm = part.NewTimer(func() {
		look()
		env.Post(look)
		if looks < 100 {
			tm.Reset(time.Duration(looks%7) * 10 * time.Microsecond)
		}
	})
	h.On(env, func() { tm.Reset(0) })
	h.Until("100 looks at the clock", func() bool { look(); return looks >= 200 })
}

// killVoids kills a node with a timer, a post and a part's timer outstanding. Its neighbour lives on.
func killVoids(h *Harness) {
	dead, alive := h.Node("dead"), h.Node("alive")
	part := dead.Derive("part")
	lived, ticks := 0, 0
	note := func() { lived++ }
	t1, t2 := dead.NewTimer(note), part.NewTimer(note)
	tick := alive.NewTimer(func() { ticks++ })
	h.On(alive, func() {
		t1.Reset(time.Millisecond)
		t2.Reset(0)
		tick.Reset(2 * time.Millisecond)
		dead.Post(note)
		part.Post(note)
		h.Kill("dead")
		dead.Post(note)
		t1.Reset(0)
	})
	h.Until("the neighbour's timer fires", func() bool { return ticks > 0 })
	h.Advance(3 * time.Millisecond)
	if lived != 0 {
		h.t.Errorf("%d calls of a killed node ran", lived)
	}
	h.Kill("dead") // twice is harmless
	again := h.Node("dead")
	h.On(again, note)
	if lived != 1 {
		h.t.Error("a new node of the same name does not live")
	}
}

// reviveFresh revives a node twice. What the lives before have armed, posted and started stays void.
func reviveFresh(h *Harness) {
	env := h.Node("n")
	draws := map[uint64]string{env.Rand.Uint64(): env.Path}
	old, lived := 0, 0
	for life := range 2 {
		ghost := func() { old++ }
		part := env.Derive("part")
		armed, later := env.NewTimer(ghost), part.NewTimer(ghost)
		h.On(env, func() {
			armed.Reset(time.Millisecond)
			part.Post(ghost)
			h.Kill("n")
		})
		next, err := h.Revive("n")
		if err != nil {
			h.t.Fatalf("Revive: %v", err)
		}
		env.Post(ghost)
		h.Go(part, func(core.Blocker) { old++ })
		later.Reset(0)
		for _, e := range []core.Env{next, next.Derive("part")} {
			v := e.Rand.Uint64()
			if other, twice := draws[v]; twice {
				h.t.Errorf("%s and %s draw the same number", e.Path, other)
			}
			draws[v] = e.Path
		}
		env = next
		h.Go(env, func(b core.Blocker) { b.Sleep(0); lived++ })
		env.Derive("part").NewTimer(func() { lived++ }).Reset(0)
		h.Until("the new life has a timer and a program", func() bool { return lived == 2*life+2 })
	}
	h.Advance(3 * time.Millisecond)
	if old != 0 {
		h.t.Errorf("%d calls of an old life ran", old)
	}
	paths := map[string]bool{}
	for _, p := range draws {
		paths[p] = true
	}
	if len(paths) != len(draws) {
		h.t.Errorf("paths are not unique: %v", draws)
	}
}

func reviveRefuses(h *Harness) {
	h.Node("n")
	for _, name := range []string{"n", "nobody"} {
		if _, err := h.Revive(name); err == nil {
			h.t.Errorf("Revive(%q): no error", name)
		}
	}
	h.Kill("n")
	env := h.Node("n")
	if _, err := h.Revive("n"); err == nil {
		h.t.Error("a node was revived beside a new one of its name")
	}
	ran := false
	h.On(env, func() { ran = true })
	if !ran {
		h.t.Error("the new node does not live")
	}
}

// deriveStreams holds that a part's stream depends on the seed and its path alone.
func deriveStreams(h *Harness) {
	env := h.Node("n")
	draws := map[uint64]string{}
	for _, part := range []core.Env{env, env.Derive("x"), env.Derive("x"), env.Derive("y"), env.Derive("x").Derive("y")} {
		v := part.Rand.Uint64()
		if other, twice := draws[v]; twice {
			h.t.Errorf("%s and %s draw the same number", part.Path, other)
		}
		draws[v] = part.Path
	}
	paths := map[string]bool{}
	for _, p := range draws {
		paths[p] = true
	}
	if len(paths) != len(draws) {
		h.t.Errorf("paths are not unique: %v", draws)
	}
	ran := false
	h.On(env.Derive("z"), func() { ran = true })
	if !ran {
		h.t.Error("a post through a derived Env did not run")
	}
}

func stopEndsRun(h *Harness) {
	env := h.Node("n")
	after := false
	env.Post(func() {
		h.Stop()
		env.Post(func() { after = true })
	})
	if err := h.Run(h.Now().Add(time.Hour)); err != nil {
		h.t.Errorf("Run: %v", err)
	}
	if after {
		h.t.Error("a call ran after Stop")
	}
	if h.Now() >= core.Time(time.Hour) {
		h.t.Errorf("Run went on until %v", h.Now())
	}
}
