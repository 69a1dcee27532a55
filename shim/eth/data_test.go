package eth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/shim/internal/shimtest"
)

// pair is a flow with a sink at each end.
type pair struct {
	*net
	client, server core.Flow
	cs, ss         *shimtest.Sink
}

func newPair(t testing.TB) *pair { return newPairOn(newNet(t, 2)) }

func newPairOn(x *net) *pair {
	p := &pair{net: x, cs: &shimtest.Sink{}, ss: &shimtest.Sink{}}
	p.client, p.server = p.connect(core.QoSRaw)
	p.client.Attach(p.cs)
	p.server.Attach(p.ss)
	return p
}

func TestDataBothWays_01_3_2(t *testing.T) {
	p := newPair(t)
	// Zero length, padded (below 60 bytes), and the largest SDU.
	large := strings.Repeat("x", 1496)
	for _, data := range []string{"", "hello", large} {
		if err := p.write(p.client, data); err != nil {
			t.Error(err)
		}
		if err := p.write(p.server, data); err != nil {
			t.Error(err)
		}
	}
	p.w.Run(10 * time.Millisecond)
	want := []string{"", "hello", large}
	if !slices.Equal(p.ss.Got, want) || !slices.Equal(p.cs.Got, want) {
		t.Errorf("server %d, client %d packets", len(p.ss.Got), len(p.cs.Got))
	}
	c := p.shims[0].Counters
	if c.Sent != 3 || c.SentBytes != 1501 || c.Received != 3 || c.ReceivedBytes != 1501 {
		t.Errorf("%+v", c)
	}
}

func TestPaddingIsCutOff_01_3_2(t *testing.T) {
	p := newPair(t)
	p.ends[1].Frame(append(unhex(t, `02aabbccdd02 02aabbccdd01 a000 0040 0005 68656c6c6f`), make([]byte, 37)...))
	p.ends[1].Frame(append(unhex(t, `02aabbccdd02 02aabbccdd01 a000 0040 0000`), make([]byte, 42)...))
	if !slices.Equal(p.ss.Got, []string{"hello", ""}) {
		t.Errorf("%q", p.ss.Got)
	}
}

func TestLargerThanMTUMinusFourIsRefused_01_3_7(t *testing.T) {
	p := newPair(t)
	if err := p.write(p.client, strings.Repeat("x", 1497)); !errors.Is(err, core.ErrMsgSize) {
		t.Error(err)
	}
	if p.shims[0].Drop.Size != 1 {
		t.Errorf("%+v", p.shims[0].Drop)
	}
}

func TestPhantomPayloadStaysPhantom(t *testing.T) {
	p := newPair(t)
	b := p.w.Pool().GetPhantom(p.client.Info().Headroom, 3, 100)
	if err := p.client.Write(b); err != nil {
		t.Fatal(err)
	}
	p.w.Run(10 * time.Millisecond)
	if len(p.ss.Got) != 1 || p.ss.Got[0] != strings.Repeat("\x00", 103) {
		t.Errorf("%q", p.ss.Got)
	}
}

