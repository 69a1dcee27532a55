package host

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"ouroboros/core"
)

const (
	outletQueue = 1000             // packets that may wait for the kernel to take them
	outletRetry = time.Millisecond // until a packet for which nobody tells of room is tried again
)

// outlet is the way of a device to the kernel: packets of type T wait in it for the end of the turn, or for the kernel to
// have room again, and the user waits while too many do. What is written, and how, is the device's.
type outlet[T any] struct {
	w    *World
	node *node
	user core.LinkUser

	watcher *watch // of the socket; nil until it is open
	out     fifo[T]
	flusher output
	retry   *timer
	wakeup  func() // tell, bound once
	waits   uint64 // times that the kernel had no room for a packet, which waited
	waiting bool   // for the kernel to take more
	blocked bool   // the user waits for Writable
	waking  bool   // Writable is posted
}

// init has flush write what is in out: as far as the kernel takes it, unless waiting, and then call wake.
func (o *outlet[T]) init(w *World, owner *node, flush func()) {
	o.w, o.node = w, owner
	o.flusher.write = flush
	o.retry = w.newTimer(owner, o.writable)
	o.wakeup = o.tell
}

// Attach sets the user.
func (o *outlet[T]) Attach(u core.LinkUser) { o.user = u }

// Queued returns how many packets wait for the kernel to take them. While it takes what it is given, the packets
// of the present turn are not on a queue: they go out together at its end. Congestion policies would take them for
// one (spec 06: 16 packets that wait are a mark), and slow down senders of bursts on an idle device.
func (o *outlet[T]) Queued() int {
	if !o.waiting {
		return 0
	}
	return o.out.n
}

func (o *outlet[T]) owner() *node { return o.node }

func (o *outlet[T]) release() { o.user = nil }

// full reports whether no more packet is taken now. The user is woken when one is.
func (o *outlet[T]) full() bool {
	if o.out.n < outletQueue {
		return false
	}
	o.blocked = true
	return true
}

// put takes a packet, which is written at the end of the turn, or with those of a whole batch.
func (o *outlet[T]) put(v T, batch int) {
	o.out.push(v)
	if o.waiting {
		return
	}
	o.w.touch(&o.flusher)
	if o.out.n%batch == 0 {
		o.flusher.write()
	}
}

// mustWait takes the error of the first packet in out and reports whether the kernel had no room. Writing goes on when
// it has.
func (o *outlet[T]) mustWait(err error) bool {
	switch {
	case errors.Is(err, unix.EAGAIN):
		o.waits++
		o.waiting = o.watcher.awaitRoom() == nil
	case errors.Is(err, unix.ENOBUFS):
		// A queue below the socket was full, which nobody tells the end of.
		o.waits++
		o.waiting = true
		o.retry.Reset(outletRetry)
	default:
		return false
	}
	return o.waiting
}

// writable goes on when the kernel takes packets again.
func (o *outlet[T]) writable() {
	o.waiting = false
	o.flusher.write()
}

// wake tells a blocked user that there is room again, in a call of its own.
func (o *outlet[T]) wake() {
	if o.blocked && !o.waking && o.out.n < outletQueue {
		o.waking = true
		o.w.post(o.node, o.wakeup)
	}
}

func (o *outlet[T]) tell() {
	o.waking = false
	if o.blocked && o.out.n < outletQueue {
		o.blocked = false
		if o.user != nil {
			o.user.Writable()
		}
	}
}

// close ends the waiting.
func (o *outlet[T]) close() {
	o.blocked = false
	o.retry.Stop()
	if o.watcher != nil {
		o.watcher.stop()
	}
}
