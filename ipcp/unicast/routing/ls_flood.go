package routing

import (
	"math"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/trace"
	"ouroboros/core/wire"
)

func (m *linkState) Recv(now core.Time, mgmt Port, sdu []byte) {
	m.begin()
	if !m.running {
		return
	}
	m.stats.Received++
	if len(sdu) == wire.LSAExtLen && !bool(m.cfg.Withdraw) {
		return // as the prototype, which does not know this length
	}
	l, err := wire.ParseLSA(sdu)
	if err != nil {
		m.stats.Invalid++
		return
	}
	if l.Src == m.self {
		m.hearOwn(now, l)
		return
	}
	if m.accept(now, l) {
		m.send(m.keep(sdu), m.neighbourAt(mgmt))
	} else {
		m.stats.Duplicates++
	}
}

// neighbourAt returns the address of the neighbour at a management port, 0 if there is none.
func (m *linkState) neighbourAt(mgmt Port) uint64 {
	for i := range m.mgmt {
		if m.mgmt[i].port == mgmt {
			return m.mgmt[i].addr
		}
	}
	return 0
}

// accept enters the message of another member and reports whether to forward it (spec 04 §4.2).
func (m *linkState) accept(now core.Time, l wire.LSA) bool {
	f := short
	if l.Ext {
		f = long
	}
	i := m.db.find(l.Src, l.Dst)
	if i == none {
		i = m.db.insert(entry{
			dst: l.Dst, src: l.Src, seq: l.Seq, stamp: stampOf(now), cost: max(l.Metric, 1),
			forms: f, withdrawn: l.Withdrawn(),
		})
		m.changed(now, i)
		return true
	}
	e := &m.db.entries[i]
	switch {
	case l.Seq > e.seq:
		e.seq, e.stamp, e.forms = l.Seq, stampOf(now), f
	case l.Seq == e.seq && e.forms&f == 0 && !e.withdrawn:
		e.forms |= f // the other form of the same message
	default:
		return false
	}
	cost := e.cost
	if l.Ext && !l.Withdrawn() {
		cost = l.Metric
	}
	if e.withdrawn != l.Withdrawn() || e.cost != cost {
		e.withdrawn, e.cost = l.Withdrawn(), cost
		m.changed(now, i)
	}
	return true
}

// changed is called when an adjacency was added, withdrawn, announced again or has another cost.
func (m *linkState) changed(now core.Time, i int32) {
	e := &m.db.entries[i]
	m.trace.Note(now, trace.LSAAccepted, e.src, e.dst)
	if int(i) < m.db.linked && (e.rev == none || m.db.entries[e.rev].withdrawn) {
		return // the link was not usable before and is not now
	}
	m.markNow(now)
}

// announce announces the own adjacency to a neighbour, with a number higher than any before: decision
// 7, and D2 of spec 04.
func (m *linkState) announce(now core.Time, addr uint64, cost uint32) {
	i := m.db.find(m.self, addr)
	if i == none {
		i = m.db.insert(entry{dst: addr, src: m.self, seq: m.firstSeq(), cost: cost})
	} else {
		e := &m.db.entries[i]
		e.seq = max(m.firstSeq(), after(e.seq))
		if e.cost != cost {
			e.forms |= long // others know the last cost: see originate
		}
		e.cost, e.withdrawn = cost, false
	}
	m.originate(now, &m.db.entries[i])
}

// withdraw takes an own adjacency back. The entry stays so that its number is remembered.
func (m *linkState) withdraw(now core.Time, e *entry) {
	e.withdrawn = true
	if m.cfg.Withdraw {
		e.seq = max(m.firstSeq(), after(e.seq))
		m.originate(now, e)
	} else {
		e.stamp = stampOf(now)
	}
}

// firstSeq returns the number for an adjacency that is not known: the clock in seconds (decision 7).
func (m *linkState) firstSeq() uint64 { return uint64(max(m.wall(), 0) / int64(time.Second)) }

// after returns the number that follows, staying at the highest one.
func after(seq uint64) uint64 {
	if seq == math.MaxUint64 {
		return seq
	}
	return seq + 1
}

// originate sends the own entry to all management neighbours. The long form goes first: a member that
// knows it has cost and flags before the short one arrives. Once the long form of an adjacency was sent
// it is always sent, since others remember what it said.
func (m *linkState) originate(now core.Time, e *entry) {
	e.stamp = stampOf(now)
	needed := e.withdrawn || e.cost != 1 || e.forms&long != 0
	e.forms = short
	if bool(m.cfg.Withdraw) && (needed || m.cfg.LongForm == LongAlways) {
		e.forms = short | long
	}
	m.trace.Note(now, trace.LSAOriginated, e.dst, e.seq)
	m.sendForms(e, func(sdu []byte) { m.send(sdu, 0) })
}

// sendForms sends an entry in the forms in which it is known.
func (m *linkState) sendForms(e *entry, send func(sdu []byte)) {
	if e.forms&long != 0 && bool(m.cfg.Withdraw) {
		send(m.message(e, long))
	}
	if e.forms&short != 0 && !e.withdrawn {
		send(m.message(e, short))
	}
}

// transfer sends the whole database to a new neighbour, in its order (spec 04 §4.4), withdrawals among
// it: the neighbour may have missed them.
func (m *linkState) transfer(port Port) {
	for _, i := range m.db.sorted() {
		m.sendForms(&m.db.entries[i], func(sdu []byte) { m.sendTo(sdu, port) })
	}
}

// strike counts how often another member has had a higher number for an own adjacency than this one.
type strike struct {
	dst   uint64
	count int
	since core.Time
}

// maxStrikes is where doubt ends. Copies from an earlier life of this member are overruled at the first
// message, or at the second if parts of the layer were separated; only a member that is alive goes on.
const maxStrikes = 3

// hearOwn takes a message that names this member as its source. Own numbers come back by flooding; a
// higher one is a copy from an earlier life, which is outdated (D3 of spec 04), or the work of a member
// with the same address (decision 6).
func (m *linkState) hearOwn(now core.Time, l wire.LSA) {
	i := m.db.find(m.self, l.Dst)
	if i != none && l.Seq <= m.db.entries[i].seq || m.conflict {
		m.stats.Duplicates++
		return
	}
	if m.struck(now, l.Dst) {
		m.setConflict()
		return
	}
	if i == none {
		i = m.db.insert(entry{dst: l.Dst, src: m.self, cost: 1, forms: long, withdrawn: true})
	}
	e := &m.db.entries[i]
	e.seq, e.stamp = l.Seq, stampOf(now)
	if !e.withdrawn || bool(m.cfg.Withdraw) {
		e.seq = after(e.seq)
		m.originate(now, e)
	}
}

// struck counts a strike and reports whether it was the last one.
func (m *linkState) struck(now core.Time, dst uint64) bool {
	i := slices.IndexFunc(m.strikes, func(s strike) bool { return s.dst == dst })
	if i < 0 {
		i = len(m.strikes)
		m.strikes = append(m.strikes, strike{dst: dst, since: now})
	}
	s := &m.strikes[i]
	if now.Sub(s.since) > m.cfg.Timeout {
		s.count, s.since = 0, now
	}
	s.count++
	return s.count >= maxStrikes
}

// setConflict reports that the own address is in use elsewhere, once.
func (m *linkState) setConflict() {
	m.out.Conflict = m.out.Conflict || !m.conflict
	m.conflict = true
}
