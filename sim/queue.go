package sim

import (
	"math"
	"math/bits"
	"slices"
)

// event is an entry of the event queue: a value without pointers. At most one entry of an object is
// valid at a time, so (time, object id) is a total order and FIFO within an object is the object's
// own affair.
type event struct {
	at   int64  // ns
	id   uint64 // object id: node << 32 | counter within the node
	ref  uint32 // index in the table of its kind
	kind kind
}

// kind says which table ref points into.
type kind uint8

const (
	evLink  kind = iota // the head of a link's line arrives
	evTimer             // a timer expires
	evPost              // a posted function of an Exec handle is due
	evRoom              // a blocked link has room again
)

// before compares (at, id) as one number of 128 bits, without a branch; at is never negative.
func (e *event) before(o *event) bool {
	_, borrow := bits.Sub64(e.id, o.id, 0)
	_, borrow = bits.Sub64(uint64(e.at), uint64(o.at), borrow)
	return borrow != 0
}

// queue is the event queue: the earliest events stand sorted in near, the rest in a radix wheel.
//
//   - near is a short sorted array, cheapest for the few dozen events that a packet network of a few
//     nodes has pending; an insertion starts at the back, where it usually ends.
//   - heap takes events that belong before the horizon when near is full (thousands of events at one
//     instant), so that nothing is quadratic.
//   - the wheel keeps events behind the horizon in slots by the highest bit in which their time differs
//     from the base; a slot is sorted when its turn comes.
//
// All events with at ≤ horizon are in near or heap.
type queue struct {
	near    []event
	head    int
	heap    []event
	horizon int64
	now     int64 // time of the last event that was popped: none comes before
	wheel   wheel
}

// nearMax is how many events near holds before it spills; measured best from 16 to 24.
const nearMax = 24

func newQueue() *queue {
	return &queue{near: make([]event, 0, 4*nearMax), horizon: math.MaxInt64}
}

func (q *queue) len() int { return len(q.near) - q.head + len(q.heap) + q.wheel.n }

// push adds an event.
func (q *queue) push(e event) {
	if e.at > q.horizon {
		q.wheel.push(e)
		return
	}
	if len(q.near)-q.head >= nearMax && !q.spill(e.at) {
		q.heapPush(e)
		return
	}
	if e.at > q.horizon {
		q.wheel.push(e)
		return
	}
	q.insert(e)
}

// insert puts e into near, from the back.
func (q *queue) insert(e event) {
	if len(q.near) == cap(q.near) {
		q.near = q.near[:copy(q.near, q.near[q.head:])]
		q.head = 0
	}
	q.near = append(q.near, e)
	a := q.near
	i := len(a) - 1
	for ; i > q.head && e.before(&a[i-1]); i-- {
		a[i] = a[i-1]
	}
	a[i] = e
}

// spill moves the later half of near into the wheel and lowers the horizon between the halves, to make room
// for an event at the given time. It reports whether it did: events of one instant are never parted, and
// nothing can go before the base of a wheel in use.
func (q *queue) spill(at int64) bool {
	a := q.near[q.head:]
	mid := part(a)
	if mid == 0 && at >= a[0].at {
		return false
	}
	if q.wheel.n == 0 {
		q.wheel.base = q.now
	} else if a[mid].at <= q.wheel.base {
		return false
	}
	q.horizon = a[mid].at - 1
	for _, e := range a[mid:] {
		q.wheel.push(e)
	}
	q.near = q.near[:q.head+mid]
	q.sift()
	return true
}

// part returns where to part sorted events: between two instants, close to the middle. It returns 0 for
// events of one instant.
func part(a []event) int {
	mid := len(a) / 2
	for mid > 0 && a[mid-1].at == a[mid].at {
		mid--
	}
	if mid > 0 {
		return mid
	}
	for i := len(a) / 2; i < len(a); i++ {
		if a[i].at != a[0].at {
			return i
		}
	}
	return 0
}

// sift moves the events of the heap that the horizon leaves behind to the wheel.
func (q *queue) sift() {
	all := q.heap
	q.heap = q.heap[:0]
	for _, e := range all {
		if e.at > q.horizon {
			q.wheel.push(e)
		} else {
			q.heapPush(e) // overwrites only what has been read
		}
	}
}

// peek returns the earliest event, nil when there is none. The pointer is valid until the next call.
func (q *queue) peek() *event {
	if q.head == len(q.near) && len(q.heap) == 0 && !q.refill() {
		return nil
	}
	if len(q.heap) == 0 {
		return &q.near[q.head]
	}
	if q.head == len(q.near) || q.heap[0].before(&q.near[q.head]) {
		return &q.heap[0]
	}
	return &q.near[q.head]
}

