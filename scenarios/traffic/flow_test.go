package traffic

import (
	"errors"
	"math"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/irm"
	"ouroboros/frcp"
	"ouroboros/scenarios/node"
	"ouroboros/shim/direct"
	"ouroboros/sim"
)

// bench is two systems with one wire and a direct shim between them.
type bench struct {
	w    *sim.World
	wire core.Wire
	a, b *node.System
}

func newBench(t *testing.T, spec core.LinkSpec) *bench {
	t.Helper()
	b := &bench{w: sim.New(1)}
	spec.Kind, spec.Name = core.LinkDirect, "wire"
	system := func(name string) *node.System {
		env := b.w.Node(name)
		return &node.System{Name: name, Env: env, Broker: irm.New(env.Derive("irm"), irm.Config{})}
	}
	b.a, b.b = system("a"), system("b")
	var err error
	if b.wire, err = b.w.Link(spec, b.a.Env, b.b.Env); err != nil {
		t.Fatal(err)
	}
	la, lb := b.wire.Ends()
	for s, l := range map[*node.System]core.Link{b.a: la, b.b: lb} {
		p, err := direct.New(s.Env.Derive("shim"), l, direct.Config{Layer: "wire", Hash: core.SHA3_256})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Broker.AddProvider(p); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if n := b.w.Pool().Live(); n != 0 {
			t.Errorf("%d packets were not released", n)
		}
		b.w.Close()
	})
	return b
}

