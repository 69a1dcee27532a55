// Package line is the model of one direction of a wire: a drop-tail queue, a transmitter of a given
// rate, a propagation delay, and impairments. It is a pure machine: it takes the time as an argument
// and tells when its next packet arrives. The simulator puts one event behind it, the live world one
// timer, so that loss, delay and rate are the same code in both.
//
// One event per packet. The departure of a packet is known when it is queued, because service is FIFO:
//
//	start  = max(now, departure of the packet before)
//	depart = start + size/rate          remainders below 1 ns are carried over a busy period
//	arrive = depart + delay + jitter    never before the packet ahead, unless held back (Reorder)
//
// A packet waits until its start; the queue at an instant is the packets whose start lies ahead, and is
// brought up to date lazily. All random draws are made when a packet is queued, in one order, so that a
// seed gives the same losses however the events interleave.
package line

import (
	"math/rand/v2"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
)

// DefaultQueue is the queue in packets of a link that names none.
const DefaultQueue = 1000

// cause says why a packet that is on the line will not be delivered.
type cause uint8

const (
	fine cause = iota
	lostRandom
	lostError
	lostDown
	lostQueue
)

// flight is a packet between the sender's queue and the receiver.
type flight struct {
	at     clock.Time // arrival
	start  clock.Time // start of service
	depart clock.Time // end of service
	extra  clock.Time // jitter and hold, beside the propagation delay
	p      *pkt.Buf
	ord    uint32 // order of service; a duplicate has that of its original
	peer   uint16 // of its address, 0 = none
	fate   cause
	mark   mark
}

// mark says what else is special about a flight. It is a byte of bits so that a flight has no room to spare.
type mark uint8

const (
	held mark = 1 << iota // may be overtaken
	twin                  // a duplicate: it is not served itself
)

// waiter is a packet that waits for service, for the count of the queue only.
type waiter struct {
	start clock.Time
	size  int32
}

// Line is one direction of a wire. The zero value is not usable; see New.
type Line struct {
	trace *trace.Tracer
	down  bool
	plain bool // no impairments: the fast path

	flights ring[flight]
	waiting ring[waiter]
	waitB   int64 // bytes waiting

	busy    clock.Time // end of service of the last packet
	last    clock.Time // latest arrival of a packet that keeps its order
	rem     uint64     // remainder of the busy period in 1/rate ns
	ord     uint32     // of the last packet
	refused int        // size of the packet that found no room last

	serSize int    // size whose service time is cached
	serTime uint64 // its whole nanoseconds
	serRem  uint64 // and their remainder

	st   core.LinkStats
	spec core.LinkSpec
	rng  *rand.Rand
	sent uint64 // packets since Set, for targeted loss
	bad  bool   // Gilbert–Elliott state

	peers peers
	from  core.Addr // of the packet popped last
}

// New returns a line that is up. rng draws its impairments, tr takes its observable events.
func New(spec core.LinkSpec, rng *rand.Rand, tr *trace.Tracer) (*Line, error) {
	l := &Line{rng: rng, trace: tr}
	if err := l.Set(0, spec); err != nil {
		return nil, err
	}
	return l, nil
}

// Send queues a packet. A full queue drops it, or with Block leaves it to the caller
// (core.ErrWouldBlock). On a line that is down it is dropped with core.ErrFlowDown.
func (l *Line) Send(now clock.Time, p *pkt.Buf) error { return l.send(now, p, 0) }

// SendTo is Send for a packet that has an address: the one it goes to, or the one it comes from. Peer tells
// it when the packet is popped.
func (l *Line) SendTo(now clock.Time, p *pkt.Buf, a core.Addr) error {
	if a.IsZero() {
		return l.send(now, p, 0)
	}
	n := l.peers.enter(a)
	if n == 0 {
		l.st.SentPackets++
		l.st.SentBytes += uint64(p.Len())
		l.drop(now, p, lostQueue)
		return nil
	}
	ord := l.ord
	err := l.send(now, p, n)
	if l.ord == ord { // it is not on the line
		l.peers.leave(n)
	}
	return err
}

