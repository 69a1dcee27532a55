package wire

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The examples of spec 02 §2.3: little-endian, 15 bytes.
func TestPCIExamples_02_2_3(t *testing.T) {
	want := unhex(t, "4d3c2b1a 00 3c 00 41000000bebafeca")
	b := make([]byte, DefaultPCI.Len())
	DefaultPCI.Put(b, 0x1A2B3C4D, 0, 60, 0, 0xCAFEBABE00000041)
	if !bytes.Equal(b, want) {
		t.Fatalf("header % x, want % x", b, want)
	}
	if d, e := DefaultPCI.Dst(b), DefaultPCI.EndpointID(b); d != 0x1A2B3C4D || e != 0xCAFEBABE00000041 {
		t.Fatalf("destination %x, endpoint %x", d, e)
	}
}

// Addresses and endpoint ids of other lengths are allowed between our own members (decision 11).
func TestPCIOfOtherSizes_Decision11(t *testing.T) {
	for a := 1; a <= 8; a++ {
		for e := 1; e <= 8; e++ {
			l := PCI{Addr: a, EID: e}
			b := make([]byte, l.Len())
			dst, eid := uint64(0xF1F2F3F4F5F6F7F8)>>(64-8*a), uint64(0x8192A3B4C5D6E7F8)>>(64-8*e)
			l.Put(b, dst, 2, 7, 9, eid)
			if l.Dst(b) != dst || l.EndpointID(b) != eid || l.Cube(b) != 2 || *l.TTL(b) != 7 || *l.ECN(b) != 9 {
				t.Fatalf("%+v: % x does not come back", l, b)
			}
		}
	}
	if (PCI{Addr: 9, EID: 8}).Validate() == nil || (PCI{Addr: 4, EID: 0}).Validate() == nil {
		t.Fatal("impossible sizes accepted")
	}
}

// The request, reply and update of spec 03 §7, to the byte and back.
func TestFlowAllocatorExamples_03_7(t *testing.T) {
	digest := "42dee3b0415b4f690fd91cbd99876f1e9bd8d9745ef7fa32b142773af0349d54"
	for _, c := range []struct {
		name, hex string
		m         FA
	}{
		{"request", `000000001a2b3c4d 0000000000000000 deadbeef00000040 0000000000000000 00000000 ffffffff
			00000001 00000001 ffffffff 0001d4c0 0000 00 00 00` + digest, FA{
			Source: 0x1A2B3C4D, SEID: 0xDEADBEEF00000040,
			Delay: 0xFFFFFFFF, Loss: 1, BER: 1, MaxGap: 0xFFFFFFFF, Timeout: 120000, Code: FlowReq,
		}},
		{"reply", `0000000000000000 deadbeef00000040 cafebabe00000041` + strings.Repeat("00", 34) + "01 0000", FA{
			REID: 0xDEADBEEF00000040, SEID: 0xCAFEBABE00000041, Code: FlowReply,
		}},
		{"update", strings.Repeat("00", 8) + "deadbeef00000040" + strings.Repeat("00", 40) + "0120 02 0000", FA{
			REID: 0xDEADBEEF00000040, ECE: 0x120, Code: FlowUpdate,
		}},
	} {
		want := unhex(t, c.hex)
		m, d, rest, err := ParseFA(want, 32)
		if err != nil || m != c.m || len(rest) != 0 {
			t.Fatalf("%s: %+v, %d bytes of rest, %v; want %+v", c.name, m, len(rest), err, c.m)
		}
		got := make([]byte, FAFixed, len(want))
		m.Put(got)
		if got = append(got, d...); !bytes.Equal(got, want) {
			t.Fatalf("%s: % x, want % x", c.name, got, want)
		}
	}
}

// Messages below 61 or above 2048 bytes, requests without a whole digest and unknown codes are errors
// (spec 03 §1.1).
func TestFlowAllocatorLimits_03_1_1(t *testing.T) {
	for _, n := range []int{0, 60, 2049} {
		if _, _, _, err := ParseFA(make([]byte, n), 32); err == nil {
			t.Errorf("%d bytes accepted", n)
		}
	}
	if _, _, _, err := ParseFA(make([]byte, 92), 32); err == nil {
		t.Error("request of 92 bytes accepted")
	}
	b := make([]byte, 100)
	b[58] = 3
	if _, _, _, err := ParseFA(b, 32); err == nil {
		t.Error("code 3 accepted")
	}
}

func FuzzParseFA(f *testing.F) {
	f.Add(make([]byte, 93))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, digest, rest, err := ParseFA(b, 32)
		if err != nil {
			return
		}
		out := make([]byte, FAFixed)
		m.Put(out)
		if out = append(append(out, digest...), rest...); !bytes.Equal(out, b) {
			t.Fatalf("% x became % x", b, out)
		}
	})
}
