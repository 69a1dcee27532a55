package host

import (
	"sync"
	"sync/atomic"
	"time"

	"ouroboros/core/clock"
)

// item is a call in the mailbox. owner is the node that it is void with, nil for the world's own.
type item struct {
	owner *node
	fn    func()
}

// actor is one event loop: a mailbox, a timer heap, and the outputs to flush at the end of a turn.
type actor struct {
	epoch time.Time
	wake  chan struct{} // holds at most one token
	halt  atomic.Bool

	mu     sync.Mutex
	inbox  []item
	asleep bool

	// What follows belongs to the goroutine in run.
	work   []item // the batch being run, from next
	next   int
	timers timerHeap
	armed  uint64 // timers armed so far
	dirty  []*output
}

func newActor() *actor {
	return &actor{epoch: time.Now(), wake: make(chan struct{}, 1)}
}

// Now returns the monotonic time since the actor was made.
func (a *actor) Now() clock.Time { return clock.Time(time.Since(a.epoch)) }

// post puts a call into the mailbox. Any goroutine may call it.
func (a *actor) post(owner *node, fn func()) {
	a.mu.Lock()
	a.inbox = append(a.inbox, item{owner, fn})
	sleeper := a.asleep
	a.asleep = false
	a.mu.Unlock()
	if sleeper {
		a.rouse()
	}
}

// rouse ends the sleep of the actor, this one or the next.
func (a *actor) rouse() {
	select {
	case a.wake <- struct{}{}:
	default: // a token is there already
	}
}

// stop ends run after the current call.
func (a *actor) stop() {
	a.halt.Store(true)
	a.rouse()
}

// run takes turns until the given time or until stop. Calls that a stop leaves over are kept.
func (a *actor) run(until clock.Time) {
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for !a.halt.Load() {
		now := a.Now()
		a.runPosts()
		a.fire(now)
		a.flush()
		if now >= until {
			return
		}
		a.sleep(alarm, until)
	}
}

// runPosts runs one batch of the mailbox, or what a stop has left of the last.
func (a *actor) runPosts() {
	if a.next == len(a.work) {
		clear(a.work)
		a.mu.Lock()
		a.work, a.inbox = a.inbox, a.work[:0]
		a.mu.Unlock()
		a.next = 0
	}
	for a.next < len(a.work) && !a.halt.Load() {
		it := a.work[a.next]
		a.next++
		if it.owner == nil || !it.owner.dead {
			it.fn()
		}
	}
}

// fire runs the timers that were due at the start of the turn. One that is re-armed for the current
// instant waits for the next turn, so that posts are not starved.
func (a *actor) fire(now clock.Time) {
	for len(a.timers) > 0 && a.timers[0].deadline <= now && !a.halt.Load() {
		t := a.timers[0]
		a.timers.remove(t)
		if t.owner == nil || !t.owner.dead {
			t.fn()
		}
	}
}

// flush writes what the outputs have collected during the turn. What a write brings about, an output that
// becomes dirty meanwhile, belongs to the same turn.
func (a *actor) flush() {
	for i := 0; i < len(a.dirty); i++ {
		o := a.dirty[i]
		o.dirty = false
		o.write()
	}
	clear(a.dirty)
	a.dirty = a.dirty[:0]
}

// sleep waits for a post, the next timer or the end of the run.
func (a *actor) sleep(alarm *time.Timer, until clock.Time) {
	a.mu.Lock()
	if len(a.inbox) > 0 {
		a.mu.Unlock()
		return
	}
	a.asleep = true
	a.mu.Unlock()
	if len(a.timers) > 0 {
		until = min(until, a.timers[0].deadline)
	}
	if d := until.Sub(a.Now()); d > 0 {
		alarm.Reset(d)
		select {
		case <-a.wake:
		case <-alarm.C:
		}
	}
	a.mu.Lock()
	a.asleep = false
	a.mu.Unlock()
}

// handle is the Exec of one component. All handles share the mailbox of the actor, so that posts run
// in the order they were made, whatever handle they came through.
type handle struct {
	*actor
	owner *node
}

// Post runs fn after the current call. Any goroutine may call it.
func (h handle) Post(fn func()) { h.post(h.owner, fn) }

// NewTimer returns a stopped timer.
func (h handle) NewTimer(fn func()) clock.Timer { return h.newTimer(h.owner, fn) }
