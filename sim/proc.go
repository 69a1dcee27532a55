package sim

import (
	"iter"
	"slices"
	"strconv"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// proc is a program that blocks, as a coroutine of its node's actor. It runs in calls of its own on
// the actor, from one suspension to the next.
type proc struct {
	*core.Parking
	x      *exec
	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	resume func()

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
	p.Parking = core.NewParking(p.x, p.leave, p.resume)
	n.procs = append(n.procs, p)
	p.x.Post(p.resume)
}

// Now returns the simulated time.
func (p *proc) Now() clock.Time { return p.x.Now() }

// Do runs fn: the program already runs on its actor.
func (p *proc) Do(fn func()) { fn() }

// leave gives the actor back until resume. A program whose node has ended does not come back.
func (p *proc) leave() {
	if p.ended || p.x.node.dead {
		panic(killed{})
	}
	if !p.yield(struct{}{}) {
		panic(killed{})
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
