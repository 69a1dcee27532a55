package capture

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"ouroboros/core"
	"ouroboros/core/wire"
)

// The layer types, registered with gopacket. Each has a decoder of its own, so that the name of a type
// may stand wherever gopacket wants a first layer; such a decoder knows no flows and guesses. A
// [Dissector] knows them.
var (
	LayerTypeDirect         = register(1700, "OuroborosDirect", (*decoding).direct)
	LayerTypeDIX            = register(1701, "OuroborosDIX", (*decoding).dix)
	LayerTypeDIXManagement  = register(1702, "OuroborosDIXManagement", (*decoding).dixManagement)
	LayerTypeCEP            = register(1703, "OuroborosCEP", (*decoding).cep)
	LayerTypeLinkState      = register(1704, "OuroborosLinkState", (*decoding).linkState)
	LayerTypeDataTransfer   = register(1705, "OuroborosDataTransfer", (*decoding).dataTransfer)
	LayerTypeFlowAllocation = register(1706, "OuroborosFlowAllocation", (*decoding).flowAllocation)
	LayerTypeOAP            = register(1707, "OuroborosOAP", (*decoding).oapAny)
	LayerTypeFRCP           = register(1708, "OuroborosFRCP", (*decoding).frcp)
	LayerTypeSDU            = register(1709, "OuroborosSDU", (*decoding).opaque)
	LayerTypeTrailer        = register(1710, "OuroborosTrailer", (*decoding).trailerOnly)
)

// register makes a layer type whose decoder starts with step, without knowledge of flows.
func register(num int, name string, step func(*decoding, []byte) error) gopacket.LayerType {
	return gopacket.RegisterLayerType(num, gopacket.LayerTypeMetadata{
		Name: name,
		Decoder: gopacket.DecodeFunc(func(data []byte, b gopacket.PacketBuilder) error {
			return step(&decoding{d: NewDissector(DissectorOptions{}), b: b}, data)
		}),
	})
}

// Direct is the synthetic header of a packet of a direct link, see [DirectHeaderLen].
type Direct struct {
	layers.BaseLayer
	Flow uint32 // flow number at the receiver
	Kind uint8  // 0 = data, else a management message
}

// LayerType returns LayerTypeDirect.
func (*Direct) LayerType() gopacket.LayerType { return LayerTypeDirect }

// String summarises the layer.
func (l *Direct) String() string { return fmt.Sprintf("direct flow %d kind %d", l.Flow, l.Kind) }

// DIX is the header of the Ethernet II shim behind the EtherType (spec 01 §3.2).
type DIX struct {
	layers.BaseLayer
	EID    uint16 // of the receiver's end, 0 = management
	Length uint16 // bytes of payload
}

// LayerType returns LayerTypeDIX.
func (*DIX) LayerType() gopacket.LayerType { return LayerTypeDIX }

// String summarises the layer.
func (l *DIX) String() string { return fmt.Sprintf("dix eid %d len %d", l.EID, l.Length) }

// DIXManagement is a management message of the Ethernet II shim (spec 01 §3.3), or of the direct one. Its Piggyback is the
// payload of the layer.
type DIXManagement struct {
	layers.BaseLayer
	wire.DIXMessage
}

// LayerType returns LayerTypeDIXManagement.
func (*DIXManagement) LayerType() gopacket.LayerType { return LayerTypeDIXManagement }

// String summarises the layer with the fields that the message uses.
func (l *DIXManagement) String() string {
	switch l.Code {
	case wire.DIXFlowRequest:
		q := core.QoS{Delay: l.Delay, Bandwidth: l.Bandwidth, Availability: l.Availability, Loss: l.Loss, BER: l.BER, InOrder: l.InOrder}
		return fmt.Sprintf("shim %v seid %d %v ber %d timeout %d ms to %s", l.Code, l.SEID, q.Mode(), l.BER, l.Timeout, short(l.Digest))
	case wire.DIXFlowReply:
		return fmt.Sprintf("shim %v seid %d deid %d response %d", l.Code, l.SEID, l.DEID, l.Response)
	}
	return fmt.Sprintf("shim %v %s", l.Code, short(l.Digest))
}

// LinkState is a link-state message of 24 or 32 bytes (spec 04 §3, decision 12).
type LinkState struct {
	layers.BaseLayer
	wire.LSA
}

// LayerType returns LayerTypeLinkState.
func (*LinkState) LayerType() gopacket.LayerType { return LayerTypeLinkState }

// String summarises the layer, with the direction of the announced link.
func (l *LinkState) String() string {
	s := fmt.Sprintf("lsa %s > %s seq %d", address(l.Src), address(l.Dst), l.Seq)
	if l.Ext {
		s += fmt.Sprintf(" metric %d", l.Metric)
	}
	if l.Withdrawn() {
		s += " withdrawn"
	}
	return s
}

// DataTransfer is the header of a packet of a unicast layer (spec 02 §2).
type DataTransfer struct {
	layers.BaseLayer
	Destination uint64
	Cube        uint8
	TTL         uint8
	ECN         uint8
	EID         uint64 // 0 = flow allocator, 1 = directory, 64 and above = flow
}

// LayerType returns LayerTypeDataTransfer.
func (*DataTransfer) LayerType() gopacket.LayerType { return LayerTypeDataTransfer }

// String summarises the layer.
func (l *DataTransfer) String() string {
	return fmt.Sprintf("dt > %s cube %d ttl %d ecn %d eid %x", address(l.Destination), l.Cube, l.TTL, l.ECN, l.EID)
}