// Frames that are not for a flow are dropped and counted by cause (spec 01 §7 D2, D11, D13, D14).
func TestBadFramesAreDroppedByCause_01_7(t *testing.T) {
	zeros := strings.Repeat("00", 33)
	for name, c := range map[string]struct {
		frame string
		count func(member) uint64
	}{
		"empty":                 {``, func(s member) uint64 { return s.Drop.Short }},
		"header cut":            {`02aabbccdd02 02aabbccdd01 a000 0040 00`, func(s member) uint64 { return s.Drop.Short }},
		"length beyond frame":   {`02aabbccdd02 02aabbccdd01 a000 0040 0006 68656c6c6f`, func(s member) uint64 { return s.Drop.Short }},
		"other EtherType":       {`02aabbccdd02 02aabbccdd01 a001 0040 0001 00`, func(s member) uint64 { return s.Drop.Type }},
		"other destination":     {`02aabbccdd03 02aabbccdd01 a000 0040 0001 00`, func(s member) uint64 { return s.Drop.Destination }},
		"broadcast data":        {`ffffffffffff 02aabbccdd01 a000 0040 0001 00`, func(s member) uint64 { return s.Drop.Destination }},
		"other source":          {`02aabbccdd02 02aabbccdd03 a000 0040 0001 00`, func(s member) uint64 { return s.Drop.Source }},
		"EID below the first":   {`02aabbccdd02 02aabbccdd01 a000 003f 0001 00`, func(s member) uint64 { return s.Drop.EID }},
		"EID beyond the table":  {`02aabbccdd02 02aabbccdd01 a000 ffff 0001 00`, func(s member) uint64 { return s.Drop.EID }},
		"management cut":        {`02aabbccdd02 02aabbccdd01 a000 0000 0026 ` + zeros + `0000000000`, func(s member) uint64 { return s.Drop.Short }},
		"no digest":             {`02aabbccdd02 02aabbccdd01 a000 0000 0027 0040` + zeros + `00000000`, func(s member) uint64 { return s.Drop.Short }},
		"unknown code":          {`02aabbccdd02 02aabbccdd01 a000 0000 0027 0040` + zeros + `00000400`, func(s member) uint64 { return s.Drop.Type }},
		"reply to nobody":       {`02aabbccdd02 02aabbccdd01 a000 0000 0027 00410040` + zeros + `0100`, func(s member) uint64 { return s.Drop.EID }},
		"broadcast reply":       {`ffffffffffff 02aabbccdd01 a000 0000 0027 00410040` + zeros + `0100`, func(s member) uint64 { return s.Drop.Destination }},
		"management for others": {`02aabbccdd03 02aabbccdd01 a000 0000 0027 00410040` + zeros + `0100`, func(s member) uint64 { return s.Drop.Destination }},
		"request with EID 0":    {`02aabbccdd02 02aabbccdd01 a000 0000 0047 00000000` + zeros + `0000` + opingDigest, func(s member) uint64 { return s.Drop.EID }},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
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

func TestManagementAbove9000BytesIsDropped_01_3_7(t *testing.T) {
	p := newPair(t)
	frame := append(unhex(t, `02aabbccdd02 02aabbccdd01 a000 0000 2329`), make([]byte, 9001)...)
	p.ends[1].Frame(frame)
	if p.shims[1].Drop.Size != 1 {
		t.Errorf("%+v", p.shims[1].Drop)
	}
}

func TestWhatArrivesBeforeAttachIsHeld(t *testing.T) {
	x := newNet(t, 2)
	client, server := x.connect(core.QoSRaw)
	for i := range 3 {
		if err := x.write(client, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	x.w.Run(10 * time.Millisecond)
	sink := &shimtest.Sink{}
	server.Attach(sink)
	if len(sink.Got) != 0 {
		t.Error("Deliver on the stack of Attach")
	}
	x.w.Settle()
	if !slices.Equal(sink.Got, []string{"0", "1", "2"}) {
		t.Errorf("%q", sink.Got)
	}
}

func TestReceiveOffHolds1023AndKeepsTheOrder(t *testing.T) {
	p := newPair(t)
	p.server.SetReceive(false)
	for i := range 1025 {
		if err := p.write(p.client, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	p.w.Run(10 * time.Millisecond)
	if len(p.ss.Got) != 0 || p.shims[1].Drop.Held != 2 {
		t.Fatalf("%d delivered, %d dropped", len(p.ss.Got), p.shims[1].Drop.Held)
	}
	// The user stops again in the middle of what was held; what comes then goes behind it.
	p.ss.OnDeliver = func() { p.server.SetReceive(len(p.ss.Got) != 10) }
	p.server.SetReceive(true)
	p.w.Settle()
	if len(p.ss.Got) != 10 {
		t.Fatalf("%d delivered", len(p.ss.Got))
	}
	if err := p.write(p.client, "last"); err != nil {
		t.Fatal(err)
	}
	p.w.Run(10 * time.Millisecond)
	p.server.SetReceive(true)
	p.w.Settle()
	if n := len(p.ss.Got); n != 1024 || p.ss.Got[1022] != "1022" || p.ss.Got[1023] != "last" {
		t.Errorf("%d delivered, then %q", n, p.ss.Got[n-1])
	}
}

func TestNothingIsDeliveredAfterClose(t *testing.T) {
	p := newPair(t)
	p.server.SetReceive(false)
	if err := p.write(p.client, "held"); err != nil {
		t.Fatal(err)
	}
	p.w.Run(10 * time.Millisecond)
	p.server.SetReceive(true)
	p.server.Close(0)
	p.server.Close(0)
	if err := p.write(p.client, "late"); err != nil {
		t.Fatal(err)
	}
	p.w.Run(10 * time.Millisecond)
	if len(p.ss.Got) != 0 || p.shims[1].Drop.EID != 1 {
		t.Errorf("%q, %+v", p.ss.Got, p.shims[1].Drop)
	}
	if err := p.write(p.server, "x"); !errors.Is(err, core.ErrNotAlloc) {
		t.Error(err)
	}
}

func TestInterfaceDownAndUpIsToldToAllFlows_01_3_8(t *testing.T) {
	p := newPair(t)
	a, _ := p.alloc(p.shims[0], core.FlowRequest{Hash: oping})
	p.w.Run(10 * time.Millisecond)
	p.ends[0].SetUp(false)
	if err := p.write(p.client, "x"); !errors.Is(err, core.ErrFlowDown) || p.shims[0].Drop.Down != 1 {
		t.Error(err)
	}
	// A user that comes while the link is down is told so.
	late := &shimtest.Sink{}
	a.flow.Attach(late)
	p.w.Settle()
	p.ends[0].SetUp(true)
	if want := []bool{false, true}; !slices.Equal(p.cs.States, want) || !slices.Equal(late.States, want) {
		t.Errorf("%v, %v", p.cs.States, late.States)
	}
	if err := p.write(p.client, "x"); err != nil {
		t.Error(err)
	}
	p.w.Run(10 * time.Millisecond)
}

func TestBlockedLinkBlocksFlowsAndFreesThemInOrder(t *testing.T) {
	x := newNet(t, 2)
	client, _ := x.connect(core.QoSRaw)
	flows, sinks := []core.Flow{client}, []*shimtest.Sink{{}}
	for range 2 {
		a, _ := x.alloc(x.shims[0], core.FlowRequest{Hash: oping})
		x.w.Run(10 * time.Millisecond)
		flows, sinks = append(flows, a.flow), append(sinks, &shimtest.Sink{})
	}
	var order []int
	for i, f := range flows {
		f.Attach(sinks[i])
		sinks[i].OnWritable = func() {
			order = append(order, i)
			if err := x.write(f, "again"); err != nil && !errors.Is(err, core.ErrWouldBlock) {
				t.Error(err)
			}
		}
	}
	x.ends[0].Room = 0
	for _, i := range []int{1, 0, 2} {
		if err := x.write(flows[i], "x"); !errors.Is(err, core.ErrWouldBlock) {
			t.Fatal(err)
		}
	}
	// Room for one: flow 1 sends, flow 0 is refused again and goes to the end, behind flow 2.
	x.ends[0].Unblock(1)
	if want := []int{1, 0}; !slices.Equal(order, want) {
		t.Fatalf("%v, want %v", order, want)
	}
	x.ends[0].Unblock(-1)
	if want := []int{1, 0, 2, 0}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
	if sinks[1].Writables != 1 {
		t.Errorf("flow 1 was told %d times", sinks[1].Writables)
	}
}

func TestManagementWaitsForABlockedLinkAndGoesFirst_01_3_7_D3(t *testing.T) {
	p := newPair(t)
	p.ends[0].Room = 0
	if err := p.write(p.client, "x"); !errors.Is(err, core.ErrWouldBlock) {
		t.Fatal(err)
	}
	sent := len(p.ends[0].Sent)
	first, second := core.SHA3_256.Sum("first"), core.SHA3_256.Sum("second")
	p.shims[0].Query(first, func(bool) {})
	p.shims[0].Query(second, func(bool) {})
	p.cs.OnWritable = func() {
		if err := p.write(p.client, "y"); err != nil {
			t.Error(err)
		}
	}
	p.ends[0].Unblock(1)
	if p.cs.Writables != 0 {
		t.Error("Writable before the management was out")
	}
	p.ends[0].Unblock(-1)
	frames := p.ends[0].Sent[sent:]
	if len(frames) != 3 || string(frames[0][57:]) != string(first) || string(frames[1][57:]) != string(second) || string(frames[2][18:]) != "y" {
		t.Errorf("%x", frames)
	}
}

func TestConfigurationErrorsNameTheValue(t *testing.T) {
	w := shimtest.New(t.Errorf)
	eth, direct := w.Wire(core.LinkEthernet, 2, 0)[0], w.Wire(core.LinkDirect, 2, 0)[0]
	for text, c := range map[string]struct {
		link core.Link
		cfg  Config
	}{
		"ethertype 0x05FF": {eth, Config{Layer: "lan", EtherType: 0x5FF}},
		"ethertype 0xFFFF": {eth, Config{Layer: "lan", EtherType: 0xFFFF}},
		"hash 5":           {eth, Config{Layer: "lan", Hash: core.MD5}},
		`name ""`:          {eth, Config{}},
		"link of kind 2":   {direct, Config{Layer: "lan"}},
	} {
		if _, err := New(w.Env("shim"), c.link, c.cfg); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzReceive holds that no frame breaks a shim or makes it keep a buffer.
func FuzzReceive(f *testing.F) {
	for _, s := range []string{
		`02aabbccdd02 02aabbccdd01 a000 0040 0005 68656c6c6f`,
		`ffffffffffff 02aabbccdd01 a000 0000 0047 00000000` + strings.Repeat("00", 33) + `0200` + opingDigest,
		`02aabbccdd02 02aabbccdd01 a000 0000 0047 00400000` + strings.Repeat("00", 33) + `0000` + opingDigest,
		`02aabbccdd02 02aabbccdd01 a000 0000 0027 00410040` + strings.Repeat("00", 33) + `0100`,
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p := newPair(t)
		p.ends[1].Frame(b)
	})
}

// keep is a sink that keeps the last packet.
type keep struct {
	shimtest.Sink
	p *pkt.Buf
}

func (k *keep) Deliver(p *pkt.Buf) { k.p = p }

// BenchmarkWriteReceive measures Write at one end and Receive at the other, without a link between.
func BenchmarkWriteReceive(b *testing.B) {
	p := newPair(b)
	p.ends[0].Through = true
	sink := &keep{}
	p.server.Attach(sink)
	buf := p.w.Pool().Get(64, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.client.Write(buf); err != nil {
			b.Fatal(err)
		}
		buf = sink.p
	}
	buf.Release()
}

func TestDataPathDoesNotAllocate(t *testing.T) {
	p := newPair(t)
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
