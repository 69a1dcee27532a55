package routing

import (
	"slices"

	"ouroboros/core"
	"ouroboros/core/trace"
)

func (m *pathVector) AddNeighbour(now core.Time, kind Kind, addr uint64, port Port) {
	m.begin()
	if !m.running || addr == 0 {
		return
	}
	if addr == m.self {
		m.setConflict()
		return
	}
	m.drop(now, kind, port) // a port is used again
	k := m.neighbour(addr)
	if kind == DT {
		m.alter(now, addr, func() { m.dt = append(m.dt, dtPort{addr: addr, port: port, cost: 1, up: true}) })
		return
	}
	m.unlearn(now, k) // who is there may have started anew, with lower numbers
	n := m.neighbours[k]
	n.mgmt = append(n.mgmt, port)
	n.full, n.ask = true, true
	m.tellAt = now // a neighbour that is new does not wait
}

// unlearn forgets what a neighbour has told and was told.
func (m *pathVector) unlearn(now core.Time, k int) {
	m.markFrom(now, k)
	for _, d := range m.dests {
		d.in[k], d.out[k] = pvIn{}, pvOut{}
	}
}

func (m *pathVector) RemoveNeighbour(now core.Time, kind Kind, port Port) {
	m.begin()
	m.drop(now, kind, port)
}

// drop forgets a port, if it is known.
func (m *pathVector) drop(now core.Time, kind Kind, port Port) {
	if kind == DT {
		if i := m.dt.find(port); i >= 0 {
			addr := m.dt[i].addr
			m.alter(now, addr, func() { m.dt = slices.Delete(m.dt, i, i+1) })
			m.release(addr)
		}
		return
	}
	k := m.neighbourAt(port)
	if k < 0 {
		return
	}
	n := m.neighbours[k]
	n.mgmt = slices.DeleteFunc(n.mgmt, func(p Port) bool { return p == port })
	if len(n.mgmt) > 0 {
		return
	}
	m.unlearn(now, k)
	m.release(n.addr)
}

// release forgets a neighbour to which no port is left.
func (m *pathVector) release(addr uint64) {
	k := m.neighbour(addr)
	if len(m.neighbours[k].mgmt) == 0 && !slices.ContainsFunc(m.dt, func(p dtPort) bool { return p.addr == addr }) {
		m.neighbours[k] = nil
	}
}

// neighbourAt returns the position of the neighbour at a management port, -1 if there is none.
func (m *pathVector) neighbourAt(mgmt Port) int {
	return slices.IndexFunc(m.neighbours, func(n *pvNeighbour) bool { return n != nil && slices.Contains(n.mgmt, mgmt) })
}

func (m *pathVector) PortState(now core.Time, port Port, up bool) {
	m.begin()
	if i := m.dt.find(port); i >= 0 && m.dt[i].up != up {
		m.alter(now, m.dt[i].addr, func() { m.dt[i].up = up })
	}
}

func (m *pathVector) SetCost(now core.Time, port Port, cost uint32) {
	m.begin()
	if i := m.dt.find(port); i >= 0 {
		m.alter(now, m.dt[i].addr, func() { m.dt[i].cost = max(cost, 1) })
	}
}

// alter changes the ports to a neighbour and has the routes over it chosen anew.
func (m *pathVector) alter(now core.Time, addr uint64, change func()) {
	change()
	k := m.neighbour(addr)
	n := m.neighbours[k]
	before := n.use.up
	n.use = dtPort{}
	if p := m.dt.best(addr); p != nil {
		n.use = *p
	}
	switch {
	case n.use.up && !before:
		m.trace.Note(now, trace.AdjacencyUp, addr, 0)
	case before && !n.use.up:
		m.trace.Note(now, trace.AdjacencyLost, addr, 0)
	}
	m.markFrom(now, k)
}
