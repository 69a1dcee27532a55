package routing

import (
	"slices"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/trace"
	"ouroboros/core/wire"
)

// maxPVMessage is the length in bytes up to which routes share a message: every N-1 flow is
// expected to take it. The longest route fits.
const maxPVMessage = 1024

// tell tells every neighbour what it does not know, or all of it if it is to be told everything.
func (m *pathVector) tell(now core.Time) {
	m.tellAt, m.tellEnd = clock.Never, now.Add(m.cfg.MRAI)
	for k, n := range m.neighbours {
		if n == nil || len(n.mgmt) == 0 {
			continue
		}
		at := -1 // where the message begins in the arena, -1 if there is none
		for _, d := range m.dests {
			if !n.full && !d.pending {
				continue
			}
			if at < 0 {
				at = m.open(n.ask)
				n.ask = false
			}
			m.tellOf(now, d, k, at)
			if len(m.arena)-at > maxPVMessage-wire.PVRouteLen-8*m.cfg.MaxPath {
				m.seal(at, n)
				at = -1
			}
		}
		if at >= 0 {
			m.seal(at, n)
		}
		n.full = false
	}
	for _, d := range m.dests {
		if d.pending && d.best.way == itself {
			m.trace.Note(now, trace.LSAOriginated, d.addr, d.best.origin)
		}
		d.pending = false
	}
}

// open begins a message in the arena.
func (m *pathVector) open(ask bool) int {
	at := len(m.arena)
	m.arena = wire.AppendPVHeader(m.arena, ask, m.number+1)
	return at
}

// seal hands the message at the end of the arena out, unless it holds nothing.
func (m *pathVector) seal(at int, n *pvNeighbour) {
	if len(m.arena) == at+wire.PVHeader {
		m.arena = m.arena[:at]
		return
	}
	m.number++
	m.sendTo(m.arena[at:len(m.arena):len(m.arena)], n.mgmt[len(n.mgmt)-1])
}

// tellOf appends what neighbour k is to know of a destination: the path in use, or that there is none for it.
func (m *pathVector) tellOf(now core.Time, d *pvDest, k, at int) {
	out := &d.out[k]
	if d.best.way != none && offers(d.best.path, m.neighbours[k].addr) {
		m.arena = wire.AppendPVRoute(m.arena, at, d.best.origin, d.best.metric, m.self, d.best.path)
		out.state = pvRoute
		return
	}
	if out.state == pvRoute || out.state == pvWithdrawn && m.neighbours[k].full {
		m.arena = wire.AppendPVWithdrawal(m.arena, at, d.addr)
	}
	if out.state == pvRoute {
		out.state, out.stamp = pvWithdrawn, stampOf(now)
	}
}

// offers tells whether a path is of use to a neighbour: it does not lead over it. One that ends at its address,
// but not by the link to it, shows it whether that address is its alone.
func offers(path []uint64, addr uint64) bool {
	i := slices.Index(path, addr)
	return i < 0 || i > 0 && i == len(path)-1
}
