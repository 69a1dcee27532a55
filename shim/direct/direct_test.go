package direct

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/core/pkt"
	"ouroboros/shim/internal/shimtest"
	"ouroboros/sim"
)

// system is one end of the link with the broker above it.
type system struct {
	shim *Shim
	b    *irm.Broker
}

// newSystems joins two systems by a simulated direct link.
func newSystems(t testing.TB, spec core.LinkSpec) (w *sim.World, wire core.Wire, a, b *system) {
	t.Helper()
	w = sim.New(1)
	spec.Kind = core.LinkDirect
	envs := []core.Env{w.Node("a"), w.Node("b")}
	wire, err := w.Link(spec, envs[0], envs[1])
	if err != nil {
		t.Fatal(err)
	}
	var both [2]*system
	la, lb := wire.Ends()
	for i, l := range []core.Link{la, lb} {
		s, err := New(envs[i].Derive("shim"), l, Config{Layer: "wire", Hash: core.SHA3_256})
		if err != nil {
			t.Fatal(err)
		}
		both[i] = &system{s, irm.New(envs[i].Derive("irm"), irm.Config{})}
		if err := both[i].b.AddProvider(s); err != nil {
			t.Fatal(err)
		}
	}
	return w, wire, both[0], both[1]
}

func run(t testing.TB, w *sim.World, d time.Duration) {
	t.Helper()
	if err := w.Run(w.Now().Add(d)); err != nil {
		t.Fatal(err)
	}
}

