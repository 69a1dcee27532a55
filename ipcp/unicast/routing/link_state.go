package routing

import (
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/trace"
	"ouroboros/core/wire"
	"ouroboros/ipcp/unicast/pff"
)

// linkState is the policy of spec 04 with decisions 1, 5, 6, 7, 12 and 16.
//
// Two lengths of messages travel beside each other (decision 12). Each is flooded as it came, once per
// sequence number, so a member that hears both forwards both and a prototype between two members
// swallows the long one only. A short message announces and says nothing of the cost: what was last
// known of it stays. A withdrawal exists in the long form only, with a number of its own, and is kept
// as an entry until no copy of the announcement before it can be left. Members that know the short form
// only keep a withdrawn link until it ages out; costs other than 1 need a layer without such members,
// because they count hops.
type linkState struct {
	outbox
	cfg     *LinkStateConfig
	wall    func() int64
	trace   *trace.Tracer
	running bool
	self    uint64

	db      lsdb
	dt      dtPorts
	mgmt    []mgmtPort
	strikes []strike
	budgets [urgencies]budget
	paceAt  core.Time // when what waits is handed out, clock.Never if nothing waits

	started   core.Time
	refreshAt core.Time
	spfAt     core.Time // clock.Never if the tables are up to date
	holdUntil core.Time // no computation before
	graph     graph
	vertices  []uint64 // the array of vertices that graph was built from
	touched   []int32  // entries that changed since the last computation, see maxTouched
	log       []arcChange
	paths     paths
	ports     []Port // by rank, while a table is made
	installed installed

	conflict bool // another member uses the own address
}

// mgmtPort is a management flow. Of several to one neighbour the one added last is used.
type mgmtPort struct {
	addr  uint64
	port  Port
	spare bool
	owed  []uint64 // what it is still to be sent, see entriesPerWord
}

// noTime is earlier than every time that occurs.
const noTime core.Time = -1 << 62

func newLinkState(env core.Env, cfg *LinkStateConfig) *linkState {
	return &linkState{cfg: cfg, wall: env.Wall, trace: env.Trace, refreshAt: clock.Never, spfAt: clock.Never, paceAt: clock.Never}
}

func (m *linkState) Start(now core.Time, self uint64, want pff.Want) {
	m.begin()
	m.forget()
	m.paths.begin(&m.graph, want)
	m.running, m.self, m.started = true, self, now
	m.refreshAt = now.Add(m.cfg.Update)
}

func (m *linkState) Stop(now core.Time) {
	m.begin()
	if !m.running {
		return
	}
	for _, i := range m.db.sorted() {
		if e := &m.db.entries[i]; e.src == m.self && !e.withdrawn {
			m.withdraw(now, i)
		}
	}
	m.release(now, len(m.db.entries))
	m.install(now, 0)
	m.forget()
	m.running = false
}

// forget drops all that was learned.
func (m *linkState) forget() {
	m.db = lsdb{}
	m.dt, m.mgmt, m.strikes = nil, nil, nil
	m.graph, m.vertices, m.touched = graph{}, nil, nil
	m.refreshAt, m.spfAt, m.holdUntil = clock.Never, clock.Never, noTime
	m.budgets, m.paceAt = [urgencies]budget{}, clock.Never
	m.conflict = false
}

func (m *linkState) Deadline() core.Time { return min(m.refreshAt, m.spfAt, m.paceAt) }

func (m *linkState) Tick(now core.Time) {
	m.begin()
	if now >= m.refreshAt {
		m.refresh(now)
		for m.refreshAt <= now {
			m.refreshAt = m.refreshAt.Add(m.cfg.Update)
		}
	}
	if now >= m.paceAt {
		m.release(now, m.cfg.Burst)
	}
	if now >= m.spfAt {
		m.compute(now)
	}
}

func (m *linkState) Database(yield func(Adjacency)) {
	for _, i := range m.db.sorted() {
		e := &m.db.entries[i]
		yield(Adjacency{
			Src: e.src, Dst: e.dst, Seq: e.seq, Cost: e.cost, Withdrawn: e.withdrawn,
			Updated: core.Time(e.stamp) * core.Time(time.Millisecond),
		})
	}
}

// stampOf returns a time in ms. It wraps after 49 days, of which ages are far from.
func stampOf(now core.Time) uint32 { return uint32(int64(now) / int64(time.Millisecond)) }

// send hands out a message to every management neighbour except the one with the address except; 0
// excludes none. sdu must lie in the arena.
func (m *linkState) send(sdu []byte, except uint64) {
	for i := range m.mgmt {
		if p := &m.mgmt[i]; p.addr != except && !p.spare {
			m.sendTo(sdu, p.port)
		}
	}
}

// message builds the message of an entry in one form in the arena.
func (m *linkState) message(e *entry, f form) []byte {
	l := wire.LSA{Dst: e.dst, Src: e.src, Seq: e.seq}
	if f == long {
		l.Ext, l.Metric = true, e.cost
		if e.withdrawn {
			l.Flags = wire.LSAWithdrawn
		}
	}
	n := len(m.arena)
	m.arena = l.Append(m.arena)
	return m.arena[n:len(m.arena):len(m.arena)]
}
