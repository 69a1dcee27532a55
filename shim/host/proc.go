package host

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// proc is a program that blocks. It has a goroutine, and either that or the actor runs, never both:
// control is handed over at Park and at the end. So the program may touch whatever belongs to the
// actor, and the same source is as free of races here as it is as a coroutine of the simulator.
type proc struct {
	h       handle
	program func(core.Blocker)
	alarm   clock.Timer
	resumed chan struct{} // actor to program: run on
	back    chan struct{} // program to actor: parked or ended
	fault   any           // the program has panicked with this

	started, running, ended bool
	parked, asleep          bool
	woken, rang, killed     bool
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
	p.alarm = p.h.NewTimer(p.ring)
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

// Sleep suspends the program for d.
func (p *proc) Sleep(d time.Duration) {
	p.asleep, p.rang = true, false
	p.alarm.Reset(d)
	for !p.rang {
		p.suspend()
	}
	p.asleep = false
}

// ring is the end of a Sleep.
func (p *proc) ring() {
	p.rang = true
	p.proceed()
}

// suspend hands control to the actor until resume. In a program that is being killed it ends the
// goroutine instead, also when a deferred call of the program parks once more.
func (p *proc) suspend() {
	if p.killed {
		runtime.Goexit()
	}
	p.parked = true
	p.back <- struct{}{}
	<-p.resumed
	if p.killed {
		runtime.Goexit()
	}
}

// proceed has a suspended program run on in a call of its own.
func (p *proc) proceed() {
	if p.parked {
		p.parked = false
		p.h.Post(p.resume)
	}
}

// Do runs fn: the program has the actor to itself while it runs.
func (p *proc) Do(fn func()) { fn() }
