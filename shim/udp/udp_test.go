package udp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/shim/internal/shimtest"
)

const opingDigest = "7862c6fec5ecaef4aa2e3934725e23b3"

var (
	oping = core.MD5.Sum("oping")
	// handshake stands for the piggyback of the broker: an id of 16 bytes and more.
	handshake = []byte("0123456789abcdefrest")
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func addr(s string) core.Addr { return core.IPAddr(netip.MustParseAddrPort(s)) }

// net is three ports on a network, 192.0.2.1:3435 and so on, that resolve names by one table.
type net struct {
	t        testing.TB
	w        *shimtest.World
	ends     []*shimtest.End
	shims    []*Shim
	hosts    Hosts
	accepted []core.Flow
}

func newNet(t testing.TB) *net {
	t.Helper()
	w := shimtest.New(t.Errorf)
	x := &net{t: t, w: w, ends: w.Wire(core.LinkDatagram, 3, time.Millisecond), hosts: Hosts{}}
	for _, e := range x.ends {
		s, err := New(w.Env("shim"), e, Config{Layer: "net", Kind: core.KindUDP4, Resolver: x.hosts})
		if err != nil {
			t.Fatal(err)
		}
		x.shims = append(x.shims, s)
	}
	x.hosts.Add("oping", x.ends[1].Info().Addr)
	t.Cleanup(func() {
		w.Run(20 * time.Second)
		for _, f := range x.accepted {
			f.Close(0)
		}
		if w.Pool().Live() != 0 || w.Armed() != 0 {
			t.Errorf("%d buffers not returned, %d timers armed", w.Pool().Live(), w.Armed())
		}
	})
	return x
}

// answer is the outcome of an allocation.
type answer struct {
	flow  core.Flow
	reply core.FlowReply
	err   error
	calls int
}

func (x *net) alloc(i int, r core.FlowRequest) (*answer, func()) {
	a := &answer{}
	cancel := x.shims[i].AllocFlow(r, func(f core.Flow, reply core.FlowReply, err error) {
		a.flow, a.reply, a.err = f, reply, err
		a.calls++
	})
	if a.calls != 0 {
		x.t.Error("answer on the stack of AllocFlow")
	}
	return a, cancel
}

// query asks shim i for a name and returns whether it was found; the answer must come at this instant.
func (x *net) query(i int, h core.Hash) (found bool) {
	x.t.Helper()
	answers := 0
	x.shims[i].Query(h, func(ok bool) { found = ok; answers++ })
	if answers != 0 {
		x.t.Error("answer on the stack of Query")
	}
	x.w.Settle()
	if answers != 1 {
		x.t.Errorf("%d answers to a query", answers)
	}
	return found
}

// serve registers oping at the second port, which accepts every request.
func (x *net) serve() {
	x.t.Helper()
	if err := x.shims[1].Register(oping); err != nil {
		x.t.Fatal(err)
	}
	x.shims[1].OnRequest(func(in core.IncomingFlow) {
		f, err := in.Respond(0, nil)
		if err != nil {
			x.t.Error(err)
		}
		x.accepted = append(x.accepted, f)
	})
}

// pair is a flow from the first to the second port with a sink at each end.
type pair struct {
	*net
	client, server core.Flow
	cs, ss         *shimtest.Sink
}

func newPair(t testing.TB) *pair {
	t.Helper()
	p := &pair{net: newNet(t), cs: &shimtest.Sink{}, ss: &shimtest.Sink{}}
	p.serve()
	if !p.query(0, oping) {
		t.Fatal("name not found")
	}
	a, _ := p.alloc(0, core.FlowRequest{Hash: oping, QoS: core.QoSRaw, Piggyback: handshake})
	p.w.Run(10 * time.Millisecond)
	if a.err != nil || len(p.accepted) != 1 {
		t.Fatalf("%v, %d accepted", a.err, len(p.accepted))
	}
	p.client, p.server = a.flow, p.accepted[0]
	p.client.Attach(p.cs)
	p.server.Attach(p.ss)
	return p
}

func (x *net) write(f core.Flow, data string) error {
	p := x.w.Pool().GetCopy(f.Info().Headroom, []byte(data))
	err := f.Write(p)
	if errors.Is(err, core.ErrWouldBlock) {
		p.Release()
	}
	return err
}

func (x *net) last(i int) []byte { return x.ends[i].Sent[len(x.ends[i].Sent)-1] }

func TestConversationIsThatOfTheWorkedExamples_01_5_7(t *testing.T) {
	x := newNet(t)
	x.serve()
	// The server's EID in the example is 70: those from 64 are taken.
	x.hosts.Add("nobody", addr("192.0.2.77:3435"))
	nobody := core.MD5.Sum("nobody")
	x.query(1, nobody)
	for range 6 {
		_, free := x.alloc(1, core.FlowRequest{Hash: nobody})
		defer free()
	}
	x.ends[1].Sent = nil
	x.query(0, oping)
	a, _ := x.alloc(0, core.FlowRequest{Hash: oping, QoS: core.QoSRaw})
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
			t.Errorf("end %d datagram %d:\n got %x\nwant %x", end, i, got, unhex(t, want))
		}
	}
	check(0, 0, `00000000 00000040 00000000 00000000 0000000000000000 ffffffff 00000001 00000001 ffffffff
		0001d4c0 01 00 00 `+opingDigest)
	check(1, 0, `00000000 00000040 00000046 00000000 0000000000000000 00000000 00000000 00000000 00000000
		00000000 02 00 00`)
	check(0, 1, `00000046 68656c6c6f`)
}

