package capture

import (
	"fmt"
	"math/bits"
	"net/netip"
	"slices"

	"github.com/google/gopacket/layers"

	"ouroboros/core/wire"
)

// highestSAP is the largest SAP that the prototype has (spec 01 §4.2.4). Other protocols have larger ones:
// spanning tree 66 with its bits reversed, SNAP 85.
const highestSAP = 65

// plausibleLLC reports whether b could be what the LLC shim sends behind the length of a frame.
func plausibleLLC(b []byte) bool {
	if len(b) < wire.LLCHeaderLen {
		return false
	}
	dsap, ssap := bits.Reverse8(b[0]), bits.Reverse8(b[1])
	return b[2] == wire.LLCControl && dsap >= wire.LLCManagementSAP && dsap <= highestSAP &&
		ssap >= wire.LLCManagementSAP && ssap <= highestSAP
}

// llc decodes the header of the LLC shim, of which padding has been cut off.
func (x *decoding) llc(data []byte) error {
	if len(data) < wire.LLCHeaderLen {
		return fmt.Errorf("llc frame: %d bytes behind the length, the header has %d", len(data), wire.LLCHeaderLen)
	}
	head, payload := data[:wire.LLCHeaderLen:wire.LLCHeaderLen], data[wire.LLCHeaderLen:]
	l := &LLC{BaseLayer: layers.BaseLayer{Contents: head, Payload: payload}, DSAP: bits.Reverse8(head[0]), SSAP: bits.Reverse8(head[1]), Control: head[2]}
	x.b.AddLayer(l)
	x.scope = scopeLLC
	if l.DSAP == wire.LLCManagementSAP && l.SSAP == wire.LLCManagementSAP {
		return x.llcManagement(payload)
	}
	return x.onFlow(endpoint{scope: x.scope, host: x.dst, eid: uint64(l.DSAP)}, payload)
}

func (x *decoding) llcManagement(data []byte) error {
	m, err := wire.ParseLLCMessage(data, x.d.opts.HashLen)
	if err != nil {
		return x.failed(err, data)
	}
	head := len(data) - len(m.Piggyback)
	x.b.AddLayer(&LLCManagement{BaseLayer: layers.BaseLayer{Contents: data[:head:head], Payload: m.Piggyback}, LLCMessage: m})
	sender := endpoint{scope: scopeLLC, host: x.src, eid: uint64(m.SSAP)}
	switch m.Code {
	case wire.DIXFlowRequest:
		return x.oap(x.d.requested(sender, true, m.InOrder, m.BER), m.Piggyback, false)
	case wire.DIXFlowReply:
		initiator := endpoint{scope: scopeLLC, host: x.dst, eid: uint64(m.DSAP)}
		return x.oap(x.d.replied(initiator, sender, m.Response == 0), m.Piggyback, true)
	}
	return nil
}

// ip decodes an IP packet. All but the datagrams of the UDP shims is left to gopacket.
func (x *decoding) ip(eth *layers.Ethernet) error {
	src, dst, payload, ok := x.network(eth)
	udp := &layers.UDP{}
	if !ok || udp.DecodeFromBytes(payload, x.b) != nil ||
		!slices.Contains(x.d.opts.Ports, uint16(udp.SrcPort)) && !slices.Contains(x.d.opts.Ports, uint16(udp.DstPort)) {
		return x.b.NextDecoder(eth.EthernetType)
	}
	if eth.EthernetType == layers.EthernetTypeIPv4 {
		ip := &layers.IPv4{}
		_ = ip.DecodeFromBytes(eth.Payload, x.b) // it has been decoded before
		x.b.AddLayer(ip)
		x.b.SetNetworkLayer(ip)
	} else {
		ip := &layers.IPv6{}
		_ = ip.DecodeFromBytes(eth.Payload, x.b)
		x.b.AddLayer(ip)
		x.b.SetNetworkLayer(ip)
	}
	x.b.AddLayer(udp)
	x.b.SetTransportLayer(udp)
	x.cut = int(udp.Length) > len(udp.Contents)+len(udp.Payload)
	x.src = x.d.host(netip.AddrPortFrom(src, uint16(udp.SrcPort)))
	x.dst = x.d.host(netip.AddrPortFrom(dst, uint16(udp.DstPort)))
	return x.udp(udp.Payload)
}

// network returns the addresses and the payload of an IP packet that holds a whole UDP datagram.
func (x *decoding) network(eth *layers.Ethernet) (src, dst netip.Addr, payload []byte, ok bool) {
	if eth.EthernetType == layers.EthernetTypeIPv4 {
		ip := &layers.IPv4{}
		if ip.DecodeFromBytes(eth.Payload, x.b) != nil || ip.Protocol != layers.IPProtocolUDP || ip.FragOffset != 0 || ip.Flags&layers.IPv4MoreFragments != 0 {
			return src, dst, nil, false
		}
		src, _ = netip.AddrFromSlice(ip.SrcIP)
		dst, _ = netip.AddrFromSlice(ip.DstIP)
		return src, dst, ip.Payload, true
	}
	ip := &layers.IPv6{}
	if ip.DecodeFromBytes(eth.Payload, x.b) != nil || ip.NextHeader != layers.IPProtocolUDP {
		return src, dst, nil, false
	}
	src, _ = netip.AddrFromSlice(ip.SrcIP)
	dst, _ = netip.AddrFromSlice(ip.DstIP)
	return src, dst, ip.Payload, true
}

// host returns the number of an address and port, from 1 in the order in which they are seen.
func (d *Dissector) host(a netip.AddrPort) uint64 {
	n, ok := d.hosts[a]
	if !ok {
		n = uint64(len(d.hosts) + 1)
		d.hosts[a] = n
	}
	return n
}

// udp decodes a datagram of the UDP shims.
func (x *decoding) udp(data []byte) error {
	if len(data) < wire.UDPHeaderLen {
		return x.failed(fmt.Errorf("datagram: %d bytes, the header has %d", len(data), wire.UDPHeaderLen), data)
	}
	x.scope = scopeUDP
	eid := wire.UDPEID(data)
	if eid == wire.UDPManagementEID {
		return x.udpManagement(data)
	}
	head, payload := data[:wire.UDPHeaderLen:wire.UDPHeaderLen], data[wire.UDPHeaderLen:]
	x.b.AddLayer(&UDP{BaseLayer: layers.BaseLayer{Contents: head, Payload: payload}, EID: eid})
	return x.onFlow(endpoint{scope: x.scope, host: x.dst, eid: uint64(eid)}, payload)
}

// udpManagement decodes a management message, its EID included.
func (x *decoding) udpManagement(data []byte) error {
	m, err := wire.ParseUDPMessage(data)
	if err != nil {
		return x.failed(err, data)
	}
	head := len(data) - len(m.Piggyback)
	x.b.AddLayer(&UDPManagement{BaseLayer: layers.BaseLayer{Contents: data[:head:head], Payload: m.Piggyback}, UDPMessage: m})
	if m.Code == wire.UDPFlowRequest {
		initiator := endpoint{scope: scopeUDP, host: x.src, eid: uint64(m.SEID)}
		return x.oap(x.d.requested(initiator, true, m.InOrder, m.BER), m.Piggyback, false)
	}
	// A reply has the initiator where the request has it (spec 01 §5.4).
	initiator := endpoint{scope: scopeUDP, host: x.dst, eid: uint64(m.SEID)}
	responder := endpoint{scope: scopeUDP, host: x.src, eid: uint64(m.DEID)}
	return x.oap(x.d.replied(initiator, responder, m.Response == 0), m.Piggyback, true)
}
