package ouroboros

import (
	"sync"
	"time"

	"ouroboros/core"
)

// waiter is where one goroutine waits: a blocking call at a time. A program has one; a Stream that goroutines
// share has one for each direction.
type waiter struct {
	b     core.Blocker
	env   core.Env
	alarm core.Timer
	mu    sync.Mutex // of do
	step  func()     // w.look, bound once

	// The call in progress.
	try      func() bool
	deadline *core.Time // may be moved while the call waits, followed by signal
	result   outcome
	waiting  bool // parked until signal
}

// outcome is how a look at a blocking call ended.
type outcome uint8

const (
	over outcome = iota // the world or the node is gone: nobody looked
	pending
	done
	late
)

func newWaiter(env core.Env, b core.Blocker) *waiter {
	w := &waiter{b: b, env: env}
	w.step = w.look
	b.Do(func() { w.alarm = env.NewTimer(w.signal) })
	return w
}

// another returns a waiter for another goroutine, or w itself where the world runs one program at a time.
func (w *waiter) another() *waiter {
	if s, ok := w.b.(core.Shared); ok {
		return newWaiter(w.env, s.Another())
	}
	return w
}

// do runs fn on the actor; any goroutine may call it. It is for calls that do not wait, on a waiter where none
// does.
func (w *waiter) do(fn func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b.Do(fn)
}

// Canceler is a Blocker whose program can be told to end: what blocks returns core.ErrCanceled from then on.
// What does not block still works, so that the program can close what it has.
type Canceler interface {
	core.Blocker
	// Canceled reports whether the program shall end. Whoever changes that ends a Park of the program.
	Canceled() bool
}

// await blocks until try, which runs on the actor, returns true: then it returns nil. At the deadline it
// returns core.ErrTimedOut, and core.ErrCanceled when there is no actor any more. try runs at least once, also
// when the deadline has passed.
func (w *waiter) await(deadline *core.Time, try func() bool) error {
	w.try, w.deadline = try, deadline
	for {
		if c, ok := w.b.(Canceler); ok && c.Canceled() {
			return core.ErrCanceled
		}
		w.result = over
		w.b.Do(w.step)
		switch w.result {
		case done:
			return nil
		case late:
			return core.ErrTimedOut
		case over:
			return core.ErrCanceled
		}
		w.b.Park()
	}
}

// look is one look at the call in progress, on the actor.
func (w *waiter) look() {
	w.alarm.Stop()
	w.waiting = false
	now := w.env.Now()
	switch {
	case w.try():
		w.result = done
	case now >= *w.deadline:
		w.result = late
	default:
		w.result, w.waiting = pending, true
		if *w.deadline != Never {
			w.alarm.Reset(w.deadline.Sub(now))
		}
	}
}

// signal has the call in progress look again, from the actor.
func (w *waiter) signal() {
	if w.waiting {
		w.waiting = false
		w.b.Wake()
	}
}

// wallTime returns the time of the run at which the clock on the wall shows t, Never for the zero Time.
func wallTime(env core.Env, t time.Time) core.Time {
	if t.IsZero() {
		return Never
	}
	return env.Now().Add(t.Sub(time.Unix(0, env.Wall())))
}
