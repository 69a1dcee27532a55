package sim

import (
	"iter"
	"slices"
	"strconv"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// proc is a program that blocks, as a coroutine of its node's actor. It runs in calls of its own on
// the actor, from one suspension to the next.
type proc struct {
	x      *exec
	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	resume func()
	alarm  clock.Timer

	waits   bool // suspended, and no resume is posted
	asleep  bool // in Sleep: a Wake is kept and does not end it
	woken   bool // a Wake came that no Park has used
	running bool
	ended   bool
}

// killed unwinds a program whose node has ended.
type killed struct{}

// Go starts a program on the actor of env. A panic of the program goes through Run.
func (w *World) Go(env core.Env, program func(b core.Blocker)) {
	n := w.nodeOf(env)
	if n == nil {
		panic("sim: Go: " + strconv.Quote(env.Path) + " is no component of this world")
	}
	if n.dead {
		return
	}
	p := &proc{x: w.k.newExec(n)}
	p.alarm = p.x.NewTimer(p.proceed)
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
		p.running = true
		p.next()
		p.running = false
		if p.ended {
			n.forget()
		}
	}
	n.procs = append(n.procs, p)
	p.x.Post(p.resume)
}

// Now returns the simulated time.
func (p *proc) Now() clock.Time { return p.x.Now() }

// Park suspends the program until a Wake.
func (p *proc) Park() {
	if !p.woken {
		p.suspend()
	}
	p.woken = false
}

// Wake ends a Park, this one or the next. It does not end a Sleep.
func (p *proc) Wake() {
	p.woken = true
	if !p.asleep {
		p.proceed()
	}
}

// Sleep suspends the program for d. A Wake that comes meanwhile is kept for the next Park.
func (p *proc) Sleep(d time.Duration) {
	p.asleep = true
	p.alarm.Reset(d)
	p.suspend()
	p.asleep = false
}

// Do runs fn: the program already runs on its actor.
func (p *proc) Do(fn func()) { fn() }

// suspend gives the actor back until proceed. A program whose node has ended does not come back.
func (p *proc) suspend() {
	if p.ended || p.x.node.dead {
		panic(killed{})
	}
	p.waits = true
	if !p.yield(struct{}{}) {
		panic(killed{})
	}
}

// proceed lets the program run on, in a call of its own.
func (p *proc) proceed() {
	if p.waits {
		p.waits = false
		p.x.Post(p.resume)
	}
}

// kill ends the program where it stands; one that kills its own node ends where it suspends next.
func (p *proc) kill() {
	if p.ended || p.running {
		return
	}
	p.ended = true
	p.stop()
}

// forget drops the programs that have ended, once they are the larger part.
func (n *node) forget() {
	n.gone++
	if 2*n.gone > len(n.procs) {
		n.procs = slices.DeleteFunc(n.procs, func(p *proc) bool { return p.ended })
		n.gone = 0
	}
}

// killProcs ends the programs of the node, in the order in which they were started.
func (n *node) killProcs() {
	procs := n.procs
	n.procs, n.gone = nil, 0
	for _, p := range procs {
		p.kill()
	}
}
