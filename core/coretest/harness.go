// Package coretest is the conformance suite of the contracts in package core: the rules that every
// Exec, Link, Flow and Blocker of either world keeps. An implementation calls the suite from its tests:
//
//	func TestConformance(t *testing.T) {
//		coretest.TestWorld(t, func(t *testing.T) coretest.World { return sim.New(1) })
//	}
//
// The rules are written once, against a world whose time passes only in Run, and hold whether that time
// is simulated or real. So they never assert how long something takes, only what comes before what, and
// they wait for a condition with a generous deadline.
package coretest

import (
	"fmt"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// World is what the suite needs of a world: its contract, the time, the packets that are out, and an
// end. Close releases everything that the world itself holds.
type World interface {
	core.World
	Now() core.Time
	Pool() *pkt.Pool
	Close()
}

// Make returns a new, empty world for one test.
type Make func(t *testing.T) World

const (
	slice    = time.Millisecond // of time that passes between two looks at a condition
	patience = 10 * time.Second // until a condition that does not become true fails the test
)

// Harness drives a world through one test and watches the rules that hold throughout: no up-call on
// the stack of a down-call, and every packet released once.
type Harness struct {
	World
	t     *testing.T
	at    core.Time // time up to which the world has run
	down  int       // down-calls on the stack
	downs string    // the innermost of them
}

// New returns a harness for a test over w, which it closes at the end of the test.
func New(t *testing.T, w World) *Harness {
	t.Helper()
	t.Cleanup(w.Close)
	return &Harness{World: w, t: t, at: w.Now()}
}

// Advance lets d pass, and at least one turn.
func (h *Harness) Advance(d time.Duration) {
	h.t.Helper()
	h.at = max(h.at, h.Now()).Add(d)
	if err := h.Run(h.at); err != nil {
		h.t.Fatalf("Run: %v", err)
	}
}

// Until lets time pass until cond holds. It fails the test when that takes longer than any condition of
// this suite can.
func (h *Harness) Until(what string, cond func() bool) {
	h.t.Helper()
	for end := max(h.at, h.Now()).Add(patience); !cond(); {
		if h.at >= end {
			h.t.Fatalf("after %v still not: %s", patience, what)
		}
		h.Advance(slice)
	}
}

// Released waits until no packet is out.
func (h *Harness) Released() {
	h.t.Helper()
	h.Until("all packets released exactly once", func() bool { return h.Pool().Live() == 0 })
}

// Down makes a down-call: fn must not lead to an up-call on its stack.
func (h *Harness) Down(what string, fn func()) {
	outer := h.downs
	h.down++
	h.downs = what
	fn()
	h.down--
	h.downs = outer
}

// Up notes an up-call, and reports one on the stack of a down-call. done ends it: inside an up-call the
// user is free to make down-calls.
func (h *Harness) Up(what string) {
	if h.down > 0 {
		h.t.Errorf("%s was called on the stack of %s: a down-call must not make an up-call", what, h.downs)
	}
}

// On runs fn as a call on the actor of env and waits for it.
func (h *Harness) On(env core.Env, fn func()) {
	h.t.Helper()
	ran := false
	env.Post(func() {
		fn()
		ran = true
	})
	h.Until("a posted call runs", func() bool { return ran })
}

// Wire links two nodes and fails the test if that is refused.
func (h *Harness) Wire(spec core.LinkSpec, a, b core.Env) core.Wire {
	h.t.Helper()
	w, err := h.Link(spec, a, b)
	if err != nil {
		h.t.Fatalf("Link(%+v): %v", spec, err)
	}
	return w
}

// TestWorld holds every rule of an executor, a blocking program and the links of the given kinds.
func TestWorld(t *testing.T, mk Make, kinds ...core.LinkKind) {
	t.Run("exec", func(t *testing.T) { TestExec(t, mk) })
	t.Run("blocking", func(t *testing.T) { TestBlocking(t, mk) })
	for _, k := range kinds {
		t.Run(fmt.Sprintf("link-%d", k), func(t *testing.T) { TestLink(t, mk, k) })
	}
}

// rules runs the rules of a suite, each over a world of its own.
func rules(t *testing.T, mk Make, table []rule) {
	for _, r := range table {
		t.Run(r.name, func(t *testing.T) { r.hold(New(t, mk(t))) })
	}
}

// rule is one rule of a contract.
type rule struct {
	name string
	hold func(h *Harness)
}
