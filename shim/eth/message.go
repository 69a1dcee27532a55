package eth

import (
	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/shim/internal/flows"
)

// management takes a management message of n bytes. The packet stays the caller's.
func (s *Shim) management(f wire.DIXFrame, p *pkt.Buf, n int) {
	own := f.Destination() == s.mac
	if !own && core.MACFrom(f) != core.BroadcastMAC {
		s.Drop.Destination++
		return
	}
	if n > wire.DIXMaxManagement {
		s.Drop.Size++
		return
	}
	from := core.MACFrom(f[6:])
	body := p.Bytes()[wire.DIXFrameHeaderLen:][:n]
	s.HandleDIX(body, from, func(k flows.Kind) bool {
		// Only a name query is for everybody.
		if !own && k != flows.Query {
			s.Drop.Destination++
			return false
		}
		return true
	})
}

// medium is what the machine of a shim asks of its frames.
type medium struct{ *Shim }

// Encode makes the frame of a management message.
func (s medium) Encode(m *flows.Message, to core.Addr) *pkt.Buf {
	if to.IsZero() {
		to = core.BroadcastMAC
	}
	w := m.DIX()
	n := w.Len()
	p := s.env.Pool.Get(s.reserve, wire.DIXFrameHeaderLen+n)
	b := p.Bytes()
	wire.PutDIXFrame(b, to.MAC(), s.mac, s.etherType, wire.DIXManagementEID, n)
	w.Put(b[wire.DIXFrameHeaderLen:])
	return p
}

// Frame makes the header of data to a flow of a peer.
func (s medium) Frame(peer core.Addr, eid uint32) flows.Frame {
	f := flows.Frame{Len: wire.DIXFrameHeaderLen, Sized: true, Tag: wire.MACNumber(peer.MAC())}
	wire.PutDIXFrame(f.Header[:], peer.MAC(), s.mac, s.etherType, uint16(eid), 0)
	return f
}
