package capture

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
)

func bytesOf(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What two live nodes of the prototype said over the LLC shim and then over udp4: a name query, the
// allocation of a raw flow, an echo.
const (
	liveLLCQuery   = `80 80 03 0000 02 00 000000000000000000000000000000000000000000000000000000000000000000 ` + liveName
	liveLLCRequest = `80 80 03 0200 00 00 00000001 0000000000000000 00000001 ffffffff ffffffff 0001d4c0 00000000 00 ` + liveName +
		`8b7982505ea6690f7223ec2a25c63c72 18ea5df5318b8eb0 000000000000000000000000`
	liveLLCReply = `80 80 03 0202 01 00 000000000000000000000000000000000000000000000000000000000000000000
		8b7982505ea6690f7223ec2a25c63c72 18ea5df53194d4b0 000000000000000000000000
		77cbddcb718aa659b1b0efe4d3d1988b4de936caeff466d541a41effd56ec04c8a5ddf3b4173e69b288c30e528f77828`
	liveLLCData = `40 40 03 0000000000000000 6007000000000000 1280123000000000`
	liveName    = `f4251cf553efcd9722c4eff599b9763f54a68581aa5d80376e2b4b6b1495dc3f`

	liveUDPRequest = `00000000 00000040 00000000 00000000 0000000000000000 ffffffff 00000001 00000001 ffffffff 0001d4c0 010000
		417c4fa3b4135a6c64e05f8d35f71648 0697cb493062d94e18e17912370b8789 18ea5df60b71eb81 000000000000000000000000`
	liveUDPReply = `00000000 00000040 00000040 00000000 0000000000000000 00000000 00000000 00000000 00000000 00000000 020000
		0697cb493062d94e18e17912370b8789 18ea5df60b7fda97 000000000000000000000000
		7d0c5cf71afea88e6c05c4e99e6ff1eb951a717866f8759ef1080d0d6868a76069fa140763257e59d492dcd97acbad1e`
	liveUDPData = `00000040 0000000000000000 6407000000000000 e36c951b00000000`
)

// llcFrame puts the MACs and the length in front, and padding behind.
func llcFrame(t testing.TB, dst, src [6]byte, body string, padding int) []byte {
	b := bytesOf(t, body)
	f := append(append(dst[:len(dst):len(dst)], src[:]...), byte(len(b)>>8), byte(len(b)))
	return append(append(f, b...), make([]byte, padding)...)
}

var everybody = [6]byte{255, 255, 255, 255, 255, 255}

// The dissector decodes the frames of the LLC shim (spec 01 §4) and follows their flows by SAP.
func TestDissectorDecodesLLC_01_4(t *testing.T) {
	d := NewDissector(DissectorOptions{})
	for _, c := range []struct {
		dst, src     [6]byte
		body         string
		layers, ends string
	}{
		{everybody, macA, liveLLCQuery, "LLCManagement", "llc sap 1 > 1 len 69 | shim NAME_QUERY_REQ f4251cf5…"},
		{macB, macA, liveLLCRequest, "LLCManagement OAP", "shim FLOW_REQ ssap 2 raw ber 1 timeout 120000 ms to f4251cf5… | oap request id 8b798250…"},
		{macA, macB, liveLLCReply, "LLCManagement OAP", "shim FLOW_REPLY ssap 2 dsap 2 response 0 | oap response id 8b798250…"},
		{macB, macA, liveLLCData, "SDU", "llc sap 2 > 2 len 24 | application 24 bytes"},
		{macB, macA, `40 40 03`, "SDU", "llc sap 2 > 2 len 0 | keepalive"},
	} {
		f := llcFrame(t, c.dst, c.src, c.body, 9)
		p := d.Decode(f, layers.LinkTypeEthernet, whole(f))
		if got, want := names(p), "Ethernet LLC "+c.layers; got != want || !strings.HasSuffix(Summary(p), c.ends) {
			t.Errorf("layers %s, want %s\n%s\nwant it to end in %s", got, want, Summary(p), c.ends)
		}
		// A snap length that cuts padding off hides nothing; one that cuts more is said to.
		for _, n := range []int{len(f) - 5, 14 + 3, 14 + 3 + 1} {
			cut := d.Decode(f[:n], layers.LinkTypeEthernet, gopacket.CaptureInfo{CaptureLength: n, Length: len(f)})
			if cut.ErrorLayer() != nil {
				t.Errorf("cut to %d bytes: %v", n, cut.ErrorLayer().Error())
			}
			if n == len(f)-5 && names(cut) != names(p) {
				t.Errorf("without padding: %s", Summary(cut))
			}
		}
	}
}

// What other protocols send behind a length is left to gopacket: spanning tree, SNAP.
func TestDissectorLeavesOtherLLCAlone(t *testing.T) {
	for _, body := range []string{`42 42 03 0000`, `aa aa 03 000000 0800`, `40 40 7f`, `00 00 03`} {
		f := llcFrame(t, macB, macA, body, 0)
		if p := NewDissector(DissectorOptions{}).Decode(f, layers.LinkTypeEthernet, whole(f)); strings.Contains(p.String(), "Ouroboros") {
			t.Errorf("%s: %s", body, names(p))
		}
	}
}

// linkEnds are the descriptions of the two ends of a datagram link.
func linkEnds(a, b string) [2]core.LinkInfo {
	var out [2]core.LinkInfo
	for i, s := range []string{a, b} {
		out[i] = core.LinkInfo{Kind: core.LinkDatagram, Rate: 1e9, Addr: core.IPAddr(netip.MustParseAddrPort(s))}
	}
	return out
}

var datagramLinks = map[string][2]core.LinkInfo{
	"IPv4": linkEnds("10.0.0.1:3435", "10.0.0.2:3435"),
	"IPv6": linkEnds("[fd00::1]:3435", "[fd00::2]:3435"),
}

// written returns the frames of a capture of datagrams, sent to and fro.
func written(t testing.TB, ends [2]core.LinkInfo, opts Options, packets ...*pkt.Buf) (file bytes.Buffer) {
	t.Helper()
	w := newWriter(t, &file, opts)
	var ids [2]int
	for i, name := range []string{"a-b:a", "a-b:b"} {
		var err error
		if ids[i], err = w.End(name, ends[i], ends[1-i]); err != nil {
			t.Fatal(err)
		}
	}
	for i, p := range packets {
		w.Frame(ids[i%2], 0, epoch, p)
	}
	mustClose(t, w)
	return file
}

// The datagrams of a link are written as frames that any reader takes for what they stand for, and the
// dissector follows their flows by address (spec 01 §5).
func TestDatagramsAreCapturedAsFrames_01_5(t *testing.T) {
	pool := pkt.NewPool()
	for version, ends := range datagramLinks {
		var packets []*pkt.Buf
		for _, s := range []string{liveUDPRequest, liveUDPReply, liveUDPData, `00000040`} {
			packets = append(packets, pool.GetCopy(0, bytesOf(t, s)))
		}
		file := written(t, ends, Options{}, packets...)
		r, err := NewReader(&file, DissectorOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ layers, ends string }{
			{"UDPManagement OAP", "shim FLOW_REQ s_eid 64 raw ber 1 timeout 120000 ms to 417c4fa3… | oap request id 0697cb49…"},
			{"UDPManagement OAP", "shim FLOW_REPLY s_eid 64 d_eid 64 response 0 | oap response id 0697cb49…"},
			{"UDP SDU", "udp eid 64 len 24 | application 24 bytes"},
			{"UDP SDU", "udp eid 64 len 0 | keepalive"},
		} {
			p, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if got, want := names(p), "Ethernet "+version+" UDP "+c.layers; got != want || !strings.HasSuffix(Summary(p), c.ends) {
				t.Errorf("layers %s, want %s\n%s\nwant it to end in %s", got, want, Summary(p), c.ends)
			}
		}
	}
}

// The synthetic headers are those that gopacket makes for the same datagram, with its checksums, whatever
// part of the payload is phantom.
func TestSyntheticHeadersAreValid(t *testing.T) {
	pool := pkt.NewPool()
	for version, ends := range datagramLinks {
		for _, n := range []int{0, 1, 2, 33, 1400, 65000} {
			stored := n / 2
			p := pool.GetPhantom(0, stored, n-stored)
			for i := range p.Front() {
				p.Front()[i] = byte(7*i + n)
			}
			content := append(slices.Clone(p.Front()), make([]byte, n-stored)...)
			file := written(t, ends, Options{}, p)
			r, err := pcapgo.NewNgReader(&file, pcapgo.DefaultNgReaderOptions)
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := r.ReadPacketData()
			if err != nil {
				t.Fatal(err)
			}
			if want := reference(t, ends, content); !bytes.Equal(got, want) {
				t.Errorf("%s, %d bytes:\n got %x\nwant %x", version, n, got[:min(len(got), 70)], want[:min(len(want), 70)])
			}
			p.Release()
		}
	}
}

// reference has gopacket make the frame, without the padding that it adds to short ones.
func reference(t *testing.T, ends [2]core.LinkInfo, content []byte) []byte {
	src, dst := ends[0].Addr.AddrPort(), ends[1].Addr.AddrPort()
	udp := &layers.UDP{SrcPort: layers.UDPPort(src.Port()), DstPort: layers.UDPPort(dst.Port())}
	s, d := src.Addr().AsSlice(), dst.Addr().AsSlice()
	eth := &layers.Ethernet{SrcMAC: append([]byte{2, 0}, s[len(s)-4:]...), DstMAC: append([]byte{2, 0}, d[len(d)-4:]...)}
	var ip gopacket.SerializableLayer
	if src.Addr().Is4() {
		ip4 := &layers.IPv4{Version: 4, TTL: 64, Flags: layers.IPv4DontFragment, Protocol: layers.IPProtocolUDP, SrcIP: s, DstIP: d}
		eth.EthernetType, ip = layers.EthernetTypeIPv4, ip4
		_ = udp.SetNetworkLayerForChecksum(ip4)
	} else {
		ip6 := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolUDP, SrcIP: s, DstIP: d}
		eth.EthernetType, ip = layers.EthernetTypeIPv6, ip6
		_ = udp.SetNetworkLayerForChecksum(ip6)
	}
	buf := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buf, opts, eth, ip, udp, gopacket.Payload(content)); err != nil {
		t.Fatal(err)
	}
	ipLen := ip6Len
	if src.Addr().Is4() {
		ipLen = ip4Len
	}
	return buf.Bytes()[:ethernetLen+ipLen+udpLen+len(content)]
}

