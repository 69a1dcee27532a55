package flows

import (
	"errors"

	"ouroboros/core"
	"ouroboros/core/wire"
)

// HandleDIX decodes a message with the layout of spec 01 §3.3 and takes it, or counts why it cannot
// be read. It is used by the Ethernet II and the direct shim. accept may refuse a message for its
// kind; it counts that itself.
func (m *Machine) HandleDIX(body []byte, from core.Addr, accept func(Kind) bool) {
	w, err := wire.ParseDIXMessage(body, m.cfg.Layer.Hash.Len())
	switch {
	case errors.Is(err, wire.ErrDIXCode):
		m.Drop.Type++
		return
	case err != nil:
		m.Drop.Short++
		return
	case !accept(Kind(w.Code)):
		return
	}
	// The kinds have the codes of the wire.
	m.Handle(&Message{
		Kind: Kind(w.Code), Source: uint32(w.SEID), Dest: uint32(w.DEID), Response: w.Response,
		QoS: core.QoS{
			Delay: w.Delay, Bandwidth: w.Bandwidth, Availability: w.Availability, Loss: w.Loss,
			BER: w.BER, InOrder: w.InOrder, MaxGap: w.MaxGap, Timeout: w.Timeout,
		},
		Hash: core.Hash(w.Digest), Piggyback: w.Piggyback,
	}, from)
}

// DIX returns the message with the layout of spec 01 §3.3.
func (msg *Message) DIX() wire.DIXMessage {
	return wire.DIXMessage{
		Code: wire.DIXCode(msg.Kind), SEID: uint16(msg.Source), DEID: uint16(msg.Dest), Response: msg.Response,
		Loss: msg.QoS.Loss, Bandwidth: msg.QoS.Bandwidth, BER: msg.QoS.BER, MaxGap: msg.QoS.MaxGap,
		Delay: msg.QoS.Delay, Timeout: msg.QoS.Timeout, InOrder: msg.QoS.InOrder, Availability: msg.QoS.Availability,
		Digest: []byte(msg.Hash), Piggyback: msg.Piggyback,
	}
}
