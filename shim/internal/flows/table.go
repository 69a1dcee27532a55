package flows

import (
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/trace"
)

// releasedEID is an EID that is free again from a point in time.
type releasedEID struct {
	eid  uint32
	from core.Time
}

// newEnd gives out an EID and enters a flow end in the table: the one whose rest was over first, else one never used. ErrAgain when there is none.
func (m *Machine) newEnd(qos core.QoS) (*End, error) {
	e := &End{m: m, link: m.link, qos: qos, receiving: true}
	e.flush = e.deliverHeld
	switch {
	case len(m.released) > 0 && !m.env.Now().Before(m.released[0].from):
		e.eid = m.released[0].eid
		m.released = m.released[1:]
		m.table[e.eid-m.first] = e
	case uint64(m.cfg.FirstEID)+uint64(len(m.table)) <= uint64(m.cfg.LastEID):
		e.eid = m.cfg.FirstEID + uint32(len(m.table))
		m.table = append(m.table, e)
	default:
		return nil, core.ErrAgain
	}
	return e, nil
}

// Lookup returns the flow end that receives on the EID, or nil. EIDs come from the wire: any value is
// fine (D14).
func (m *Machine) Lookup(eid uint32) *End {
	if i := eid - m.first; i < uint32(len(m.table)) {
		if e := m.table[i]; e != nil && e.state == allocated {
			return e
		}
	}
	return nil
}

// initiator returns the end with the EID if it waits for a reply.
func (m *Machine) initiator(eid uint32) *End {
	if i := eid - m.first; i < uint32(len(m.table)) {
		if e := m.table[i]; e != nil && e.attempt != nil {
			return e
		}
	}
	return nil
}

// allocate completes an end, now that its peer is known.
func (m *Machine) allocate(e *End, peer core.Addr, remote uint32) {
	e.peer, e.remote = peer, remote
	e.frame = m.medium.Frame(peer, e.eid, remote)
	e.state = allocated
	e.open, e.told = m.up, true
	m.env.Trace.Note(m.env.Now(), trace.FlowAllocated, uint64(e.eid), 0)
}

// release takes an end out of the table. Its EID rests for wait, and for the lifetime of a packet at
// least.
func (m *Machine) release(e *End, wait time.Duration) {
	m.table[e.eid-m.first] = nil
	from := m.env.Now().Add(max(wait, m.cfg.MPL))
	i := len(m.released) // one that rests long does not hold up the others
	for i > 0 && from.Before(m.released[i-1].from) {
		i--
	}
	m.released = slices.Insert(m.released, i, releasedEID{e.eid, from})
	if e.tracked {
		delete(m.answered, e.key)
	}
}

// Flows returns the number of flow ends, those waiting for a reply included.
func (m *Machine) Flows() int {
	n := 0
	for _, e := range m.table {
		if e != nil {
			n++
		}
	}
	return n
}

// Abandon ends all flows at once, with core.ErrFlowDown. It is for a system that has ended: users that wait for
// timers there give back what they hold.
func (m *Machine) Abandon() {
	for _, e := range m.table {
		if e == nil {
			continue
		}
		s := e.sink
		e.Close(0)
		if s != nil {
			s.Closed(core.ErrFlowDown)
		}
	}
	for _, o := range m.tx.mgmt {
		o.p.Release()
	}
	m.tx.mgmt = nil
}