// pop removes the event that peek returned.
func (q *queue) pop() {
	if len(q.heap) > 0 && (q.head == len(q.near) || q.heap[0].before(&q.near[q.head])) {
		q.now = q.heap[0].at
		q.heapPop()
		return
	}
	q.now = q.near[q.head].at
	q.head++
	if q.head == len(q.near) {
		q.near, q.head = q.near[:0], 0
	}
}

// refill takes the next slot of the wheel into near.
func (q *queue) refill() bool {
	if q.wheel.n == 0 {
		q.horizon = math.MaxInt64
		return false
	}
	q.near, q.horizon = q.wheel.take(q.near[:0])
	q.head = 0
	if q.wheel.n == 0 && len(q.near) < nearMax {
		q.horizon = math.MaxInt64
	}
	return true
}

func (q *queue) heapPush(e event) {
	q.heap = append(q.heap, e)
	h := q.heap
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !e.before(&h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = e
}

func (q *queue) heapPop() {
	h := q.heap
	n := len(h) - 1
	e := h[n]
	h = h[:n]
	i := 0
	for {
		c := 4*i + 1
		if c >= n {
			break
		}
		least := c
		for k := c + 1; k < min(c+4, n); k++ {
			if h[k].before(&h[least]) {
				least = k
			}
		}
		if !h[least].before(&e) {
			break
		}
		h[i] = h[least]
		i = least
	}
	if n > 0 {
		h[i] = e
	}
	q.heap = h
}

// The wheel: an event stands on the level of the highest digit (of 6 bits) in which its time differs
// from the base. Taking the first slot of the lowest level advances the base; a slot of a higher level
// with more than sortMax events is spread over the levels below first. The base stands at the start of the
// slot that was taken last, so that events which come between there and the next slot have a place too.
const (
	digit  = 6
	slots  = 1 << digit
	levels = (63 + digit - 1) / digit
)

type wheel struct {
	base  int64
	n     int
	used  [levels]uint64 // bitmap of occupied slots
	slot  [levels][slots]*chunk
	spare *chunk
}

// chunk is a part of a slot. Slots are lists of chunks, the one that is being filled first, so that a slot
// that happens to hold many events leaves no memory behind that only it can use.
type chunk struct {
	next   *chunk
	n      int // events here
	behind int // events in the chunks behind
	ev     [chunkLen]event
}

const (
	chunkLen = 20 // makes a chunk half a KiB
	sortMax  = 24 // slots with more events are spread instead of sorted
)

func (w *wheel) push(e event) {
	l := 0
	if x := uint64(e.at ^ w.base); x != 0 {
		l = (63 - bits.LeadingZeros64(x)) / digit
	}
	s := uint64(e.at) >> (l * digit) & (slots - 1)
	c := w.slot[l][s]
	if c == nil || c.n == chunkLen {
		c = w.chunk(c)
		w.slot[l][s] = c
		w.used[l] |= 1 << s
	}
	c.ev[c.n] = e
	c.n++
	w.n++
}

// chunk returns an empty chunk in front of next.
func (w *wheel) chunk(next *chunk) *chunk {
	c := w.spare
	if c == nil {
		c = new(chunk)
	}
	w.spare = c.next
	c.next, c.n, c.behind = next, 0, 0
	if next != nil {
		c.behind = next.behind + next.n
	}
	return c
}

// drop takes the first chunk of a list back and returns the rest.
func (w *wheel) drop(c *chunk) *chunk {
	next := c.next
	c.next, w.spare = w.spare, c
	return next
}

// take moves the earliest slot, sorted, into dst and returns it with the last time that the slot
// covers. The wheel must not be empty.
func (w *wheel) take(dst []event) ([]event, int64) {
	for {
		l := 0
		for w.used[l] == 0 {
			l++
		}
		s := bits.TrailingZeros64(w.used[l])
		shift := l * digit
		c := w.slot[l][s]
		w.used[l] &^= 1 << s
		w.slot[l][s] = nil
		w.base = w.base>>(shift+digit)<<(shift+digit) | int64(s)<<shift
		if l == 0 || c.n+c.behind <= sortMax {
			for ; c != nil; c = w.drop(c) {
				dst = append(dst, c.ev[:c.n]...)
				w.n -= c.n
			}
			order(dst)
			return dst, w.base | (1<<shift - 1)
		}
		for ; c != nil; c = w.drop(c) {
			w.n -= c.n
			for i := range c.n {
				w.push(c.ev[i])
			}
		}
	}
}

// order sorts events. Most slots hold a few, for which insertion is fastest.
func order(a []event) {
	if len(a) > 16 {
		slices.SortFunc(a, func(a, b event) int {
			if a.before(&b) {
				return -1
			}
			return 1
		})
		return
	}
	for i := 1; i < len(a); i++ {
		e := a[i]
		k := i
		for ; k > 0 && e.before(&a[k-1]); k-- {
			a[k] = a[k-1]
		}
		a[k] = e
	}
}
