package interop

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"strings"

	"google.golang.org/protobuf/proto"

	"ouroboros/core/wire"
	"ouroboros/ipcp"
	"ouroboros/ipcp/pb"
)

// hashLen is the length of the digests of all layers in the captures but udp: SHA3-256.
const hashLen = 32

// layout is that of all unicast layers in the captures.
var layout = wire.PCI{Addr: 4, EID: 8}

// written parses a message of a kind by the code of the nodes and writes it again, with all that is in it. An error
// says what the code takes it for instead.
func written(f *frame, kind []string, b []byte) ([]byte, error) {
	if len(kind) == 0 {
		return b, nil
	}
	inner := func(b []byte) ([]byte, error) { return written(f, kind[1:], b) }
	switch k := kind[0]; {
	case k == "arp": // the kernel's
		return b, nil
	case k == "dix":
		return dix(f, b, inner)
	case k == "llc":
		return llc(f, b, inner)
	case k == "udp":
		return datagram(f, b, inner)
	case k == "pci":
		return pci(b, inner)
	case strings.HasPrefix(k, "fa-"):
		return fa(k[3:], b, inner)
	case strings.HasPrefix(k, "dht-"):
		return dht(k[4:], b)
	case strings.HasPrefix(k, "frcp-"):
		return endToEnd(k[5:], b)
	case strings.HasPrefix(k, "oap-"):
		return handshake(k[4:], b)
	case k == "keepalive":
		return b, empty(b)
	case k == "data", k == "broadcast":
		return b, nil
	case k == "encrypted":
		// The keys are not known: 12 bytes of IV, whose first bit is the phase of the key, and 16 of tag.
		if len(b) < 28 || b[0]&0x80 != 0 {
			return nil, fmt.Errorf("%d bytes, first %#02x", len(b), b[0])
		}
		return b, nil
	default:
		return management(k, b)
	}
}

func empty(b []byte) error {
	if len(b) != 0 {
		return fmt.Errorf("%d bytes", len(b))
	}
	return nil
}

// named holds that what is parsed has the name that it should.
func named(got fmt.Stringer, want string) error {
	if got.String() != want {
		return fmt.Errorf("it is %v", got)
	}
	return nil
}

func mac(text string) (m [6]byte) {
	a, err := net.ParseMAC(text)
	if err != nil {
		panic(err) // the files are ours
	}
	return [6]byte(a)
}

func dix(f *frame, b []byte, inner func([]byte) ([]byte, error)) ([]byte, error) {
	whole := append(bytes.Repeat([]byte{0}, 14), b...)
	dst, src := mac(f.to), mac(f.from)
	copy(whole, dst[:])
	copy(whole[6:], src[:])
	binary.BigEndian.PutUint16(whole[12:], 0xa000)
	v, err := wire.ParseDIXFrame(whole)
	if err != nil {
		return nil, err
	}
	body := b[4:]
	if v.Length() != len(body) || v.Destination() != dst || v.Source() != src {
		return nil, fmt.Errorf("length %d of %d", v.Length(), len(body))
	}
	if v.EID() != 0 {
		body, err = inner(body)
	} else {
		var m wire.DIXMessage
		if m, err = wire.ParseDIXMessage(body, hashLen); err == nil {
			err = named(m.Code, f.kind[1])
		}
		if err == nil && len(m.Piggyback) > 0 {
			m.Piggyback, err = written(f, f.kind[2:], m.Piggyback)
		}
		if err == nil {
			body = make([]byte, m.Len())
			m.Put(body)
		}
	}
	out := make([]byte, 18+len(body))
	wire.PutDIXFrame(out, dst, src, v.EtherType(), v.EID(), len(body))
	copy(out[18:], body)
	return out[14:], err
}

func llc(f *frame, b []byte, inner func([]byte) ([]byte, error)) ([]byte, error) {
	whole := append(bytes.Repeat([]byte{0}, 14), b...)
	dst, src := mac(f.to), mac(f.from)
	copy(whole, dst[:])
	copy(whole[6:], src[:])
	binary.BigEndian.PutUint16(whole[12:], uint16(len(b)))
	v, err := wire.ParseLLCFrame(whole)
	if err != nil {
		return nil, err
	}
	body := b[3:]
	if v.DSAP() != 1 {
		body, err = inner(body)
	} else {
		var m wire.LLCMessage
		if m, err = wire.ParseLLCMessage(body, hashLen); err == nil {
			err = named(m.Code, f.kind[1])
		}
		if err == nil && len(m.Piggyback) > 0 {
			m.Piggyback, err = written(f, f.kind[2:], m.Piggyback)
		}
		if err == nil {
			body = make([]byte, m.Len())
			m.Put(body)
		}
	}
	out := make([]byte, 17+len(body))
	wire.PutLLCFrame(out, dst, src, v.DSAP(), v.SSAP(), len(body))
	copy(out[17:], body)
	return out[14:], err
}

