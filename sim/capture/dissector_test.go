package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"ouroboros/core"
	"ouroboros/core/wire"
)

// Two ends of an Ethernet link.
var (
	macA = [6]byte{2, 0, 0, 0, 0, 1}
	macB = [6]byte{2, 0, 0, 0, 0, 2}
)

// conversation builds frames of the Ethernet shim and decodes them as they come.
type conversation struct {
	t *testing.T
	d *Dissector
}

func converse(t *testing.T) *conversation {
	return &conversation{t: t, d: NewDissector(DissectorOptions{})}
}

func dixFrame(src, dst [6]byte, eid uint16, payload []byte) []byte {
	b := make([]byte, wire.DIXFrameHeaderLen, wire.DIXFrameHeaderLen+len(payload))
	wire.PutDIXFrame(b, dst, src, wire.DIXEtherType, eid, len(payload))
	return append(b, payload...)
}

// sees decodes a frame and checks the layers behind the header of the shim and the end of the summary.
func (c *conversation) sees(src, dst [6]byte, eid uint16, payload []byte, wantLayers, wantEnd string) gopacket.Packet {
	c.t.Helper()
	b := dixFrame(src, dst, eid, payload)
	p := c.d.Decode(b, layers.LinkTypeEthernet, whole(b))
	if e := p.ErrorLayer(); e != nil {
		c.t.Fatalf("%v", e.Error())
	}
	if got, want := names(p), strings.TrimSpace("Ethernet DIX "+wantLayers); got != want {
		c.t.Fatalf("layers %s, want %s\n%s", got, want, Summary(p))
	}
	if got := Summary(p); !strings.HasSuffix(got, wantEnd) {
		c.t.Fatalf("summary %q, want it to end in %q", got, wantEnd)
	}
	return p
}

// shimFlow allocates a flow from EID 64 of A to EID 65 of B.
func (c *conversation) shimFlow(q core.QoS) {
	c.t.Helper()
	m := wire.DIXMessage{Code: wire.DIXFlowRequest, SEID: 64, Loss: q.Loss, BER: q.BER, InOrder: q.InOrder, Timeout: q.Timeout, Digest: make([]byte, 32)}
	c.sees(macA, macB, 0, encode(&m), "DIXManagement", "to 00000000…")
	m = wire.DIXMessage{Code: wire.DIXFlowReply, SEID: 65, DEID: 64}
	c.sees(macB, macA, 0, encode(&m), "DIXManagement", "shim FLOW_REPLY seid 65 deid 64 response 0")
}

func encode(m *wire.DIXMessage) []byte {
	b := make([]byte, m.Len())
	m.Put(b)
	return b
}

func cepMessage(component, protocol string, syntax byte, address uint32) []byte {
	b := append([]byte{0x0a, byte(len(component))}, component...)
	b = append(append(b, 0x12, byte(len(protocol))), protocol...)
	b = append(b, 0x18, 1, 0x28, syntax, 0x40)
	return binary.AppendUvarint(b, uint64(address))
}

func pci(dst, eid uint64, payload []byte) []byte {
	b := make([]byte, wire.DefaultPCI.Len())
	wire.DefaultPCI.Put(b, dst, 0, 60, 0, eid)
	return append(b, payload...)
}

func fa(m wire.FA, rest ...byte) []byte {
	b := make([]byte, wire.FAFixed)
	m.Put(b)
	return append(b, rest...)
}

// crc appends the trailer of a flow with ber = 0 (spec 10 §10.14).
func crc(b []byte) []byte { return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)) }

// The 32-byte link-state message carries flags and a metric (decision 12).
func TestDissectorDecodesWithdrawals(t *testing.T) {
	c := converse(t)
	c.shimFlow(core.QoSRaw)
	c.sees(macA, macB, 65, cepMessage("Management", "LSP", 0, 1), "CEP", `cep "Management" protocol "LSP" version 1 syntax 0 address 01.00.00.00`)
	c.sees(macB, macA, 64, cepMessage("Management", "LSP", 0, 2), "CEP", "address 02.00.00.00")
	up := wire.LSA{Dst: 2, Src: 1, Seq: 7, Ext: true, Metric: 3}.Append(nil)
	c.sees(macA, macB, 65, up, "LinkState", "lsa 01.00.00.00 > 02.00.00.00 seq 7 metric 3")
	down := wire.LSA{Dst: 2, Src: 1, Seq: 8, Ext: true, Flags: wire.LSAWithdrawn}.Append(nil)
	c.sees(macA, macB, 65, down, "LinkState", "seq 8 metric 0 withdrawn")
}

