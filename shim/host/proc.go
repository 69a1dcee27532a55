package host

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// proc is a program that blocks. It has a goroutine, and either that or the actor runs, never both:
// control is handed over at Park and at the end. So the program may touch whatever belongs to the
// actor, and the same source is as free of races here as it is as a coroutine of the simulator.
type proc struct {
	*core.Parking
	h       handle
	program func(core.Blocker)
	resumed chan struct{} // actor to program: run on
	back    chan struct{} // program to actor: parked or ended
	fault   any           // the program has panicked with this

	started, running, ended bool
	killed                  bool
}

// Go starts a program on the actor of env. A program that panics has Run panic. While it computes, or
// blocks other than through b, the actor waits.
func (w *World) Go(env core.Env, program func(b core.Blocker)) {
	n := w.nodeOf(env)
	if n == nil {
		panic(fmt.Sprintf("host: Go: %q is no component of this world", env.Path))
	}
	p := &proc{
		h: handle{w.actor, n}, program: program,
		resumed: make(chan struct{}), back: make(chan struct{}),
	}
	p.Parking = core.NewParking(p.h, p.leave, p.resume)
	w.procs = append(w.procs, p)
	p.h.Post(p.resume)
}

// resume lets the program run until it parks or ends.
func (p *proc) resume() {
	if p.ended {
		return
	}
	p.running = true
	if p.started {
		p.resumed <- struct{}{}
	} else {
		p.started = true
		go p.main()
	}
	<-p.back
	p.running = false
	if p.fault != nil {
		panic(p.fault)
	}
}

// main is the goroutine of the program.
func (p *proc) main() {
	defer func() {
		if r := recover(); r != nil {
			p.fault = fmt.Sprintf("%v\n\n%s", r, debug.Stack())
		}
		p.ended = true
		p.back <- struct{}{}
	}()
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
	case !p.started:
		p.ended = true
	case !p.running:
		p.resume()
	}
}

// Now returns the time of the run.
func (p *proc) Now() clock.Time { return p.h.Now() }

// leave hands control to the actor until resume. In a program that is being killed it ends the
// goroutine instead, also when a deferred call of the program parks once more.
func (p *proc) leave() {
	if p.killed {
		runtime.Goexit()
	}
	p.back <- struct{}{}
	<-p.resumed
	if p.killed {
		runtime.Goexit()
	}
}

// Do runs fn: the program has the actor to itself while it runs.
func (p *proc) Do(fn func()) { fn() }
