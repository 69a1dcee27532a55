package wire

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

// frcpHex decodes hex digits with spaces between them.
func frcpHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// frcpExamples are the packets of the worked example, spec 10 §10.18.
var frcpExamples = []struct {
	hex  string
	want FRCPHeader
}{
	{"03 000000 12345678 00000000 68656c6c6f", FRCPHeader{FRCPData | FRCPDRF, 0, 0x12345678, 0}},
	{"0f 345779 9abcdef0 12345679 776f726c64", FRCPHeader{FRCPData | FRCPDRF | FRCPAck | FRCPFC, 0x345779, 0x9abcdef0, 0x12345679}},
	{"0c bcdff1 00000000 9abcdef1", FRCPHeader{FRCPAck | FRCPFC, 0xbcdff1, 0, 0x9abcdef1}},
	{"0f bcdff1 12345679 9abcdef1 616761696e", FRCPHeader{FRCPData | FRCPDRF | FRCPAck | FRCPFC, 0xbcdff1, 0x12345679, 0x9abcdef1}},
	{"0d bcdff1 12345679 9abcdef1 616761696e", FRCPHeader{FRCPData | FRCPAck | FRCPFC, 0xbcdff1, 0x12345679, 0x9abcdef1}},
	{"0c 34577a 00000000 1234567a", FRCPHeader{FRCPAck | FRCPFC, 0x34577a, 0, 0x1234567a}},
	{"10 000000 00000000 00000000", FRCPHeader{FRCPRdvs, 0, 0, 0}},
	{"08 34577a 00000000 00000000", FRCPHeader{FRCPFC, 0x34577a, 0, 0}},
	{"04 000000 00000000 9abcdef1", FRCPHeader{FRCPAck, 0, 0, 0x9abcdef1}},
}

func TestFRCPLayoutIsThatOfTheWorkedExample(t *testing.T) {
	for _, ex := range frcpExamples {
		b := frcpHex(t, ex.hex)
		got, err := ParseFRCP(b)
		if err != nil || got != ex.want {
			t.Errorf("%s: parsed %v, %v, want %v", ex.hex, got, err, ex.want)
		}
		out := make([]byte, FRCPLen)
		got.Put(out)
		if !bytes.Equal(out, b[:FRCPLen]) {
			t.Errorf("%s: put back as %x", ex.hex, out)
		}
	}
}

func TestFRCPViewSettersTouchTheirFieldOnly(t *testing.T) {
	b := bytes.Repeat([]byte{0xff}, FRCPLen)
	v := FRCP(b)
	v.SetWindow(0xab123456)
	if want := frcpHex(t, "ff 123456 ffffffff ffffffff"); !bytes.Equal(b, want) {
		t.Fatalf("window: %x", b)
	}
	v.SetFlags(FRCPAck)
	v.SetSeqno(0x01020304)
	v.SetAckno(0x05060708)
	if want := frcpHex(t, "04 123456 01020304 05060708"); !bytes.Equal(b, want) {
		t.Fatalf("all: %x", b)
	}
}

func TestFRCPShortPacketIsAnError(t *testing.T) {
	if _, err := ParseFRCP(make([]byte, FRCPLen-1)); err == nil || !strings.Contains(err.Error(), "11 bytes") {
		t.Fatalf("error %v", err)
	}
}