// A flow with in_order ≠ 0 carries FRCP, one with ber = 0 a CRC behind it (spec 10 §10.2); both are
// taken from the request, not guessed: the bytes here look like something else.
func TestDissectorTakesTheModeFromTheRequest(t *testing.T) {
	c := converse(t)
	q := core.QoSBestEffort
	q.BER = 0
	c.shimFlow(q)
	head := make([]byte, wire.FRCPLen)
	wire.FRCPHeader{Flags: wire.FRCPData | 0x80, Window: 5, Seqno: 9}.Put(head)
	whole := crc(append(head, "hello"...))
	c.sees(macA, macB, 65, whole, "FRCP SDU Trailer", fmt.Sprintf("application 5 bytes | crc %x", whole[17:]))
	broken := slices.Clone(whole)
	broken[12] ^= 1
	c.sees(macA, macB, 65, broken, "FRCP SDU Trailer", "wrong")

	c = converse(t)
	c.shimFlow(core.QoSRaw)
	window := make([]byte, wire.FRCPLen)
	wire.FRCPHeader{Flags: wire.FRCPFC, Window: 5}.Put(window)
	c.sees(macA, macB, 65, window, "SDU", "application 12 bytes")
}

// An ack may carry the received ranges (decision 14).
func TestDissectorShowsReceivedRanges(t *testing.T) {
	c := converse(t)
	c.shimFlow(core.QoSData)
	b := make([]byte, wire.FRCPLen+wire.FRCPRangesLen(1))
	wire.FRCPHeader{Flags: wire.FRCPAck | wire.FRCPFC, Window: 0x20, Ackno: 0x10}.Put(b)
	wire.PutFRCPRanges(b[wire.FRCPLen:], 1).Set(0, wire.SeqRange{Start: 0x12, End: 0x14})
	c.sees(macA, macB, 65, b, "FRCP", "[00000012,00000014)")
}

// An end that closes says so, and is answered.
func TestDissectorShowsTheEndOfAFlow(t *testing.T) {
	c := converse(t)
	c.shimFlow(core.QoSData)
	b := make([]byte, wire.FRCPLen+wire.FRCPFinLen)
	wire.FRCPFin{End: 0x12, HasEnd: true}.Put(b[wire.FRCPLen:], wire.FRCPExtFin)
	c.sees(macA, macB, 65, b, "FRCP", "fin end 00000012")
	wire.FRCPFin{End: 0x12, Next: 7, HasEnd: true, HasNext: true}.Put(b[wire.FRCPLen:], wire.FRCPExtFinAck)
	c.sees(macB, macA, 64, b, "FRCP", "fin heard end 00000012 next 00000007")
}

// A shim uses its numbers again (spec 01 §3.4): a new request makes a new flow of them.
func TestDissectorForgetsAFlowWhoseNumberIsUsedAgain(t *testing.T) {
	c := converse(t)
	c.shimFlow(core.QoSRaw)
	c.sees(macA, macB, 65, cepMessage("Enrollment", "OEP", 0, 0), "CEP", "address 00.00.00.00")
	c.sees(macB, macA, 64, []byte{0x0a, 1, 1}, "SDU", "enrollment 3 bytes")
	c.shimFlow(core.QoSRaw)
	c.sees(macB, macA, 64, []byte{0x0a, 1, 1}, "SDU", "application 3 bytes")
}

// A component that is unknown to the acceptor is refused with an empty message (spec 07 §2.3).
func TestDissectorDecodesARefusedConnection(t *testing.T) {
	c := converse(t)
	c.shimFlow(core.QoSRaw)
	c.sees(macA, macB, 65, cepMessage("Management", "LSP", 0, 1), "CEP", "01.00.00.00")
	c.sees(macB, macA, 64, []byte{0x0a, 0, 0x12, 0, 0x18, 0, 0x28, 0, 0x40, 0}, "CEP", `cep "" protocol "" version 0 syntax 0 address 00.00.00.00`)
}

