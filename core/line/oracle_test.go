package line

import (
	"math/rand/v2"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// oracle is a line as one would first write it: a queue, a transmitter, and one event for the end of each
// service beside the one for each arrival. It draws the same random numbers as the line.
type oracle struct {
	spec  core.LinkSpec
	rng   *rand.Rand
	now   clock.Time
	down  bool
	queue []parcel // waiting
	onAir *parcel  // in service
	sky   []parcel // in flight, in the order of arrival
	freed clock.Time
	rem   uint64 // of the service that ended at freed, in 1/rate ns
	last  clock.Time
	ord   int
	sent  uint64
	st    core.LinkStats
}

type parcel struct {
	id, size      int
	ord           int
	extra         clock.Time
	held, twice   bool
	fate          cause
	start, end    clock.Time
	endRem        uint64
	delay, at     clock.Time
	rateOfService int64
}

func newOracle(spec core.LinkSpec, seed uint64) *oracle {
	return &oracle{spec: spec, rng: rand.New(rand.NewPCG(seed, 1))}
}

// to executes the ends of service up to and including t.
func (o *oracle) to(t clock.Time) {
	for o.onAir != nil && o.onAir.end <= t {
		o.tick(o.onAir.end)
		p := *o.onAir
		o.onAir = nil
		o.freed, o.rem = p.end, p.endRem
		if p.rateOfService != o.spec.Rate {
			o.rem = 0
		}
		o.land(p)
		o.next(p.end)
	}
	o.tick(t)
}

// tick lets time pass for the counters.
func (o *oracle) tick(t clock.Time) {
	d := t.Sub(o.now)
	if o.onAir != nil {
		o.st.Busy += d
	}
	o.st.QueueTime += d * time.Duration(len(o.queue))
	o.now = t
}

// land gives a packet that is wholly on the wire its arrival.
func (o *oracle) land(p parcel) {
	p.at = p.end + p.delay + p.extra
	if !p.held {
		p.at = max(p.at, o.last)
		o.last = p.at
	}
	o.sky = append(o.sky, p)
	if p.twice {
		p.twice = false
		o.sky = append(o.sky, p)
	}
	slices.SortStableFunc(o.sky, func(a, b parcel) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.ord - b.ord
	})
}

// next starts the service of the packet at the head of the queue.
func (o *oracle) next(t clock.Time) {
	if len(o.queue) == 0 {
		return
	}
	p := o.queue[0]
	o.queue = o.queue[1:]
	o.serve(p, t)
}

func (o *oracle) serve(p parcel, t clock.Time) {
	rem := o.rem
	if t != o.freed {
		rem = 0
	}
	p.start, p.end, p.endRem, p.delay = t, t, rem, clock.Time(o.spec.Delay)
	p.rateOfService = o.spec.Rate
	if r := uint64(o.spec.Rate); r > 0 {
		work := uint64(p.size+o.spec.Overhead)*8*1e9 + rem
		p.end, p.endRem = t+clock.Time(work/r), work%r
	}
	o.onAir = &p
	o.to(t) // a service may take no time
}

func (o *oracle) waitingBytes() (n int64) {
	for _, p := range o.queue {
		n += int64(p.size)
	}
	return n
}

func (o *oracle) full(size int) bool {
	return o.onAir != nil && (o.spec.QueuePackets > 0 && len(o.queue) >= o.spec.QueuePackets ||
		o.spec.QueueBytes > 0 && o.waitingBytes()+int64(size) > o.spec.QueueBytes)
}

func (o *oracle) send(t clock.Time, id, size int) error {
	o.to(t)
	if !o.down && o.spec.Block && o.full(size) {
		return core.ErrWouldBlock
	}
	o.st.SentPackets++
	o.st.SentBytes += uint64(size)
	switch {
	case o.down:
		o.st.DropDown++
		return core.ErrFlowDown
	case o.full(size):
		o.st.DropQueue++
		return nil
	}
	o.ord++
	p := o.draw(parcel{id: id, size: size, ord: o.ord})
	if o.onAir != nil {
		o.queue = append(o.queue, p)
		o.st.QueueMax = max(o.st.QueueMax, len(o.queue))
		return nil
	}
	o.serve(p, t)
	return nil
}

// draw gives a packet its impairments: Bernoulli and targeted loss, jitter, reordering, duplication.
func (o *oracle) draw(p parcel) parcel {
	o.sent++
	for _, n := range o.spec.Drop {
		if n == o.sent {
			p.fate = lostRandom
		}
	}
	if o.spec.Loss > 0 && o.rng.Float64() < o.spec.Loss {
		p.fate = lostRandom
	}
	if o.spec.Jitter > 0 {
		p.extra = clock.Time(o.rng.Int64N(int64(o.spec.Jitter)))
	}
	if o.spec.Reorder > 0 && o.rng.Float64() < o.spec.Reorder {
		p.held = true
		p.extra += clock.Time(o.spec.ReorderBy)
	}
	if o.spec.Duplicate > 0 && o.rng.Float64() < o.spec.Duplicate && p.fate == fine {
		p.twice = true
		o.st.Duplicated++
	}
	return p
}

func (o *oracle) set(t clock.Time, s core.LinkSpec) {
	o.to(t)
	if s.Rate != o.spec.Rate || s.Overhead != o.spec.Overhead {
		o.rem = 0
		if o.onAir != nil {
			o.onAir.endRem = 0
		}
	}
	o.spec, o.sent = s, 0
}

func (o *oracle) setUp(t clock.Time, up bool) {
	o.to(t)
	if o.down == !up {
		return
	}
	o.down = !up
	if up {
		return
	}
	lose := func(p parcel) {
		o.st.DropDown++
		if p.twice {
			o.st.DropDown++
		}
	}
	for _, p := range o.queue {
		lose(p)
	}
	o.queue = nil
	if o.onAir != nil {
		lose(*o.onAir)
		o.onAir, o.freed = nil, t
	}
	o.rem = 0
}

// arrival returns the next arrival up to and including t.
func (o *oracle) arrival(t clock.Time) (parcel, bool) {
	for {
		// Ends of service are events of their own: one may bring an earlier arrival.
		if o.onAir != nil && o.onAir.end <= t && (len(o.sky) == 0 || o.onAir.end <= o.sky[0].at) {
			o.to(o.onAir.end)
			continue
		}
		if len(o.sky) == 0 || o.sky[0].at > t {
			return parcel{}, false
		}
		p := o.sky[0]
		o.sky = o.sky[1:]
		switch p.fate {
		case lostRandom:
			o.st.DropLoss++
		default:
			o.st.DeliveredPackets++
			o.st.DeliveredBytes += uint64(p.size)
		}
		return p, true
	}
}