// Peer returns the address of the packet that was popped last, the zero Addr when it had none.
func (l *Line) Peer() core.Addr { return l.from }

func (l *Line) send(now clock.Time, p *pkt.Buf, peer uint16) error {
	size := p.Len()
	if l.down {
		l.st.SentPackets++
		l.st.SentBytes += uint64(size)
		l.drop(now, p, lostDown)
		return core.ErrFlowDown
	}
	l.advance(now)
	if l.full(now, l.waiting.len(), l.waitB, size) {
		if l.spec.Block {
			l.refused = size
			return core.ErrWouldBlock
		}
		l.st.SentPackets++
		l.st.SentBytes += uint64(size)
		l.drop(now, p, lostQueue)
		return nil
	}
	l.st.SentPackets++
	l.st.SentBytes += uint64(size)
	l.trace.Note(now, trace.FrameSent, uint64(size), 0)
	start, depart := l.serve(now, size)
	l.ord++
	if l.plain {
		l.follow(start, depart, p, peer)
	} else {
		l.impair(flight{start: start, depart: depart, p: p, ord: l.ord, peer: peer})
	}
	return nil
}

// Blocks reports whether Send would refuse a packet of the given size with core.ErrWouldBlock.
func (l *Line) Blocks(now clock.Time, size int) bool {
	if !l.spec.Block || l.down {
		return false
	}
	l.advance(now)
	return l.full(now, l.waiting.len(), l.waitB, size)
}

// full reports whether a packet of the given size finds no room to wait in, beside n packets of together
// bytes that wait.
func (l *Line) full(now clock.Time, n int, bytes int64, size int) bool {
	if l.busy <= now {
		return false
	}
	return l.spec.QueuePackets > 0 && n >= l.spec.QueuePackets ||
		l.spec.QueueBytes > 0 && bytes+int64(size) > l.spec.QueueBytes
}

// serve gives the next packet its service, behind those that are there.
func (l *Line) serve(now clock.Time, size int) (start, depart clock.Time) {
	start = l.busy
	if start <= now {
		if start < now {
			l.rem = 0
		}
		start = now
	} else {
		*l.waiting.push() = waiter{start: start, size: int32(size)}
		l.waitB += int64(size)
		l.st.QueueMax = max(l.st.QueueMax, l.waiting.len())
		l.st.QueueTime += start.Sub(now)
	}
	ser := l.service(size)
	l.busy = start + ser
	l.st.Busy += time.Duration(ser)
	return start, l.busy
}

// service returns the time to send size bytes in whole ns and carries the remainder.
func (l *Line) service(size int) clock.Time {
	rate := uint64(l.spec.Rate)
	if rate == 0 {
		return 0
	}
	if size != l.serSize {
		bits := uint64(size+l.spec.Overhead) * 8
		l.serSize, l.serTime, l.serRem = size, bits*1e9/rate, bits*1e9%rate
	}
	t := l.serTime
	if l.rem += l.serRem; l.rem >= rate {
		l.rem -= rate
		t++
	}
	return clock.Time(t)
}

// enter gives a packet that has its service its arrival, and puts it on the line.
func (l *Line) enter(f flight) {
	f.at = f.depart + clock.Time(l.spec.Delay) + f.extra
	if f.mark&held == 0 {
		f.at = max(f.at, l.last)
		l.last = f.at
	}
	l.insert(f)
}

// follow is enter for a packet without impairments: it arrives behind all that keep their order, so that
// only a packet held back under an earlier spec can be behind it.
func (l *Line) follow(start, depart clock.Time, p *pkt.Buf, peer uint16) {
	at := max(depart+clock.Time(l.spec.Delay), l.last)
	l.last = at
	f := l.flights.push()
	f.at, f.start, f.depart, f.extra = at, start, depart, 0
	f.p, f.ord, f.peer, f.fate, f.mark = p, l.ord, peer, fine, 0
	if n := l.flights.len(); n > 1 && l.flights.at(n-2).at > at {
		late := *f
		l.flights.n--
		l.insert(late)
	}
}

