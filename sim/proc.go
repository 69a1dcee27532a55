package sim

import (
	"iter"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// proc is a program that blocks, as a coroutine of its node's actor. It runs in calls of its own on
// the actor, from one Park to the next.
type proc struct {
	node   *node
	x      *exec
	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	resume func()
	alarm  clock.Timer
	parked bool
	woken  bool
	rang   bool
	ended  bool
	self   bool // the program is running
}

// killed unwinds a program whose node has ended.
type killed struct{}

// Go starts a program on the actor of env.
func (w *World) Go(env core.Env, program func(b core.Blocker)) {
	n := w.nodes[nodeOf(env.Path)]
	p := &proc{node: n, x: w.k.newExec(n)}
	p.alarm = p.x.NewTimer(func() { p.rang = true; p.Wake() })
	p.next, p.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			p.ended = true
			if r := recover(); r != nil && r != any(killed{}) {
				panic(r)
			}
		}()
		p.yield = yield
		program(p)
	})
	p.resume = func() {
		if p.ended {
			return
		}
		p.self = true
		p.next()
		p.self = false
	}
	w.procs = append(w.procs, p)
	p.x.Post(p.resume)
}

// Now returns the simulated time.
func (p *proc) Now() clock.Time { return p.x.Now() }

// Park suspends the program until a Wake.
func (p *proc) Park() {
	if p.woken {
		p.woken = false
		return
	}
	p.parked = true
	if !p.yield(struct{}{}) {
		panic(killed{})
	}
}

// Wake ends a Park, this one or the next.
func (p *proc) Wake() {
	if !p.parked {
		p.woken = true
		return
	}
	p.parked = false
	p.x.Post(p.resume)
}

// Sleep suspends the program for d. Wakes that come meanwhile are kept for the next Park.
func (p *proc) Sleep(d time.Duration) {
	kept := p.woken
	p.woken, p.rang = false, false
	p.alarm.Reset(d)
	for !p.rang {
		p.Park()
		kept = kept || !p.rang
	}
	p.woken = kept
}

// Do runs fn: the program already runs on its actor.
func (p *proc) Do(fn func()) { fn() }

// kill ends the program where it stands.
func (p *proc) kill() {
	if p.ended || p.self {
		return
	}
	p.ended = true
	p.stop()
}
