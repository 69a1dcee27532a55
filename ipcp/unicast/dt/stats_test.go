package dt

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/ipcp/unicast/ca"
	"ouroboros/ipcp/unicast/pff"
)

// TestCountersPerCube: spec 02 §10.3. Each counter is that of the cube in the header (decision 3); one that
// nobody has defined counts as best effort. What has waited is counted for its cube too.
func TestCountersPerCube(t *testing.T) {
	m := newMember(t, wire.DefaultPCI, "none", 10, 2)
	for cube := range uint8(5) {
		for range cube + 1 {
			m.arrive(0, m.packet(101, cube, 60, 0, 99, "abc"))
			m.arrive(0, m.packet(101, cube, 1, 0, 99, "abc"))
			m.arrive(0, m.packet(200, cube, 60, 0, 99, "abc"))
			m.arrive(0, m.packet(self, cube, 60, 0, 5, "abc"))
		}
	}
	in, _ := m.Port(0)
	out, _ := m.Port(1)
	for cube, n := range [core.NumCubes]uint64{1 + 4 + 5, 2, 3} {
		c := Counter{n, 18 * n}
		want := Stats{Received: Counter{4 * n, 4 * 18 * n}, DropTTL: c, DropNoRoute: c, DropUnknown: c}
		if in.Stats[cube] != want {
			t.Errorf("cube %d in: %+v, want %+v", cube, in.Stats[cube], want)
		}
		if want := (Stats{Sent: c}); out.Stats[cube] != want {
			t.Errorf("cube %d out: %+v, want %+v", cube, out.Stats[cube], want)
		}
	}
	if sum := m.port(0); sum != in.Stats.Sum() || sum.Received != (Counter{60, 60 * 18}) {
		t.Errorf("together: %+v", sum)
	}
	m.flows[1].room = 0
	for range 11 { // one more than there is room for
		m.arrive(0, m.packet(101, 2, 60, 0, 99, "abc"))
	}
	m.flows[1].room = 4
	m.flows[1].sink.Writable()
	if out, _ = m.Port(1); out.Stats[2].Sent.Packets != 3+4 || out.Stats[2].DropWrite.Packets != 1 {
		t.Errorf("after waiting: %+v", out.Stats[2])
	}
	m.RemovePort(1, true)
	if st := m.Gone(); st.DropWrite.Packets != 1+6 || st.Sent.Packets != 15+4 {
		t.Errorf("of removed ports: %+v", st)
	}
}

// TestComponentCounters: spec 02 §10.3. What is delivered to a component is sent, what it originates is local
// received, without a next hop it is dropped there (D11); ports count the same as local received and local
// sent. A destination that is the member itself has no next hop (§5, step 1).
func TestComponentCounters(t *testing.T) {
	m := newMember(t, wire.DefaultPCI, "none", 10, 1)
	m.Handle(1, func(p *pkt.Buf) { p.Release() })
	m.arrive(0, m.packet(self, 1, 60, 0, 1, "abc"))
	for _, dst := range []uint64{100, 200, self} {
		err := m.Send(dst, 2, 1, 0, m.env.Pool.Get(64, 5), nil)
		if (err == nil) != (dst == 100) {
			t.Errorf("to %d: %v", dst, err)
		}
	}
	_ = m.Send(200, 0, 64, 0, m.env.Pool.Get(64, 5), nil) // of a flow
	got, ok := m.ComponentStats(1)
	want := PerCube{1: {Sent: Counter{1, 18}}, 2: {LocalReceived: Counter{1, 5}, DropNoRoute: Counter{2, 10}}}
	if !ok || got != want {
		t.Errorf("component: %+v, want %+v", got, want)
	}
	sum := want.Sum()
	sum.DropNoRoute.Add(5)
	if m.Origin() != sum {
		t.Errorf("origin: %+v, want %+v", m.Origin(), sum)
	}
	p, _ := m.Port(0)
	if want := (PerCube{1: {Received: Counter{1, 18}, LocalReceived: Counter{1, 18}}, 2: {Sent: Counter{1, 20}, LocalSent: Counter{1, 20}}}); p.Stats != want {
		t.Errorf("port: %+v, want %+v", p.Stats, want)
	}
	for _, eid := range []int{-1, 0, FirstFlow} {
		if _, ok := m.ComponentStats(eid); ok {
			t.Errorf("a component %d exists", eid)
		}
	}
}

