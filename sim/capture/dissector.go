package capture

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/netip"
	"slices"
	"strings"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"ouroboros/core/wire"
)

// Endpoint ids of a unicast layer (spec 02 §4.1).
const (
	eidFlowAllocator = 0
	eidDirectory     = 1
	firstFlowEID     = 64
)

const (
	dixHeaderLen = 4
	crcLen       = 4
	maxDepth     = 16 // layers on each other that are followed
	sha384Len    = 48
)

// DissectorOptions say how the layers of a capture are configured. The zero value is the default of
// the prototype.
type DissectorOptions struct {
	// EtherTypes of the Ethernet shims; none means 0xA000 (spec 01 §3.1). Frames of other types are
	// left to gopacket.
	EtherTypes []uint16
	// Ports of the UDP shims; none means 3435 (spec 01 §5.1). Other datagrams are left to gopacket.
	Ports []uint16
	// HashLen is the length in bytes of the digests of names; 0 means 32 (SHA3-256, spec 01 §2.1). On UDP it
	// is 16 at all times.
	HashLen int
	// PCI is the layout of the data transfer header; the zero value means 4 + 8 bytes (spec 02 §1).
	PCI wire.PCI
}

// Dissector decodes frames, in the order of their capture, and learns the flows from them. It is not
// safe for use from several goroutines. Its memory grows with the number of flows seen.
//
// It calls the Ethernet decoder of gopacket itself and looks at the EtherType, instead of entering the
// shim into gopacket's table of EtherTypes: the table is global, a shim may have any type,
// and its decoder needs the addresses of the frame and the flows seen before, which the table has
// no way to pass.
type Dissector struct {
	opts   DissectorOptions
	flows  map[endpoint]*flow
	peers  map[int]int    // interfaces at the two ends of a link
	lonely map[string]int // link name → the one interface of it so far
	hosts  map[netip.AddrPort]uint64
}

// NewDissector returns a Dissector that knows no flow. It panics on a header layout that cannot be.
func NewDissector(opts DissectorOptions) *Dissector {
	if len(opts.EtherTypes) == 0 {
		opts.EtherTypes = []uint16{wire.DIXEtherType}
	}
	if len(opts.Ports) == 0 {
		opts.Ports = []uint16{wire.UDPPort}
	}
	if opts.HashLen == 0 {
		opts.HashLen = 32
	}
	if opts.PCI == (wire.PCI{}) {
		opts.PCI = wire.DefaultPCI
	}
	if err := opts.PCI.Validate(); err != nil {
		panic("capture: " + err.Error())
	}
	return &Dissector{opts: opts, flows: make(map[endpoint]*flow), peers: make(map[int]int), lonely: make(map[string]int), hosts: make(map[netip.AddrPort]uint64)}
}

// Interface tells the name of an interface of the capture. Two with the same name in front of the last
// colon are the ends of one link; that is how the flows of a direct link, whose packets name no
// sender, are known at both ends. Ethernet needs no names.
func (d *Dissector) Interface(id int, name string) {
	colon := strings.LastIndexByte(name, ':')
	if colon < 0 {
		return
	}
	link := name[:colon]
	other, ok := d.lonely[link]
	if !ok {
		d.lonely[link] = id
		return
	}
	delete(d.lonely, link)
	d.peers[id], d.peers[other] = other, id
}

// ends returns what stands for the sending and for the receiving end of a frame on interface id: the
// interface there, or the complement of this one when it is not known.
func (d *Dissector) ends(id int) (from, to uint64) {
	if peer, ok := d.peers[id]; ok {
		return uint64(id), uint64(peer)
	}
	return uint64(id), ^uint64(id)
}

// Decode decodes a frame of a link of the given type: Ethernet, which datagrams are captured as too, or
// [LinkTypeDirect]. ci is what the
// capture file says of it; of a direct link the interface matters, since flow numbers count
// per link: see Interface. The bytes are copied. A frame that cannot be decoded to its end has an ErrorLayer.
func (d *Dissector) Decode(frame []byte, link layers.LinkType, ci gopacket.CaptureInfo) gopacket.Packet {
	first := gopacket.DecodeFunc(func(data []byte, b gopacket.PacketBuilder) error {
		x := &decoding{d: d, b: b, iface: ci.InterfaceIndex}
		if ci.Length > len(data) {
			x.truncated()
		}
		switch link {
		case layers.LinkTypeEthernet:
			return x.ethernet(data)
		case LinkTypeDirect:
			return x.direct(data)
		}
		return fmt.Errorf("link type %d, accepted are %d (Ethernet) and %d (direct)", link, layers.LinkTypeEthernet, LinkTypeDirect)
	})
	p := gopacket.NewPacket(frame, first, gopacket.Default)
	p.Metadata().CaptureInfo = ci
	return p
}

