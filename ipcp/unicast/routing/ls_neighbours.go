package routing

import (
	"slices"

	"ouroboros/core"
	"ouroboros/core/trace"
)

func (m *linkState) AddNeighbour(now core.Time, kind Kind, addr uint64, port Port) {
	m.begin()
	if !m.running || addr == 0 {
		return
	}
	if addr == m.self {
		m.setConflict()
		return
	}
	m.drop(now, kind, port) // a port is used again
	if kind == DT {
		m.dt = append(m.dt, dtPort{addr: addr, port: port, cost: 1, up: true})
		m.follow(now, addr)
		return
	}
	m.mgmt = append(m.mgmt, mgmtPort{addr: addr, port: port})
	m.chooseMgmt(addr)
	m.transfer(port)
}

func (m *linkState) RemoveNeighbour(now core.Time, kind Kind, port Port) {
	m.begin()
	m.drop(now, kind, port)
}

// drop forgets a port, if it is known.
func (m *linkState) drop(now core.Time, kind Kind, port Port) {
	if kind == DT {
		if i := m.dt.find(port); i >= 0 {
			addr := m.dt[i].addr
			m.dt = slices.Delete(m.dt, i, i+1)
			m.follow(now, addr)
		}
		return
	}
	i := slices.IndexFunc(m.mgmt, func(p mgmtPort) bool { return p.port == port })
	if i >= 0 {
		gone := m.mgmt[i]
		m.mgmt = slices.Delete(m.mgmt, i, i+1)
		m.chooseMgmt(gone.addr)
		for k := range m.mgmt {
			if p := &m.mgmt[k]; p.addr == gone.addr && !p.spare {
				p.inherit(gone.owed)
			}
		}
	}
}

func (m *linkState) PortState(now core.Time, port Port, up bool) {
	m.begin()
	if i := m.dt.find(port); i >= 0 && m.dt[i].up != up {
		m.dt[i].up = up
		m.follow(now, m.dt[i].addr)
	}
}

func (m *linkState) SetCost(now core.Time, port Port, cost uint32) {
	m.begin()
	if i := m.dt.find(port); i >= 0 {
		m.dt[i].cost = max(cost, 1)
		m.follow(now, m.dt[i].addr)
	}
}

func (m *linkState) Neighbours(yield func(kind Kind, addr uint64, port Port)) {
	for _, p := range m.dt {
		yield(DT, p.addr, p.port)
	}
	for _, p := range m.mgmt {
		yield(Mgmt, p.addr, p.port)
	}
}

// chooseMgmt keeps one management flow per neighbour in use.
func (m *linkState) chooseMgmt(addr uint64) {
	spare := false
	for i := len(m.mgmt) - 1; i >= 0; i-- {
		if p := &m.mgmt[i]; p.addr == addr {
			p.spare = spare
			spare = true
		}
	}
}

// follow brings the own announcement of a neighbour in line with its ports. The tables are computed in
// any case, since the port may be another one (spec 04, D7 and D12).
func (m *linkState) follow(now core.Time, addr uint64) {
	p := m.dt.best(addr)
	i := m.db.find(m.self, addr)
	announced := i != none && !m.db.entries[i].withdrawn
	switch {
	case p == nil && announced:
		m.trace.Note(now, trace.AdjacencyLost, addr, 0)
		m.withdraw(now, i)
	case p != nil && !announced:
		m.trace.Note(now, trace.AdjacencyUp, addr, 0)
		m.announce(now, addr, p.cost)
	case p != nil && m.db.entries[i].cost != p.cost:
		m.announce(now, addr, p.cost)
	}
	m.markNow(now)
}
