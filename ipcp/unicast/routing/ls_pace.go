package routing

import (
	"math/bits"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/wire"
)

// A flood of a few messages goes on at once. More of them within one period are paced, as OSPF routers
// pace theirs (RFC 4222, and the flood pacing timer of common implementations): they are noted per
// neighbour and handed out together, once a period, at an instant that the address of the member
// decides, so that neighbours take turns. What a neighbour sends meanwhile it need not be sent, and of
// an adjacency that changes several times only the newest message goes out: a layer that comes up at one
// instant sends each message over a link once, not twice, and queues it here as two bits, not as a
// packet. Every neighbour still gets, or has, the newest message in each form.

// urgency says what a message competes with. News is not kept waiting by a refresh of the whole layer.
type urgency uint8

const (
	routine urgency = iota // changes the number of an adjacency only
	news                   // changes the graph
	urgencies
)

// budget limits the messages of one urgency that are flooded at once.
type budget struct {
	until   core.Time // end of the period
	left    int       // messages that still go at once in it
	waiting bool      // some are noted
}

// atOnce reports whether a message may be flooded now, and counts it.
func (m *linkState) atOnce(now core.Time, u urgency) bool {
	if m.cfg.Pace == 0 {
		return true
	}
	b := &m.budgets[u]
	if !b.waiting {
		if now >= b.until {
			b.until, b.left = now.Add(m.cfg.Pace), m.cfg.Burst
		}
		if b.left > 0 {
			b.left--
			return true
		}
	}
	b.waiting = true
	return false
}

// pacing reports whether messages wait.
func (m *linkState) pacing() bool { return m.paceAt != clock.Never }

// turn sets the time of the next release, unless it is set: the next turn of this member.
func (m *linkState) turn(now core.Time) {
	if m.pacing() {
		return
	}
	period := core.Time(m.cfg.Pace)
	phase := core.Time(hash(m.self) % uint64(period))
	m.paceAt = now + period - (now+period-phase)%period
}

// flood sends an own entry to every management neighbour, now or later.
func (m *linkState) flood(now core.Time, i int32, u urgency) {
	if len(m.mgmt) == 0 {
		return
	}
	e := &m.db.entries[i]
	if !m.atOnce(now, u) {
		m.note(now, i, e.forms, 0)
		return
	}
	m.sendForms(e, e.forms, func(sdu []byte) { m.send(sdu, 0) })
	m.settle(i, e.forms)
}

// forward sends the message of an entry on to every management neighbour except the one with the
// address except, now as it came, or later. One with flags that this member does not know goes at once: it
// cannot be made again from the database.
func (m *linkState) forward(now core.Time, i int32, l wire.LSA, sdu []byte, except uint64, u urgency) {
	if l.Flags&^wire.LSAWithdrawn == 0 && !m.atOnce(now, u) {
		m.note(now, i, formOf(l), except)
		return
	}
	m.send(m.keep(sdu), except)
	m.settle(i, formOf(l))
}

// note has forms of an entry sent later; the neighbour with the address except has them, 0 excludes
// none.
func (m *linkState) note(now core.Time, i int32, forms form, except uint64) {
	for k := range m.mgmt {
		if p := &m.mgmt[k]; p.addr != except && !p.spare {
			p.owe(i, forms)
		}
	}
	m.turn(now)
}

// settle notes that all neighbours have forms of an entry.
func (m *linkState) settle(i int32, forms form) {
	for k := range m.mgmt {
		m.mgmt[k].settle(i, forms)
	}
}

// release hands out what waits, each entry as it is now and in the order in which the entries became
// known, but no more than limit entries.
func (m *linkState) release(now core.Time, limit int) {
	if !m.pacing() {
		return
	}
	m.paceAt = clock.Never
	left := limit
	for w := 0; ; w++ {
		word, more := m.owedWord(w)
		if !more {
			break
		}
		for ; word != 0 && left > 0; left-- {
			bit := bits.TrailingZeros64(word) &^ 1
			word &^= 3 << bit
			m.releaseEntry(int32(w*entriesPerWord + bit/2))
		}
		if word != 0 {
			m.turn(now)
			break
		}
	}
	for u := range m.budgets {
		if b := &m.budgets[u]; b.waiting {
			*b = budget{until: now.Add(m.cfg.Pace), left: left, waiting: m.pacing()}
		}
	}
}

// owedWord joins one word of what all neighbours are owed; more is false behind the last one.
func (m *linkState) owedWord(w int) (word uint64, more bool) {
	for k := range m.mgmt {
		if o := m.mgmt[k].owed; w < len(o) {
			word, more = word|o[w], true
		}
	}
	return word, more
}

// releaseEntry sends an entry to the neighbours that are owed it.
func (m *linkState) releaseEntry(i int32) {
	for _, f := range [...]form{long, short} {
		m.sendForms(&m.db.entries[i], f, func(sdu []byte) {
			for k := range m.mgmt {
				if p := &m.mgmt[k]; p.owes(i, f) {
					m.sendTo(sdu, p.port)
				}
			}
		})
	}
	m.settle(i, short|long)
}

// Two bits per entry, the forms that a neighbour is still to be sent.
const entriesPerWord = 32

func (p *mgmtPort) owe(i int32, f form) {
	w := int(i / entriesPerWord)
	if w >= len(p.owed) {
		p.owed = append(p.owed, make([]uint64, w+1-len(p.owed))...)
	}
	p.owed[w] |= uint64(f) << (2 * (i % entriesPerWord))
}

func (p *mgmtPort) settle(i int32, f form) {
	if w := int(i / entriesPerWord); w < len(p.owed) {
		p.owed[w] &^= uint64(f) << (2 * (i % entriesPerWord))
	}
}

func (p *mgmtPort) owes(i int32, f form) bool {
	w := int(i / entriesPerWord)
	return w < len(p.owed) && p.owed[w]>>(2*(i%entriesPerWord))&uint64(f) != 0
}

// inherit takes over what another port to the same neighbour was owed.
func (p *mgmtPort) inherit(owed []uint64) {
	for len(p.owed) < len(owed) {
		p.owed = append(p.owed, 0)
	}
	for w, o := range owed {
		p.owed[w] |= o
	}
}
