package udp

import (
	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/shim/internal/flows"
)

// message returns a message off the wire as the machine takes it. On the wire a reply has the EIDs where the
// request has them (spec 01 §5.4).
func message(w *wire.UDPMessage) *flows.Message {
	m := &flows.Message{
		Kind: flows.Request, Source: w.SEID, Dest: w.DEID, Response: w.Response,
		QoS: core.QoS{
			Delay: w.Delay, Bandwidth: w.Bandwidth, Availability: w.Availability, Loss: w.Loss,
			BER: w.BER, InOrder: w.InOrder, MaxGap: w.MaxGap, Timeout: w.Timeout,
		},
		Hash: core.Hash(w.Digest), Piggyback: w.Piggyback,
	}
	if w.Code == wire.UDPFlowReply {
		m.Kind, m.Source, m.Dest = flows.Reply, w.DEID, w.SEID
	}
	return m
}

// medium is what the machine of a shim asks of its datagrams.
type medium struct{ *Shim }

// Encode makes the datagram of a management message: a request or a reply, since names are resolved
// elsewhere.
func (s medium) Encode(m *flows.Message, _ core.Addr) *pkt.Buf {
	w := wire.UDPMessage{
		Code: wire.UDPFlowRequest, SEID: m.Source, Response: m.Response,
		Bandwidth: m.QoS.Bandwidth, Delay: m.QoS.Delay, Loss: m.QoS.Loss, BER: m.QoS.BER, MaxGap: m.QoS.MaxGap,
		Timeout: m.QoS.Timeout, Availability: m.QoS.Availability, InOrder: m.QoS.InOrder,
		Digest: []byte(m.Hash), Piggyback: m.Piggyback,
	}
	if m.Kind == flows.Reply {
		w.Code, w.SEID, w.DEID = wire.UDPFlowReply, m.Dest, m.Source
	}
	p := s.env.Pool.Get(s.reserve, w.Len())
	w.Put(p.Bytes())
	return p
}

// Frame makes the header of data to a flow of a peer.
func (s medium) Frame(_ core.Addr, _, remote uint32) flows.Frame {
	f := flows.Frame{Len: wire.UDPHeaderLen}
	wire.PutUDPEID(f.Header[:], remote)
	return f
}
