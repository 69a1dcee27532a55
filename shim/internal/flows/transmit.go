package flows

import (
	"errors"
	"slices"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// transmit is what waits for a blocked link: management frames first, then flows in the order in
// which they were refused.
type transmit struct {
	full  bool // the link has refused a packet and has not called Writable since
	mgmt  []outgoing
	ends  []*End
	spare []*End // the slice that ends came from, for use again
}

type outgoing struct {
	p  *pkt.Buf
	to core.Addr
}

// send sends a management message, behind those that wait already.
func (m *Machine) send(msg *Message, to core.Addr) {
	o := outgoing{m.medium.Encode(msg, to), to}
	if !m.tx.full {
		m.sendNow(o)
		return
	}
	m.keep(o)
}

func (m *Machine) sendNow(o outgoing) {
	switch err := m.link.Send(o.p, o.to); {
	case err == nil:
		m.ManagementSent++
	case errors.Is(err, core.ErrWouldBlock):
		m.tx.full = true
		m.keep(o)
	default:
		m.Drop.Link++
	}
}

func (m *Machine) keep(o outgoing) {
	if len(m.tx.mgmt) >= maxManagement {
		m.Drop.Management++
		o.p.Release()
		return
	}
	m.tx.mgmt = append(m.tx.mgmt, o)
}

// Writable is called by the link when it has room again: management goes first, then the flows get
// their turn, first blocked first served. It ends when the link blocks again; who is refused then
// stands behind those that have not had their turn.
func (m *Machine) Writable() {
	m.tx.full = false
	waiting := m.tx.mgmt
	m.tx.mgmt = nil
	for i, o := range waiting {
		if m.tx.full {
			m.tx.mgmt = append(m.tx.mgmt, waiting[i:]...)
			return
		}
		m.sendNow(o)
	}
	if m.tx.full {
		return
	}
	ends := m.tx.ends
	m.tx.ends, m.tx.spare = m.tx.spare[:0], nil
	for i, e := range ends {
		if m.tx.full {
			refused := m.tx.ends
			m.tx.ends = append(slices.Delete(ends, 0, i), refused...)
			m.tx.spare = refused[:0]
			return
		}
		e.becameWritable()
	}
	m.tx.spare = ends[:0]
}