func datagram(f *frame, b []byte, inner func([]byte) ([]byte, error)) ([]byte, error) {
	eid := wire.UDPEID(b)
	if eid != wire.UDPManagementEID {
		body, err := inner(b[4:])
		out := append(make([]byte, 4), body...)
		wire.PutUDPEID(out, eid)
		return out, err
	}
	m, err := wire.ParseUDPMessage(b)
	if err == nil {
		err = named(m.Code, f.kind[1])
	}
	if err == nil && len(m.Piggyback) > 0 {
		m.Piggyback, err = written(f, f.kind[2:], m.Piggyback)
	}
	if err != nil {
		return nil, err
	}
	out := make([]byte, m.Len())
	m.Put(out)
	return out, nil
}

func pci(b []byte, inner func([]byte) ([]byte, error)) ([]byte, error) {
	if len(b) < layout.Len() {
		return nil, fmt.Errorf("%d bytes", len(b))
	}
	body, err := inner(b[layout.Len():])
	out := append(make([]byte, layout.Len()), body...)
	layout.Put(out, layout.Dst(b), layout.Cube(b), *layout.TTL(b), *layout.ECN(b), layout.EndpointID(b))
	return out, err
}

func fa(name string, b []byte, inner func([]byte) ([]byte, error)) ([]byte, error) {
	m, digest, rest, err := wire.ParseFA(b, hashLen)
	if err == nil {
		err = named(m.Code, name)
	}
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		if rest, err = inner(rest); err != nil {
			return nil, err
		}
	}
	out := make([]byte, wire.FAFixed)
	m.Put(out)
	return append(append(out, digest...), rest...), nil
}

func endToEnd(flags string, b []byte) ([]byte, error) {
	h, err := wire.ParseFRCP(b)
	if err == nil {
		err = named(h.Flags, flags)
	}
	if err != nil {
		return nil, err
	}
	out := make([]byte, wire.FRCPLen)
	h.Put(out)
	return append(out, b[wire.FRCPLen:]...), nil
}

// handshake is a message of the allocation handshake. The hash in a response has the length of its digest; without
// one it is SHA-384 (spec 11 §11.2).
func handshake(what string, b []byte) ([]byte, error) {
	n := 0
	if what == "response" && len(b) >= wire.OAPHeaderLen {
		switch digest := wire.OAPDigestName(binary.BigEndian.Uint16(b[28:])); digest {
		case "sha256":
			n = 32
		case "sha384", "none", "":
			n = 48
		case "sha512":
			n = 64
		default:
			return nil, fmt.Errorf("digest %q", digest)
		}
	}
	m, err := wire.ParseOAP(b, n)
	return m.Append(nil), err
}

// dhtNames are the kinds of messages of the directory (spec 05 §3.1).
var dhtNames = []string{"STORE", "FIND_NODE_REQ", "FIND_NODE_RSP", "FIND_VALUE_REQ", "FIND_VALUE_RSP"}

func dht(name string, b []byte) ([]byte, error) {
	var m pb.Dht
	if err := proto.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	code := int(m.GetCode())
	if code >= len(dhtNames) || dhtNames[code] != name {
		return nil, fmt.Errorf("code %d", code)
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(&m)
}

// management is a message of those that go over flows between IPCPs.
func management(kind string, b []byte) ([]byte, error) {
	switch kind {
	case "cep":
		a, err := ipcp.ParseAnnouncement(b)
		if err != nil {
			return nil, err
		}
		return a.Marshal()
	case "enroll_req":
		id, err := ipcp.ParseOEPRequest(b)
		if err != nil {
			return nil, err
		}
		return id.MarshalRequest()
	case "enroll_resp":
		r, err := ipcp.ParseOEPResponse(b)
		if err != nil {
			return nil, err
		}
		return r.Marshal()
	case "enroll_ack":
		id, result, err := ipcp.ParseOEPAck(b)
		if err != nil {
			return nil, err
		}
		return id.MarshalOEPAck(result)
	case "lsa":
		l, err := wire.ParseLSA(b)
		return l.Append(nil), err
	}
	return nil, fmt.Errorf("no kind of message")
}