func TestRequestAndReplyCarryTheirFields_01_5_3(t *testing.T) {
	x := newNet(t)
	x.serve()
	qos := core.QoS{Delay: 1, Bandwidth: 1 << 40, Availability: 3, Loss: 4, BER: 5, InOrder: 6, MaxGap: 7, Timeout: 8}
	var in core.IncomingFlow
	x.shims[1].OnRequest(func(i core.IncomingFlow) {
		in = i
		f, _ := i.Respond(0, []byte("answer"))
		x.accepted = append(x.accepted, f)
	})
	x.query(0, oping)
	a, _ := x.alloc(0, core.FlowRequest{Hash: oping, QoS: qos, Piggyback: handshake})
	x.w.Run(10 * time.Millisecond)
	if in.Hash != oping || in.QoS != qos || in.MPL != 5*time.Second || string(in.Piggyback) != string(handshake) {
		t.Errorf("request %+v", in)
	}
	if a.err != nil || a.reply.MPL != 5*time.Second || string(a.reply.Piggyback) != "answer" {
		t.Errorf("reply %+v", a)
	}
	want := core.FlowInfo{MTU: 1496, Headroom: 6, Tailroom: 1, QoS: qos, MPL: MPL, Layer: "net", EID: 64}
	if a.flow.Info() != want {
		t.Errorf("%+v", a.flow.Info())
	}
	if l := x.shims[0].Layer(); l.Kind != core.KindUDP4 || l.Hash != core.MD5 {
		t.Errorf("%+v", l)
	}
}

func TestDataBothWays_01_5_2(t *testing.T) {
	p := newPair(t)
	large := strings.Repeat("x", 1496)
	for _, data := range []string{"", "hello", large} {
		if err := p.write(p.client, data); err != nil {
			t.Error(err)
		}
		if err := p.write(p.server, data); err != nil {
			t.Error(err)
		}
	}
	if err := p.write(p.client, large+"x"); !errors.Is(err, core.ErrMsgSize) {
		t.Errorf("1497 bytes on a link of 1500: %v", err)
	}
	phantom := p.w.Pool().GetPhantom(p.client.Info().Headroom, 0, 3)
	if err := p.client.Write(phantom); err != nil {
		t.Error(err)
	}
	p.w.Run(10 * time.Millisecond)
	want := []string{"", "hello", large}
	if !slices.Equal(p.cs.Got, want) || !slices.Equal(p.ss.Got, append(want, "\x00\x00\x00")) {
		t.Errorf("server %d, client %d packets", len(p.ss.Got), len(p.cs.Got))
	}
}

