package eth

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/wire"
	"ouroboros/shim/internal/shimtest"
)

// newLLCNet is newNet with LLC shims.
func newLLCNet(t testing.TB, n int) *net {
	t.Helper()
	return newNetOf(t, n, newLLCMember)
}

func newLLCMember(env core.Env, l core.Link) (member, error) {
	s, err := NewLLC(env, l, Config{Layer: "lan", Hash: core.SHA3_256})
	if err != nil {
		return member{}, err
	}
	return member{s.Machine, s}, nil
}

// llcFrame is a frame from the first station to the second.
func llcFrame(t testing.TB, dsap, ssap uint8, payload string) []byte {
	body := unhex(t, payload)
	b := make([]byte, wire.LLCFrameHeaderLen, wire.LLCFrameHeaderLen+len(body))
	wire.PutLLCFrame(b, [6]byte{2, 0xaa, 0xbb, 0xcc, 0xdd, 2}, [6]byte{2, 0xaa, 0xbb, 0xcc, 0xdd, 1}, dsap, ssap, len(body))
	return append(b, body...)
}

var zeros33 = strings.Repeat("00", 33)

func TestLLCConversationIsThatOfTheWorkedExamples_01_4_5(t *testing.T) {
	x := newLLCNet(t, 2)
	x.serve(x.shims[1])
	x.learn(x.shims[0])
	// The server's SAP in the example is 3: its first is taken.
	nobody := core.SHA3_256.Sum("nobody")
	x.ends[1].Frame(unhex(t, `02aabbccdd02 02aabbccdd77 0048 80 80 03 0000 03 00 `+zeros33+nobody.String()))
	_, free := x.alloc(x.shims[1], core.FlowRequest{Hash: nobody})
	defer free()
	x.ends[1].Sent = x.ends[1].Sent[:1]
	a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping, QoS: core.QoSRaw})
	x.w.Run(10 * time.Millisecond)
	if a.err != nil {
		t.Fatal(a.err)
	}
	if err := x.write(a.flow, "hello"); err != nil {
		t.Fatal(err)
	}
	x.w.Run(10 * time.Millisecond)
	check := func(end, i int, want string) {
		t.Helper()
		if got := x.ends[end].Sent[i]; !bytes.Equal(got, unhex(t, want)) {
			t.Errorf("end %d frame %d:\n got %x\nwant %x", end, i, got, unhex(t, want))
		}
	}
	check(0, 0, `ffffffffffff 02aabbccdd01 0048 80 80 03 0000 02 00 `+zeros33+opingDigest)
	check(1, 0, `02aabbccdd01 02aabbccdd02 0048 80 80 03 0000 03 00 `+zeros33+opingDigest)
	check(0, 1, `02aabbccdd02 02aabbccdd01 0048 80 80 03 0200 00 00 00000001 0000000000000000 00000001
		ffffffff ffffffff 0001d4c0 00000000 00`+opingDigest)
	check(1, 1, `02aabbccdd01 02aabbccdd02 0028 80 80 03 0302 01 00 `+zeros33)
	check(0, 2, `02aabbccdd02 02aabbccdd01 0008 c0 40 03 68656c6c6f`)
}

func TestLLCDataBothWays_01_4(t *testing.T) {
	p := newPairOn(newLLCNet(t, 2))
	large := strings.Repeat("x", 1497)
	for _, data := range []string{"", "hello", large} {
		if err := p.write(p.client, data); err != nil {
			t.Error(err)
		}
		if err := p.write(p.server, data); err != nil {
			t.Error(err)
		}
	}
	if err := p.write(p.client, large+"x"); !errors.Is(err, core.ErrMsgSize) {
		t.Errorf("1498 bytes: %v (spec 01 §4.4)", err)
	}
	// Ethernet padding behind the length is cut off.
	p.ends[1].Frame(append(llcFrame(t, 2, 2, `706164`), make([]byte, 40)...))
	p.w.Run(10 * time.Millisecond)
	want := []string{"", "hello", large}
	if !slices.Equal(p.ss.Got, append([]string{"pad"}, want...)) || !slices.Equal(p.cs.Got, want) {
		t.Errorf("server %d, client %d packets", len(p.ss.Got), len(p.cs.Got))
	}
	if info := p.client.Info(); info.MTU != 1497 || info.Headroom != 2+17 || info.EID != 2 {
		t.Errorf("%+v", info)
	}
}