// flowPair allocates a flow from a to b by name, through both brokers.
func flowPair(t testing.TB, w *sim.World, a, b *system) (client, server core.Flow) {
	t.Helper()
	stop, err := b.b.Listen("srv", func(in core.Incoming) {
		f, err := in.Accept()
		if err != nil {
			t.Error(err)
		}
		server = f
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	a.b.Alloc(core.Request{Name: "srv", QoS: core.QoSRaw}, func(f core.Flow, err error) {
		if err != nil {
			t.Error(err)
		}
		client = f
	})
	run(t, w, 5*time.Second)
	if client == nil || server == nil {
		t.Fatalf("client %v, server %v", client, server)
	}
	return client, server
}

func TestFlowByNameThroughTwoBrokers_13_3(t *testing.T) {
	w, _, a, b := newSystems(t, core.LinkSpec{Delay: time.Millisecond})
	client, server := flowPair(t, w, a, b)
	want := core.FlowInfo{MTU: 65535, QoS: core.QoSRaw, MPL: MPL, Delay: time.Millisecond, Layer: "wire", EID: 64}
	if client.Info() != want || server.Info() != want {
		t.Errorf("%+v, %+v", client.Info(), server.Info())
	}
	cs, ss := &shimtest.Sink{}, &shimtest.Sink{}
	client.Attach(cs)
	server.Attach(ss)
	for _, data := range []string{"", "hello", strings.Repeat("x", 65535)} {
		for _, f := range []core.Flow{client, server} {
			if err := f.Write(w.Pool().GetCopy(0, []byte(data))); err != nil {
				t.Error(err)
			}
		}
	}
	run(t, w, time.Second)
	if len(cs.Got) != 3 || !slices.Equal(cs.Got, ss.Got) || cs.Got[1] != "hello" {
		t.Errorf("%d and %d packets", len(cs.Got), len(ss.Got))
	}
	if err := client.Write(w.Pool().Get(0, 65536)); !errors.Is(err, core.ErrMsgSize) {
		t.Error(err)
	}
	client.Close(0)
	server.Close(0)
	run(t, w, time.Minute)
	if w.Pool().Live() != 0 || w.Pending() != 0 {
		t.Errorf("%d buffers, %d events left", w.Pool().Live(), w.Pending())
	}
}

func TestUnknownNameAndRefusal(t *testing.T) {
	w, _, a, b := newSystems(t, core.LinkSpec{Delay: time.Millisecond})
	outcome := func(n core.Name, d time.Duration) (got error) {
		a.b.Alloc(core.Request{Name: n, Timeout: d}, func(_ core.Flow, err error) { got = err })
		run(t, w, d+time.Second)
		return got
	}
	if err := outcome("nobody", 3*time.Second); !errors.Is(err, core.ErrIPCP) {
		t.Error(err)
	}
	stop, err := b.b.Listen("srv", func(in core.Incoming) { in.Reject(core.ErrPerm) })
	if err != nil {
		t.Fatal(err)
	}
	if err := outcome("srv", time.Second); !errors.Is(err, core.ErrPerm) {
		t.Error(err)
	}
	// The directory of a still has the name; the refusal comes at once all the same.
	stop()
	start := w.Now()
	var at core.Time
	a.b.Alloc(core.Request{Name: "srv"}, func(_ core.Flow, err error) {
		at = w.Now()
		if !errors.Is(err, core.ErrName) {
			t.Error(err)
		}
	})
	run(t, w, time.Second)
	if at != start.Add(2*time.Millisecond) {
		t.Errorf("refused after %v", at.Sub(start))
	}
}

func TestAllocationOverALossyLink(t *testing.T) {
	w, _, a, b := newSystems(t, core.LinkSpec{Delay: time.Millisecond, Drop: []uint64{1, 3}})
	client, server := flowPair(t, w, a, b)
	if a.shim.Retransmitted == 0 {
		t.Error("nothing was lost")
	}
	if a.shim.Flows() != 1 || b.shim.Flows() != 1 {
		t.Errorf("%d and %d flow ends", a.shim.Flows(), b.shim.Flows())
	}
	client.Close(0)
	server.Close(0)
}

func TestLinkDownIsTold(t *testing.T) {
	w, wire, a, b := newSystems(t, core.LinkSpec{Delay: time.Millisecond})
	client, server := flowPair(t, w, a, b)
	cs, ss := &shimtest.Sink{}, &shimtest.Sink{}
	client.Attach(cs)
	server.Attach(ss)
	wire.SetUp(false)
	run(t, w, time.Second)
	wire.SetUp(true)
	run(t, w, time.Second)
	if want := []bool{false, true}; !slices.Equal(cs.States, want) || !slices.Equal(ss.States, want) {
		t.Errorf("%v, %v", cs.States, ss.States)
	}
}

func TestBlockedFlowWakesAfterAFlap(t *testing.T) {
	w, wire, a, b := newSystems(t, core.LinkSpec{Rate: 10e6, QueuePackets: 4, Block: true})
	client, server := flowPair(t, w, a, b)
	cs, ss := &shimtest.Sink{}, &shimtest.Sink{}
	client.Attach(cs)
	server.Attach(ss)
	for {
		p := w.Pool().Get(0, 1000)
		if err := client.Write(p); err != nil {
			if !errors.Is(err, core.ErrWouldBlock) {
				t.Fatal(err)
			}
			p.Release()
			break
		}
	}
	wire.SetUp(false)
	run(t, w, time.Second)
	wire.SetUp(true)
	run(t, w, time.Second)
	if cs.Writables != 1 {
		t.Errorf("Writable was called %d times", cs.Writables)
	}
	if err := client.Write(w.Pool().GetCopy(0, []byte("again"))); err != nil {
		t.Error(err)
	}
	run(t, w, time.Second)
	if n := len(ss.Got); n == 0 || ss.Got[n-1] != "again" {
		t.Errorf("%d packets arrived, not the last one", n)
	}
}

func TestBadPacketsAreDroppedByCause(t *testing.T) {
	for name, c := range map[string]struct {
		meta  pkt.Meta
		body  []byte
		count func(*Shim) uint64
	}{
		"unknown flow":   {pkt.Meta{Flow: 64}, nil, func(s *Shim) uint64 { return s.Drop.EID }},
		"flow 0":         {pkt.Meta{}, nil, func(s *Shim) uint64 { return s.Drop.EID }},
		"flow beyond":    {pkt.Meta{Flow: 1<<32 - 1}, nil, func(s *Shim) uint64 { return s.Drop.EID }},
		"short message":  {pkt.Meta{Kind: 2}, make([]byte, 38), func(s *Shim) uint64 { return s.Drop.Short }},
		"no digest":      {pkt.Meta{Kind: 1}, make([]byte, 39), func(s *Shim) uint64 { return s.Drop.Short }},
		"kinds disagree": {pkt.Meta{Kind: 2}, make([]byte, 71), func(s *Shim) uint64 { return s.Drop.Type }},
	} {
		w := shimtest.New(t.Errorf)
		s, err := New(w.Env("shim"), w.Wire(core.LinkDirect, 2, 0)[0], Config{Layer: "wire", Hash: core.SHA3_256})
		if err != nil {
			t.Fatal(err)
		}
		p := w.Pool().GetCopy(0, c.body)
		p.Meta = c.meta
		s.Receive(p, core.Addr{})
		if c.count(s) != 1 || w.Pool().Live() != 0 {
			t.Errorf("%s: %+v, %d buffers", name, s.Drop, w.Pool().Live())
		}
	}
}

func TestConfigurationErrorsNameTheValue(t *testing.T) {
	w := shimtest.New(t.Errorf)
	direct, shared := w.Wire(core.LinkDirect, 2, 0)[0], w.Wire(core.LinkDirect, 3, 0)[0]
	eth := w.Wire(core.LinkEthernet, 2, 0)[0]
	for text, c := range map[string]struct {
		link core.Link
		cfg  Config
	}{
		"hash 5":         {direct, Config{Layer: "wire", Hash: core.MD5}},
		`name ""`:        {direct, Config{}},
		"link of kind 0": {eth, Config{Layer: "wire"}},
		"shared true":    {shared, Config{Layer: "wire"}},
	} {
		if _, err := New(w.Env("shim"), c.link, c.cfg); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzReceive holds that no packet breaks a shim or makes it keep a buffer.
func FuzzReceive(f *testing.F) {
	f.Add(make([]byte, 71), uint32(0), uint8(1))
	f.Add([]byte("hello"), uint32(64), uint8(0))
	f.Add([]byte(strings.Repeat("0", 71)), uint32(46), uint8(1)) // a request for a name that nobody has
	f.Fuzz(func(t *testing.T, body []byte, flow uint32, kind uint8) {
		w := shimtest.New(t.Errorf)
		ends := w.Wire(core.LinkDirect, 2, 0)
		s, err := New(w.Env("shim"), ends[0], Config{Layer: "wire", Hash: core.SHA3_256})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(w.Env("peer"), ends[1], Config{Layer: "wire", Hash: core.SHA3_256}); err != nil {
			t.Fatal(err)
		}
		p := w.Pool().GetCopy(0, body)
		p.Meta = pkt.Meta{Flow: flow, Kind: kind}
		s.Receive(p, core.Addr{})
		w.Run(time.Minute) // an unknown name is answered at once: the reply has to arrive
		if w.Pool().Live() != 0 {
			t.Error("a buffer was kept")
		}
	})
}

// keep is a sink that keeps the packets.
type keep struct {
	shimtest.Sink
	packets []*pkt.Buf
}

func (k *keep) Deliver(p *pkt.Buf) { k.packets = append(k.packets, p) }

// BenchmarkHop measures a packet over a simulated direct link, shims at both ends included, in bursts
// of 64.
func BenchmarkHop(b *testing.B) {
	const burst = 64
	w, _, x, y := newSystems(b, core.LinkSpec{Delay: time.Millisecond})
	client, server := flowPair(b, w, x, y)
	sink := &keep{}
	server.Attach(sink)
	for range burst {
		sink.packets = append(sink.packets, w.Pool().Get(0, 1000))
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if n++; n%burst != 0 {
			continue
		}
		packets := sink.packets
		sink.packets = packets[:0]
		for _, p := range packets {
			if err := client.Write(p); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Run(w.Now().Add(time.Millisecond)); err != nil {
			b.Fatal(err)
		}
	}
}
