package direct

import (
	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/shim/internal/flows"
)

// metaKind is the Meta.Kind of a message; 0 is data.
func metaKind(k flows.Kind) uint8 { return uint8(k) + 1 }

// management takes a message. Its body has the layout of the Ethernet shim (spec 01 §3.3).
func (s *Shim) management(p *pkt.Buf) {
	s.HandleDIX(p.Bytes(), core.Addr{}, func(k flows.Kind) bool {
		if metaKind(k) != p.Meta.Kind {
			s.Drop.Type++
			return false
		}
		return true
	})
}

// medium is what the machine of a shim asks of its frames.
type medium struct{ *Shim }

// Encode makes the packet of a message.
func (s medium) Encode(m *flows.Message, _ core.Addr) *pkt.Buf {
	w := m.DIX()
	p := s.env.Pool.Get(s.reserve, w.Len())
	w.Put(p.Bytes())
	p.Meta.Kind = metaKind(m.Kind)
	return p
}

// Frame returns no header: what identifies the flow travels beside the packet.
func (s medium) Frame(core.Addr, uint32, uint32) flows.Frame { return flows.Frame{} }
