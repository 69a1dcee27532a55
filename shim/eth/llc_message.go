package eth

import (
	"errors"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/shim/internal/flows"
)

// management takes a management message of n bytes. The packet stays the caller's.
func (s *LLC) management(f wire.LLCFrame, p *pkt.Buf, n int) {
	own, ok := s.station.management(f, n)
	if !ok {
		return
	}
	w, err := wire.ParseLLCMessage(p.Bytes()[wire.LLCFrameHeaderLen:][:n], s.Layer().Hash.Len())
	switch {
	case errors.Is(err, wire.ErrLLCCode):
		s.Drop.Type++
		return
	case err != nil:
		s.Drop.Short++
		return
	case !s.takes(flows.Kind(w.Code), own):
		return
	}
	// The kinds have the codes of the wire.
	s.Handle(&flows.Message{
		Kind: flows.Kind(w.Code), Source: uint32(w.SSAP), Dest: uint32(w.DSAP), Response: w.Response,
		QoS: core.QoS{
			Delay: w.Delay, Bandwidth: w.Bandwidth, Availability: w.Availability, Loss: w.Loss,
			BER: w.BER, InOrder: w.InOrder, MaxGap: w.MaxGap, Timeout: w.Timeout,
		},
		Hash: core.Hash(w.Digest), Piggyback: w.Piggyback,
	}, core.MACFrom(f[6:]))
}

// llcMedium is what the machine of a shim asks of its frames.
type llcMedium struct{ *LLC }

// Encode makes the frame of a management message.
func (s llcMedium) Encode(m *flows.Message, to core.Addr) *pkt.Buf {
	w := wire.LLCMessage{
		Code: wire.DIXCode(m.Kind), SSAP: uint8(m.Source), DSAP: uint8(m.Dest), Response: m.Response,
		Loss: m.QoS.Loss, Bandwidth: m.QoS.Bandwidth, BER: m.QoS.BER, MaxGap: m.QoS.MaxGap,
		Delay: m.QoS.Delay, Timeout: m.QoS.Timeout, InOrder: m.QoS.InOrder, Availability: m.QoS.Availability,
		Digest: []byte(m.Hash), Piggyback: m.Piggyback,
	}
	n := w.Len()
	p := s.env.Pool.Get(s.reserve, wire.LLCFrameHeaderLen+n)
	b := p.Bytes()
	wire.PutLLCFrame(b, destination(to), s.mac, wire.LLCManagementSAP, wire.LLCManagementSAP, n)
	w.Put(b[wire.LLCFrameHeaderLen:])
	return p
}

// Frame makes the header of data from a flow to that of a peer.
func (s llcMedium) Frame(peer core.Addr, own, remote uint32) flows.Frame {
	f := flows.Frame{
		Len: wire.LLCFrameHeaderLen, SizeAt: wire.LLCLengthOffset, SizeOf: wire.LLCHeaderLen,
		Tag: llcTag(wire.MACNumber(peer.MAC()), uint8(remote)),
	}
	wire.PutLLCFrame(f.Header[:], peer.MAC(), s.mac, uint8(remote), uint8(own), 0)
	return f
}
