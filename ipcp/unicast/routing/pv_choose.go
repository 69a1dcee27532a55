package routing

import (
	"cmp"
	"slices"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/trace"
	"ouroboros/ipcp/unicast/pff"
)

// pvWay is a path to a destination over a neighbour, with the link to it.
type pvWay struct {
	cost uint64
	hops int
	addr uint64 // of the neighbour
	k    int32
	port Port
}

// compare orders ways: what costs least first, then the fewest hops, then the lowest address.
func (a pvWay) compare(b pvWay) int {
	return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(a.hops, b.hops), cmp.Compare(a.addr, b.addr))
}

// waysTo lists the ways to a destination over neighbours that can be used, best first. Only paths of its latest
// life count.
func (m *pathVector) waysTo(d *pvDest) []pvWay {
	origin := uint64(0)
	m.ways = m.ways[:0]
	for k := range d.in {
		r := &d.in[k]
		if r.state != pvRoute {
			continue
		}
		p := &m.neighbours[k].use
		if !p.up || r.origin < origin {
			continue
		}
		if r.origin > origin {
			origin = r.origin
			m.ways = m.ways[:0]
		}
		m.ways = append(m.ways, pvWay{uint64(p.cost) + r.metric, len(r.path), p.addr, int32(k), p.port})
	}
	slices.SortFunc(m.ways, pvWay.compare)
	return m.ways
}

// choose makes the choices that are due anew and installs the table.
func (m *pathVector) choose(now core.Time) {
	m.chooseAt, m.chooseEnd = clock.Never, now.Add(m.cfg.SPFHold)
	m.stats.Computations++
	for _, d := range m.dests {
		if !d.dirty {
			continue
		}
		d.dirty = false
		best := m.bestOf(d)
		if best.way == d.best.way && best.metric == d.best.metric && best.origin == d.best.origin && slices.Equal(best.path, d.best.path) {
			continue
		}
		d.best, d.pending = best, true
		m.tellSoon(now)
	}
	m.install(now)
}

// bestOf returns the route to use.
func (m *pathVector) bestOf(d *pvDest) pvBest {
	if d.addr == m.self {
		return pvBest{way: itself, origin: m.origin}
	}
	ways := m.waysTo(d)
	if len(ways) == 0 {
		return pvBest{way: none}
	}
	r := &d.in[ways[0].k]
	return pvBest{way: ways[0].k, path: r.path, metric: ways[0].cost, origin: r.origin}
}

// install hands the table out if it has changed. Alternates are the neighbours whose paths do not lead over
// this member: what is sent to one of them follows that path. Equal are those at the cost of the best
// one; each of their paths costs less than that of this member, so none leads back.
func (m *pathVector) install(now core.Time) {
	routes, changed := m.installed.replace(len(m.dests), func(i int, ports []Port) (uint64, []Port) {
		d := m.dests[i]
		if d.best.way < 0 {
			return d.addr, ports
		}
		for n, w := range m.waysTo(d) {
			if n > 0 && (m.want == pff.WantFirst || m.want == pff.WantEqual && w.cost > m.ways[0].cost) {
				break
			}
			ports = append(ports, w.port)
		}
		return d.addr, ports
	})
	if !changed {
		return
	}
	m.out.Install, m.out.Routes = true, routes
	m.stats.Installs++
	m.trace.Note(now, trace.RoutesChanged, uint64(len(routes)), 0)
}