// Frames that are not for a flow are dropped and counted by cause (spec 01 §4.2, §7 D4, D11, D13).
func TestBadLLCFramesAreDroppedByCause_01_7(t *testing.T) {
	short := func(s member) uint64 { return s.Drop.Short }
	typ := func(s member) uint64 { return s.Drop.Type }
	dst := func(s member) uint64 { return s.Drop.Destination }
	src := func(s member) uint64 { return s.Drop.Source }
	eid := func(s member) uint64 { return s.Drop.EID }
	for name, c := range map[string]struct {
		frame string
		count func(member) uint64
	}{
		"empty":                      {``, short},
		"header cut":                 {`02aabbccdd02 02aabbccdd01 0003 40 40`, short},
		"length below the header":    {`02aabbccdd02 02aabbccdd01 0002 40 40 03`, short},
		"length 0":                   {`02aabbccdd02 02aabbccdd01 0000 40 40 03`, short},
		"length beyond frame":        {`02aabbccdd02 02aabbccdd01 0009 40 40 03 68656c6c6f`, short},
		"an EtherType":               {`02aabbccdd02 02aabbccdd01 0600 40 40 03 68656c6c6f`, typ},
		"other destination":          {`02aabbccdd03 02aabbccdd01 0004 40 40 03 00`, dst},
		"broadcast data":             {`ffffffffffff 02aabbccdd01 0004 40 40 03 00`, dst},
		"other source":               {`02aabbccdd02 02aabbccdd03 0004 40 40 03 00`, src},
		"other SSAP":                 {`02aabbccdd02 02aabbccdd01 0004 40 c0 03 00`, src},
		"SSAP with the response bit": {`02aabbccdd02 02aabbccdd01 0004 40 41 03 00`, src},
		"DSAP with the group bit":    {`02aabbccdd02 02aabbccdd01 0004 41 40 03 00`, eid},
		"DSAP 0":                     {`02aabbccdd02 02aabbccdd01 0004 00 40 03 00`, eid},
		"only one management SAP":    {`02aabbccdd02 02aabbccdd01 0028 80 40 03 0202 01 00` + zeros33, eid},
		"DSAP beyond the table":      {`02aabbccdd02 02aabbccdd01 0004 fe 40 03 00`, eid},
		"SAP 64, which we never use": {`02aabbccdd02 02aabbccdd01 0004 02 40 03 00`, eid},
		"management cut":             {`02aabbccdd02 02aabbccdd01 0027 80 80 03 0202 01 ` + zeros33, short},
		"no digest":                  {`02aabbccdd02 02aabbccdd01 0028 80 80 03 0200 00 00` + zeros33, short},
		"unknown code":               {`02aabbccdd02 02aabbccdd01 0028 80 80 03 0200 04 00` + zeros33, typ},
		"reply to nobody":            {`02aabbccdd02 02aabbccdd01 0028 80 80 03 0205 01 00` + zeros33, eid},
		"broadcast reply":            {`ffffffffffff 02aabbccdd01 0028 80 80 03 0202 01 00` + zeros33, dst},
		"management for others":      {`02aabbccdd03 02aabbccdd01 0028 80 80 03 0202 01 00` + zeros33, dst},
		"request from SAP 0":         {`02aabbccdd02 02aabbccdd01 0048 80 80 03 0000 00 00` + zeros33 + opingDigest, eid},
		"request from SAP 1":         {`02aabbccdd02 02aabbccdd01 0048 80 80 03 0100 00 00` + zeros33 + opingDigest, eid},
		"request from SAP 128":       {`02aabbccdd02 02aabbccdd01 0048 80 80 03 8000 00 00` + zeros33 + opingDigest, eid},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPairOn(newLLCNet(t, 2))
			s := p.shims[1]
			p.ends[1].Frame(unhex(t, c.frame))
			if c.count(s) != 1 {
				t.Errorf("%+v", s.Drop)
			}
			if len(p.ss.Got) != 0 {
				t.Errorf("delivered %q", p.ss.Got)
			}
		})
	}
}

// The control field is not checked (spec 01 §4.2), and a peer's SAP may be any from 2 to 127 (§4.2.4).
func TestLLCPeerMayHaveAnySAP_01_4_2(t *testing.T) {
	x := newLLCNet(t, 2)
	x.serve(x.shims[1])
	x.ends[1].Frame(llcFrame(t, 1, 1, `7f00 00 00`+zeros33+opingDigest))
	sink := &shimtest.Sink{}
	x.accepted[0].Attach(sink)
	f := llcFrame(t, 2, 127, `6869`)
	f[16] = 0xF3
	x.ends[1].Frame(f)
	if err := x.write(x.accepted[0], "yo"); err != nil {
		t.Fatal(err)
	}
	if got := x.last(1); !bytes.Equal(got[12:], unhex(t, `0005 fe 40 03 796f`)) {
		t.Errorf("to SAP 127: %x", got)
	}
	if !slices.Equal(sink.Got, []string{"hi"}) {
		t.Errorf("from SAP 127: %q", sink.Got)
	}
	x.w.Run(10 * time.Millisecond)
}

