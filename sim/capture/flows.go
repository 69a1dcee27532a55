package capture

import "ouroboros/core/wire"

// role is what a flow is used for: what its SDUs are.
type role uint8

const (
	roleUnknown      role = iota // start not captured: to be guessed
	roleFresh                    // allocated, nothing sent yet: the first SDU decides (spec 07 §1.2)
	roleApplication              // the first SDU was no connection message
	roleEnrollment               // spec 07 §5
	roleManagement               // link-state messages
	roleDataTransfer             // packets of a unicast layer
	roleBroadcast                // SDUs of a broadcast layer, unchanged
)

// flow is what the dissector knows of a flow. Both of its ends share one.
type flow struct {
	role  role
	known bool   // the request was captured: the fields below are right
	frcp  bool   // in_order ≠ 0 (spec 10 §10.1)
	crc   bool   // ber = 0 (spec 10 §10.14)
	crypt uint16 // cipher NID agreed on, 0 = plaintext
	md    uint16 // digest NID of the OAP request
	peer  uint64 // address of the responder's IPCP in a unicast layer, 0 unknown
}

// endpoint is the receiving end of a flow, as packets name it.
type endpoint struct {
	scope uint32 // which numbering, see below
	host  uint64 // MAC, interface at that end of a direct link, number of an IP host, or address in the layer
	eid   uint64
}

// The scopes: one for the Ethernet shims with an EtherType, one for direct links, for LLC and for UDP each,
// and one for the unicast layers at each depth of recursion. Layers side by side share one; their endpoint ids
// are random and do not meet.
const (
	scopeDirect  = 1 << 16
	scopeLLC     = scopeDirect + 1
	scopeUDP     = scopeDirect + 2
	scopeUnicast = 1 << 17
)

func dixScope(etherType uint16) uint32 { return uint32(etherType) }

func unicastScope(depth int) uint32 { return scopeUnicast + uint32(depth) }

// requested enters the flow that a request announces. The same request is seen once per hop in a
// unicast layer, under an endpoint id that is never used again: it stays one flow. A shim has one
// hop and uses its numbers again: fresh replaces the flow that was there.
func (d *Dissector) requested(at endpoint, fresh bool, inOrder uint8, ber uint32) *flow {
	if f := d.flows[at]; f != nil && !fresh {
		return f
	}
	f := &flow{role: roleFresh, known: true, frcp: inOrder != 0, crc: ber == 0}
	d.flows[at] = f
	return f
}

// replied binds both ends to the flow of the request, or to a new one of unknown kind when the
// request was not captured. A refused flow is forgotten.
func (d *Dissector) replied(initiator, responder endpoint, accepted bool) *flow {
	f := d.flows[initiator]
	if f == nil {
		f = &flow{role: roleFresh}
	}
	if !accepted {
		delete(d.flows, initiator)
		return f
	}
	d.flows[initiator] = f
	if responder.host != 0 || responder.scope == scopeDirect {
		d.flows[responder] = f
	}
	return f
}

// plausibleHeader reports whether b could start with the header of a packet of a unicast layer, and
// whether that is beyond doubt.
func (d *Dissector) plausibleHeader(b []byte) (plausible, certain bool) {
	l := d.opts.PCI
	if len(b) < l.Len() {
		return false, false
	}
	const highestTTL = 64
	ttl, eid := *l.TTL(b), l.EndpointID(b)
	if l.Dst(b) == 0 || l.Cube(b) > 2 || ttl == 0 || ttl > highestTTL {
		return false, false
	}
	switch low := uint32(eid); {
	case eid == eidFlowAllocator:
		_, _, _, err := wire.ParseFA(b[l.Len():], d.opts.HashLen)
		return err == nil, err == nil
	case eid == eidDirectory:
		return true, true
	case low >= firstFlowEID && low < 1<<16:
		return true, false
	}
	return false, false
}

// plausibleLinkState reports whether b has the form of a link-state message between addresses that
// the layer can have.
func (d *Dissector) plausibleLinkState(b []byte) bool {
	m, err := wire.ParseLSA(b)
	width := uint(8 * d.opts.PCI.Addr)
	return err == nil && m.Src>>width == 0 && m.Dst>>width == 0 && m.Flags&^wire.LSAWithdrawn == 0
}

// plausiblePathVector reports whether b is a message of the policy path-vector, whose form leaves no doubt.
func plausiblePathVector(b []byte) bool {
	_, err := wire.ParsePathVector(b)
	return err == nil
}

// plausibleFRCP reports whether b has the form of an FRCP packet: a combination of flags that is sent
// (spec 10 §10.3) with zeros in the fields that they leave out, and a window ahead of what it
// acknowledges.
func plausibleFRCP(b []byte) bool {
	h, err := wire.ParseFRCP(b)
	if err != nil {
		return false
	}
	data, ack, fc := h.Flags&wire.FRCPData != 0, h.Flags&wire.FRCPAck != 0, h.Flags&wire.FRCPFC != 0
	const widest = 1 << 20 // decision 15
	switch {
	case h.Flags == 0 && len(b) == wire.FRCPLen, h.Flags >= wire.FRCPFirstFragment: // extensions need no flag
		return false
	case !data && (h.Seqno != 0 || h.Flags&wire.FRCPDRF != 0 || !wholeExtensions(b[wire.FRCPLen:])):
		return false
	case data && len(b) == wire.FRCPLen:
		return false
	case !ack && h.Ackno != 0, !fc && h.Window != 0:
		return false
	case ack && fc && (h.Window-h.Ackno)&(1<<24-1) > widest:
		return false
	}
	return true
}

func wholeExtensions(b []byte) bool {
	for {
		_, _, rest, ok := wire.NextFRCPExt(b)
		if !ok {
			return len(b) == 0
		}
		b = rest
	}
}
