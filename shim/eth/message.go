package eth

import (
	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/shim/internal/flows"
)

// management takes a management message of n bytes. The packet stays the caller's.
func (s *Shim) management(f wire.DIXFrame, p *pkt.Buf, n int) {
	own, ok := s.station.management(f, n)
	if !ok {
		return
	}
	body := p.Bytes()[wire.DIXFrameHeaderLen:][:n]
	s.HandleDIX(body, core.MACFrom(f[6:]), func(k flows.Kind) bool { return s.takes(k, own) })
}

// medium is what the machine of a shim asks of its frames.
type medium struct{ *Shim }

// Encode makes the frame of a management message.
func (s medium) Encode(m *flows.Message, to core.Addr) *pkt.Buf {
	w := m.DIX()
	n := w.Len()
	p := s.env.Pool.Get(s.reserve, wire.DIXFrameHeaderLen+n)
	b := p.Bytes()
	wire.PutDIXFrame(b, destination(to), s.mac, s.etherType, wire.DIXManagementEID, n)
	w.Put(b[wire.DIXFrameHeaderLen:])
	return p
}

// Frame makes the header of data to a flow of a peer.
func (s medium) Frame(peer core.Addr, _, remote uint32) flows.Frame {
	f := flows.Frame{Len: wire.DIXFrameHeaderLen, SizeAt: wire.DIXLengthOffset, Tag: wire.MACNumber(peer.MAC())}
	wire.PutDIXFrame(f.Header[:], peer.MAC(), s.mac, s.etherType, uint16(remote), 0)
	return f
}
