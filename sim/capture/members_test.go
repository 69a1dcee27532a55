package capture

import (
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"google.golang.org/protobuf/encoding/protowire"

	"ouroboros/core"
	"ouroboros/core/wire"
)

// connected allocates a flow between two members and connects them for a component.
func connected(t *testing.T, component, protocol string) *conversation {
	c := converse(t)
	c.shimFlow(core.QoSRaw)
	c.sees(macA, macB, 65, cepMessage(component, protocol, 0, 1), "CEP", "address 01.00.00.00")
	c.sees(macB, macA, 64, cepMessage(component, protocol, 0, 2), "CEP", "address 02.00.00.00")
	return c
}

// Messages of path-vector share the management flow with those of link state; they are never of the same
// length, and begin with a byte of their own (package wire).
func TestDissectorDecodesPathVectors(t *testing.T) {
	c := connected(t, "Management", "LSP")
	b := wire.AppendPVHeader(nil, true, 9)
	b = wire.AppendPVRoute(b, 0, 1, 3, 1, []uint64{4, 7})
	b = wire.AppendPVWithdrawal(b, 0, 5)
	c.sees(macA, macB, 65, b, "PathVector", "path-vector number 9 ask 07.00.00.00/3 -05.00.00.00")
	c.sees(macB, macA, 64, wire.LSA{Dst: 2, Src: 1, Seq: 7}.Append(nil), "LinkState", "seq 7")
	for dst := range uint64(4) {
		b = wire.AppendPVWithdrawal(b, 0, 10+dst)
	}
	c.sees(macB, macA, 64, b, "PathVector", "-0b.00.00.00 and 2 more")
	// The form alone tells what it is, on a flow of which nothing else is known.
	fresh := converse(t)
	fresh.sees(macA, macB, 65, wire.AppendPVHeader(nil, false, 1), "PathVector", "path-vector number 1")
}

func field(num protowire.Number, v any) []byte {
	switch v := v.(type) {
	case string:
		return protowire.AppendString(protowire.AppendTag(nil, num, protowire.BytesType), v)
	case []byte:
		return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), v)
	case int:
		return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), uint64(v))
	}
	panic("no such field")
}

func message(fields ...[]byte) (b []byte) {
	for _, f := range fields {
		b = append(b, f...)
	}
	return b
}

// Enrollment messages are told apart by the fields that they have (spec 07 §5.1); what is none is shown as
// bytes and does not end the frame in an error.
func TestDissectorDecodesEnrollment_07_5_1(t *testing.T) {
	c := connected(t, "Enrollment", "OEP")
	id := field(1, "12345678")
	config := field(5, message(field(1, message(field(1, "net"), field(2, 1))), field(2, 1), field(3, "unread")))
	response := message(id, field(2, 1795350709), field(3, 140164272), field(4, 0), config)
	c.sees(macA, macB, 65, id, "Enrollment", "enrollment request id 31323334…")
	p := c.sees(macB, macA, 64, response, "Enrollment", `enrollment response id 31323334… response 0 layer "net"`)
	l := p.Layer(LayerTypeEnrollment).(*Enrollment)
	if want := time.Unix(1795350709, 140164272); !l.Time.Equal(want) || l.Result != 0 {
		t.Errorf("time %v, want %v; result %d", l.Time, want, l.Result)
	}
	denied := message(id, field(2, 1), field(3, 0), field(4, -1))
	c.sees(macB, macA, 64, denied, "Enrollment", `response -1 layer ""`)
	c.sees(macA, macB, 65, message(id, field(2, -110)), "Enrollment", "enrollment ack id 31323334… result -110")
	for name, b := range map[string][]byte{
		"short id":       field(1, "1234567"),
		"unknown field":  message(id, field(6, 1)),
		"half a message": response[:len(response)-3],
		"half a time":    message(id, field(2, 1), field(3, 0)),
		"no message":     {0xFF},
		"bad config":     message(id, field(2, 1), field(3, 0), field(4, 0), field(5, "\xFF")),
	} {
		t.Run(name, func(*testing.T) { c.sees(macA, macB, 65, b, "SDU", "bytes") })
	}
}

// Messages of the directory: the example of spec 05 §3 for a response with a contact and a value, and a
// value that is stored.
func TestDissectorDecodesTheDirectory_05_3(t *testing.T) {
	c := connected(t, "Data Transfer", "dtp")
	var own, key, other [32]byte
	for i := range own {
		own[i], key[i], other[i] = byte(i), byte(0xA0+i), byte(0x40+i)
	}
	src := field(2, message(field(1, own[:]), field(2, 0x1A2B3C4D)))
	contact := field(3, message(field(1, other[:]), field(2, 0x55667788)))
	node := field(5, message(field(1, 0x1122334455667788), field(2, key[:]), contact))
	value := field(6, field(1, "\x00\x00\x00\x00\x1A\x2B\x3C\x4D"))
	response := message(field(1, 4), src, node, value)
	if len(response) != 144 {
		t.Errorf("the response has %d bytes, that of the specification 144", len(response))
	}
	sees := func(b []byte, layer, end string) {
		t.Helper()
		c.sees(macA, macB, 65, pci(2, 1, b), "DataTransfer "+layer, end)
	}
	sees(response, "Directory", "directory FIND_VALUE_RSP from 4d.3c.2b.1a key a0a1a2a3… cookie 1122334455667788 contact 88.77.66.55 value 4d.3c.2b.1a")
	store := message(field(1, 0), src, field(3, message(field(1, key[:]), field(2, "\x00\x00\x00\x00\x1A\x2B\x3C\x4D"), field(3, 7))))
	sees(store, "Directory", "directory STORE from 4d.3c.2b.1a key a0a1a2a3… value 4d.3c.2b.1a")
	find := message(field(1, 3), src, field(4, message(field(1, 0x99), field(2, key[:]))))
	sees(find, "Directory", "directory FIND_VALUE_REQ from 4d.3c.2b.1a key a0a1a2a3… cookie 99")
	for name, b := range map[string][]byte{
		"no sender":      field(1, 1),
		"unknown code":   message(field(1, 5), src),
		"unknown field":  message(field(1, 1), src, field(7, 1)),
		"short value":    message(field(1, 4), src, field(6, field(1, "123"))),
		"half a message": response[:len(response)-3],
	} {
		t.Run(name, func(t *testing.T) { sees(b, "SDU", "bytes") })
	}
}

// FuzzMembers holds that no bytes make the decoders of these messages panic.
func FuzzMembers(f *testing.F) {
	f.Add(message(field(1, "12345678"), field(2, 5)))
	f.Add(message(field(1, 4), field(2, message(field(1, "id"), field(2, 9)))))
	f.Add(wire.AppendPVWithdrawal(wire.AppendPVHeader(nil, false, 1), 0, 5))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, step := range []func(*decoding, []byte) error{(*decoding).enrollment, (*decoding).directory, (*decoding).pathVector} {
			if s := decodeAlone(step, b); strings.HasPrefix(s, "panic: ") {
				t.Error(s)
			}
		}
	})
}

// decodeAlone decodes bytes that nothing is known of and returns the summary, or the panic.
func decodeAlone(step func(*decoding, []byte) error, b []byte) string {
	p := gopacket.NewPacket(b, gopacket.DecodeFunc(func(data []byte, pb gopacket.PacketBuilder) error {
		return step(&decoding{d: NewDissector(DissectorOptions{}), b: pb}, data)
	}), gopacket.Default)
	if e, ok := p.ErrorLayer().(*gopacket.DecodeFailure); ok && e.Dump() != "" {
		return "panic: " + e.Dump()
	}
	return Summary(p)
}
