package coretest

import (
	"slices"
	"testing"
	"time"

	"ouroboros/core"
)

// TestBlocking holds the rules of core.Blocker and World.Go.
func TestBlocking(t *testing.T, mk Make) {
	rules(t, mk, []rule{
		{"GoStartsAfterTheCurrentCall", goLater},
		{"WakeEndsAPark", wakeParks},
		{"AWakeThatCameFirstIsNotLost", wakeFirst},
		{"SleepLastsAndKeepsWakes", sleepKeeps},
		{"DoRunsOnTheActor", doRuns},
		{"ProgramsTakeTurns", pingPong},
		{"KillEndsAProgramWhereItStands", killProgram},
	})
}

func goLater(h *Harness) {
	env := h.Node("n")
	var order []string
	h.On(env, func() {
		h.Go(env, func(core.Blocker) { order = append(order, "program") })
		order = append(order, "call")
	})
	h.Until("the program has run", func() bool { return len(order) == 2 })
	if order[0] != "call" {
		h.t.Errorf("order %v", order)
	}
}

func wakeParks(h *Harness) {
	env := h.Node("n")
	var b core.Blocker
	steps := 0
	h.Go(env, func(blk core.Blocker) {
		b = blk
		for range 3 {
			b.Park()
			steps++
		}
	})
	h.Until("the program has started", func() bool { return b != nil })
	for want := range 3 {
		h.Advance(2 * time.Millisecond)
		if steps != want {
			h.t.Fatalf("%d steps after %d wakes", steps, want)
		}
		h.On(env, func() {
			h.Down("Wake", b.Wake)
			if steps != want {
				h.t.Error("the program ran on the stack of Wake")
			}
		})
		h.Until("the program has taken a step", func() bool { return steps > want })
	}
}

func wakeFirst(h *Harness) {
	env := h.Node("n")
	done := false
	h.Go(env, func(b core.Blocker) {
		b.Do(b.Wake)
		b.Do(b.Wake) // wakes do not add up
		b.Park()
		woken := false
		tm := env.NewTimer(func() { woken = true; b.Wake() })
		b.Do(func() { tm.Reset(2 * time.Millisecond) })
		b.Park()
		if !woken {
			h.t.Error("two wakes ended two parks")
		}
		done = true
	})
	h.Until("the program has ended", func() bool { return done })
}

// sleepKeeps wakes a sleeping program before the end of its sleep and at its very instant.
func sleepKeeps(h *Harness) {
	env := h.Node("n")
	for _, at := range []time.Duration{time.Millisecond, 4 * time.Millisecond} {
		var slept time.Duration
		var b core.Blocker
		done := false
		before := env.NewTimer(func() { b.Wake() }) // made before the timer of the sleep
		h.Go(env, func(blk core.Blocker) {
			b = blk
			start := b.Now()
			after := env.NewTimer(b.Wake)
			b.Do(func() { before.Reset(at) })
			b.Sleep(4 * time.Millisecond)
			b.Park()
			b.Do(func() { after.Reset(at) })
			b.Sleep(4 * time.Millisecond)
			slept = b.Now().Sub(start)
			b.Park() // ended by the wake of the timer
			b.Sleep(0)
			b.Sleep(-time.Second)
			done = true
		})
		h.Until("a wake during Sleep ends the Park after it", func() bool { return done })
		if slept < 4*time.Millisecond {
			h.t.Errorf("slept %v of 4ms, woken after %v", slept, at)
		}
	}
}

func doRuns(h *Harness) {
	env := h.Node("n")
	done := false
	h.Go(env, func(b core.Blocker) {
		sum := 0
		for i := range 10 {
			b.Do(func() { sum += i })
			if sum != i*(i+1)/2 {
				h.t.Errorf("Do returned before its function had run: sum %d", sum)
			}
		}
		done = true
	})
	h.Until("the program has ended", func() bool { return done })
}

// pingPong has two programs on one node and one on another hand a token around.
func pingPong(h *Harness) {
	a, b := h.Node("a"), h.Node("b")
	envs := []core.Env{a, a, b}
	blockers := make([]core.Blocker, len(envs))
	var order []int
	turn := 0
	const rounds = 30
	for i, env := range envs {
		h.Go(env, func(blk core.Blocker) {
			blockers[i] = blk
			for range rounds {
				for turn%len(envs) != i {
					blk.Park()
				}
				order = append(order, i)
				turn++
				if next := blockers[turn%len(envs)]; next != nil {
					envs[turn%len(envs)].Post(next.Wake)
				}
			}
		})
	}
	h.Until("all rounds", func() bool { return len(order) == rounds*len(envs) })
	for i, who := range order {
		if who != i%len(envs) {
			h.t.Fatalf("turns went %v", order[:i+1])
		}
	}
}

// killProgram kills a node with programs that park, sleep, have not started, and that make the kill.
func killProgram(h *Harness) {
	env := h.Node("n")
	var ends []string
	program := func(name string, wait func(b core.Blocker)) {
		h.Go(env, func(b core.Blocker) {
			defer func() { ends = append(ends, name) }()
			wait(b)
			h.t.Errorf("program %q ran on after its node was killed", name)
		})
	}
	program("park", core.Blocker.Park)
	program("sleep", func(b core.Blocker) { b.Sleep(time.Hour) })
	started := false
	program("park again", func(b core.Blocker) {
		defer b.Park() // a deferred call that blocks must not keep the program
		started = true
		b.Park()
	})
	h.Until("the programs have started", func() bool { return started })
	h.Advance(time.Millisecond)
	program("kills", func(b core.Blocker) {
		program("never started", func(core.Blocker) {})
		h.Kill("n")
		b.Park()
	})
	h.Advance(5 * time.Millisecond)
	// The program that killed its own node ends when it parks next, or with the world.
	others := slices.DeleteFunc(slices.Clone(ends), func(name string) bool { return name == "kills" })
	slices.Sort(others)
	if want := []string{"park", "park again", "sleep"}; !slices.Equal(others, want) {
		h.t.Errorf("programs unwound by Kill: %q, want %q", others, want)
	}
	h.Close()
	if !slices.Contains(ends, "kills") {
		h.t.Error("the program that killed its own node was not unwound")
	}
}
