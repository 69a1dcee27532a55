package capture

import (
	"fmt"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"ouroboros/core"
	"ouroboros/core/wire"
)

// The layer types of the LLC and UDP shims, registered as those of the Ethernet II shim.
var (
	LayerTypeLLC           = register(1711, "OuroborosLLC", (*decoding).llc)
	LayerTypeLLCManagement = register(1712, "OuroborosLLCManagement", (*decoding).llcManagement)
	LayerTypeUDP           = register(1713, "OuroborosUDP", (*decoding).udp)
	LayerTypeUDPManagement = register(1714, "OuroborosUDPManagement", (*decoding).udpManagement)
)

// LLC is the header of the LLC shim behind the length (spec 01 §4.2).
type LLC struct {
	layers.BaseLayer
	DSAP    uint8 // of the receiver's end, its bits in their order; 1 at both ends = management
	SSAP    uint8 // of the sender's end
	Control uint8 // always 03h
}

// LayerType returns LayerTypeLLC.
func (*LLC) LayerType() gopacket.LayerType { return LayerTypeLLC }

// String summarises the layer.
func (l *LLC) String() string {
	return fmt.Sprintf("llc sap %d > %d len %d", l.SSAP, l.DSAP, len(l.Payload))
}

// LLCManagement is a management message of the LLC shim (spec 01 §4.3). Its Piggyback is the payload of
// the layer.
type LLCManagement struct {
	layers.BaseLayer
	wire.LLCMessage
}

// LayerType returns LayerTypeLLCManagement.
func (*LLCManagement) LayerType() gopacket.LayerType { return LayerTypeLLCManagement }

// String summarises the layer with the fields that the message uses.
func (l *LLCManagement) String() string {
	switch l.Code {
	case wire.DIXFlowRequest:
		q := core.QoS{Loss: l.Loss, InOrder: l.InOrder}
		return fmt.Sprintf("shim %v ssap %d %v ber %d timeout %d ms to %s", l.Code, l.SSAP, q.Mode(), l.BER, l.Timeout, short(l.Digest))
	case wire.DIXFlowReply:
		return fmt.Sprintf("shim %v ssap %d dsap %d response %d", l.Code, l.SSAP, l.DSAP, l.Response)
	}
	return fmt.Sprintf("shim %v %s", l.Code, short(l.Digest))
}

// UDP is the header of the UDP shims in front of an SDU (spec 01 §5.2).
type UDP struct {
	layers.BaseLayer
	EID uint32 // of the receiver's end
}

// LayerType returns LayerTypeUDP.
func (*UDP) LayerType() gopacket.LayerType { return LayerTypeUDP }

// String summarises the layer.
func (l *UDP) String() string { return fmt.Sprintf("udp eid %d len %d", l.EID, len(l.Payload)) }

// UDPManagement is a management message of the UDP shims, its EID of 0 included (spec 01 §5.3). Its
// Piggyback is the payload of the layer.
type UDPManagement struct {
	layers.BaseLayer
	wire.UDPMessage
}

// LayerType returns LayerTypeUDPManagement.
func (*UDPManagement) LayerType() gopacket.LayerType { return LayerTypeUDPManagement }

// String summarises the layer with the fields that the message uses.
func (l *UDPManagement) String() string {
	if l.Code == wire.UDPFlowRequest {
		q := core.QoS{Loss: l.Loss, InOrder: l.InOrder}
		return fmt.Sprintf("shim %v s_eid %d %v ber %d timeout %d ms to %s", l.Code, l.SEID, q.Mode(), l.BER, l.Timeout, short(l.Digest))
	}
	return fmt.Sprintf("shim %v s_eid %d d_eid %d response %d", l.Code, l.SEID, l.DEID, l.Response)
}
