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
	"fmt"
	"math"
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
	p      *pkt.Buf
	fate   cause
}

// waiter is a packet that waits for service, for the count of the queue only.
type waiter struct {
	start clock.Time
	size  int32
}

// Line is one direction of a wire. The zero value is not usable; see New.
type Line struct {
	spec  core.LinkSpec
	rng   *rand.Rand
	trace *trace.Tracer
	down  bool
	plain bool // no impairments: the fast path

	flights ring[flight]
	waiting ring[waiter]
	waitB   int64 // bytes waiting

	busy clock.Time // end of service of the last packet
	last clock.Time // latest arrival so far, for order
	rem  uint64     // remainder of the busy period in 1/rate ns

	serSize int    // size whose service time is cached
	serTime uint64 // its whole nanoseconds
	serRem  uint64 // and their remainder

	sent uint64 // packets since Set, for targeted loss
	bad  bool   // Gilbert–Elliott state
	st   core.LinkStats
}

// New returns a line that is up. rng draws its impairments, tr takes its observable events.
func New(spec core.LinkSpec, rng *rand.Rand, tr *trace.Tracer) (*Line, error) {
	l := &Line{rng: rng, trace: tr}
	if err := l.Set(0, spec); err != nil {
		return nil, err
	}
	return l, nil
}

// Validate reports the first value of a spec that no line can have.
func Validate(s core.LinkSpec) error {
	probs := []struct {
		key string
		v   float64
	}{{"loss", s.Loss}, {"ber", s.BER}, {"reorder", s.Reorder}, {"duplicate", s.Duplicate}}
	if g := s.Gilbert; g != nil {
		probs = append(probs, []struct {
			key string
			v   float64
		}{{"gilbert p", g.P}, {"gilbert r", g.R}, {"gilbert loss_good", g.LossGood}, {"gilbert loss_bad", g.LossBad}}...)
	}
	for _, p := range probs {
		if !(p.v >= 0 && p.v <= 1) {
			return fmt.Errorf("link %s: %s: %v: accepted is a probability from 0 to 1", s.Name, p.key, p.v)
		}
	}
	for _, v := range []struct {
		key string
		v   int64
	}{
		{"rate", s.Rate}, {"delay", int64(s.Delay)}, {"jitter", int64(s.Jitter)}, {"reorder by", int64(s.ReorderBy)},
		{"queue packets", int64(s.QueuePackets)}, {"queue bytes", s.QueueBytes}, {"queue device", int64(s.Device)}, {"mtu", int64(s.MTU)}, {"overhead", int64(s.Overhead)},
	} {
		if v.v < 0 {
			return fmt.Errorf("link %s: %s: %d: accepted is 0 or more", s.Name, v.key, v.v)
		}
	}
	return nil
}

// Spec returns the spec in force.
func (l *Line) Spec() core.LinkSpec { return l.spec }

// Set changes the line at time now. Packets whose service has begun keep what they started with; those
// that wait are served at the new rate and delay.
func (l *Line) Set(now clock.Time, s core.LinkSpec) error {
	if err := Validate(s); err != nil {
		return err
	}
	if s.QueuePackets == 0 && s.QueueBytes == 0 {
		s.QueuePackets = DefaultQueue
	}
	old := l.spec
	l.spec = s
	l.plain = s.Loss == 0 && s.Gilbert == nil && len(s.Drop) == 0 && s.BER == 0 && s.Jitter == 0 && s.Reorder == 0 && s.Duplicate == 0
	l.serSize, l.sent = -1, 0
	if l.flights.len() > 0 && (old.Rate != s.Rate || old.Delay != s.Delay || old.Overhead != s.Overhead) {
		l.retime(now, old.Delay)
	}
	return nil
}