// A unicast layer over a flow of a unicast layer: the connection exchange inside the lower flow opens
// the upper layer, and the flows of both are kept apart though their numbers are equal.
func TestDissectorFollowsRecursion(t *testing.T) {
	c := converse(t)
	c.shimFlow(core.QoSRaw)
	c.sees(macA, macB, 65, cepMessage("Data Transfer", "dtp", 2, 1), "CEP", "01.00.00.00")
	const a, b, eidA, eidB = 1, 2, 1<<32 | 64, 2<<32 | 65
	upper := func(dst, eid uint64, payload []byte) []byte { return pci(b, eidB, pci(dst, eid, payload)) }
	request := fa(wire.FA{Code: wire.FlowReq, Source: a, SEID: eidA, Loss: 1, BER: 1}, make([]byte, 32)...)
	reply := fa(wire.FA{Code: wire.FlowReply, REID: eidA, SEID: eidB})
	c.sees(macA, macB, 65, pci(b, 0, request), "DataTransfer FlowAllocation", "raw ber 1 timeout 0 ms to 00000000…")
	c.sees(macB, macA, 64, pci(a, 0, reply), "DataTransfer FlowAllocation", "fa FLOW_REPLY reid 100000040 seid 200000041 response 0")
	c.sees(macA, macB, 65, pci(b, eidB, cepMessage("Data Transfer", "dtp", 2, 1)), "DataTransfer CEP", "address 01.00.00.00")

	reliable := fa(wire.FA{Code: wire.FlowReq, Source: a, SEID: eidA, BER: 1, InOrder: 1}, make([]byte, 32)...)
	c.sees(macA, macB, 65, upper(b, 0, reliable), "DataTransfer DataTransfer FlowAllocation", "reliable ber 1 timeout 0 ms to 00000000…")
	c.sees(macB, macA, 64, pci(a, eidA, pci(a, 0, reply)), "DataTransfer DataTransfer FlowAllocation", "response 0")
	head := make([]byte, wire.FRCPLen)
	wire.FRCPHeader{Flags: wire.FRCPData | wire.FRCPDRF, Seqno: 3}.Put(head)
	c.sees(macA, macB, 65, upper(b, eidB, append(head, "hi"...)), "DataTransfer DataTransfer FRCP SDU", "frcp DATA|DRF seq 00000003 | application 2 bytes")
	c.sees(macA, macB, 65, upper(b, 0, fa(wire.FA{Code: wire.FlowUpdate, REID: eidB, ECE: 288})), "DataTransfer DataTransfer FlowAllocation", "fa FLOW_UPDATE reid 200000041 ece 288")
}

// The same request is seen at every hop: the copies are one flow, and what was learned of it stays.
func TestDissectorTakesCopiesOfARequestForOneFlow(t *testing.T) {
	c := converse(t)
	request := pci(9, 0, fa(wire.FA{Code: wire.FlowReq, Source: 1, SEID: 1<<32 | 64, Loss: 1, BER: 1}, make([]byte, 32)...))
	data := pci(1, 1<<32|64, []byte("data"))
	c.sees(macA, macB, 65, request, "DataTransfer FlowAllocation", "…")
	c.sees(macB, macA, 65, data, "DataTransfer SDU", "application 4 bytes")
	c.sees(macA, macB, 66, request, "DataTransfer FlowAllocation", "…")
	connection := pci(1, 1<<32|64, cepMessage("Management", "LSP", 0, 1))
	c.sees(macB, macA, 65, connection, "DataTransfer SDU", "application 23 bytes")
}

// Padding to the shortest Ethernet frame is no payload (spec 01 §3.2).
func TestDissectorDropsPadding(t *testing.T) {
	b := append(dixFrame(macA, macB, 65, []byte("hello")), make([]byte, 37)...)
	p := NewDissector(DissectorOptions{}).Decode(b, layers.LinkTypeEthernet, whole(b))
	if app := p.ApplicationLayer(); app == nil || string(app.Payload()) != "hello" {
		t.Errorf("payload %v, want hello: %s", app, Summary(p))
	}
}

// A snap length cuts frames short. That is no error of theirs; a header that announces more than there
// is, is told as a cut too, and a message that is too short without a reason is an error.
func TestDissectorTellsCutFramesFromBadOnes(t *testing.T) {
	m := wire.DIXMessage{Code: wire.DIXNameQueryRequest, Digest: make([]byte, 32)}
	b := dixFrame(macA, core.BroadcastMAC.MAC(), 0, encode(&m))
	p := NewDissector(DissectorOptions{}).Decode(b[:40], layers.LinkTypeEthernet, gopacket.CaptureInfo{CaptureLength: 40, Length: len(b)})
	if !p.Metadata().Truncated || names(p) != "Ethernet DIX SDU" || p.ErrorLayer() != nil || !strings.HasSuffix(Summary(p), "cut short 22 bytes") {
		t.Errorf("cut by the snap length: truncated %v, %s", p.Metadata().Truncated, Summary(p))
	}
	short := dixFrame(macA, macB, 0, make([]byte, 38))
	p = NewDissector(DissectorOptions{}).Decode(short, layers.LinkTypeEthernet, whole(short))
	if p.ErrorLayer() == nil || !errors.Is(p.ErrorLayer().Error(), wire.ErrDIXShort) {
		t.Errorf("management message of 38 bytes: %s", Summary(p))
	}
}

