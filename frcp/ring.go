package frcp

import (
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

const minRing = 16 // slots of a ring when it is first used; a power of two

// fifo is a queue in a ring that doubles when it is full. It does not allocate once it has reached
// the size that a flow needs.
type fifo[T any] struct {
	buf  []T
	head int
	n    int
}

func (q *fifo[T]) len() int { return q.n }

func (q *fifo[T]) push(v T) {
	if q.n == len(q.buf) {
		next := make([]T, max(minRing, 2*len(q.buf)))
		for i := range q.n {
			next[i] = q.buf[(q.head+i)&(len(q.buf)-1)]
		}
		q.buf, q.head = next, 0
	}
	q.buf[(q.head+q.n)&(len(q.buf)-1)] = v
	q.n++
}

// peek returns the head of a queue that is not empty.
func (q *fifo[T]) peek() *T { return &q.buf[q.head] }

// pop removes the head of a queue that is not empty.
func (q *fifo[T]) pop() T {
	var zero T
	v := q.buf[q.head]
	q.buf[q.head] = zero
	q.head = (q.head + 1) & (len(q.buf) - 1)
	q.n--
	return v
}

// clear forgets the content.
func (q *fifo[T]) clear() { q.head, q.n = 0, 0 }

// drop forgets the content and the memory.
func (q *fifo[T]) drop() { *q = fifo[T]{} }

// sent is one packet that is not yet acknowledged.
type sent struct {
	first   clock.Time // first transmission: the packet is given up R later
	last    moment     // latest transmission
	due     clock.Time // RecoveryPrototype: when its timer expires
	waits   bool       // for its ack: there is a copy
	lost    bool       // waits in the queue of packets to send again
	resends uint8      // retransmissions, saturating

	// The private copy, with the PCI in front. A packet of few stored bytes is kept here: thousands may
	// wait for their acks, and a buffer for each would push the packets under way out of the cache.
	stored  uint8
	phantom int32
	p       *pkt.Buf // of a larger packet
	here    [keptHere]byte
}

// keptHere is how many stored bytes are kept without a buffer: the PCI and a short message, or the
// beginning of one whose payload is phantom.
const keptHere = 40

// keep takes a copy of a packet.
func (e *sent) keep(p *pkt.Buf) {
	e.waits = true
	if b := p.Front(); len(b) <= keptHere {
		e.stored, e.phantom = uint8(copy(e.here[:], b)), int32(p.Phantom())
		return
	}
	e.p = p.Clone()
}

// len returns the length of the copy in bytes.
func (e *sent) len() int {
	if e.p != nil {
		return e.p.Len()
	}
	return int(e.stored) + int(e.phantom)
}

// copy returns a copy of the packet with at least the given headroom.
func (e *sent) copy(pool *pkt.Pool, headroom int) *pkt.Buf {
	if e.p != nil {
		return e.p.Clone()
	}
	p := pool.GetCopy(headroom, e.here[:e.stored])
	p.AppendPhantom(int(e.phantom))
	return p
}

// forget drops the copy.
func (e *sent) forget() {
	if e.p != nil {
		e.p.Release()
		e.p = nil
	}
	e.first, e.last, e.due = 0, moment{}, 0
	e.waits, e.lost, e.resends = false, false, 0
}

// sendRing holds the packets from the left window edge to the next sequence number.
type sendRing []sent

func (r sendRing) at(s uint32) *sent { return &r[int(s)&(len(r)-1)] }

// reserve makes room for the packet hi when those from lo on are in use.
func (r *sendRing) reserve(lo, hi uint32) {
	n := int(hi - lo)
	if n < len(*r) {
		return
	}
	next := make(sendRing, max(minRing, 2*len(*r)))
	for s := lo; s != hi; s++ {
		*next.at(s) = *r.at(s)
	}
	*r = next
}

// recvRing holds packets that arrived out of order, by sequence number.
type recvRing []*pkt.Buf

func (r recvRing) at(s uint32) **pkt.Buf { return &r[int(s)&(len(r)-1)] }

// reserve makes room for packet hi when the lowest that can be in use is lo.
func (r *recvRing) reserve(lo, hi uint32) {
	n := int(hi - lo)
	if n < len(*r) {
		return
	}
	size := max(minRing, 2*len(*r))
	for size <= n {
		size *= 2
	}
	next := make(recvRing, size)
	for i := range *r {
		s := lo + uint32(i)
		*next.at(s) = *r.at(s)
	}
	*r = next
}
