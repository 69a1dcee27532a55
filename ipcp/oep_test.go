package ipcp

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"ouroboros/core"
	"ouroboros/ipcp/pb"
)

// bytesOf reads hexadecimal digits with spaces between them.
func bytesOf(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

var exampleID = OEPID{1, 2, 3, 4, 5, 6, 7, 8}

// exampleResponse is the answer of spec 07 §5.5, of a layer with the default configuration.
const exampleResponse = `0a 08 01 02 03 04 05 06 07 08
	10 80 8e e9 cc 06 18 80 ca b5 ee 01 20 00
	2a 45 0a 0b 0a 07 6d 79 6c 61 79 65 72 10 01 10 01
	1a 34 0a 14 08 04 10 08 18 3c 22 0c 08 00 12 08 08 00 10 04 18 0f 20 3c
	12 18 08 00 12 14 08 03 10 08 18 80 a3 05 20 84 07 28 84 07 30 cd f8 ac d1 01
	18 00 20 01`

// TestOEPMessagesToTheByte: the examples of spec 07 §5.5, both ways.
func TestOEPMessagesToTheByte(t *testing.T) {
	const req = "0a 08 01 02 03 04 05 06 07 08"
	for name, c := range map[string]struct {
		want string
		make func() ([]byte, error)
	}{
		"request":   {req, exampleID.MarshalRequest},
		"ack":       {req + "10 00", func() ([]byte, error) { return exampleID.MarshalOEPAck(0) }},
		"failure":   {req + "10 ff ff ff ff ff ff ff ff ff 01", func() ([]byte, error) { return exampleID.MarshalOEPAck(-1) }},
		"broadcast": {req + "10 80 8e e9 cc 06 18 80 ca b5 ee 01 20 00 2a 0a 0a 06 0a 02 62 63 10 01 10 02", broadcast},
	} {
		got, err := c.make()
		if err != nil || hex.EncodeToString(got) != hex.EncodeToString(bytesOf(t, c.want)) {
			t.Errorf("%s: %x, %v, want %s", name, got, err, c.want)
		}
	}
	if id, err := ParseOEPRequest(bytesOf(t, req)); err != nil || id != exampleID {
		t.Errorf("request: %x, %v", id, err)
	}
	for result, tail := range map[int32]string{0: "10 00", -1: "10 ff ff ff ff ff ff ff ff ff 01"} {
		if id, got, err := ParseOEPAck(bytesOf(t, req+tail)); err != nil || id != exampleID || got != result {
			t.Errorf("ack: %x, %d, %v", id, got, err)
		}
	}
	b := bytesOf(t, exampleResponse)
	r, err := ParseOEPResponse(b)
	if err != nil || len(b) != 95 || r.ID != exampleID || r.Wall != 1771718400_500000000 || r.Response != 0 {
		t.Fatalf("response of %d bytes: %+v, %v", len(b), r, err)
	}
	if again, err := r.Marshal(); err != nil || hex.EncodeToString(again) != hex.EncodeToString(b) {
		t.Errorf("response comes back as %x, %v", again, err)
	}
}

func broadcast() ([]byte, error) {
	c := ConfigOf(core.LayerInfo{Name: "bc", Kind: core.KindBroadcast, Hash: core.SHA3_256})
	return OEPResponse{ID: exampleID, Wall: 1771718400_500000000, Config: c}.Marshal()
}

// TestOEPRefusesWhatIsNoMessage: D7 of spec 07, and the limit of 1024 bytes.
func TestOEPRefusesWhatIsNoMessage(t *testing.T) {
	response := bytesOf(t, exampleResponse)
	conf := len("\x0a\x081234567\x10\x80\x8e\xe9\xcc\x06\x18\x80\xca\xb5\xee\x01\x20\x00") + 1
	edit := func(f func(*pb.EnrollResp)) []byte {
		var m pb.EnrollResp
		if err := proto.Unmarshal(response, &m); err != nil {
			t.Fatal(err)
		}
		f(&m)
		b, err := proto.Marshal(&m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	parse := map[string]func([]byte) error{
		"request":  func(b []byte) error { _, err := ParseOEPRequest(b); return err },
		"response": func(b []byte) error { _, err := ParseOEPResponse(b); return err },
		"ack":      func(b []byte) error { _, _, err := ParseOEPAck(b); return err },
	}
	for name, c := range map[string]struct {
		kind string
		msg  []byte
		is   error
	}{
		"nothing":          {"request", nil, ErrMalformed},
		"no protobuf":      {"request", []byte("hello"), ErrMalformed},
		"short id":         {"request", bytesOf(t, "0a 07 01 02 03 04 05 06 07"), ErrMalformed},
		"long id":          {"request", bytesOf(t, "0a 09 01 02 03 04 05 06 07 08 09"), ErrMalformed},
		"ack without id":   {"ack", bytesOf(t, "10 00"), ErrMalformed},
		"ack, no result":   {"ack", bytesOf(t, "0a 08 01 02 03 04 05 06 07 08"), ErrMalformed},
		"cut off":          {"response", response[:50], ErrMalformed},
		"no configuration": {"response", response[:conf], ErrConfig},
		"short id of resp": {"response", edit(func(m *pb.EnrollResp) { m.Id = m.Id[1:] }), ErrMalformed},
		"impossible time":  {"response", edit(func(m *pb.EnrollResp) { *m.TNsec = 1e9 }), ErrMalformed},
		"far time":         {"response", edit(func(m *pb.EnrollResp) { *m.TSec = 1 << 50 }), ErrMalformed},
		"too long": {"response", edit(func(m *pb.EnrollResp) {
			name := strings.Repeat("x", 1000)
			m.Conf.LayerInfo.Name = &name
		}), ErrMalformed},
		"unknown field": {"response", edit(func(m *pb.EnrollResp) {
			m.Conf.Unicast.Dt.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1))
		}), ErrConfig},
	} {
		if err := parse[c.kind](c.msg); !errors.Is(err, c.is) {
			t.Errorf("%s: %v, want %v", name, err, c.is)
		}
	}
	if r, err := ParseOEPResponse(edit(func(m *pb.EnrollResp) { *m.Response = -1; m.Conf = nil })); err != nil || r.Response != -1 {
		t.Errorf("a denial needs no configuration: %+v, %v", r, err)
	}
}

// TestClockOffset: D6 of spec 07. What the way there and back explains is no difference.
func TestClockOffset(t *testing.T) {
	const ms = int64(time.Millisecond)
	for _, c := range []struct{ t0, t1, member, want int64 }{
		{0, 0, 0, 0},
		{0, 10 * ms, 5 * ms, 0},
		{0, 500 * ms, 400 * ms, 0}, // a slow way; the sum of the prototype is 900 ms
		{0, 10 * ms, 40 * ms, 30 * ms},
		{100 * ms, 110 * ms, 60 * ms, 30 * ms},
	} {
		if got := ClockOffset(c.t0, c.t1, c.member); got != time.Duration(c.want) {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// TestTimeBeforeTheEpoch: nanoseconds are never negative on the wire.
func TestTimeBeforeTheEpoch(t *testing.T) {
	for _, wall := range []int64{-1, -1e9, -15e8, 0, 1, 1e9 - 1} {
		b, err := OEPResponse{Wall: wall, Config: ConfigOf(core.LayerInfo{Name: "x", Kind: core.KindBroadcast, Hash: 1})}.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if r, err := ParseOEPResponse(b); err != nil || r.Wall != wall {
			t.Errorf("%d came back as %d, %v", wall, r.Wall, err)
		}
	}
}

// TestCheckConfig: the parts that all kinds of layers have.
func TestCheckConfig(t *testing.T) {
	for name, c := range map[string]struct {
		layer core.LayerInfo
		says  string
	}{
		"right":        {core.LayerInfo{Name: "net", Kind: core.KindUnicast, Hash: core.SHA3_256}, ""},
		"another kind": {core.LayerInfo{Name: "net", Kind: core.KindBroadcast, Hash: core.SHA3_256}, "type 2"},
		"no name":      {core.LayerInfo{Kind: core.KindUnicast, Hash: core.SHA3_256}, "0 bytes"},
		"long name":    {core.LayerInfo{Name: core.Name(strings.Repeat("x", 256)), Kind: core.KindUnicast, Hash: core.SHA3_256}, "256 bytes"},
		"hash":         {core.LayerInfo{Name: "net", Kind: core.KindUnicast, Hash: 4}, "hash algorithm 4"},
	} {
		got, err := CheckConfig(ConfigOf(c.layer), core.KindUnicast)
		if c.says == "" {
			if err != nil || got != c.layer {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
			continue
		}
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wide := ConfigOf(core.LayerInfo{Name: "net", Kind: core.KindUnicast, Hash: 1})
	*wide.LayerInfo.DirHashAlgo = 257 // 1 in 8 bits
	if _, err := CheckConfig(wide, core.KindUnicast); err == nil {
		t.Error("hash algorithm 257 is taken for 1")
	}
}

// TestStateNames: the names of spec 07 §4 as the management tree prints them.
func TestStateNames(t *testing.T) {
	for s, want := range map[State]string{0: "null", 1: "init", 2: "boot", 5: "operational", 6: "shutdown", 9: "state 9"} {
		if s.String() != want {
			t.Errorf("%d: %q", s, s)
		}
	}
	for c, want := range map[Components]string{Mgmt: "mgmt", DT: "dt", Both: "mgmt, dt", 8: "components 8"} {
		if c.String() != want {
			t.Errorf("%d: %q", c, c)
		}
	}
}
