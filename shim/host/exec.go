package host

import (
	"runtime"
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

// actor is one event loop: a mailbox, a timer heap, descriptors to watch, and the outputs to flush at the end
// of a turn.
type actor struct {
	epoch time.Time
	halt  atomic.Bool

	mu     sync.Mutex
	inbox  []item
	asleep bool

	// What follows belongs to the goroutine in run.
	poller *poller // nil until it is first needed
	work   []item  // the batch being run, from next
	next   int
	timers timerHeap
	armed  uint64 // timers armed so far
	turn   uint64 // turns taken so far
	dirty  []*output
	woken  bool // a goroutine that calls in was woken in this turn
}

func newActor() *actor { return &actor{epoch: time.Now()} }

// Now returns the monotonic time since the actor was made.
func (a *actor) Now() clock.Time { return clock.Time(time.Since(a.epoch)) }

// post puts a call into the mailbox. Any goroutine may call it.
func (a *actor) post(owner *node, fn func()) {
	a.mu.Lock()
	a.inbox = append(a.inbox, item{owner, fn})
	a.rouse()
}

// rouse ends the sleep of the actor. The caller has locked the mailbox, and rouse unlocks it.
func (a *actor) rouse() {
	sleeper := a.asleep
	a.asleep = false
	a.mu.Unlock()
	if sleeper {
		a.poller.ring()
	}
}

// stop ends run after the current call.
func (a *actor) stop() {
	a.halt.Store(true)
	a.mu.Lock()
	a.rouse()
}

// needPoller makes the poller if there is none.
func (a *actor) needPoller() (err error) {
	if a.poller == nil {
		a.poller, err = newPoller()
	}
	return err
}

// run takes turns until the given time or until stop. Calls that a stop leaves over are kept.
func (a *actor) run(until clock.Time) error {
	if err := a.needPoller(); err != nil {
		return err
	}
	for !a.halt.Load() {
		a.turn++
		if err := a.poll(until); err != nil {
			return err
		}
		now := a.Now()
		a.runPosts()
		a.fire(now)
		a.flush()
		if now >= until {
			return nil
		}
	}
	return nil
}

// poll serves the descriptors that are ready. When there is nothing else to do it waits: for one of them,
// a post, the next timer or the end of the run.
func (a *actor) poll(until clock.Time) error {
	idle, err := a.doze(until)
	if err != nil || !idle && len(a.poller.watches) == 0 {
		return err
	}
	events, err := a.poller.wait(idle)
	if idle {
		a.mu.Lock()
		a.asleep = false
		a.mu.Unlock()
	}
	if err != nil {
		return err
	}
	a.finish()
	return a.serve(events)
}

// doze prepares the actor for sleep if it has nothing to do, and reports whether it may sleep.
func (a *actor) doze(until clock.Time) (bool, error) {
	if len(a.dirty) > 0 || len(a.poller.unfinished) > 0 {
		return false, nil
	}
	if a.woken {
		// Let the goroutines run that this turn has woken: what they have to say is then in the mailbox, and
		// the thread is not put to sleep to be woken at once.
		a.woken = false
		runtime.Gosched()
	}
	if len(a.timers) > 0 {
		until = min(until, a.timers[0].deadline)
	}
	now := a.Now()
	if until <= now {
		return false, nil
	}
	if err := a.poller.setAlarm(now, until); err != nil {
		return false, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asleep = len(a.inbox) == 0 && a.next == len(a.work) && !a.halt.Load()
	return a.asleep, nil
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
