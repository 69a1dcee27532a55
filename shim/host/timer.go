package host

import (
	"time"

	"ouroboros/core/clock"
)

// idle is the place of a timer that is not in the heap.
const idle = -1

// timer is an entry of its actor's heap while it is armed. Stop takes it out, so that a deadline that
// has been reached in this very turn does not fire any more.
type timer struct {
	a        *actor
	owner    *node
	fn       func()
	deadline clock.Time
	seq      uint64 // order among equal deadlines
	place    int
}

func (a *actor) newTimer(owner *node, fn func()) *timer {
	return &timer{a: a, owner: owner, fn: fn, place: idle}
}

// Reset arms the timer, replacing an earlier deadline.
func (t *timer) Reset(d time.Duration) {
	if t.owner != nil && t.owner.dead {
		return
	}
	t.Stop()
	t.deadline = t.a.Now().Add(max(d, 0))
	t.a.armed++
	t.seq = t.a.armed
	t.a.timers.insert(t)
}

// Stop disarms the timer.
func (t *timer) Stop() bool {
	if t.place == idle {
		return false
	}
	t.a.timers.remove(t)
	return true
}

// timerHeap is a binary heap by deadline, then by the order of arming.
type timerHeap []*timer

func (h timerHeap) less(i, j int) bool {
	if h[i].deadline != h[j].deadline {
		return h[i].deadline < h[j].deadline
	}
	return h[i].seq < h[j].seq
}

func (h timerHeap) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *timerHeap) insert(t *timer) {
	t.place = len(*h)
	*h = append(*h, t)
	h.up(t.place)
}

func (h *timerHeap) remove(t *timer) {
	i, last := t.place, len(*h)-1
	h.swap(i, last)
	(*h)[last] = nil
	*h = (*h)[:last]
	t.place = idle
	if i < last {
		h.down(i)
		h.up(i)
	}
}

func (h timerHeap) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.less(i, parent) {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h timerHeap) down(i int) {
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(h); c++ {
			if h.less(c, least) {
				least = c
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}