// run runs a flow for d, stops it, lets everything arrive, and closes it.
func (b *bench) run(t *testing.T, s Spec, d time.Duration) *Flow {
	t.Helper()
	s.Name, s.From, s.To, s.Layer, s.Ask = "f", b.a, b.b, "wire", "wire"
	if s.QoS == (core.QoS{}) {
		s.QoS = core.QoSRaw
	}
	if s.Stop == 0 {
		s.Stop = clock.Never
	}
	f := New(s)
	if err := f.Listen(); err != nil {
		t.Fatal(err)
	}
	f.Begin()
	for _, d := range []time.Duration{d, 20 * time.Second} {
		if err := b.w.Run(b.w.Now().Add(d)); err != nil {
			t.Fatal(err)
		}
		f.Halt()
	}
	f.Close()
	if err := b.w.Run(b.w.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestConstantRateIsExact: one message per interval from the phase on, none more.
func TestConstantRateIsExact(t *testing.T) {
	b := newBench(t, core.LinkSpec{Delay: time.Millisecond})
	f := b.run(t, Spec{Kind: CBR, Size: 100, Interval: 700 * time.Microsecond, Start: core.Time(time.Second), Phase: 300 * time.Microsecond}, 8*time.Second)
	st := f.Stats
	want := uint64((8*time.Second-st.Allocated.Sub(0)-300*time.Microsecond)/(700*time.Microsecond)) + 1
	if st.Sent != want || st.Offered != want || st.Delivered != want || st.SentBytes != 100*want || st.Bytes != st.SentBytes {
		t.Errorf("%+v, want %d messages", st, want)
	}
	if st.Asked != core.Time(time.Second) || st.First != st.Allocated.Add(300*time.Microsecond) ||
		st.Last != st.First.Add(time.Duration(want-1)*700*time.Microsecond) {
		t.Errorf("asked %v, allocated %v, sent from %v to %v", st.Asked, st.Allocated, st.First, st.Last)
	}
	if d := f.Delay.Dist(); d.Min.Or(0) != time.Millisecond || d.Max.Or(0) != time.Millisecond {
		t.Errorf("delay %+v", d)
	}
}

// TestPhaseIsRandomInOneInterval: by the seed, unless the scenario gives it.
func TestPhaseIsRandomInOneInterval(t *testing.T) {
	b := newBench(t, core.LinkSpec{})
	f := b.run(t, Spec{Kind: CBR, Size: 100, Interval: 100 * time.Millisecond, NoPhase: true}, time.Second)
	if phase := f.Stats.First.Sub(f.Stats.Allocated); phase <= 0 || phase >= 100*time.Millisecond {
		t.Errorf("phase %v", phase)
	}
}

// TestPoissonHasTheMeanAndTheSpread: n events in time T have mean T/interval and the variance of their
// gaps is the square of the mean.
func TestPoissonHasTheMeanAndTheSpread(t *testing.T) {
	f := &Flow{Spec: Spec{Kind: Poisson, Interval: time.Millisecond}}
	f.env = sim.New(5).Node("n")
	const n = 100_000
	var sum, squares float64
	at := core.Time(0)
	for range n {
		next := f.next(at)
		gap := float64(next.Sub(at)) / 1e6
		sum, squares, at = sum+gap, squares+gap*gap, next
	}
	mean := sum / n
	if dev := math.Sqrt(squares/n - mean*mean); math.Abs(mean-1) > 0.015 || math.Abs(dev-1) > 0.03 {
		t.Errorf("mean %v ms, standard deviation %v ms, want 1 and 1", mean, dev)
	}
}

// TestOnOffIsOnForItsShare: at its rate in a burst, silent between bursts.
func TestOnOffIsOnForItsShare(t *testing.T) {
	f := &Flow{Spec: Spec{Kind: OnOff, Interval: time.Millisecond, On: 100 * time.Millisecond, Off: 300 * time.Millisecond}}
	f.env = sim.New(5).Node("n")
	f.on = core.Time(f.exp(f.On))
	at, n, long := core.Time(0), 0, 0
	for at < core.Time(2000*time.Second) {
		next := f.next(at)
		switch gap := next.Sub(at); {
		case gap < 0:
			t.Fatalf("the message after the one at %v is due at %v", at, next)
		case gap > time.Millisecond:
			long++
		}
		at = next
		n++
	}
	// 5000 cycles of 400 ms, each with a burst of 100 messages on average.
	if n < 470_000 || n > 530_000 || long < 4500 || long > 5500 {
		t.Errorf("%d messages in %d bursts, want about 500000 in 5000", n, long)
	}
}

// TestCountAndStopEndTheSource: what was on its way still arrives and is counted.
func TestCountAndStopEndTheSource(t *testing.T) {
	for _, kind := range []Kind{CBR, Poisson, OnOff, Ping} {
		b := newBench(t, core.LinkSpec{Delay: 50 * time.Millisecond})
		s := Spec{Kind: kind, Size: 64, Interval: 10 * time.Millisecond, On: time.Second, Off: time.Second, Count: 17}
		if f := b.run(t, s, 20*time.Second); f.Stats.Sent != 17 || f.Stats.Delivered != 17 || f.Stats.Ended == clock.Never {
			t.Errorf("kind %d: %+v", kind, f.Stats)
		}
	}
	b := newBench(t, core.LinkSpec{Delay: 50 * time.Millisecond})
	f := b.run(t, Spec{Kind: CBR, Size: 64, Interval: 10 * time.Millisecond, Stop: core.Time(time.Second)}, 5*time.Second)
	if st := f.Stats; st.Ended != core.Time(time.Second) || st.Last > st.Ended || st.Delivered != st.Sent || st.LastDelivery < st.Ended {
		t.Errorf("%+v", st)
	}
	b = newBench(t, core.LinkSpec{})
	f = b.run(t, Spec{Kind: CBR, Size: 64, Interval: time.Millisecond, Start: core.Time(10 * time.Second)}, time.Second)
	if st := f.Stats; st.Asked != 0 || st.Sent != 0 {
		t.Errorf("a source that was stopped before its start: %+v", st)
	}
}

// TestBlockedSourceSlips: while its flow is full a source with a schedule stands still. What falls due
// then is offered and never sent, as by a program that blocks in its write.
func TestBlockedSourceSlips(t *testing.T) {
	// 1000 bytes take 8 ms; offered is one each millisecond.
	b := newBench(t, core.LinkSpec{Rate: 1_000_000, QueuePackets: 4, Block: true})
	f := b.run(t, Spec{Kind: CBR, Size: 1000, Interval: time.Millisecond}, 8*time.Second)
	st := f.Stats
	if st.Offered < 7990 || st.Offered > 8001 {
		t.Errorf("%d messages were offered, want 8000", st.Offered)
	}
	if st.Sent < 990 || st.Sent > 1010 || st.Delivered != st.Sent || st.Reordered+st.Duplicates != 0 {
		t.Errorf("%d messages were sent, want 1000: %+v", st.Sent, st)
	}
	if st.Blocked < 6*time.Second || st.Blocked > 8*time.Second {
		t.Errorf("blocked for %v", st.Blocked)
	}
}

// TestBulkTransfer: all bytes, in messages as large as the flow takes, complete when the last arrives.
func TestBulkTransfer(t *testing.T) {
	b := newBench(t, core.LinkSpec{Rate: 8_000_000, Delay: time.Millisecond, MTU: 1500, QueuePackets: 10, Block: true})
	f := b.run(t, Spec{Kind: Bulk, Bytes: 1_000_000, QoS: core.QoSData, FRCP: frcp.Params{R: 5 * time.Second}}, 30*time.Second)
	st := f.Stats
	if st.SentBytes < 1_000_000 || st.SentBytes > 1_000_000+HeaderLen || st.Bytes != st.SentBytes || st.Offered != st.Sent {
		t.Errorf("%+v", st)
	}
	if d := st.Completed.Sub(st.Allocated); d < time.Second || d > 1200*time.Millisecond {
		t.Errorf("complete after %v, want a little more than 1s", d)
	}
}

// TestPingMeasuresTheRoundTrip: and the answer has the size of the request.
func TestPingMeasuresTheRoundTrip(t *testing.T) {
	b := newBench(t, core.LinkSpec{Rate: 1_000_000, Delay: 3 * time.Millisecond})
	f := b.run(t, Spec{Kind: Ping, Size: 125, Interval: 100 * time.Millisecond, Count: 20}, 5*time.Second)
	d := f.RTT.Dist()
	if d.N != 20 || d.Min.Or(0) != 8*time.Millisecond || d.Max.Or(0) != 8*time.Millisecond {
		t.Errorf("round trips %+v, want 20 of 8ms", d)
	}
}

// TestDuplicatesAndReorderingAreCounted: against what the wire did.
func TestDuplicatesAndReorderingAreCounted(t *testing.T) {
	b := newBench(t, core.LinkSpec{})
	if err := b.wire.Set(0, core.LinkSpec{Duplicate: 1}); err != nil {
		t.Fatal(err)
	}
	f := b.run(t, Spec{Kind: CBR, Size: 64, Interval: time.Millisecond, Count: 100}, time.Second)
	if st := f.Stats; st.Duplicates != 100 || st.Delivered != 100 || st.Bytes != 6400 {
		t.Errorf("%+v", st)
	}
}

// TestFailuresAreKept: a name that nobody has, and a size that no flow takes.
func TestFailuresAreKept(t *testing.T) {
	b := newBench(t, core.LinkSpec{MTU: 1000})
	if f := b.run(t, Spec{Kind: CBR, Size: 1001, Interval: time.Millisecond}, time.Second); !errors.Is(f.Stats.Failure, core.ErrMsgSize) {
		t.Errorf("%v", f.Stats.Failure)
	}
	b = newBench(t, core.LinkSpec{})
	b.wire.SetUp(false)
	f := b.run(t, Spec{Kind: CBR, Size: 100, Interval: time.Millisecond}, 40*time.Second)
	if f.Stats.Failure == nil || f.Stats.Sent != 0 {
		t.Errorf("%+v", f.Stats)
	}
}

// TestAReceiverForgetsTheFlowOfAKilledNode: it takes another one then, and closes the old one in the end.
func TestAReceiverForgetsTheFlowOfAKilledNode(t *testing.T) {
	b := newBench(t, core.LinkSpec{})
	f := New(Spec{
		Name: "f", From: b.a, To: b.b, Layer: "wire", Ask: "wire", QoS: core.QoSRaw, Stop: clock.Never,
		Kind: CBR, Size: 64, Interval: time.Millisecond,
	})
	if err := f.Listen(); err != nil {
		t.Fatal(err)
	}
	f.Begin()
	if err := b.w.Run(core.Time(time.Second)); err != nil {
		t.Fatal(err)
	}
	if f.recv == nil || len(f.heard) != 1 {
		t.Fatal("the receiver has no flow")
	}
	f.deaf(b.a)
	if f.recv == nil || len(f.heard) != 1 {
		t.Error("what is on another node is forgotten")
	}
	f.deaf(b.b)
	if f.recv != nil || len(f.heard) != 0 || len(f.past) != 1 {
		t.Error("the flow of the killed node is kept as that of the receiver")
	}
	f.Close()
	if len(f.past) != 0 {
		t.Error("the flow of the killed node is not closed")
	}
	if err := b.w.Run(core.Time(time.Minute)); err != nil {
		t.Fatal(err)
	}
}

func FuzzHeader(f *testing.F) {
	f.Add(make([]byte, HeaderLen))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < HeaderLen {
			return
		}
		typ, id, _ := header(b)
		c := make([]byte, HeaderLen)
		putHeader(c, typ, id, 1_700_000_000_123_456_789)
		if gt, gi, gw := header(c); gt != typ || gi != id || gw != 1_700_000_000_123_456_789 {
			t.Errorf("%d %d %d", gt, gi, gw)
		}
	})
}
