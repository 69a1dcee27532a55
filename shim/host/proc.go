package host

import (
	"fmt"
	"iter"
	"runtime/debug"
	"slices"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// proc is a program that blocks, as a coroutine of the actor: either it runs or the actor, never both, and
// the switch between them costs a tenth of a microsecond and wakes no thread. So the program may touch
// whatever belongs to the actor, and the same source is as free of races here as it is in the simulator.
type proc struct {
	*core.Parking
	h       handle
	program func(core.Blocker)
	next    func() (struct{}, bool) // nil until the program has started
	stop    func()
	yield   func(struct{}) bool
	fault   any // the program has panicked with this

	running, ended bool
	killed         bool
}

// killed unwinds a program whose node or world has ended.
type killed struct{}

// Go starts a program on the actor of env. A program that panics has Run panic. While it computes, or
// blocks other than through b, the actor waits. It must not be bound to its thread
// (runtime.LockOSThread) where it blocks through b.
func (w *World) Go(env core.Env, program func(b core.Blocker)) {
	n := w.nodeOf(env)
	if n == nil {
		panic(fmt.Sprintf("host: Go: %q is no component of this world", env.Path))
	}
	p := &proc{h: handle{w.actor, n}, program: program}
	p.Parking = core.NewParking(p.h, p.leave, p.resume)
	if len(w.procs) == cap(w.procs) {
		w.procs = slices.DeleteFunc(w.procs, func(p *proc) bool { return p.ended })
	}
	w.procs = append(w.procs, p)
	p.h.Post(p.resume)
}

// resume lets the program run until it parks or ends.
func (p *proc) resume() {
	if p.ended {
		return
	}
	if p.next == nil {
		// Here and not in Go, which may be called on a goroutine that is bound to a thread.
		p.next, p.stop = iter.Pull(p.main)
	}
	p.running = true
	p.next()
	p.returned()
}

// returned follows when the actor has control again.
func (p *proc) returned() {
	p.running = false
	if p.fault != nil {
		panic(p.fault)
	}
}

// main is the program.
func (p *proc) main(yield func(struct{}) bool) {
	defer func() {
		if r := recover(); r != nil && r != any(killed{}) {
			p.fault = fmt.Sprintf("%v\n\n%s", r, debug.Stack())
		}
		p.ended = true
	}()
	p.yield = yield
	p.program(p)
}

// kill ends the program where it stands; its deferred calls run. A program that kills its own node
// ends when it parks next.
func (p *proc) kill() {
	if p.ended {
		return
	}
	p.killed = true
	switch {
	case p.next == nil:
		p.ended = true
	case !p.running:
		p.running = true
		p.stop()
		p.returned()
	}
}

// Now returns the time of the run.
func (p *proc) Now() clock.Time { return p.h.Now() }

// leave hands control to the actor until resume. A program that is being killed does not come back, also
// when a deferred call of it parks once more.
func (p *proc) leave() {
	if p.killed || !p.yield(struct{}{}) {
		panic(killed{})
	}
}

// Do runs fn: the program has the actor to itself while it runs.
func (p *proc) Do(fn func()) { fn() }
