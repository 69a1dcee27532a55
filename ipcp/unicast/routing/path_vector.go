package routing

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/trace"
	"ouroboros/ipcp/unicast/pff"
)

// pathVector is a routing policy that the prototype does not have. Each member tells its neighbours, over the
// management flows, by which path it reaches each destination and at which cost (wire.PathVector); of
// what it hears it uses the path that costs least, of equal ones the shortest, and of these the one over the
// neighbour with the lowest address. A path that holds the member itself is not used, so that no loop
// stands once the messages have arrived.
//
// Management flows lose and reorder messages. Messages are numbered, and an older one changes nothing that a
// newer one has said. A member asks a neighbour that is new, or back, for all it has to tell. All routes and the withdrawals of a while are sent again in every period
// of refresh, and a route that is not refreshed is dropped.
//
// A destination numbers its lives: a higher number makes all paths of an earlier one void wherever they
// still are (decision 7 for this policy). A member that hears of itself with a higher number than its own
// overrules it, twice; then there is another one with its address (decision 6).
//
// A neighbour is used when a data transfer port to it is up and it has told of the destination. That the
// link works in its direction is for it to know.
type pathVector struct {
	outbox
	cfg     *PathVectorConfig
	wall    func() int64
	rand    *rand.Rand
	trace   *trace.Tracer
	running bool
	self    uint64
	want    pff.Want

	origin     uint64 // number of this life: the clock in seconds, and 32 random bits below
	number     uint32 // of the last message
	neighbours []*pvNeighbour
	dt         dtPorts
	dests      []*pvDest // in ascending order
	index      map[uint64]*pvDest
	strike     strike
	conflict   bool

	refreshAt core.Time
	chooseAt  core.Time // clock.Never if all choices are made
	chooseEnd core.Time // not before
	tellAt    core.Time // clock.Never if there is nothing to tell
	tellEnd   core.Time // not before

	installed installed
	ways      []pvWay // while a line is made
}

// pvNeighbour is a neighbour of either kind. Its position in neighbours is kept as long as it is one.
type pvNeighbour struct {
	addr uint64
	mgmt []Port // the one added last is used
	full bool   // it is to be told everything
	ask  bool   // and to tell everything
	use  dtPort // the port to it, if up
}

func newPathVector(env core.Env, cfg *PathVectorConfig) *pathVector {
	m := &pathVector{cfg: cfg, wall: env.Wall, rand: env.Rand, trace: env.Trace}
	m.forget()
	return m
}

func (m *pathVector) Start(now core.Time, self uint64, want pff.Want) {
	m.begin()
	m.forget()
	m.running, m.self, m.want = true, self, want
	seconds := uint64(max(m.wall(), 0) / int64(time.Second))
	m.origin = min(seconds, math.MaxUint32-1)<<32 | uint64(m.rand.Uint32())
	m.refreshAt = now.Add(m.cfg.Update)
	m.dest(self).mark()
	m.chooseSoon(now)
}

func (m *pathVector) Stop(now core.Time) {
	m.begin()
	if !m.running {
		return
	}
	for _, d := range m.dests {
		d.best = pvBest{way: none}
		d.pending = true
	}
	m.tell(now)
	m.forget()
	m.install(now)
	m.running = false
}

// forget drops all that was learned.
func (m *pathVector) forget() {
	m.neighbours, m.dt, m.dests, m.index = nil, nil, nil, map[uint64]*pvDest{}
	m.refreshAt, m.chooseAt, m.tellAt = clock.Never, clock.Never, clock.Never
	m.chooseEnd, m.tellEnd = noTime, noTime
	m.strike, m.conflict = strike{}, false
}

func (m *pathVector) Deadline() core.Time { return min(m.refreshAt, m.chooseAt, m.tellAt) }

func (m *pathVector) Tick(now core.Time) {
	m.begin()
	if now >= m.refreshAt {
		m.refresh(now)
		for m.refreshAt <= now {
			m.refreshAt = m.refreshAt.Add(m.cfg.Update)
		}
	}
	if now >= m.chooseAt {
		m.choose(now)
	}
	if now >= m.tellAt {
		m.tell(now)
	}
}

// chooseSoon has routes chosen at the end of this instant, or when the hold time is over (decision 16).
func (m *pathVector) chooseSoon(now core.Time) { m.chooseAt = min(m.chooseAt, max(now, m.chooseEnd)) }

// tellSoon has neighbours told what there is to tell.
func (m *pathVector) tellSoon(now core.Time) { m.tellAt = min(m.tellAt, max(now, m.tellEnd)) }

// refresh drops what is too old and has everything told again.
func (m *pathVector) refresh(now core.Time) {
	stamp, limit := stampOf(now), uint32(m.cfg.Timeout/time.Millisecond)
	for _, d := range m.dests {
		for k := range d.in {
			r := &d.in[k]
			if r.state == pvNothing || stamp-r.stamp <= limit {
				continue
			}
			if r.state == pvRoute {
				m.stats.TimedOut++
				d.mark()
				m.chooseSoon(now)
			}
			*r = pvIn{}
		}
		for k := range d.out {
			if o := &d.out[k]; o.state == pvWithdrawn && stamp-o.stamp > limit {
				o.state = pvNothing
			}
		}
	}
	m.dests = slices.DeleteFunc(m.dests, func(d *pvDest) bool {
		if gone := d.addr != m.self && !d.dirty && d.idle(); gone {
			delete(m.index, d.addr)
			return true
		}
		return false
	})
	for _, n := range m.neighbours {
		if n != nil {
			n.full = true
		}
	}
	m.tellSoon(now)
}

// Database hands out what each neighbour has said of each destination, see Adjacency.
func (m *pathVector) Database(yield func(Adjacency)) {
	for _, d := range m.dests {
		for k := range d.in {
			if r := &d.in[k]; r.state != pvNothing {
				yield(Adjacency{
					Src: m.neighbours[k].addr, Dst: d.addr, Seq: uint64(r.number), Cost: uint32(min(r.metric, math.MaxUint32)),
					Withdrawn: r.state == pvWithdrawn, Updated: core.Time(r.stamp) * core.Time(time.Millisecond),
				})
			}
		}
	}
}

func (m *pathVector) Neighbours(yield func(kind Kind, addr uint64, port Port)) {
	for _, p := range m.dt {
		yield(DT, p.addr, p.port)
	}
	for _, n := range m.neighbours {
		if n != nil {
			for _, p := range n.mgmt {
				yield(Mgmt, n.addr, p)
			}
		}
	}
}