// Datagrams and Ethernet frames have one link type and share a file; what cannot be is refused by name.
func TestDatagramLinksInACapture(t *testing.T) {
	w := newWriter(t, io.Discard, Options{SnapLen: 20})
	mustInterface(t, w, "a-b:a", 0, core.LinkEthernet)
	ends := datagramLinks["IPv4"]
	id, err := w.End("b-c:b", ends[0], ends[1])
	if err != nil || id != 1 {
		t.Errorf("a datagram link beside an Ethernet: id %d, %v", id, err)
	}
	for text, peer := range map[string]core.LinkInfo{
		"one version": datagramLinks["IPv6"][0],
		"02:00":       {Addr: core.MACAddr(macA)},
	} {
		if _, err := w.End("c-d:c", ends[0], peer); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
	p := pkt.NewPool().GetPhantom(0, 33, 1000)
	if n := testing.AllocsPerRun(100, func() { w.Frame(id, 0, epoch, p) }); n != 0 {
		t.Errorf("%v allocations per datagram", n)
	}
	w.Frame(id, 0, epoch, pkt.NewPool().GetPhantom(0, 4, 65504))
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), "65508 bytes") {
		t.Errorf("a datagram that IP cannot carry: %v", err)
	}
}

// Of a cut datagram the dissector shows what is there; datagrams of other ports, fragments and other protocols
// are left to gopacket.
func TestDissectorOfCutAndForeignDatagrams(t *testing.T) {
	pool := pkt.NewPool()
	file := written(t, datagramLinks["IPv4"], Options{SnapLen: 50}, pool.GetCopy(0, bytesOf(t, liveUDPRequest)), pool.GetCopy(0, bytesOf(t, liveUDPData)))
	r, err := NewReader(&file, DissectorOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cut short 8 bytes", "udp eid 64 len 4 | unknown 4 bytes"} {
		p, err := r.Next()
		if err != nil || p.ErrorLayer() != nil || !strings.HasSuffix(Summary(p), want) || !p.Metadata().Truncated {
			t.Errorf("%v: %s, want it to end in %q and to be truncated", err, Summary(p), want)
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	frame := reference(t, datagramLinks["IPv4"], []byte("0123456789"))
	fragment, tcp := slices.Clone(frame), slices.Clone(frame)
	fragment[14+7], tcp[14+9] = 1, 6
	other := reference(t, linkEnds("10.0.0.1:7", "10.0.0.2:7"), []byte("0123456789"))
	for name, f := range map[string][]byte{"fragment": fragment, "tcp": tcp, "other port": other} {
		if p := NewDissector(DissectorOptions{}).Decode(f, layers.LinkTypeEthernet, whole(f)); strings.Contains(p.String(), "Ouroboros") {
			t.Errorf("%s: %s", name, names(p))
		}
	}
	d := NewDissector(DissectorOptions{Ports: []uint16{7}})
	if p := d.Decode(other, layers.LinkTypeEthernet, whole(other)); !strings.Contains(names(p), "UDP UDP") {
		t.Errorf("port 7: %s", names(p))
	}
}

// FuzzShims holds that no frame of the LLC and UDP shims makes the dissector panic or show a byte twice.
func FuzzShims(f *testing.F) {
	for _, s := range []string{liveLLCQuery, liveLLCRequest, liveLLCReply, liveLLCData} {
		f.Add(llcFrame(f, macB, macA, s, 0)[12:], false)
	}
	for _, s := range []string{liveUDPRequest, liveUDPReply, liveUDPData} {
		f.Add(bytesOf(f, s), true)
	}
	head, err := newDatagramHead(datagramLinks["IPv4"][0].Addr, datagramLinks["IPv4"][1].Addr)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte, udp bool) {
		frame := append(append(macA[:len(macA):len(macA)], macB[:]...), b...)
		if udp {
			if len(b) > maxDatagram {
				return
			}
			frame = make([]byte, len(head))
			head.put(frame, b, len(b))
			frame = append(frame, b...)
		} else if len(b) < 5 || b[0] != 0 || b[1] < wire.LLCHeaderLen || !plausibleLLC(b[2:]) {
			return // gopacket's own decoders
		}
		p := NewDissector(DissectorOptions{}).Decode(frame, layers.LinkTypeEthernet, whole(frame))
		if e, ok := p.ErrorLayer().(*gopacket.DecodeFailure); ok && e.Dump() != "" {
			t.Fatalf("panic: %v\n%s", e.Error(), e.Dump())
		}
		total := 0
		for _, l := range p.Layers() {
			if _, failed := l.(*gopacket.DecodeFailure); !failed {
				total += len(l.LayerContents())
			}
		}
		if total > len(frame) {
			t.Fatalf("layers of %d bytes in a frame of %d: %s", total, len(frame), Summary(p))
		}
	})
}