// There are 62 SAPs, 2 to 63 (spec 01 §4.2.4, D4); a refused flow gives its own back (D12).
func TestLLCSAPsAreBounded_01_4_2(t *testing.T) {
	x := newLLCNet(t, 2)
	if err := x.shims[1].Register(oping); err != nil {
		t.Fatal(err)
	}
	x.learn(x.shims[0])
	// Nobody listens above the second shim: every request is refused.
	var saps []byte
	for range LastSAP - FirstSAP + 1 {
		x.alloc(x.shims[0], core.FlowRequest{Hash: oping})
		saps = append(saps, x.last(0)[wire.LLCFrameHeaderLen])
	}
	full, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping})
	x.w.Settle()
	if !errors.Is(full.err, core.ErrAgain) || len(saps) != 62 || slices.Min(saps) != 2 || slices.Max(saps) != 63 {
		t.Errorf("%v, SAPs %v", full.err, saps)
	}
	x.w.Run(10 * time.Millisecond)
	if n := x.shims[0].Flows(); n != 0 {
		t.Errorf("%d flow ends of refused flows", n)
	}
	x.ends[0].Frame(unhex(t, `02aabbccdd01 02aabbccdd02 0004 40 40 03 00`))
	if x.shims[0].Drop.EID != 1 {
		t.Error("the SAP of a refused flow is still mapped")
	}
	x.w.Run(MPL)
	x.learn(x.shims[0])
	again, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping})
	if again.calls != 0 {
		t.Errorf("no SAP is free after all were refused: %v", again.err)
	}
	x.w.Run(10 * time.Millisecond)
}

// Any one message may be lost: a name query is asked again by whoever wants it, request and reply are sent
// again (decision 2).
func TestLLCLossOfAMessageIsRecovered(t *testing.T) {
	for lost, what := range []string{"request", "reply"} {
		x := newLLCNet(t, 2)
		x.serve(x.shims[1])
		x.learn(x.shims[0])
		dropped := false
		x.ends[lost].Lose = func([]byte) bool {
			was := dropped
			dropped = true
			return !was
		}
		a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping, Piggyback: handshake})
		x.w.Run(2 * time.Second)
		if !dropped || a.flow == nil || len(x.accepted) != 1 || x.shims[0].Retransmitted != 1 {
			t.Errorf("%s lost: %+v, %d accepted, %d sent again", what, a, len(x.accepted), x.shims[0].Retransmitted)
		}
	}
}

func TestLLCConfigurationErrorsNameTheValue(t *testing.T) {
	w := shimtest.New(t.Errorf)
	eth, direct := w.Wire(core.LinkEthernet, 2, 0)[0], w.Wire(core.LinkDirect, 2, 0)[0]
	for text, c := range map[string]struct {
		link core.Link
		cfg  Config
	}{
		"ethertype 0xA000": {eth, Config{Layer: "lan", EtherType: 0xA000}},
		"hash 5":           {eth, Config{Layer: "lan", Hash: core.MD5}},
		`name ""`:          {eth, Config{}},
		"link of kind 2":   {direct, Config{Layer: "lan"}},
	} {
		if _, err := NewLLC(w.Env("shim"), c.link, c.cfg); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzLLCReceive holds that no frame breaks a shim or makes it keep a buffer.
func FuzzLLCReceive(f *testing.F) {
	for _, s := range []string{
		`02aabbccdd02 02aabbccdd01 0008 40 40 03 68656c6c6f`,
		`ffffffffffff 02aabbccdd01 0048 80 80 03 0000 02 00` + zeros33 + opingDigest,
		`02aabbccdd02 02aabbccdd01 0048 80 80 03 0300 00 00` + zeros33 + opingDigest,
		`02aabbccdd02 02aabbccdd01 0028 80 80 03 0302 01 00` + zeros33,
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p := newPairOn(newLLCNet(t, 2))
		p.ends[1].Frame(b)
	})
}

func TestLLCDataPathDoesNotAllocate(t *testing.T) {
	p := newPairOn(newLLCNet(t, 2))
	p.ends[0].Through = true
	sink := &keep{}
	p.server.Attach(sink)
	sink.p = p.w.Pool().Get(64, 1000)
	if n := testing.AllocsPerRun(100, func() {
		if err := p.client.Write(sink.p); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
	sink.p.Release()
}