func TestFRCPHeaderPrintsValidFieldsOnly(t *testing.T) {
	for h, want := range map[FRCPHeader]string{
		{Flags: FRCPData | FRCPDRF, Seqno: 0x12345678, Ackno: 1}: "DATA|DRF seq 12345678",
		{Flags: FRCPAck | FRCPFC, Window: 0xbcdff1, Ackno: 2}:    "ACK|FC win bcdff1 ack 00000002",
		{}: "-",
	} {
		if got := h.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The ranges of decision 14 as they stand behind the PCI of an ack.
func TestFRCPRangesLayout(t *testing.T) {
	b := make([]byte, FRCPRangesLen(2)+FRCPProbeLen)
	r := PutFRCPRanges(b, 2)
	r.Set(0, SeqRange{0xfffffffe, 2})
	r.Set(1, SeqRange{4, 5})
	FRCPProbe{Next: 7, Time: 9}.Put(b[FRCPRangesLen(2):], FRCPExtEcho)
	want := frcpHex(t, "01 11 02 fffffffe 00000002 00000004 00000005 03 0c 00000007 0000000000000009")
	if !bytes.Equal(b, want) {
		t.Fatalf("got %x", b)
	}
	typ, v, rest, ok := NextFRCPExt(b)
	if !ok || typ != FRCPExtRanges || FRCPRanges(v).Len() != 2 || FRCPRanges(v).At(1) != (SeqRange{4, 5}) {
		t.Fatalf("ranges: %v %x %v", typ, v, ok)
	}
	typ, v, rest, ok = NextFRCPExt(rest)
	if p, good := ParseFRCPProbe(v); !ok || typ != FRCPExtEcho || !good || p != (FRCPProbe{7, 9}) || len(rest) != 0 {
		t.Fatalf("echo: %v %v %v", typ, p, good)
	}
	if _, _, _, ok = NextFRCPExt(rest); ok {
		t.Fatal("an extension after the end")
	}
}

func TestFRCPFin(t *testing.T) {
	for want, v := range map[string]FRCPFin{
		"04 09 03 9abcdef1 00000007": {End: 0x9abcdef1, Next: 7, HasEnd: true, HasNext: true},
		"04 09 01 ffffffff 00000000": {End: 0xffffffff, HasEnd: true},
		"04 09 02 00000000 00000000": {HasNext: true},
		"04 09 00 00000000 00000000": {},
	} {
		b := make([]byte, FRCPFinLen)
		v.Put(b, FRCPExtFin)
		if !bytes.Equal(b, frcpHex(t, want)) {
			t.Errorf("%+v: got %x, want %s", v, b, want)
		}
		typ, value, _, ok := NextFRCPExt(b)
		if back, good := ParseFRCPFin(value); !ok || typ != FRCPExtFin || !good || back != v {
			t.Errorf("%s: read as %+v, %v", want, back, good)
		}
	}
	// Bits and numbers that say nothing are ignored; another length is no FIN.
	if v, ok := ParseFRCPFin(frcpHex(t, "fc 00000001 00000002")); !ok || v != (FRCPFin{}) {
		t.Errorf("reserved bits: %+v, %v", v, ok)
	}
	for _, n := range []int{0, 1, 8, 10} {
		if _, ok := ParseFRCPFin(make([]byte, n)); ok {
			t.Errorf("a value of %d bytes is taken", n)
		}
	}
}

func FuzzFRCP(f *testing.F) {
	for _, ex := range frcpExamples {
		f.Add(frcpHex(f, ex.hex))
	}
	f.Add(frcpHex(f, "0c bcdff1 00000000 9abcdef1 01 09 01 9abcdef3 9abcdef5 02 0c 00000001 0000000000000001"))
	f.Add(frcpHex(f, "0c bcdff1 00000000 9abcdef1 01 03 ff 9abc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseFRCP(b)
		if err != nil {
			if len(b) >= FRCPLen {
				t.Fatal(err)
			}
			return
		}
		out := make([]byte, FRCPLen)
		h.Put(out)
		if !bytes.Equal(out, b[:FRCPLen]) {
			t.Fatalf("%x came back as %x", b[:FRCPLen], out)
		}
		for rest := b[FRCPLen:]; ; {
			typ, v, more, ok := NextFRCPExt(rest)
			if !ok {
				break
			}
			if len(more) >= len(rest) {
				t.Fatal("no progress")
			}
			if typ == FRCPExtRanges {
				for i := range FRCPRanges(v).Len() {
					FRCPRanges(v).At(i)
				}
			}
			if p, good := ParseFRCPProbe(v); good {
				back := make([]byte, FRCPProbeLen)
				p.Put(back, typ)
				if !bytes.Equal(back, rest[:FRCPProbeLen]) {
					t.Fatalf("probe %x came back as %x", rest[:FRCPProbeLen], back)
				}
			}
			if v, good := ParseFRCPFin(v); good {
				back := make([]byte, FRCPFinLen)
				v.Put(back, typ)
				if again, _ := ParseFRCPFin(back[frcpExtHead:]); again != v {
					t.Fatalf("fin %+v came back as %+v", v, again)
				}
			}
			rest = more
		}
	})
}