// decoding is the state of one frame on its way through the layers.
type decoding struct {
	d     *Dissector
	b     gopacket.PacketBuilder
	iface int
	cut   bool // bytes at the end are missing

	scope    uint32 // of the shim
	src, dst uint64 // ends of the link: MACs, or interfaces of a direct link
	depth    int    // unicast layers entered
	to       uint64 // destination of the innermost of them
}

func (x *decoding) truncated() {
	x.cut = true
	x.b.SetTruncated()
}

// sdu adds the last layer of a frame.
func (x *decoding) sdu(kind string, data []byte) error {
	l := &SDU{BaseLayer: layers.BaseLayer{Contents: data}, Kind: kind}
	x.b.AddLayer(l)
	x.b.SetApplicationLayer(l)
	return nil
}

func (x *decoding) opaque(data []byte) error { return x.sdu("unknown", data) }

// failed ends a frame with data that cannot be parsed: an error, unless bytes are known to be missing.
func (x *decoding) failed(err error, data []byte) error {
	if x.cut {
		return x.sdu("cut short", data)
	}
	return err
}

func (x *decoding) ethernet(data []byte) error {
	eth := &layers.Ethernet{}
	if err := eth.DecodeFromBytes(data, x.b); err != nil {
		return err
	}
	x.b.AddLayer(eth)
	x.b.SetLinkLayer(eth)
	switch t := uint16(eth.EthernetType); {
	case slices.Contains(x.d.opts.EtherTypes, t):
	case eth.Length > 0 && plausibleLLC(eth.Payload):
		x.dst, x.src = mac(eth.DstMAC), mac(eth.SrcMAC)
		x.cut = int(eth.Length) > len(eth.Payload)
		return x.llc(eth.Payload)
	case eth.EthernetType == layers.EthernetTypeIPv4, eth.EthernetType == layers.EthernetTypeIPv6:
		return x.ip(eth)
	default:
		return x.b.NextDecoder(eth.EthernetType)
	}
	x.scope = dixScope(uint16(eth.EthernetType))
	x.dst, x.src = mac(eth.DstMAC), mac(eth.SrcMAC)
	return x.dix(eth.Payload)
}

func mac(b []byte) uint64 {
	return uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:]))
}

// direct decodes the synthetic header of a packet of a direct link. Its messages are those of the
// Ethernet shim.
func (x *decoding) direct(data []byte) error {
	if len(data) < DirectHeaderLen {
		return fmt.Errorf("packet of a direct link: %d bytes, its header has %d", len(data), DirectHeaderLen)
	}
	head, payload := data[:DirectHeaderLen:DirectHeaderLen], data[DirectHeaderLen:]
	l := &Direct{BaseLayer: layers.BaseLayer{Contents: head, Payload: payload}, Flow: binary.BigEndian.Uint32(head), Kind: head[4]}
	x.b.AddLayer(l)
	x.scope = scopeDirect
	x.src, x.dst = x.d.ends(x.iface)
	if l.Kind != 0 {
		return x.dixManagement(payload)
	}
	return x.onFlow(endpoint{scope: x.scope, host: x.dst, eid: uint64(l.Flow)}, payload)
}

// dix decodes the header of the Ethernet shim. Padding behind the announced length is dropped (spec
// 01 §3.2).
func (x *decoding) dix(data []byte) error {
	if len(data) < dixHeaderLen {
		return fmt.Errorf("dix frame: %d bytes behind the EtherType, the header has %d", len(data), dixHeaderLen)
	}
	l := &DIX{EID: binary.BigEndian.Uint16(data), Length: binary.BigEndian.Uint16(data[2:])}
	payload := data[dixHeaderLen:]
	if n := int(l.Length); n <= len(payload) {
		payload = payload[:n:n]
		x.cut = false // what a snap length cut off was padding, or nothing
	} else {
		x.truncated()
	}
	l.BaseLayer = layers.BaseLayer{Contents: data[:dixHeaderLen:dixHeaderLen], Payload: payload}
	x.b.AddLayer(l)
	if l.EID == wire.DIXManagementEID {
		return x.dixManagement(payload)
	}
	return x.onFlow(endpoint{scope: x.scope, host: x.dst, eid: uint64(l.EID)}, payload)
}

func (x *decoding) dixManagement(data []byte) error {
	m, err := wire.ParseDIXMessage(data, x.d.opts.HashLen)
	if err != nil {
		return x.failed(err, data)
	}
	head := len(data) - len(m.Piggyback)
	x.b.AddLayer(&DIXManagement{BaseLayer: layers.BaseLayer{Contents: data[:head:head], Payload: m.Piggyback}, DIXMessage: m})
	sender := endpoint{scope: x.scope, host: x.src, eid: uint64(m.SEID)}
	switch m.Code {
	case wire.DIXFlowRequest:
		return x.oap(x.d.requested(sender, true, m.InOrder, m.BER), m.Piggyback, false)
	case wire.DIXFlowReply:
		initiator := endpoint{scope: x.scope, host: x.dst, eid: uint64(m.DEID)}
		return x.oap(x.d.replied(initiator, sender, m.Response == 0), m.Piggyback, true)
	}
	return nil
}

