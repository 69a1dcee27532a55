package routing

import (
	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/trace"
	"ouroboros/ipcp/unicast/pff"
)

// markNow has the tables computed as soon as the hold time allows, at the earliest at the end of this
// instant (decision 16).
func (m *linkState) markNow(now core.Time) {
	m.spfAt = min(m.spfAt, max(now, m.holdUntil))
}

// markLater has the tables computed at the next multiple of t_recalc (spec 04 §7.1).
func (m *linkState) markLater(now core.Time) {
	period := core.Time(m.cfg.Recalc)
	next := m.started + (now-m.started)/period*period + period
	m.spfAt = min(m.spfAt, max(next, m.holdUntil))
}

// compute computes the shortest paths and hands out the table if it differs from the installed one.
func (m *linkState) compute(now core.Time) {
	m.spfAt = clock.Never
	m.holdUntil = now.Add(m.cfg.SPFHold)
	m.stats.Computations++
	m.db.link()
	s := m.db.findVertex(m.self)
	if s == none {
		m.install(now, nil)
		return
	}
	// A database that has dropped entries has other arrays.
	fresh := len(m.vertices) != len(m.db.addrs) || &m.vertices[0] != &m.db.addrs[0]
	m.graph.build(&m.db, fresh)
	m.vertices = m.db.addrs
	m.graph.paths(m.graph.rank[s])
	m.install(now, m.graph.next)
}

// install turns first hops, by rank of the destination, into ports and hands the table out if it has
// changed. Destinations behind a neighbour without a flow that is up are left out (spec 04 §7.1).
func (m *linkState) install(now core.Time, first []int32) {
	m.lookupPorts(len(first))
	n, same := 0, true
	for r := range first {
		if p := m.portOf(first[r]); p != pff.None {
			same = same && n < len(m.installed) && m.installed[n] == hop{m.addrOf(r), p}
			n++
		}
	}
	if same && n == len(m.installed) {
		return
	}
	m.installed = m.installed[:0]
	routes, ports := make([]pff.Route, n), make([]Port, n)
	for r := range first {
		if p := m.portOf(first[r]); p != pff.None {
			k := len(m.installed)
			ports[k] = p
			routes[k] = pff.Route{Dst: m.addrOf(r), Ports: ports[k : k+1 : k+1]}
			m.installed = append(m.installed, hop{m.addrOf(r), p})
		}
	}
	m.out.Install, m.out.Routes = true, routes
	m.stats.Installs++
	m.trace.Note(now, trace.RoutesChanged, uint64(n), 0)
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

// portOf returns the port to the neighbour with a rank, pff.None for rank none.
func (m *linkState) portOf(rank int32) Port {
	if rank == none {
		return pff.None
	}
	return m.ports[rank]
}

// addrOf returns the address of the vertex with a rank.
func (m *linkState) addrOf(rank int) uint64 { return m.db.addrs[m.graph.order[rank]] }
