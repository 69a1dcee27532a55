package capture

import (
	"fmt"

	"github.com/google/gopacket/layers"

	"ouroboros/core/wire"
)

// onFlow decodes an SDU that arrives at an end of a flow, with what is known of the flow.
func (x *decoding) onFlow(at endpoint, data []byte) error {
	if len(data) == 0 {
		if x.cut {
			return x.sdu("cut short", data)
		}
		return x.sdu("keepalive", data) // spec 01 §2.5
	}
	f := x.d.flows[at]
	if f != nil && f.known {
		return x.known(f, data)
	}
	if f == nil {
		f = &flow{}
	}
	err := x.guessed(f, data)
	if f.role != roleUnknown {
		x.d.flows[at] = f
	}
	return err
}

// known decodes an SDU of a flow whose allocation was captured, from the outside in: trailer,
// encryption, FRCP, content (spec 10 §10.2).
func (x *decoding) known(f *flow, data []byte) error {
	var crc *Trailer
	if f.crc && !x.cut {
		if len(data) < crcLen {
			return fmt.Errorf("sdu: %d bytes, the crc trailer alone has %d", len(data), crcLen)
		}
		data, crc = trailer(data)
	}
	var err error
	switch {
	case f.crypt != 0:
		err = x.sdu("encrypted", data)
	case f.frcp:
		err = x.frcpOn(f, data)
	default:
		err = x.content(f, data)
	}
	if err == nil && crc != nil {
		x.b.AddLayer(crc)
	}
	return err
}

// guessed decodes an SDU of a flow whose request was not captured: whether FRCP runs on it is not
// known. At the bottom, flows of IPCPs prevail and what looks like one of their packets is one;
// inside a layer, flows of applications.
func (x *decoding) guessed(f *flow, data []byte) error {
	if f.role > roleFresh {
		if plausibleFRCP(data) && !x.fits(f, data) {
			return x.frcpOn(f, data)
		}
		return x.content(f, data)
	}
	if x.depth == 0 && x.fits(f, data) || !plausibleFRCP(data) {
		return x.content(f, data)
	}
	return x.frcpOn(f, data)
}

// fits reports whether data has a form that the flow can carry without FRCP, as far as forms tell.
func (x *decoding) fits(f *flow, data []byte) bool {
	if m, err := parseCEP(data); err == nil && m.known() {
		return true
	}
	header, _ := x.d.plausibleHeader(data)
	switch f.role {
	case roleManagement:
		return x.d.plausibleLinkState(data) || plausiblePathVector(data)
	case roleDataTransfer:
		return header
	case roleUnknown, roleFresh:
		return header || x.d.plausibleLinkState(data) || plausiblePathVector(data)
	}
	return false
}

func (x *decoding) frcp(data []byte) error { return x.frcpOn(&flow{}, data) }

// frcpOn decodes the header of FRCP and what follows.
func (x *decoding) frcpOn(f *flow, data []byte) error {
	h, err := wire.ParseFRCP(data)
	if err != nil {
		return x.failed(err, data)
	}
	l := &FRCP{BaseLayer: layers.BaseLayer{Contents: data}, FRCPHeader: h}
	x.b.AddLayer(l)
	if h.Flags&wire.FRCPData == 0 {
		l.extensions(data[wire.FRCPLen:])
		return nil
	}
	l.Contents, l.Payload = data[:wire.FRCPLen:wire.FRCPLen], data[wire.FRCPLen:]
	return x.content(f, l.Payload)
}

// extensions takes what those of a packet without DATA say.
func (l *FRCP) extensions(b []byte) {
	for {
		t, value, rest, ok := wire.NextFRCPExt(b)
		if !ok {
			return
		}
		switch t {
		case wire.FRCPExtRanges:
			r := wire.FRCPRanges(value)
			for i := range r.Len() {
				l.Ranges = append(l.Ranges, r.At(i))
			}
		case wire.FRCPExtFin:
			l.Fin, _ = wire.ParseFRCPFin(value)
			l.Closed = true
		case wire.FRCPExtFinAck:
			l.Fin, _ = wire.ParseFRCPFin(value)
			l.CloseHeard = true
		}
		b = rest
	}
}

// content decodes what a flow carries for its user. The first SDU of a fresh flow tells what the flow
// is for: a connection message belongs to an IPCP, anything else to an application (spec 07 §1.2).
func (x *decoding) content(f *flow, data []byte) error {
	if f.role != roleApplication {
		if m, err := parseCEP(data); err == nil && m.known() {
			if r := m.role(); r != roleUnknown {
				f.role = r
			}
			x.b.AddLayer(m)
			return nil
		}
	}
	switch f.role {
	case roleFresh:
		f.role = roleApplication
		return x.sdu("application", data)
	case roleApplication:
		return x.sdu("application", data)
	case roleEnrollment:
		return x.enrollment(data)
	case roleBroadcast:
		return x.sdu("broadcast", data)
	case roleManagement:
		return x.linkState(data)
	case roleDataTransfer:
		return x.dataTransfer(data)
	}
	return x.unknown(f, data)
}

// unknown decodes an SDU by its form, and keeps the role of the flow where the form leaves no doubt.
func (x *decoding) unknown(f *flow, data []byte) error {
	if x.d.plausibleLinkState(data) || plausiblePathVector(data) {
		f.role = roleManagement
		return x.linkState(data)
	}
	plausible, certain := x.d.plausibleHeader(data)
	if certain {
		f.role = roleDataTransfer
	}
	if plausible {
		return x.dataTransfer(data)
	}
	return x.sdu("unknown", data)
}

// linkState decodes a message of routing: of link state, or of path-vector, which is told by its first byte.
func (x *decoding) linkState(data []byte) error {
	m, err := wire.ParseLSA(data)
	if err != nil {
		if len(data) > 0 && data[0] == wire.PVMagic {
			return x.pathVector(data)
		}
		return x.failed(err, data)
	}
	x.b.AddLayer(&LinkState{BaseLayer: layers.BaseLayer{Contents: data}, LSA: m})
	return nil
}

// cep decodes a connection message.
func (x *decoding) cep(data []byte) error {
	m, err := parseCEP(data)
	if err != nil {
		return x.failed(err, data)
	}
	x.b.AddLayer(m)
	return nil
}