// TestPortInfo: peer, as it is called now, time of birth and queue; none for a number without a port.
func TestPortInfo(t *testing.T) {
	m := newMember(t, wire.DefaultPCI, "none", 10, 0)
	if err := m.w.Run(core.Time(3 * time.Second)); err != nil {
		t.Fatal(err)
	}
	m.addPort(t).queued = 7
	p, ok := m.Port(0)
	if !ok || p.Port != 0 || p.Peer != 100 || p.Since != m.env.Now() || p.Queued != 7 {
		t.Errorf("%+v", p)
	}
	m.SetPeer(0, 200)
	if p, _ = m.Port(0); p.Peer != 200 {
		t.Errorf("peer %d, want 200", p.Peer)
	}
	for _, i := range []pff.Port{pff.None, 1} {
		m.SetPeer(i, 300)
		if _, ok := m.Port(i); ok {
			t.Errorf("port %d exists", i)
		}
	}
}

// asked is a congestion policy that writes down what it is asked.
type asked struct {
	ca.Avoidance
	marks []mark
	rates []int64
}

type mark struct {
	ecn       uint8
	queued, n int
}

func (a *asked) NewPort(rate int64) ca.Marker { a.SetRate(rate); return a }
func (a *asked) SetRate(rate int64)           { a.rates = append(a.rates, rate) }
func (a *asked) Mark(_ core.Time, ecn uint8, queued, n int) uint8 {
	a.marks = append(a.marks, mark{ecn, queued, n})
	return ecn + 1
}

// TestMarkerIsTold: a marker sees each packet that leaves, with its header, and the rate of its N-1 flow when it
// is made and when that changes.
func TestMarkerIsTold(t *testing.T) {
	m := newMember(t, wire.DefaultPCI, "none", 10, 0)
	a := &asked{}
	m.cfg.Avoidance = a
	f := m.addPort(t)
	f.info.Rate = 5e6
	f.sink.State(true)
	f.sink.State(true)
	f.queued = 3
	m.arrive(0, m.packet(100, 0, 60, 9, 99, "abc"))
	_ = m.Send(100, 0, 64, 0, m.env.Pool.Get(64, 5), nil)
	out := f.take()
	if len(a.rates) != 2 || a.rates[0] != 0 || a.rates[1] != 5e6 {
		t.Errorf("rates %v, want 0 and 5e6", a.rates)
	}
	if len(a.marks) != 2 || a.marks[0] != (mark{9, 3, 18}) || a.marks[1] != (mark{0, 3, 20}) {
		t.Errorf("marks %v", a.marks)
	}
	if out[0][6] != 10 || out[1][6] != 1 {
		t.Errorf("ECN bytes %d and %d", out[0][6], out[1][6])
	}
}

// TestNobodyCountsForNone: a policy that marks nothing costs no look at the queue (spec 06 §1).
func TestNobodyCountsForNone(t *testing.T) {
	m := newMember(t, wire.DefaultPCI, "none", 10, 1)
	f := &blind{fakeFlow: m.flows[0]}
	m.ports[0].flow = f
	m.arrive(0, m.packet(100, 0, 60, 9, 99, ""))
	_ = m.Send(100, 0, 64, 0, m.env.Pool.Get(64, 5), nil)
	if f.looks != 0 || len(m.flows[0].take()) != 2 {
		t.Errorf("the queue was counted %d times", f.looks)
	}
}

// blind is a flow that counts who asks for its queue.
type blind struct {
	*fakeFlow
	looks int
}

func (f *blind) Queued() int { f.looks++; return 0 }