// oap decodes the piggyback of an allocation message: the handshake always runs (decision 13). A
// refusal may come without.
func (x *decoding) oap(f *flow, data []byte, response bool) error {
	if len(data) == 0 {
		return nil
	}
	hashLen := 0
	if response {
		hashLen = digestLen(f.md)
	}
	m, err := wire.ParseOAP(data, hashLen)
	if err != nil {
		return x.failed(err, data)
	}
	x.b.AddLayer(&OAP{BaseLayer: layers.BaseLayer{Contents: data}, OAP: m, Response: response})
	f.crypt = m.Cipher
	if !response {
		f.md = m.Digest
	}
	return nil
}

// oapAny decodes a handshake message of which nothing else is known: the shortest plaintext response
// has the length of the header and a hash.
func (x *decoding) oapAny(data []byte) error {
	return x.oap(&flow{}, data, len(data) >= wire.OAPHeaderLen+sha384Len)
}

// digestLen returns the length in bytes of a digest; the implicit one is SHA-384 (spec 11 §11.2).
func digestLen(nid uint16) int {
	switch wire.OAPDigestName(nid) {
	case "sha256", "sha3-256", "blake2s256":
		return 32
	case "sha512", "sha3-512", "blake2b512":
		return 64
	}
	return sha384Len
}

// dataTransfer decodes a packet of a unicast layer.
func (x *decoding) dataTransfer(data []byte) error {
	h := x.d.opts.PCI
	if len(data) < h.Len() {
		return x.failed(fmt.Errorf("data transfer packet: %d bytes, the header has %d", len(data), h.Len()), data)
	}
	head, payload := data[:h.Len():h.Len()], data[h.Len():]
	l := &DataTransfer{
		BaseLayer:   layers.BaseLayer{Contents: head, Payload: payload},
		Destination: h.Dst(head), Cube: h.Cube(head), TTL: *h.TTL(head), ECN: *h.ECN(head), EID: h.EndpointID(head),
	}
	x.b.AddLayer(l)
	x.depth++
	x.to = l.Destination
	switch {
	case l.EID == eidFlowAllocator:
		return x.flowAllocation(payload)
	case l.EID == eidDirectory:
		return x.directory(payload)
	case l.EID < firstFlowEID:
		return x.sdu(fmt.Sprintf("component %d", l.EID), payload)
	case x.depth >= maxDepth:
		return x.sdu("too deep", payload)
	}
	return x.onFlow(endpoint{scope: unicastScope(x.depth), host: x.to, eid: l.EID}, payload)
}

func (x *decoding) flowAllocation(data []byte) error {
	m, digest, piggyback, err := wire.ParseFA(data, x.d.opts.HashLen)
	if err != nil {
		return x.failed(err, data)
	}
	head := len(data) - len(piggyback)
	x.b.AddLayer(&FlowAllocation{BaseLayer: layers.BaseLayer{Contents: data[:head:head], Payload: piggyback}, FA: m, Digest: digest})
	scope := unicastScope(x.depth)
	switch m.Code {
	case wire.FlowReq:
		f := x.d.requested(endpoint{scope: scope, host: m.Source, eid: m.SEID}, false, m.InOrder, m.BER)
		f.peer = x.to
		return x.oap(f, piggyback, false)
	case wire.FlowReply:
		// The reply does not say who sends it (spec 03 §1.2); the request said who would.
		initiator := endpoint{scope: scope, host: x.to, eid: m.REID}
		responder := endpoint{scope: scope, eid: m.SEID}
		if f := x.d.flows[initiator]; f != nil {
			responder.host = f.peer
		}
		return x.oap(x.d.replied(initiator, responder, m.Response >= 0), piggyback, true)
	}
	return nil
}

// trailerOnly decodes a trailer of which nothing else is known.
func (x *decoding) trailerOnly(data []byte) error {
	if len(data) != crcLen {
		return fmt.Errorf("crc trailer: %d bytes, it has %d", len(data), crcLen)
	}
	x.b.AddLayer(&Trailer{BaseLayer: layers.BaseLayer{Contents: data}, CRC: binary.BigEndian.Uint32(data)})
	return nil
}

// trailer splits the CRC off an SDU.
func trailer(data []byte) (rest []byte, l *Trailer) {
	n := len(data) - crcLen
	crc := binary.BigEndian.Uint32(data[n:])
	return data[:n:n], &Trailer{
		BaseLayer: layers.BaseLayer{Contents: data[n:]}, CRC: crc, OK: crc == crc32.ChecksumIEEE(data[:n]),
	}
}
