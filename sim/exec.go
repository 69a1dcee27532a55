package sim

import (
	"time"

	"ouroboros/core/clock"
)

// exec is a handle on the actor of a node. Each component has its own; all run on the kernel.
type exec struct {
	k    *kernel
	node *node
	path string // of its component
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
	} else if len(x.posts) == cap(x.posts) && x.head > len(x.posts)/2 {
		// Actors that post for ever never empty the list: move it down instead of letting it grow.
		n := copy(x.posts, x.posts[x.head:])
		clear(x.posts[n:])
		x.posts, x.head = x.posts[:n], 0
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
	t := &timer{x: x, id: x.node.nextID(), fn: fn}
	t.entered = t.room[:0]
	return t
}

// timer enters an event into the queue only when none stands there that comes early enough. Moving the
// deadline back costs nothing: the event fires early and enters the timer again. Moving it forward enters
// an earlier event; the later one stays and serves a later deadline. So the events of a timer are a stack,
// the earliest on top, no two at one time, and a timer that is moved to and fro does not fill the queue.
type timer struct {
	x        *exec
	id       uint64
	fn       func()
	deadline clock.Time
	entered  []clock.Time // times of its events in the queue
	room     [2]clock.Time
	slot     uint32 // in the kernel's table, while an event is in the queue
	armed    bool
}

// Reset arms the timer.
func (t *timer) Reset(d time.Duration) {
	if t.x.node.dead {
		return
	}
	t.deadline = t.x.k.time().Add(max(d, 0))
	t.armed = true
	t.enter()
}

// enter sees to it that an event stands in the queue at the deadline or before.
func (t *timer) enter() {
	k, n := t.x.k, len(t.entered)
	if n > 0 && t.entered[n-1] <= t.deadline {
		return
	}
	if n == 0 {
		t.slot = k.timers.put(t)
	}
	t.entered = append(t.entered, t.deadline)
	k.schedule(t.deadline, t.id, evTimer, t.slot)
}

// Stop disarms the timer.
func (t *timer) Stop() bool {
	was := t.armed
	t.armed = false
	return was
}

// expire is the arrival of the earliest event of this timer.
func (t *timer) expire(k *kernel, at int64) {
	t.entered = t.entered[:len(t.entered)-1]
	if len(t.entered) == 0 {
		k.timers.drop(t.slot)
	}
	switch {
	case !t.armed || t.x.node.dead:
	case t.deadline > clock.Time(at):
		t.enter()
	default:
		t.armed = false
		t.fn()
	}
}
