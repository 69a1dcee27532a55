package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// The frames of spec 01 §4.5, client SAP 2, server SAP 3.
const (
	llcRequestFrame = `02aabbccdd02 02aabbccdd01 0048 80 80 03
		02 00 00 00 00000001 0000000000000000 00000001 ffffffff ffffffff 0001d4c0 00000000 00
		` + opingDigest
	llcReplyFrame = `02aabbccdd01 02aabbccdd02 0028 80 80 03
		03 02 01 00 00000000 0000000000000000 00000000 00000000 00000000 00000000 00000000 00`
	llcDataFrame = `02aabbccdd02 02aabbccdd01 0008 c0 40 03 68656c6c6f`
)

func TestLLCWorkedExamples_01_4_5(t *testing.T) {
	for _, c := range []struct {
		name, hex string
		dst, src  [6]byte
		msg       LLCMessage
	}{
		{"request", llcRequestFrame, dixServer, dixClient, LLCMessage{
			Code: DIXFlowRequest, SSAP: 2, Loss: 1, BER: 1, MaxGap: 1<<32 - 1, Delay: 1<<32 - 1,
			Timeout: 120000, Digest: dixHex(t, opingDigest),
		}},
		{"reply", llcReplyFrame, dixClient, dixServer, LLCMessage{Code: DIXFlowReply, SSAP: 3, DSAP: 2}},
	} {
		want := dixHex(t, c.hex)
		got := make([]byte, LLCFrameHeaderLen+c.msg.Len())
		PutLLCFrame(got, c.dst, c.src, LLCManagementSAP, LLCManagementSAP, c.msg.Len())
		c.msg.Put(got[LLCFrameHeaderLen:])
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %x\nwant %x", c.name, got, want)
		}
		checkLLCFrame(t, want, c.dst, c.src, 1, 1)
		m, err := ParseLLCMessage(want[LLCFrameHeaderLen:], 32)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		again := make([]byte, m.Len())
		m.Put(again)
		if !bytes.Equal(again, want[LLCFrameHeaderLen:]) {
			t.Errorf("%s: parsed and written again: %x", c.name, again)
		}
	}
	want := dixHex(t, llcDataFrame)
	got := append(make([]byte, LLCFrameHeaderLen), "hello"...)
	PutLLCFrame(got, dixServer, dixClient, 3, 2, 5)
	if !bytes.Equal(got, want) {
		t.Errorf("data:\n got %x\nwant %x", got, want)
	}
	checkLLCFrame(t, want, dixServer, dixClient, 3, 2)
}

func checkLLCFrame(t *testing.T, b []byte, dst, src [6]byte, dsap, ssap uint8) {
	t.Helper()
	f, err := ParseLLCFrame(b)
	if err != nil {
		t.Fatal(err)
	}
	d, s := f.Addresses()
	if d != MACNumber(dst) || s != MACNumber(src) || f.DSAP() != dsap || f.SSAP() != ssap || f.Length() != len(b)-EthernetHeaderLen {
		t.Errorf("frame header: %012x %012x %d %d %d", d, s, f.DSAP(), f.SSAP(), f.Length())
	}
}

// SAPs on the wire have their bits in reverse (spec 01 §4.2.1).
func TestSAPsAreBitReversed_01_4_2(t *testing.T) {
	for sap, want := range map[uint8]byte{1: 0x80, 2: 0x40, 3: 0xC0, 4: 0x20, 5: 0xA0, 63: 0xFC, 127: 0xFE} {
		b := make([]byte, LLCFrameHeaderLen)
		PutLLCFrame(b, dixServer, dixClient, sap, sap, 0)
		if b[14] != want || b[15] != want || b[16] != 0x03 {
			t.Errorf("SAP %d: % x, want %02x twice and 03", sap, b[14:], want)
		}
		if f := LLCFrame(b); f.DSAP() != sap || f.SSAP() != sap {
			t.Errorf("SAP %d became %d and %d", sap, f.DSAP(), f.SSAP())
		}
	}
}

// A name query and a request between two live nodes of the prototype; SAP 2 at both ends.
func TestLivePrototypeLLCMessagesParse_01_4_3(t *testing.T) {
	const name = `f4251cf553efcd9722c4eff599b9763f54a68581aa5d80376e2b4b6b1495dc3f`
	query := dixHex(t, `0000 02 00`+strings.Repeat("00", 33)+name)
	if m, err := ParseLLCMessage(query, 32); err != nil || m.Code != DIXNameQueryRequest || !bytes.Equal(m.Digest, dixHex(t, name)) {
		t.Errorf("query: %+v, %v", m, err)
	}
	reply := dixHex(t, `0202 01 00`+strings.Repeat("00", 33)+`8b7982505ea6690f7223ec2a25c63c72
		18ea5df53194d4b0 0000 0000 0000 0000 0000 0000
		77cbddcb718aa659b1b0efe4d3d1988b4de936caeff466d541a41effd56ec04c8a5ddf3b4173e69b288c30e528f77828`)
	m, err := ParseLLCMessage(reply, 32)
	if err != nil || m.Code != DIXFlowReply || m.SSAP != 2 || m.DSAP != 2 || m.Response != 0 || len(m.Digest) != 0 {
		t.Errorf("reply: %+v, %v", m, err)
	}
	if _, err := ParseOAP(m.Piggyback, 48); err != nil {
		t.Error(err)
	}
}

func TestLLCMessageShorterThanItsFieldsIsAnError_01_7_D13(t *testing.T) {
	req := dixHex(t, llcRequestFrame)
	for n := range len(req) - LLCFrameHeaderLen {
		if _, err := ParseLLCMessage(req[LLCFrameHeaderLen:][:n], 32); !errors.Is(err, ErrLLCShort) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	for n := range LLCFrameHeaderLen {
		if _, err := ParseLLCFrame(req[:n]); !errors.Is(err, ErrLLCShort) {
			t.Errorf("frame of %d bytes: %v", n, err)
		}
	}
}

func TestUnknownLLCCodeIsAnError_01_4_3(t *testing.T) {
	b := dixHex(t, llcRequestFrame)[LLCFrameHeaderLen:]
	b[2] = 4
	if _, err := ParseLLCMessage(b, 32); !errors.Is(err, ErrLLCCode) || !strings.Contains(err.Error(), "code 4") {
		t.Error(err)
	}
}

// FuzzLLCMessage holds that whatever parses is written back the same, and that nothing panics.
func FuzzLLCMessage(f *testing.F) {
	for _, s := range []string{llcRequestFrame, llcReplyFrame, llcDataFrame} {
		f.Add(dixHex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := ParseLLCFrame(b)
		if err != nil {
			return
		}
		head := make([]byte, LLCFrameHeaderLen)
		PutLLCFrame(head, [6]byte(b), [6]byte(b[6:]), frame.DSAP(), frame.SSAP(), frame.Length()-LLCHeaderLen)
		if !bytes.Equal(head[:16], b[:16]) {
			t.Errorf("header %x became %x", b[:16], head)
		}
		b = b[LLCFrameHeaderLen:]
		m, err := ParseLLCMessage(b, 32)
		if err != nil {
			return
		}
		again := make([]byte, m.Len())
		m.Put(again)
		if !bytes.Equal(again, b[:m.Len()]) {
			t.Errorf("%x became %x", b, again)
		}
	})
}
