package routing

import (
	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/trace"
	"ouroboros/ipcp/unicast/pff"
)

// markNow has the tables computed after the delay of a first change and as soon as the hold time allows, at
// the earliest at the end of this instant (decision 16).
func (m *linkState) markNow(now core.Time) {
	m.spfAt = min(m.spfAt, max(now.Add(m.cfg.SPFDelay), m.holdUntil))
}

// markLater has the tables computed at the next multiple of t_recalc (spec 04 §7.1).
func (m *linkState) markLater(now core.Time) {
	period := core.Time(m.cfg.Recalc)
	next := m.started + (now-m.started)/period*period + period
	m.spfAt = min(m.spfAt, max(next, m.holdUntil))
}

// maxTouched is the number of changed adjacencies above which shortest paths are computed from scratch:
// while a layer comes up everything changes.
const maxTouched = 64

// touch notes that an adjacency may count otherwise in the graph than it did.
func (m *linkState) touch(i int32) {
	if len(m.touched) <= maxTouched {
		m.touched = append(m.touched, i)
	}
}

// compute brings the shortest paths up to date and hands out the table if it differs from the installed
// one.
func (m *linkState) compute(now core.Time) {
	m.spfAt = clock.Never
	m.holdUntil = now.Add(m.cfg.SPFHold)
	m.stats.Computations++
	m.db.link()
	s := m.db.findVertex(m.self)
	if s == none {
		m.touched = m.touched[:0]
		m.install(now, 0)
		return
	}
	// A database that has dropped entries has other arrays.
	fresh := len(m.vertices) != len(m.db.addrs) || &m.vertices[0] != &m.db.addrs[0]
	if fresh || !m.update() {
		m.graph.build(&m.db, fresh)
		m.paths.compute(m.graph.rank[s])
		m.stats.Scratch++
	}
	m.vertices = m.db.addrs
	m.touched = m.touched[:0]
	m.install(now, len(m.graph.order))
}

// update changes the graph and the paths in place. It reports false if everything is to be computed
// anew: then the graph may be half changed.
func (m *linkState) update() bool {
	if len(m.touched) > maxTouched {
		return false
	}
	m.log = m.log[:0]
	for _, i := range m.touched {
		if !m.graph.change(&m.db, &m.db.entries[i], &m.log) {
			return false
		}
	}
	if len(m.log) > 0 {
		m.paths.update(m.log)
	}
	return true
}

// install turns the next hops towards n vertices into ports and hands the table out if it has changed.
func (m *linkState) install(now core.Time, n int) {
	m.lookupPorts(n)
	routes, changed := m.installed.replace(n, func(r int, ports []Port) (uint64, []Port) {
		return m.db.addrs[m.graph.order[r]], m.paths.appendPorts(ports, int32(r), m.ports)
	})
	if !changed {
		return
	}
	m.out.Install, m.out.Routes = true, routes
	m.stats.Installs++
	m.trace.Note(now, trace.RoutesChanged, uint64(len(routes)), 0)
}

// lookupPorts enters the port in use to each neighbour of n vertices.
func (m *linkState) lookupPorts(n int) {
	m.ports = resized(m.ports, n)
	for r := range m.ports {
		m.ports[r] = pff.None
	}
	if n == 0 {
		return
	}
	for _, p := range m.dt { // the last one that is up counts, as in best
		if v := m.db.findVertex(p.addr); v != none && p.up {
			m.ports[m.graph.rank[v]] = p.port
		}
	}
}