// The largest SDU is that of the receive buffers of the prototype less the EID (spec 01 §5.6, D7), or what
// the link takes.
func TestMTUIsThatOfThePrototypeOrOfTheLink_01_5_6(t *testing.T) {
	for _, c := range []struct {
		addr      string
		kind      core.LayerKind
		link, mtu int
	}{
		{"192.0.2.1:3435", core.KindUDP4, 65507, 8976},
		{"[2001:db8::1]:3435", core.KindUDP6, 65507, 8948},
		{"192.0.2.1:3435", core.KindUDP4, 1472, 1468},
		{"[2001:db8::1]:3435", core.KindUDP6, 1452, 1448},
	} {
		w := shimtest.New(t.Errorf)
		e := w.Wire(core.LinkDatagram, 2, 0)[0]
		e.SetAddr(addr(c.addr))
		e.SetMTU(c.link)
		s, err := New(w.Env("shim"), e, Config{Layer: "net", Kind: c.kind, Resolver: Hosts{opingDigest: addr(c.addr)}})
		if err != nil {
			t.Fatal(err)
		}
		// A request to itself makes a flow, whose MTU is asked for.
		if err := s.Register(oping); err != nil {
			t.Fatal(err)
		}
		got := 0
		s.OnRequest(func(in core.IncomingFlow) {
			f, _ := in.Respond(0, nil)
			got = f.Info().MTU
		})
		e.FrameFrom(unhex(t, `00000000 00000001 00000000 00000000`+strings.Repeat("00", 28)+`01 00 00 `+opingDigest), addr(c.addr))
		if got != c.mtu {
			t.Errorf("%s over %d bytes: MTU %d, want %d", c.addr, c.link, got, c.mtu)
		}
	}
}

// A management datagram never has more than 2048 bytes (spec 01 §5.6, D8), out or in.
func TestManagementStaysWithin2048Bytes_01_5_6(t *testing.T) {
	w := shimtest.New(t.Errorf)
	ends := w.Wire(core.LinkDatagram, 2, time.Millisecond)
	var shims []*Shim
	for _, e := range ends {
		e.SetMTU(9000)
		s, err := New(w.Env("shim"), e, Config{Layer: "net", Kind: core.KindUDP4, Resolver: Fixed(ends[1].Info().Addr)})
		if err != nil {
			t.Fatal(err)
		}
		shims = append(shims, s)
	}
	if err := shims[1].Register(oping); err != nil {
		t.Fatal(err)
	}
	var replied error
	shims[1].OnRequest(func(in core.IncomingFlow) { _, replied = in.Respond(0, make([]byte, len(in.Piggyback)+17)) })
	shims[0].Query(oping, func(bool) {})
	w.Settle()
	ask := func(n int) (got error) {
		got = errors.New("no answer")
		cancel := shims[0].AllocFlow(core.FlowRequest{Hash: oping, Piggyback: make([]byte, n)}, func(_ core.Flow, _ core.FlowReply, err error) { got = err })
		w.Run(10 * time.Millisecond)
		cancel()
		return got
	}
	if err := ask(2048 - 63 + 1); !errors.Is(err, core.ErrMsgSize) || len(ends[0].Sent) != 0 {
		t.Errorf("a request of 2049 bytes: %v, %d sent", err, len(ends[0].Sent))
	}
	if err := ask(2048 - 63); !errors.Is(err, core.ErrMsgSize) || !errors.Is(replied, core.ErrMsgSize) || len(ends[0].Sent[0]) != 2048 {
		t.Errorf("a request of 2048 bytes, answered with 2049: %v; %v", err, replied)
	}
	ends[1].Frame(append(unhex(t, `00000000 00000001`), make([]byte, 2041)...))
	if shims[1].Drop.Size != 1 {
		t.Errorf("%+v", shims[1].Drop)
	}
}

