package routing

import (
	"math"

	"ouroboros/core"
	"ouroboros/core/trace"
	"ouroboros/core/wire"
)

func (m *pathVector) Recv(now core.Time, mgmt Port, sdu []byte) {
	m.begin()
	if !m.running {
		return
	}
	m.stats.Received++
	msg, err := wire.ParsePathVector(sdu)
	k := m.neighbourAt(mgmt)
	if err != nil || k < 0 {
		m.stats.Invalid++
		return
	}
	if msg.Ask {
		m.neighbours[k].full = true
		m.tellSoon(now)
	}
	msg.Routes(func(r wire.PVRoute) { m.hear(now, k, msg.Number, r) })
}

// maxOrigin is the highest number of a life that is believed. What a destination overrules lies above it by a
// few, so that it can.
const maxOrigin = math.MaxUint64 - 1<<32

// hear takes a route from neighbour k.
func (m *pathVector) hear(now core.Time, k int, number uint32, r wire.PVRoute) {
	switch {
	case !r.Withdrawn && r.Hop(0) != m.neighbours[k].addr:
		m.stats.Invalid++
		return
	case r.Origin > maxOrigin:
		m.stats.Ahead++
		return
	case r.Dst() == m.self:
		m.hearSelf(now, r)
		return
	}
	long := r.Len() >= m.cfg.MaxPath
	if long {
		m.stats.Full++
	}
	usable := !r.Withdrawn && !long && !holds(r, m.self)
	d := m.index[r.Dst()]
	if d == nil {
		if !usable {
			return
		}
		if d = m.dest(r.Dst()); d == nil {
			m.stats.Full++
			return
		}
	}
	old := &d.in[k]
	if old.state != pvNothing && int32(number-old.number) < 0 {
		m.stats.Duplicates++
		return
	}
	m.enter(now, d, k, number, r, usable)
}

// enter replaces what neighbour k has said of a destination.
func (m *pathVector) enter(now core.Time, d *pvDest, k int, number uint32, r wire.PVRoute, usable bool) {
	in := &d.in[k]
	in.number, in.stamp = number, stampOf(now)
	if !usable {
		if in.state == pvRoute {
			m.trace.Note(now, trace.LSAAccepted, m.neighbours[k].addr, d.addr)
			d.mark()
			m.chooseSoon(now)
		}
		*in = pvIn{number: number, stamp: in.stamp, state: pvWithdrawn}
		return
	}
	if in.state == pvRoute && in.metric == r.Metric && in.origin == r.Origin && samePath(in.path, r) {
		return
	}
	path := make([]uint64, r.Len())
	for i := range path {
		path[i] = r.Hop(i)
	}
	in.state, in.metric, in.origin, in.path = pvRoute, r.Metric, r.Origin, path
	m.trace.Note(now, trace.LSAAccepted, m.neighbours[k].addr, d.addr)
	d.mark()
	m.chooseSoon(now)
}

// holds tells whether a path leads over a member.
func holds(r wire.PVRoute, addr uint64) bool {
	for i := range r.Len() {
		if r.Hop(i) == addr {
			return true
		}
	}
	return false
}

func samePath(path []uint64, r wire.PVRoute) bool {
	if len(path) != r.Len() {
		return false
	}
	for i, a := range path {
		if r.Hop(i) != a {
			return false
		}
	}
	return true
}

// hearSelf takes a route to this member. Its own comes back; one of an earlier life goes by itself, since it is
// overruled where it stands; a later one is overruled, or shows another member with the same address.
func (m *pathVector) hearSelf(now core.Time, r wire.PVRoute) {
	if r.Withdrawn || r.Origin == m.origin || m.conflict {
		return
	}
	m.stats.Stale++
	if r.Origin < m.origin {
		return
	}
	if now.Sub(m.strike.since) > m.cfg.Timeout {
		m.strike = strike{since: now}
	}
	if m.strike.count++; m.strike.count >= maxStrikes {
		m.setConflict()
		return
	}
	m.origin = r.Origin + 1
	m.dest(m.self).mark()
	m.chooseSoon(now)
}

// setConflict reports that the own address is in use elsewhere, once.
func (m *pathVector) setConflict() {
	m.out.Conflict = m.out.Conflict || !m.conflict
	m.conflict = true
}