// insert keeps the flights sorted by arrival; equal arrivals stay in the order of insertion.
func (l *Line) insert(f flight) {
	l.flights.push()
	i := l.flights.len() - 1
	for ; i > 0 && l.flights.at(i-1).at > f.at; i-- {
		*l.flights.at(i) = *l.flights.at(i - 1)
	}
	*l.flights.at(i) = f
}

// Next returns when the next packet arrives, clock.Never when none is under way.
func (l *Line) Next() clock.Time {
	if l.flights.n == 0 {
		return clock.Never
	}
	return l.flights.at(0).at
}

// Pop takes the packet that arrives first, which must be due. It returns nil when the packet was lost
// under way.
func (l *Line) Pop(now clock.Time) *pkt.Buf {
	p, fate := l.take()
	if fate != fine {
		l.drop(now, p, fate)
		return nil
	}
	n := uint64(p.Len())
	l.st.DeliveredPackets++
	l.st.DeliveredBytes += n
	l.trace.Note(now, trace.FrameDelivered, n, 0)
	return p
}

// Discard takes the packet that arrives first, which must be due, and drops it: nobody is there to
// receive it.
func (l *Line) Discard(now clock.Time) {
	p, fate := l.take()
	if fate == fine {
		fate = lostDown
	}
	l.drop(now, p, fate)
}

func (l *Line) take() (p *pkt.Buf, fate cause) {
	f := l.flights.at(0)
	p, fate = f.p, f.fate
	f.p = nil
	if l.peers.used {
		l.from = l.peers.leave(f.peer)
	}
	l.flights.pop()
	return p, fate
}

func (l *Line) drop(now clock.Time, p *pkt.Buf, why cause) {
	switch why {
	case lostQueue:
		l.st.DropQueue++
	case lostRandom:
		l.st.DropLoss++
	case lostError:
		l.st.DropError++
	case lostDown:
		l.st.DropDown++
	case fine:
		panic("line: drop without a cause")
	}
	l.trace.Note(now, trace.FrameDropped, uint64(p.Len()), uint64(why))
	p.Release()
}

// advance forgets the waiting packets whose service has begun.
func (l *Line) advance(now clock.Time) {
	for l.waiting.n > 0 {
		w := l.waiting.at(0)
		if w.start > now {
			return
		}
		l.waitB -= int64(w.size)
		l.waiting.pop()
	}
}

// Queued returns the number of packets that wait for service and that the layers see.
func (l *Line) Queued(now clock.Time) int {
	l.advance(now)
	return max(l.waiting.n-l.spec.Device, 0)
}

// Room returns when the packet that was refused last can be sent: now, or a start of service later.
func (l *Line) Room(now clock.Time) clock.Time {
	l.advance(now)
	at, n, bytes := now, l.waiting.len(), l.waitB
	for i := 0; l.full(now, n, bytes, l.refused); i++ {
		if n == 0 { // larger than the whole queue: it must find the line idle
			return l.busy
		}
		w := l.waiting.at(i)
		at, n, bytes = w.start, n-1, bytes-int64(w.size)
	}
	return at
}

// Up reports whether the line is up.
func (l *Line) Up() bool { return !l.down }

// Abandon releases everything on the line without counting it as dropped: the run has ended and it
// is neither delivered nor lost.
func (l *Line) Abandon() {
	for l.flights.len() > 0 {
		p, _ := l.take()
		p.Release()
	}
}

// Stats returns the counters at time now. Busy and QueueTime hold the time that has passed until then.
func (l *Line) Stats(now clock.Time) core.LinkStats {
	st := l.st
	if ahead := l.busy.Sub(now); ahead > 0 {
		st.Busy -= ahead
	}
	l.advance(now)
	st.Waiting = l.waiting.len()
	for i := range l.waiting.len() {
		st.QueueTime -= l.waiting.at(i).start.Sub(now)
	}
	return st
}
