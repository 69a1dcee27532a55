// Package sim is the virtual world: a discrete-event kernel, simulated links, and blocking programs as
// coroutines. It implements core.World.
//
// A run is one kernel on one goroutine; there is no package state, so many runs live in one process.
// Simultaneous events are executed in the order of the ids of their objects, (node, counter within the
// node), and not of their history. The same seed gives the same run, bit for bit.
package sim

import (
	"fmt"
	"sync/atomic"

	"ouroboros/core/clock"
)

// kernel is the event loop: the queue, the clock and the tables that events refer to.
type kernel struct {
	now    int64
	q      *queue
	events uint64
	stop   atomic.Bool
	tap    Tap

	links  []*end
	execs  table[exec]
	timers table[timer]
}

func newKernel() *kernel { return &kernel{q: newQueue()} }

func (k *kernel) time() clock.Time { return clock.Time(k.now) }

// schedule enters an event of an object. The caller sees to it that the object knows which of its
// events is valid.
func (k *kernel) schedule(at clock.Time, id uint64, what kind, ref uint32) {
	k.q.push(event{at: int64(at), id: id, kind: what, ref: ref})
}

// run executes events until the given time, inclusive, or until stop is set. Time then stands at
// until, unless it was stopped.
func (k *kernel) run(until clock.Time) {
	for !k.stop.Load() {
		e := k.q.peek()
		if e == nil || e.at > int64(until) || e.at == int64(clock.Never) {
			k.now = max(k.now, int64(until))
			return
		}
		ev := *e
		k.q.pop()
		k.now = ev.at
		k.events++
		switch ev.kind {
		case evLink:
			k.links[ev.ref].arrive(clock.Time(ev.at))
		case evTimer:
			k.timers.at[ev.ref].expire(k, ev.at)
		case evPost:
			x := k.execs.at[ev.ref]
			k.execs.drop(ev.ref)
			x.turn()
		case evRoom:
			k.links[ev.ref].room(clock.Time(ev.at))
		default:
			panic(fmt.Sprintf("sim: event of kind %d", ev.kind))
		}
	}
}

// table holds the objects that events in the queue refer to, each for as long as one does.
type table[T any] struct {
	at   []*T
	free []uint32
}

func (t *table[T]) put(x *T) uint32 {
	if n := len(t.free); n > 0 {
		s := t.free[n-1]
		t.free = t.free[:n-1]
		t.at[s] = x
		return s
	}
	t.at = append(t.at, x)
	return uint32(len(t.at) - 1)
}

func (t *table[T]) drop(slot uint32) {
	t.at[slot] = nil
	t.free = append(t.free, slot)
}
