package routing

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/policy"
	"ouroboros/core/trace"
	"ouroboros/ipcp/unicast/pff"
)

// StaticConfig are the parameters of the policy static.
type StaticConfig struct {
	// Poll is the period in which a member looks whether the map has changed, until it is complete.
	Poll time.Duration `mapstructure:"poll" doc:"period of looking at a map that is not complete, 1ms to 1h"`
}

// Validate checks the range.
func (c *StaticConfig) Validate() error {
	if c.Poll < time.Millisecond || c.Poll > time.Hour {
		return fmt.Errorf("parameter poll: %v, accepted are 1ms to 1h", c.Poll)
	}
	return nil
}

func staticFactory(layer *Map) policy.Factory[Routing] {
	return policy.Factory[Routing]{
		Name:   "static",
		Doc:    "shortest paths on the map of the layer, no messages; a failed link stays in the tables: the baseline",
		Config: func() any { return &StaticConfig{Poll: 100 * time.Millisecond} },
		New: func(env core.Env, cfg any) (Routing, error) {
			if layer == nil {
				return nil, errors.New("routing policy static needs a map of the layer, and there is none here")
			}
			return &static{cfg: cfg.(*StaticConfig), layer: layer, trace: env.Trace, dueAt: clock.Never}, nil
		},
	}
}

// static is a routing policy for comparison: tables computed from a map that all members share, as an operator
// would enter them. It sends nothing, hears nothing, and a link that fails stays in the tables: what
// helps then is the forwarding function alone. The paths, their ties, alternates and equals are
// those of link-state. Costs are those of the map, not of the flows.
//
// A table is computed when neighbours come and go, at the end of the instant, since next hops need their
// ports, and when the map has changed. A member does not hear of that; it looks at the map in every period until
// the map is complete.
type static struct {
	outbox
	cfg     *StaticConfig
	layer   *Map
	trace   *trace.Tracer
	running bool
	self    uint64
	seen    int // version of the map that paths are of, 0 for none
	paths   paths
	dt      dtPorts
	mgmt    []mgmtPort
	dueAt   core.Time // clock.Never if there is nothing to do
	pollAt  core.Time

	ports     []Port // by rank, while a table is made
	installed installed
	conflict  bool
}

func (m *static) Start(now core.Time, self uint64, want pff.Want) {
	m.begin()
	m.forget()
	m.running, m.self = true, self
	m.paths.begin(&m.layer.graph, want)
	m.dueAt = now
}

func (m *static) Stop(now core.Time) {
	m.begin()
	if !m.running {
		return
	}
	m.forget()
	m.install(now, 0)
}

func (m *static) forget() {
	m.running, m.conflict = false, false
	m.dt, m.mgmt, m.seen = nil, nil, 0
	m.dueAt, m.pollAt = clock.Never, clock.Never
}

func (m *static) AddNeighbour(now core.Time, kind Kind, addr uint64, port Port) {
	m.begin()
	if !m.running || addr == 0 {
		return
	}
	if addr == m.self {
		m.out.Conflict = m.out.Conflict || !m.conflict
		m.conflict = true
		return
	}
	m.drop(now, kind, port)
	if kind == DT {
		m.dt = append(m.dt, dtPort{addr: addr, port: port, up: true})
		m.dueAt = now
	} else {
		m.mgmt = append(m.mgmt, mgmtPort{addr: addr, port: port})
	}
}

func (m *static) RemoveNeighbour(now core.Time, kind Kind, port Port) {
	m.begin()
	m.drop(now, kind, port)
}

// drop forgets a port, if it is known: its number may come to be that of another neighbour.
func (m *static) drop(now core.Time, kind Kind, port Port) {
	if kind == Mgmt {
		m.mgmt = slices.DeleteFunc(m.mgmt, func(p mgmtPort) bool { return p.port == port })
	} else if i := m.dt.find(port); i >= 0 {
		m.dt = slices.Delete(m.dt, i, i+1)
		m.dueAt = now
	}
}

// PortState does nothing: the table does not depend on it, and the forwarding function is told by itself.
func (m *static) PortState(core.Time, Port, bool) { m.begin() }

// SetCost does nothing: the map has the costs.
func (m *static) SetCost(core.Time, Port, uint32) { m.begin() }

// Recv counts the message as invalid: members under this policy send none.
func (m *static) Recv(core.Time, Port, []byte) {
	m.begin()
	if m.running {
		m.stats.Received++
		m.stats.Invalid++
	}
}

func (m *static) Deadline() core.Time { return min(m.dueAt, m.pollAt) }

func (m *static) Tick(now core.Time) {
	m.begin()
	if now < m.Deadline() {
		return
	}
	if now >= m.dueAt || m.seen != m.layer.version {
		m.compute(now)
	}
	m.dueAt, m.pollAt = clock.Never, clock.Never
	if !m.layer.complete {
		m.pollAt = now.Add(m.cfg.Poll)
	}
}

// compute brings the paths in line with the map and hands the table out if it has changed.
func (m *static) compute(now core.Time) {
	l := m.layer
	l.ready()
	s := l.db.findVertex(m.self)
	if s == none {
		m.install(now, 0)
		return
	}
	if m.seen != l.version {
		m.paths.compute(l.graph.rank[s])
		m.seen = l.version
		m.stats.Computations++
		m.stats.Scratch++
	}
	m.install(now, len(l.graph.order))
}

// install hands out the table of n destinations if it has changed.
func (m *static) install(now core.Time, n int) {
	l := m.layer
	m.ports = resized(m.ports, n)
	for r := range m.ports {
		m.ports[r] = pff.None
	}
	for _, p := range m.dt { // the last one counts
		if v := l.db.findVertex(p.addr); v != none && n > 0 {
			m.ports[l.graph.rank[v]] = p.port
		}
	}
	routes, changed := m.installed.replace(n, func(r int, ports []Port) (uint64, []Port) {
		return l.db.addrs[l.graph.order[r]], m.paths.appendPorts(ports, int32(r), m.ports)
	})
	if changed {
		m.out.Install, m.out.Routes = true, routes
		m.stats.Installs++
		m.trace.Note(now, trace.RoutesChanged, uint64(len(routes)), 0)
	}
}

// Database hands out the map.
func (m *static) Database(yield func(Adjacency)) {
	for _, i := range m.layer.db.sorted() {
		e := &m.layer.db.entries[i]
		yield(Adjacency{Src: e.src, Dst: e.dst, Cost: e.cost})
	}
}

func (m *static) Neighbours(yield func(kind Kind, addr uint64, port Port)) {
	for _, p := range m.dt {
		yield(DT, p.addr, p.port)
	}
	for _, p := range m.mgmt {
		yield(Mgmt, p.addr, p.port)
	}
}
