package sim

import (
	"time"

	"ouroboros/core/clock"
)

// exec is a handle on the actor of a node. Each component has its own; all run on the kernel.
type exec struct {
	k    *kernel
	node *node
	id   uint64

	posts []func() // FIFO: from head
	head  int
}

// newExec makes a handle for the next object of the node.
func (k *kernel) newExec(n *node) *exec {
	return &exec{k: k, node: n, id: n.nextID()}
}

// Now returns the simulated time.
func (x *exec) Now() clock.Time { return clock.Time(x.k.now) }

// Post runs fn at this instant, after the current call and the functions posted before.
func (x *exec) Post(fn func()) {
	if x.node.dead {
		return
	}
	if x.head == len(x.posts) {
		x.posts, x.head = x.posts[:0], 0
		x.k.schedule(x.k.time(), x.id, evPost, x.k.execs.put(x))
	}
	x.posts = append(x.posts, fn)
}

// turn runs the first posted function and comes back for the next.
func (x *exec) turn() {
	if x.node.dead || x.head == len(x.posts) {
		return
	}
	fn := x.posts[x.head]
	x.posts[x.head] = nil
	x.head++
	if x.head < len(x.posts) {
		x.k.schedule(x.k.time(), x.id, evPost, x.k.execs.put(x))
	}
	fn()
}

// NewTimer returns a stopped timer of this actor.
func (x *exec) NewTimer(fn func()) clock.Timer {
	return &timer{x: x, id: x.node.nextID(), fn: fn}
}

// timer has at most one valid event in the queue. Moving its deadline back costs nothing: the event
// fires early and enters itself again. Moving it forward enters a second event and voids the first.
type timer struct {
	x        *exec
	id       uint64
	fn       func()
	deadline int64
	eventAt  int64  // time of the valid event, when pending > 0
	slot     uint32 // in the kernel's table, while pending > 0
	pending  int32  // events in the queue, valid and void
	armed    bool
	valid    bool // an event at eventAt is in the queue
}

// Reset arms the timer.
func (t *timer) Reset(d time.Duration) {
	if t.x.node.dead {
		return
	}
	k := t.x.k
	t.deadline = k.now + max(int64(d), 0)
	t.armed = true
	if t.valid && t.eventAt <= t.deadline {
		return
	}
	t.enter(k)
}

// enter puts an event at the deadline into the queue and makes it the valid one.
func (t *timer) enter(k *kernel) {
	if t.pending == 0 {
		t.slot = k.timers.put(t)
	}
	t.pending++
	t.valid, t.eventAt = true, t.deadline
	k.schedule(clock.Time(t.deadline), t.id, evTimer, t.slot)
}

// Stop disarms the timer.
func (t *timer) Stop() bool {
	was := t.armed
	t.armed = false
	return was
}

// expire is the arrival of an event of this timer.
func (t *timer) expire(k *kernel, slot uint32, at int64) {
	t.pending--
	if t.pending == 0 {
		k.timers.drop(slot)
	}
	if !t.valid || at != t.eventAt {
		return
	}
	t.valid = false
	if !t.armed || t.x.node.dead {
		return
	}
	if t.deadline > at {
		t.enter(k)
		return
	}
	t.armed = false
	t.fn()
}
