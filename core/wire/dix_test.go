package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// dixHex returns the bytes of a hex dump; blanks do not count.
func dixHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	dixClient = [6]byte{0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0x01}
	dixServer = [6]byte{0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0x02}
	everybody = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

const opingDigest = "42dee3b0415b4f690fd91cbd99876f1e9bd8d9745ef7fa32b142773af0349d54"

// The frames of spec 01 §3.9.
const (
	dixQueryFrame = `ffffffffffff 02aabbccdd01 a000 0000 0047
		0000 0000 00000000 0000000000000000 00000000 00000000 00000000 00000000 00000000 00 02 00
		` + opingDigest
	dixRequestFrame = `02aabbccdd02 02aabbccdd01 a000 0000 0047
		0040 0000 00000001 0000000000000000 00000001 ffffffff ffffffff 0001d4c0 00000000 00 00 00
		` + opingDigest
	dixReplyFrame = `02aabbccdd01 02aabbccdd02 a000 0000 0027
		0041 0040 00000000 0000000000000000 00000000 00000000 00000000 00000000 00000000 00 01 00`
)

func TestWorkedExamples_01_3_9(t *testing.T) {
	digest := dixHex(t, opingDigest)
	for _, c := range []struct {
		name, hex string
		dst, src  [6]byte
		msg       DIXMessage
	}{
		{"query", dixQueryFrame, everybody, dixClient, DIXMessage{Code: DIXNameQueryRequest, Digest: digest}},
		{"request", dixRequestFrame, dixServer, dixClient, DIXMessage{
			Code: DIXFlowRequest, SEID: 64, Loss: 1, BER: 1, MaxGap: 1<<32 - 1, Delay: 1<<32 - 1,
			Timeout: 120000, Digest: digest,
		}},
		{"reply", dixReplyFrame, dixClient, dixServer, DIXMessage{Code: DIXFlowReply, SEID: 65, DEID: 64}},
	} {
		want := dixHex(t, c.hex)
		got := make([]byte, DIXFrameHeaderLen+c.msg.Len())
		PutDIXFrame(got, c.dst, c.src, DIXEtherType, DIXManagementEID, c.msg.Len())
		c.msg.Put(got[DIXFrameHeaderLen:])
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %x\nwant %x", c.name, got, want)
		}
		checkDIXFrame(t, want, c.dst, c.src)
		m, err := ParseDIXMessage(want[DIXFrameHeaderLen:], 32)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		again := make([]byte, m.Len())
		m.Put(again)
		if !bytes.Equal(again, want[DIXFrameHeaderLen:]) {
			t.Errorf("%s: parsed and written again: %x", c.name, again)
		}
	}
}

func checkDIXFrame(t *testing.T, b []byte, dst, src [6]byte) {
	t.Helper()
	f, err := ParseDIXFrame(b)
	if err != nil {
		t.Fatal(err)
	}
	if f.Destination() != dst || f.Source() != src || f.EtherType() != DIXEtherType || f.EID() != 0 || f.Length() != len(b)-DIXFrameHeaderLen {
		t.Errorf("frame header: %x %x %04x %d %d", f.Destination(), f.Source(), f.EtherType(), f.EID(), f.Length())
	}
	d, s, e, id := f.Fields()
	if d != MACNumber(dst) || s != MACNumber(src) || e != f.EtherType() || id != f.EID() {
		t.Errorf("fields: %x %x %04x %d", d, s, e, id)
	}
}

// A request and its reply between two live nodes of the prototype, with the handshake behind them.
const (
	liveRequest = `00400000 00000001 0000000000000000 00000001 ffffffff ffffffff 0001d4c0 00000000 00 00 00
		9c2d6179807f9007d92d8dff2f61850a83068be398b42c3e56e021ef39ad4967
		744da2e0699e25a0aa074ab809feda8918ea5fdd49661c6b000000000000000000000000`
	liveReply = `00400040 00000000 0000000000000000 00000000 00000000 00000000 00000000 00000000 00 01 00
		744da2e0699e25a0aa074ab809feda8918ea5fdd499ed2c7000000000000000000000000
		ebd884018a36118be2f385581d7fde2f66bc0b8b2f3751d4310376749d9ef4c8f19fc5bb4c26b5785644a32474126336`
)

func TestLivePrototypeMessagesParse_01_3_3(t *testing.T) {
	m, err := ParseDIXMessage(dixHex(t, liveRequest), 32)
	if err != nil || m.Code != DIXFlowRequest || m.SEID != 64 || m.Timeout != 120000 || len(m.Piggyback) != OAPHeaderLen {
		t.Errorf("request: %+v, %v", m, err)
	}
	if _, err := ParseOAP(m.Piggyback, 0); err != nil {
		t.Error(err)
	}
	m, err = ParseDIXMessage(dixHex(t, liveReply), 32)
	if err != nil || m.Code != DIXFlowReply || m.SEID != 64 || m.DEID != 64 || m.Response != 0 || len(m.Digest) != 0 {
		t.Errorf("reply: %+v, %v", m, err)
	}
	if _, err := ParseOAP(m.Piggyback, 48); err != nil {
		t.Error(err)
	}
}

func TestMessageShorterThanItsFieldsIsAnError_01_7_D13(t *testing.T) {
	req := dixHex(t, dixRequestFrame)[DIXFrameHeaderLen:]
	for n := range len(req) {
		if _, err := ParseDIXMessage(req[:n], 32); !errors.Is(err, ErrDIXShort) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	for n := range DIXFrameHeaderLen {
		if _, err := ParseDIXFrame(req[:n]); !errors.Is(err, ErrDIXShort) {
			t.Errorf("frame of %d bytes: %v", n, err)
		}
	}
}

func TestUnknownCodeIsAnError_01_3_3(t *testing.T) {
	b := dixHex(t, dixRequestFrame)[DIXFrameHeaderLen:]
	b[37] = 4
	if _, err := ParseDIXMessage(b, 32); !errors.Is(err, ErrDIXCode) || !strings.Contains(err.Error(), "code 4") {
		t.Error(err)
	}
}

// FuzzDIXMessage holds that whatever parses is written back the same, and that nothing panics.
func FuzzDIXMessage(f *testing.F) {
	for _, s := range []string{dixQueryFrame, dixRequestFrame, dixReplyFrame} {
		f.Add(dixHex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := ParseDIXFrame(b); err != nil {
			return
		}
		b = b[DIXFrameHeaderLen:]
		m, err := ParseDIXMessage(b, 32)
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