// FlowAllocation is a message of the flow allocator (spec 03 §1). The piggyback is the payload of the
// layer.
type FlowAllocation struct {
	layers.BaseLayer
	wire.FA
	Digest []byte // of the name, in requests
}

// LayerType returns LayerTypeFlowAllocation.
func (*FlowAllocation) LayerType() gopacket.LayerType { return LayerTypeFlowAllocation }

// String summarises the layer with the fields that the message uses.
func (l *FlowAllocation) String() string {
	switch l.Code {
	case wire.FlowReq:
		q := core.QoS{Loss: l.Loss, InOrder: l.InOrder}
		return fmt.Sprintf("fa %v from %s seid %x %v ber %d timeout %d ms to %s", l.Code, address(l.Source), l.SEID, q.Mode(), l.BER, l.Timeout, short(l.Digest))
	case wire.FlowReply:
		return fmt.Sprintf("fa %v reid %x seid %x response %d", l.Code, l.REID, l.SEID, l.Response)
	}
	return fmt.Sprintf("fa %v reid %x ece %d", l.Code, l.REID, l.ECE)
}

// OAP is a message of the allocation handshake (spec 11 §11.2).
type OAP struct {
	layers.BaseLayer
	wire.OAP
	Response bool
}

// LayerType returns LayerTypeOAP.
func (*OAP) LayerType() gopacket.LayerType { return LayerTypeOAP }

// String summarises the layer.
func (l *OAP) String() string {
	s := "oap request"
	if l.Response {
		s = "oap response"
	}
	s += " id " + short(l.ID[:])
	if l.Cipher != 0 {
		s += " " + wire.OAPCipherName(l.Cipher)
	}
	if len(l.Certificate) > 0 {
		s += " signed"
	}
	return s
}

// FRCP is the header of the end-to-end protocol (spec 10 §10.3). Extensions of packets without DATA
// (decision 14) belong to the contents.
type FRCP struct {
	layers.BaseLayer
	wire.FRCPHeader
	Ranges []wire.SeqRange // what arrived beyond Ackno, as the extension says
	// Closed is set where the sender says that it has closed the flow, CloseHeard where it answers that; Fin is
	// the value of either.
	Closed, CloseHeard bool
	Fin                wire.FRCPFin
}

// LayerType returns LayerTypeFRCP.
func (*FRCP) LayerType() gopacket.LayerType { return LayerTypeFRCP }

// String summarises the layer with the fields that are valid.
func (l *FRCP) String() string {
	s := "frcp " + l.FRCPHeader.String()
	for _, r := range l.Ranges {
		s += fmt.Sprintf(" [%08x,%08x)", r.Start, r.End)
	}
	switch {
	case l.Closed:
		s += " fin"
	case l.CloseHeard:
		s += " fin heard"
	default:
		return s
	}
	if l.Fin.HasEnd {
		s += fmt.Sprintf(" end %08x", l.Fin.End)
	}
	if l.Fin.HasNext {
		s += fmt.Sprintf(" next %08x", l.Fin.Next)
	}
	return s
}

// SDU is what a flow carries for its user, and whatever this package has no layer for.
type SDU struct {
	layers.BaseLayer
	// Kind says what is known of it: "application", "keepalive", "broadcast", "encrypted", "cut short",
	// "unknown", "enrollment" and "directory" where their messages cannot be read, …
	Kind string
}

// LayerType returns LayerTypeSDU.
func (*SDU) LayerType() gopacket.LayerType { return LayerTypeSDU }

// Payload returns the bytes: the layer is a gopacket.ApplicationLayer.
func (l *SDU) Payload() []byte { return l.Contents }

// String summarises the layer.
func (l *SDU) String() string {
	if len(l.Contents) == 0 {
		return l.Kind
	}
	return fmt.Sprintf("%s %d bytes", l.Kind, len(l.Contents))
}

// Trailer is the CRC-32 at the end of an SDU of a flow with ber = 0 (spec 10 §10.14).
type Trailer struct {
	layers.BaseLayer
	CRC uint32
	OK  bool // it is that of the bytes in front
}

// LayerType returns LayerTypeTrailer.
func (*Trailer) LayerType() gopacket.LayerType { return LayerTypeTrailer }

// String summarises the layer.
func (l *Trailer) String() string {
	if l.OK {
		return fmt.Sprintf("crc %08x", l.CRC)
	}
	return fmt.Sprintf("crc %08x wrong", l.CRC)
}

// Summary prints a packet in one line, its layers from the outside in.
func Summary(p gopacket.Packet) string {
	var parts []string
	for _, l := range p.Layers() {
		switch l := l.(type) {
		case *layers.Ethernet:
			parts = append(parts, fmt.Sprintf("%v > %v", l.SrcMAC, l.DstMAC))
		case *gopacket.DecodeFailure:
			parts = append(parts, "! "+l.Error().Error())
		case fmt.Stringer:
			parts = append(parts, l.String())
		default:
			parts = append(parts, l.LayerType().String())
		}
	}
	return strings.Join(parts, " | ")
}

// address prints the address of an IPCP as logs do: its four bytes in the order of the header (spec 02
// §2.2.2). One that does not fit is printed as a number.
func address(a uint64) string {
	if a>>32 != 0 {
		return fmt.Sprintf("%#x", a)
	}
	return fmt.Sprintf("%02x.%02x.%02x.%02x", byte(a), byte(a>>8), byte(a>>16), byte(a>>24))
}

// short prints the first bytes of a digest or id.
func short(b []byte) string {
	const n = 4
	if len(b) <= n {
		return hex.EncodeToString(b)
	}
	return hex.EncodeToString(b[:n]) + "…"
}