// Datagrams that are not for a flow are dropped and counted by cause (spec 01 §5.2, §7 D2, D13, D14).
func TestBadDatagramsAreDroppedByCause_01_7(t *testing.T) {
	short := func(s *Shim) uint64 { return s.Drop.Short }
	typ := func(s *Shim) uint64 { return s.Drop.Type }
	eid := func(s *Shim) uint64 { return s.Drop.EID }
	src := func(s *Shim) uint64 { return s.Drop.Source }
	peer, other := "192.0.2.1:3435", "192.0.2.3:3435"
	request := func(seid string) string {
		return `00000000 ` + seid + ` 00000000 00000000` + strings.Repeat("00", 28) + `01 00 00 ` + opingDigest
	}
	for name, c := range map[string]struct {
		data, from string
		count      func(*Shim) uint64
	}{
		"empty":                  {``, peer, short},
		"EID cut":                {`000000`, peer, short},
		"management cut":         {strings.Repeat("00", 46), peer, short},
		"no digest":              {request("00000040")[:strings.LastIndex(request("00000040"), " ")], peer, short},
		"unknown code":           {strings.Repeat("00", 47), peer, typ},
		"request from EID 0":     {request("00000000"), peer, eid},
		"request from EID 2^31":  {request("80000000"), peer, eid},
		"request from no EID":    {request("ffffffff"), peer, eid},
		"reply to nobody":        {`00000000 00000041 00000040 00000000` + strings.Repeat("00", 28) + `02 00 00`, peer, eid},
		"data for EID 63":        {`0000003f 00`, peer, eid},
		"data beyond the table":  {`ffffffff 00`, peer, eid},
		"data from another host": {`00000040 00`, other, src},
		"data from another port": {`00000040 00`, "192.0.2.1:3436", src},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.ends[1].FrameFrom(unhex(t, c.data), addr(c.from))
			if s := p.shims[1]; c.count(s) != 1 {
				t.Errorf("%+v", s.Drop)
			}
			if len(p.ss.Got) != 0 {
				t.Errorf("delivered %q", p.ss.Got)
			}
		})
	}
}

func TestUnknownNameIsRefusedAtOnce_Decision2(t *testing.T) {
	x := newNet(t)
	x.query(0, oping)
	a, _ := x.alloc(0, core.FlowRequest{Hash: oping, Piggyback: handshake})
	x.w.Run(10 * time.Millisecond)
	if !errors.Is(a.err, core.ErrName) || a.calls != 1 {
		t.Fatalf("%+v", a)
	}
	// −1007 = fffffc11; S_EID repeats the initiator's EID, there is none of the responder.
	if r := x.last(1)[4:16]; string(r) != "\x00\x00\x00\x40\x00\x00\x00\x00\xff\xff\xfc\x11" {
		t.Errorf("reply %x", r)
	}
	// The name has moved: the refused address is not used again.
	x.hosts.Add("oping", x.ends[2].Info().Addr)
	if err := x.shims[2].Register(oping); err != nil {
		t.Fatal(err)
	}
	x.query(0, oping)
	_, cancel := x.alloc(0, core.FlowRequest{Hash: oping})
	x.w.Run(10 * time.Millisecond)
	if len(x.ends[2].Sent) != 1 {
		t.Error("the request did not go to the new address of the name")
	}
	cancel()
}

// A member that never answers a request, as the prototype does for an unknown name, is asked again until
// the caller gives up.
func TestSilenceEndsWithTheCaller(t *testing.T) {
	x := newNet(t)
	x.query(0, oping)
	x.ends[1].Lose = func([]byte) bool { return true }
	a, cancel := x.alloc(0, core.FlowRequest{Hash: oping, Piggyback: handshake})
	x.w.Run(20 * time.Second)
	cancel()
	sent := len(x.ends[0].Sent)
	x.w.Run(20 * time.Second)
	if a.calls != 0 || sent < 3 || len(x.ends[0].Sent) != sent || x.shims[0].Flows() != 0 {
		t.Errorf("%d answers, %d and then %d requests, %d flow ends", a.calls, sent, len(x.ends[0].Sent)-sent, x.shims[0].Flows())
	}
}