// Send queues a packet. A full queue drops it, or with Block leaves it to the caller
// (core.ErrWouldBlock). On a line that is down it is dropped with core.ErrFlowDown.
func (l *Line) Send(now clock.Time, p *pkt.Buf) error {
	size := p.Len()
	if l.down {
		l.st.SentPackets++
		l.st.SentBytes += uint64(size)
		l.drop(now, p, lostDown)
		return core.ErrFlowDown
	}
	l.advance(now)
	if l.full(now, size) {
		if l.spec.Block {
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
	start := l.busy
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
	depart := start + ser
	l.busy = depart
	l.st.Busy += time.Duration(ser)
	if l.plain {
		at := max(depart+clock.Time(l.spec.Delay), l.last)
		l.last = at
		l.insert(flight{at: at, start: start, depart: depart, p: p})
		return nil
	}
	l.impair(p, start, depart)
	return nil
}

// full reports whether a packet of the given size finds no room to wait in.
func (l *Line) full(now clock.Time, size int) bool {
	if l.busy <= now {
		return false
	}
	return l.spec.QueuePackets > 0 && l.waiting.len() >= l.spec.QueuePackets ||
		l.spec.QueueBytes > 0 && l.waitB+int64(size) > l.spec.QueueBytes
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

// impair puts a packet on the line with whatever befalls it. The draws are made in a fixed order.
func (l *Line) impair(p *pkt.Buf, start, depart clock.Time) {
	l.sent++
	fate := fine
	if l.loses() {
		fate = lostRandom
	} else if l.spec.BER > 0 && l.errors(p) {
		fate = lostError
	}
	at := depart + clock.Time(l.spec.Delay)
	if l.spec.Jitter > 0 {
		at += clock.Time(l.rng.Int64N(int64(l.spec.Jitter)))
	}
	held := l.spec.Reorder > 0 && l.rng.Float64() < l.spec.Reorder
	twice := l.spec.Duplicate > 0 && l.rng.Float64() < l.spec.Duplicate && fate == fine
	if held {
		at += clock.Time(l.spec.ReorderBy)
	} else {
		at = max(at, l.last)
		l.last = at
	}
	l.insert(flight{at: at, start: start, depart: depart, p: p, fate: fate})
	if twice {
		l.st.Duplicated++
		l.insert(flight{at: at, start: start, depart: depart, p: p.Clone()})
	}
}

// loses draws the losses: targeted, burst, random.
func (l *Line) loses() bool {
	lost := false
	for _, n := range l.spec.Drop {
		lost = lost || n == l.sent
	}
	if g := l.spec.Gilbert; g != nil {
		turn, loss := g.P, g.LossGood
		if l.bad {
			turn = g.R
		}
		if l.rng.Float64() < turn {
			l.bad = !l.bad
		}
		if l.bad {
			loss = g.LossBad
		}
		lost = l.rng.Float64() < loss || lost
	}
	if l.spec.Loss > 0 {
		lost = l.rng.Float64() < l.spec.Loss || lost
	}
	return lost
}

// errors draws bit errors by the distance to the next one, which is geometric. It reports whether the
// packet is lost to them; without FCS it flips the bits instead.
func (l *Line) errors(p *pkt.Buf) bool {
	bits := p.Len() * 8
	gap := func() int {
		if l.spec.BER >= 1 {
			return 0
		}
		g := math.Log(1-l.rng.Float64()) / math.Log1p(-l.spec.BER)
		return int(min(g, 1e9))
	}
	at := gap()
	if at >= bits {
		return false
	}
	if !l.spec.NoFCS {
		return true
	}
	for b := p.Bytes(); at < bits; at += 1 + gap() {
		b[at/8] ^= 0x80 >> (at % 8)
	}
	return false
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
	f := l.flights.at(0)
	p, fate := f.p, f.fate
	f.p = nil
	l.flights.pop()
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

// Drop counts and releases a packet that arrived where nobody takes it: a receiver that is down.
func (l *Line) Drop(now clock.Time, p *pkt.Buf) { l.drop(now, p, lostDown) }

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

// Room returns when a blocked sender can send again: the next start of service. It is clock.Never when
// nothing waits.
func (l *Line) Room(now clock.Time) clock.Time {
	l.advance(now)
	if l.waiting.n == 0 {
		return clock.Never
	}
	return l.waiting.at(0).start
}

// Up reports whether the line is up.
func (l *Line) Up() bool { return !l.down }

// SetUp takes the line down or up. On down, packets that are not wholly on the line are dropped.
func (l *Line) SetUp(now clock.Time, up bool) {
	if l.down != up {
		return
	}
	l.down = !up
	if up {
		return
	}
	keep := l.flights
	l.flights = ring[flight]{}
	for i := range keep.len() {
		f := *keep.at(i)
		if f.depart <= now {
			l.insert(f)
			continue
		}
		l.unserve(now, f)
		l.drop(now, f.p, lostDown)
	}
	l.waiting, l.waitB = ring[waiter]{}, 0
	l.busy, l.rem = min(l.busy, now), 0
}

// unserve takes the time that a packet will not be served back out of the counters.
func (l *Line) unserve(now clock.Time, f flight) {
	l.st.Busy -= f.depart.Sub(max(f.start, now))
	l.st.QueueTime -= max(f.start, now).Sub(now)
}

// Clear drops everything on the line: its sender or the run has ended.
func (l *Line) Clear(now clock.Time) {
	for l.flights.len() > 0 {
		f := *l.flights.at(0)
		l.flights.pop()
		l.drop(now, f.p, lostDown)
	}
	l.waiting, l.waitB, l.busy = ring[waiter]{}, 0, min(l.busy, now)
}

// Abandon releases everything on the line without counting it as dropped: the run has ended and it
// is neither delivered nor lost.
func (l *Line) Abandon() {
	for l.flights.len() > 0 {
		l.flights.at(0).p.Release()
		l.flights.pop()
	}
}

// Stats returns the counters at time now.
func (l *Line) Stats(now clock.Time) core.LinkStats {
	st := l.st
	if ahead := l.busy.Sub(now); ahead > 0 {
		st.Busy -= ahead
	}
	return st
}