// Frames of other protocols are gopacket's, and its table of EtherTypes is as it was.
func TestDissectorLeavesOtherProtocolsToGopacket(t *testing.T) {
	arp := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1}, make([]byte, 20)...)
	p := NewDissector(DissectorOptions{}).Decode(arp, layers.LinkTypeEthernet, whole(arp))
	if p.Layer(layers.LayerTypeARP) == nil {
		t.Errorf("no ARP layer: %s", Summary(p))
	}
	b := dixFrame(macA, macB, 65, []byte("hello"))
	if p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.Default); p.Layer(LayerTypeDIX) != nil {
		t.Error("gopacket's own Ethernet layer knows the shim: its global table was changed")
	}
	other := NewDissector(DissectorOptions{EtherTypes: []uint16{0xB000}})
	binary.BigEndian.PutUint16(b[12:], 0xB000)
	if p := other.Decode(b, layers.LinkTypeEthernet, whole(b)); p.Layer(LayerTypeDIX) == nil {
		t.Errorf("configured EtherType: %s", Summary(p))
	}
	if p := other.Decode(b, layers.LinkTypeIEEE802_11, whole(b)); p.ErrorLayer() == nil {
		t.Errorf("wireless link: %s", Summary(p))
	}
}

// Every registered type decodes on its own, so that it can be the first layer of a gopacket reader.
func TestLayerTypesDecodeByThemselves(t *testing.T) {
	m := wire.DIXMessage{Code: wire.DIXNameQueryReply, Digest: make([]byte, 32)}
	tests := []struct {
		first gopacket.LayerType
		data  []byte
		want  string
	}{
		{LayerTypeDirect, []byte{0, 0, 0, 7, 0, 0, 0, 0, 'x'}, "direct flow 7 kind 0 | unknown 1 bytes"},
		{LayerTypeDIX, dixFrame(macA, macB, 64, nil)[14:], "dix eid 64 len 0 | keepalive"},
		{LayerTypeDIXManagement, encode(&m), "shim NAME_QUERY_REPLY 00000000…"},
		{LayerTypeCEP, cepMessage("Enrollment", "OEP", 0, 0), `cep "Enrollment" protocol "OEP" version 1 syntax 0 address 00.00.00.00`},
		{LayerTypeLinkState, wire.LSA{Dst: 0x1A2B3C4D, Src: 1 << 40, Seq: 1}.Append(nil), "lsa 0x10000000000 > 4d.3c.2b.1a seq 1"},
		{LayerTypeDataTransfer, pci(2, 1, []byte("d")), "dt > 02.00.00.00 cube 0 ttl 60 ecn 0 eid 1 | directory 1 bytes"},
		{LayerTypeDataTransfer, pci(2, 5, nil), "dt > 02.00.00.00 cube 0 ttl 60 ecn 0 eid 5 | component 5"},
		{LayerTypeFlowAllocation, fa(wire.FA{Code: wire.FlowReply, REID: 1, SEID: 2, Response: -1007}), "fa FLOW_REPLY reid 1 seid 2 response -1007"},
		{LayerTypeOAP, make([]byte, wire.OAPHeaderLen), "oap request id 00000000…"},
		{LayerTypeOAP, make([]byte, wire.OAPHeaderLen+48), "oap response id 00000000…"},
		{LayerTypeFRCP, append([]byte{3}, make([]byte, 12)...), "frcp DATA|DRF seq 00000000 | unknown 1 bytes"},
		{LayerTypeSDU, []byte("abc"), "unknown 3 bytes"},
		{LayerTypeTrailer, []byte{1, 2, 3, 4}, "crc 01020304 wrong"},
	}
	for _, tt := range tests {
		p := gopacket.NewPacket(tt.data, tt.first, gopacket.Default)
		if got := Summary(p); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.first, got, tt.want)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	d := NewDissector(DissectorOptions{})
	data := dixFrame(macA, macB, 65, pci(2, 1<<32|64, make([]byte, 1000)))
	b.ReportAllocs()
	for b.Loop() {
		d.Decode(data, layers.LinkTypeEthernet, whole(data))
	}
}
