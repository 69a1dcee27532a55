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
	if l.Seq > maxAhead && l.Seq-maxAhead > m.firstSeq() {
		m.stats.Ahead++
		return
	}
	i := m.db.find(l.Src, l.Dst)
	if i == none && len(m.db.entries) >= m.cfg.MaxEntries {
		m.stats.Full++
		return
	}
	from := m.neighbourAt(mgmt)
	if from != nil && i != none && l.Seq >= m.db.entries[i].seq {
		from.settle(i, formOf(l)) // it has what it has sent
	}
	if l.Src == m.self {
		m.hearOwn(now, i, l)
		return
	}
	i, u, ok := m.accept(now, i, l)
	if !ok {
		m.stats.Duplicates++
		m.correct(from, i, l)
		return
	}
	except := uint64(0)
	if from != nil {
		except = from.addr
	}
	m.forward(now, i, l, sdu, except, u)
}

// maxAhead is how far a number may be ahead of the clock in seconds that it starts from (decision 7). No
// member that counts up by refresh and changes gets there, nor one whose clock is off by a century. A
// forged number beyond could never be overruled by its source.
const maxAhead = 1 << 32

// neighbourAt returns the neighbour at a management port, nil if there is none.
func (m *linkState) neighbourAt(mgmt Port) *mgmtPort {
	for i := range m.mgmt {
		if m.mgmt[i].port == mgmt {
			return &m.mgmt[i]
		}
	}
	return nil
}

func formOf(l wire.LSA) form {
	if l.Ext {
		return long
	}
	return short
}

// correct sends a neighbour that has sent an older message the newer one, as OSPF does (RFC 2328, §13, step 8).
// Floods alone do not mend what a member has heard in the name of another and sent on to nobody: it takes
// nothing from the source any more, which does not know why. The prototype does not do so (spec 04 §4.2).
func (m *linkState) correct(from *mgmtPort, i int32, l wire.LSA) {
	if e := &m.db.entries[i]; from != nil && l.Seq < e.seq && bool(m.cfg.Withdraw) {
		m.sendForms(e, e.forms, func(sdu []byte) { m.sendTo(sdu, from.port) })
	}
}

// accept enters the message of another member, whose entry is i if there is one, and reports whether to
// forward it and how urgently (spec 04 §4.2).
func (m *linkState) accept(now core.Time, i int32, l wire.LSA) (int32, urgency, bool) {
	f := formOf(l)
	if i == none {
		i = m.db.insert(entry{
			dst: l.Dst, src: l.Src, seq: l.Seq, stamp: stampOf(now), cost: max(l.Metric, 1),
			forms: f, withdrawn: l.Withdrawn(),
		})
		m.changed(now, i)
		return i, news, true
	}
	e := &m.db.entries[i]
	switch {
	case l.Seq > e.seq:
		e.seq, e.stamp, e.forms = l.Seq, stampOf(now), f
	case l.Seq == e.seq && e.forms&f == 0 && !e.withdrawn:
		e.forms |= f // the other form of the same message
	default:
		return i, routine, false
	}
	cost := e.cost
	if l.Ext && !l.Withdrawn() {
		cost = l.Metric
	}
	if e.withdrawn != l.Withdrawn() || e.cost != cost {
		e.withdrawn, e.cost = l.Withdrawn(), cost
		m.changed(now, i)
		return i, news, true
	}
	return i, routine, true
}

// changed is called when an adjacency was added, withdrawn, announced again or has another cost.
func (m *linkState) changed(now core.Time, i int32) {
	e := &m.db.entries[i]
	m.trace.Note(now, trace.LSAAccepted, e.src, e.dst)
	if int(i) < m.db.linked && (e.rev == none || m.db.entries[e.rev].withdrawn) {
		return // the link was not usable before and is not now
	}
	m.touch(i)
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
	m.touch(i)
	m.originate(now, i, news)
}

// withdraw takes an own adjacency back. The entry stays so that its number is remembered.
func (m *linkState) withdraw(now core.Time, i int32) {
	e := &m.db.entries[i]
	e.withdrawn = true
	m.touch(i)
	if m.cfg.Withdraw {
		e.seq = max(m.firstSeq(), after(e.seq))
		m.originate(now, i, news)
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
func (m *linkState) originate(now core.Time, i int32, u urgency) {
	e := &m.db.entries[i]
	e.stamp = stampOf(now)
	needed := e.withdrawn || e.cost != 1 || e.forms&long != 0
	e.forms = short
	if bool(m.cfg.Withdraw) && (needed || m.cfg.LongForm == LongAlways) {
		e.forms = short | long
	}
	m.trace.Note(now, trace.LSAOriginated, e.dst, e.seq)
	m.flood(now, i, u)
}

// sendForms sends an entry in those of the given forms in which it is known.
func (m *linkState) sendForms(e *entry, forms form, send func(sdu []byte)) {
	forms &= e.forms
	if forms&long != 0 && bool(m.cfg.Withdraw) {
		send(m.message(e, long))
	}
	if forms&short != 0 && !e.withdrawn {
		send(m.message(e, short))
	}
}

// transfer sends the whole database to a new neighbour, in its order (spec 04 §4.4), withdrawals among
// it: the neighbour may have missed them.
func (m *linkState) transfer(port Port) {
	for _, i := range m.db.sorted() {
		m.sendForms(&m.db.entries[i], short|long, func(sdu []byte) { m.sendTo(sdu, port) })
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
func (m *linkState) hearOwn(now core.Time, i int32, l wire.LSA) {
	if i != none && l.Seq <= m.db.entries[i].seq || m.conflict {
		m.stats.Duplicates++
		return
	}
	m.stats.Stale++
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
		m.originate(now, i, news)
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
