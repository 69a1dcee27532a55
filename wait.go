package ouroboros

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"ouroboros/core"
)

// waiter is where one goroutine waits: a blocking call at a time. A program has one. With a core.Shared Blocker
// every direction of a flow, every listener and every set has its own, so that goroutines share them.
type waiter struct {
	app *App
	b   core.Blocker
	// canceler is b if it can be told to end, else nil.
	canceler Canceler
	alarm    core.Timer
	step     func() // w.look, bound once

	call
	result  outcome
	waiting bool // parked until signal

	older, newer *waiter // in App.parked
}

// call is a blocking call in progress.
type call struct {
	try      func() bool
	deadline *core.Time     // may be moved while the call waits, followed by signal
	timeout  *time.Duration // of the call, from its start; nil or 0: none
	begun    bool
	limit    core.Time // that the timeout makes
}

// outcome is how a look at a blocking call ended.
type outcome uint8

const (
	over outcome = iota // the world or the node is gone: nobody looked
	pending
	done
	late
	interrupted
)

// newWaiter makes a waiter, on the actor.
func (a *App) newWaiter(b core.Blocker) *waiter {
	w := &waiter{app: a, b: b}
	w.canceler, _ = b.(Canceler)
	w.step = w.look
	w.alarm = a.env.NewTimer(w.signal)
	return w
}

// another returns a waiter for another goroutine, and that of the program where the world runs one at a time. It is
// called on the actor.
func (a *App) another() *waiter {
	if a.shared != nil {
		return a.newWaiter(a.shared.Another())
	}
	return a.main
}

// private returns a waiter for one call of any goroutine, nil when there is no actor any more.
func (a *App) private() (w *waiter) {
	if a.shared == nil {
		return a.main
	}
	b := a.shared.Another()
	b.Do(func() { w = a.newWaiter(b) })
	return w
}

// Canceler is a Blocker whose program can be told to end: what blocks returns core.ErrCanceled from then on.
// Other calls still work, so that the program can close what it has. Interrupt does the same to any App.
type Canceler interface {
	core.Blocker
	// Canceled reports whether the program shall end. Whoever changes that ends a Park of the program.
	Canceled() bool
}

// await blocks until try, which runs on the actor, returns true: then it returns nil. At the deadline, or when the
// timeout is over, it returns core.ErrTimedOut; and core.ErrCanceled when the App is interrupted or there is no actor
// any more. Otherwise try runs at least once, also when the deadline has passed.
func (w *waiter) await(deadline *core.Time, timeout *time.Duration, try func() bool) error {
	w.call = call{try: try, deadline: deadline, timeout: timeout}
	for {
		w.result = over
		w.b.Do(w.step)
		switch w.result {
		case done:
			return nil
		case late:
			return core.ErrTimedOut
		case over, interrupted:
			return core.ErrCanceled
		}
		w.b.Park()
	}
}

// awaitContext is await that also ends when ctx does, with its error and the one of package core that it stands for.
func (w *waiter) awaitContext(ctx context.Context, deadline *core.Time, try func() bool) error {
	if ctx.Done() == nil {
		return w.await(deadline, nil, try)
	}
	ready, canceled := false, false
	stop := context.AfterFunc(ctx, func() {
		w.app.env.Post(func() {
			canceled = true
			w.signal()
		})
	})
	defer stop()
	err := w.await(deadline, nil, func() bool {
		ready = ready || try()
		return ready || canceled
	})
	if err == nil && !ready {
		return contextError(ctx)
	}
	return err
}

// contextError says why ctx has ended.
func contextError(ctx context.Context) error {
	code := core.ErrCanceled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		code = core.ErrTimedOut
	}
	return fmt.Errorf("%w: %w", code, context.Cause(ctx))
}

// usable refuses a context that has ended, and one that may end while a program of a world waits: nothing would tell
// the simulator when that is.
func (a *App) usable(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return contextError(ctx)
	case ctx.Done() != nil && a.shared == nil:
		return fmt.Errorf("a context that can end is for goroutines (core.Shared), a program has WithTimeout and Interrupt: %w", core.ErrUnsupp)
	}
	return nil
}

// look is one look at the call in progress, on the actor.
func (w *waiter) look() {
	w.alarm.Stop()
	w.unpark()
	now := w.app.env.Now()
	if !w.begun {
		w.begun, w.limit = true, Never
		if w.timeout != nil && *w.timeout > 0 {
			w.limit = now.Add(*w.timeout)
		}
	}
	end := min(*w.deadline, w.limit)
	switch {
	case w.app.interrupted || w.canceler != nil && w.canceler.Canceled():
		w.result = interrupted // first: a program whose calls never have to wait must end too
	case w.try():
		w.result = done
	case now >= end:
		w.result = late
	default:
		w.result = pending
		w.park()
		if end != Never {
			w.alarm.Reset(end.Sub(now))
		}
	}
}

// signal has the call in progress look again, from the actor.
func (w *waiter) signal() {
	if w.waiting {
		w.unpark()
		w.b.Wake()
	}
}

// park puts the waiter among those that Interrupt wakes.
func (w *waiter) park() {
	w.waiting = true
	w.older, w.newer = w.app.parked, nil
	if w.older != nil {
		w.older.newer = w
	}
	w.app.parked = w
}

func (w *waiter) unpark() {
	if !w.waiting {
		return
	}
	w.waiting = false
	if w.newer != nil {
		w.newer.older = w.older
	} else {
		w.app.parked = w.older
	}
	if w.older != nil {
		w.older.newer = w.newer
	}
	w.older, w.newer = nil, nil
}

// gate is how any goroutine has something done on the actor that does not wait.
type gate struct {
	mu sync.Mutex
	b  core.Blocker
}

// gate returns a gate for another object. It may be called from anywhere.
func (a *App) gate() *gate {
	if a.shared != nil {
		return &gate{b: a.shared.Another()}
	}
	return a.all
}

// do runs fn on the actor.
func (g *gate) do(fn func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.b.Do(fn)
}

// wallTime returns the time of the run at which the clock on the wall shows t, Never for the zero Time.
func wallTime(env core.Env, t time.Time) core.Time {
	if t.IsZero() {
		return Never
	}
	return env.Now().Add(t.Sub(time.Unix(0, env.Wall())))
}