func TestLossOfAMessageIsRecovered(t *testing.T) {
	for lost, what := range []string{"request", "reply"} {
		x := newNet(t)
		x.serve()
		x.query(0, oping)
		dropped := false
		x.ends[lost].Lose = func([]byte) bool {
			was := dropped
			dropped = true
			return !was
		}
		a, _ := x.alloc(0, core.FlowRequest{Hash: oping, Piggyback: handshake})
		x.w.Run(2 * time.Second)
		if !dropped || a.flow == nil || len(x.accepted) != 1 || x.shims[0].Retransmitted != 1 {
			t.Errorf("%s lost: %+v, %d accepted", what, a, len(x.accepted))
		}
	}
}

func TestReplyFromAnotherAddressIsIgnored_01_5_4(t *testing.T) {
	x := newNet(t)
	x.query(0, oping)
	x.ends[0].Lose = func([]byte) bool { return true }
	a, cancel := x.alloc(0, core.FlowRequest{Hash: oping})
	reply := unhex(t, `00000000 00000040 00000046 00000000`+strings.Repeat("00", 28)+`02 00 00`)
	for _, from := range []string{"192.0.2.3:3435", "192.0.2.2:3436"} {
		x.ends[0].FrameFrom(reply, addr(from))
	}
	if a.calls != 0 || x.shims[0].Drop.Source != 2 {
		t.Errorf("%+v, %+v", a, x.shims[0].Drop)
	}
	// An EID that no flow can have is not accepted from the right one either.
	reply[8] = 0x80
	x.ends[0].FrameFrom(reply, addr("192.0.2.2:3435"))
	if a.calls != 0 || x.shims[0].Drop.EID != 1 {
		t.Errorf("%+v, %+v", a, x.shims[0].Drop)
	}
	cancel()
}

func TestConfigurationErrorsNameTheValue(t *testing.T) {
	w := shimtest.New(t.Errorf)
	link, eth, v6 := w.Wire(core.LinkDatagram, 2, 0)[0], w.Wire(core.LinkEthernet, 2, 0)[0], w.Wire(core.LinkDatagram, 2, 0)[0]
	v6.SetAddr(addr("[2001:db8::1]:3435"))
	any4 := w.Wire(core.LinkDatagram, 2, 0)[0]
	any4.SetAddr(addr("0.0.0.0:3435"))
	ok := Config{Layer: "net", Kind: core.KindUDP4, Resolver: Hosts{}}
	with := func(change func(*Config)) Config {
		c := ok
		change(&c)
		return c
	}
	for text, c := range map[string]struct {
		link core.Link
		cfg  Config
	}{
		"kind 4":         {link, with(func(c *Config) { c.Kind = core.KindEthDIX })},
		`name ""`:        {link, with(func(c *Config) { c.Layer = "" })},
		"no resolver":    {link, with(func(c *Config) { c.Resolver = nil })},
		"link of kind 0": {eth, ok},
		"udp4: layer \"net\": link address [2001:db8::1]:3435": {v6, ok},
		"udp6: layer \"net\": link address 192.0.2.1:3435":     {link, with(func(c *Config) { c.Kind = core.KindUDP6 })},
		"link address 0.0.0.0:3435":                            {any4, ok},
	} {
		if _, err := New(w.Env("shim"), c.link, c.cfg); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzReceive holds that no datagram breaks a shim or makes it keep a buffer.
func FuzzReceive(f *testing.F) {
	for _, s := range []string{
		`00000040 68656c6c6f`,
		`00000000 00000041 00000000 00000000` + strings.Repeat("00", 28) + `01 00 00 ` + opingDigest,
		`00000000 00000041 00000040 00000000` + strings.Repeat("00", 28) + `02 00 00`,
	} {
		f.Add(unhex(f, s), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, peer bool) {
		p := newPair(t)
		from := p.ends[2].Info().Addr
		if peer {
			from = p.ends[0].Info().Addr
		}
		p.ends[1].FrameFrom(b, from)
	})
}

func TestDataPathDoesNotAllocate(t *testing.T) {
	p := newPair(t)
	p.ends[0].Through = true
	sink := &keep{}
	p.server.Attach(sink)
	sink.Deliver(p.w.Pool().Get(64, 1000))
	if n := testing.AllocsPerRun(100, func() {
		if err := p.client.Write(sink.p); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
	sink.p.Release()
}
