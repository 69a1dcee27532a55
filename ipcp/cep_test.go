package ipcp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/sim"
)

// The messages of spec 07 §2.4, from address 0x1A2B3C4D.
const (
	hexDataTransfer = "0a0d44617461205472616e73666572120364747018012802 40cdf8acd101"
	hexManagement   = "0a0a4d616e6167656d656e7412034c53501801280040cdf8acd101"
	hexEnrollment   = "0a0a456e726f6c6c6d656e7412034f4550180128004000"
	hexBroadcast    = "0a0d44617461205472616e73666572120018002800 4000"
	hexRefusal      = "0a00120018002800 4000"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestMessagesToTheByte: the examples of spec 07 §2.4, written and read.
func TestMessagesToTheByte(t *testing.T) {
	for _, tc := range []struct {
		hex  string
		want Announcement
	}{
		{hexDataTransfer, DataTransfer.At(0x1A2B3C4D)},
		{hexManagement, Management.At(0x1A2B3C4D)},
		{hexEnrollment, Announcement{Component: "Enrollment", Protocol: "OEP", Version: 1}},
		{hexBroadcast, Announcement{Component: "Data Transfer"}},
		{hexRefusal, Announcement{}},
	} {
		b := unhex(t, tc.hex)
		got, err := tc.want.Marshal()
		if err != nil || !bytes.Equal(got, b) {
			t.Errorf("%+v: %x, %v, want %x", tc.want, got, err, b)
		}
		if back, err := ParseAnnouncement(b); err != nil || back != tc.want {
			t.Errorf("%x: %+v, %v, want %+v", b, back, err, tc.want)
		}
	}
}

// TestFieldsThatAreIgnored: fields 4, 6 and 7 and unknown ones say nothing (spec 07 §2.1).
func TestFieldsThatAreIgnored(t *testing.T) {
	b := append(unhex(t, hexManagement), unhex(t, "2001 2002 3003 3a04 0801 1001 f80601")...)
	if got, err := ParseAnnouncement(b); err != nil || got != Management.At(0x1A2B3C4D) {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestMalformedMessagesAreRefused: every required field must be there, and 128 bytes are the limit
// (spec 07 §2.1).
func TestMalformedMessagesAreRefused(t *testing.T) {
	whole := unhex(t, hexDataTransfer)
	for n := range whole {
		if a, err := ParseAnnouncement(whole[:n]); err == nil {
			t.Errorf("the first %d bytes are read as %+v", n, a)
		}
	}
	fits, err := Announcement{Component: strings.Repeat("c", CEPMax-10)}.Marshal()
	if err != nil || len(fits) != CEPMax {
		t.Fatalf("%d bytes, %v", len(fits), err)
	}
	if _, err := ParseAnnouncement(fits); err != nil {
		t.Error(err)
	}
	if _, err := (Announcement{Component: strings.Repeat("c", CEPMax-9)}).Marshal(); err == nil || !strings.Contains(err.Error(), "129 bytes") {
		t.Errorf("a message of 129 bytes is written: %v", err)
	}
	if _, err := ParseAnnouncement(append(fits, 0x20, 1)); err == nil {
		t.Error("a message of 130 bytes is read")
	}
}

func FuzzParseAnnouncement(f *testing.F) {
	for _, s := range []string{hexDataTransfer, hexManagement, hexEnrollment, hexBroadcast, hexRefusal} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAnnouncement(b)
		if err != nil {
			return
		}
		if len(b) > CEPMax {
			t.Fatalf("%d bytes are read", len(b))
		}
		c, err := a.Marshal()
		if err != nil {
			return // numbers may be longer than they were: protobuf does not need the shortest form
		}
		if back, err := ParseAnnouncement(c); err != nil || back != a {
			t.Fatalf("%+v becomes %+v, %v", a, back, err)
		}
	})
}

// peer is one end of a flow in the hands of a test.
type peer struct {
	core.Flow
	env    core.Env
	sink   core.Sink
	other  *peer
	refuse error // what Write says
	closed bool
}

// Write carries the packet to the other end in a call of its own.
func (p *peer) Write(b *pkt.Buf) error {
	if p.refuse != nil {
		if !errors.Is(p.refuse, core.ErrWouldBlock) {
			b.Release()
		}
		return p.refuse
	}
	p.env.Post(func() {
		if p.other.closed || p.other.sink == nil {
			b.Release()
			return
		}
		p.other.sink.Deliver(b)
	})
	return nil
}

func (p *peer) Info() core.FlowInfo   { return core.FlowInfo{MTU: 1000, Headroom: 32} }
func (p *peer) Attach(s core.Sink)    { p.sink = s }
func (p *peer) Close(_ time.Duration) { p.closed, p.sink = true, nil }

// bench is a flow between two ends, and what became of an exchange at each.
type bench struct {
	w    *sim.World
	ends [2]*peer
	got  [2][]outcome
	sent [2]int
}

type outcome struct {
	peer Announcement
	err  error
	at   core.Time
}

func newBench(t *testing.T) *bench {
	b := &bench{w: sim.New(1)}
	env := b.w.Node("n")
	for i := range b.ends {
		b.ends[i] = &peer{env: env}
	}
	b.ends[0].other, b.ends[1].other = b.ends[1], b.ends[0]
	t.Cleanup(func() {
		if n := b.w.Pool().Live(); n != 0 {
			t.Errorf("%d packets were not released", n)
		}
		b.w.Close()
	})
	return b
}

func (b *bench) done(i int) func(Announcement, error) {
	return func(a Announcement, err error) {
		b.got[i] = append(b.got[i], outcome{a, err, b.w.Now()})
	}
}

func (b *bench) initiate(own Announcement) {
	Initiate(b.ends[0].env, b.ends[0], own, func(n int) { b.sent[0] += n }, b.done(0))
}

func (b *bench) accept(own ...Announcement) {
	Accept(b.ends[1].env, b.ends[1], func(name string) (Announcement, bool) {
		for _, a := range own {
			if a.Component == name {
				return a, true
			}
		}
		return Announcement{}, false
	}, func(n int) { b.sent[1] += n }, b.done(1))
}

func (b *bench) run(t *testing.T, d time.Duration) {
	t.Helper()
	if err := b.w.Run(b.w.Now().Add(d)); err != nil {
		t.Fatal(err)
	}
}

// once returns the only outcome at an end.
func (b *bench) once(t *testing.T, i int) outcome {
	t.Helper()
	if len(b.got[i]) != 1 {
		t.Fatalf("end %d: done was called %d times", i, len(b.got[i]))
	}
	return b.got[i][0]
}

// TestComponentsFindEachOther: the exchange of spec 07 §2.3. Nothing is reported on the stack of the
// call, and the flow stays open.
func TestComponentsFindEachOther(t *testing.T) {
	b := newBench(t)
	b.accept(Management.At(7), DataTransfer.At(7))
	b.initiate(DataTransfer.At(3))
	if len(b.got[0])+len(b.got[1]) != 0 {
		t.Fatal("done was called on the stack of the call")
	}
	b.run(t, 2*CEPTimeout)
	if o := b.once(t, 0); o.err != nil || o.peer != DataTransfer.At(7) {
		t.Errorf("initiator: %+v", o)
	}
	if o := b.once(t, 1); o.err != nil || o.peer != DataTransfer.At(3) {
		t.Errorf("acceptor: %+v", o)
	}
	if b.ends[0].closed || b.ends[1].closed {
		t.Error("the flow was closed")
	}
	if b.sent[0] != 26 || b.sent[1] != 26 {
		t.Errorf("sent %v bytes, want 26 each", b.sent)
	}
}

// TestUnknownComponentIsRefused: spec 07 §2.3 step 3, also for the empty name (D2), whatever the
// acceptor would find under it.
func TestUnknownComponentIsRefused(t *testing.T) {
	for _, name := range []string{"Enrollment", ""} {
		b := newBench(t)
		b.accept(Management.At(7), Announcement{Component: "", Protocol: "LSP", Version: 1})
		b.initiate(Announcement{Component: name, Protocol: "LSP", Version: 1, Address: 3})
		b.run(t, 10*time.Millisecond)
		if o := b.once(t, 0); !errors.Is(o.err, ErrCEPRefused) {
			t.Errorf("%q: initiator: %v", name, o.err)
		}
		if o := b.once(t, 1); o.err == nil {
			t.Errorf("%q: the acceptor connects", name)
		}
		if !b.ends[0].closed || !b.ends[1].closed || b.sent[1] != 10 {
			t.Errorf("%q: closed %v %v, answer of %d bytes", name, b.ends[0].closed, b.ends[1].closed, b.sent[1])
		}
	}
}

// TestInitiatorComparesWhatIsSpoken: spec 07 §2.3 step 5. The acceptor looks at the name alone, and the
// name in the answer is not looked at.
func TestInitiatorComparesWhatIsSpoken(t *testing.T) {
	for what, answer := range map[string]Announcement{
		"protocol": {Component: "Management", Protocol: "ISIS", Version: 1},
		"version":  {Component: "Management", Protocol: "LSP", Version: 2},
		"syntax":   {Component: "Management", Protocol: "LSP", Version: 1, Syntax: 2},
	} {
		b := newBench(t)
		b.accept(answer)
		b.initiate(Management.At(3))
		b.run(t, 10*time.Millisecond)
		if o := b.once(t, 0); o.err == nil || !b.ends[0].closed {
			t.Errorf("another %s is accepted", what)
		}
		if o := b.once(t, 1); o.err != nil {
			t.Errorf("%s: acceptor: %v", what, o.err)
		}
	}
	b := newBench(t)
	Accept(b.ends[1].env, b.ends[1], func(string) (Announcement, bool) {
		return Announcement{Component: "other", Protocol: "LSP", Version: 1, Address: 7}, true
	}, func(int) {}, b.done(1))
	b.initiate(Management.At(3))
	b.run(t, 10*time.Millisecond)
	if o := b.once(t, 0); o.err != nil || o.peer.Address != 7 {
		t.Errorf("initiator: %+v", o)
	}
}

// TestSilenceEndsTheExchange: both sides wait for 1000 ms (spec 07 §2.3); a keepalive is no message.
func TestSilenceEndsTheExchange(t *testing.T) {
	for i := range 2 {
		b := newBench(t)
		if i == 0 {
			b.initiate(Management.At(3))
		} else {
			b.accept(Management.At(7))
		}
		b.run(t, CEPTimeout-time.Millisecond)
		b.ends[i].sink.Deliver(b.ends[i].env.Pool.Get(0, 0))
		if len(b.got[i]) != 0 {
			t.Fatalf("end %d: %v before the time-out", i, b.got[i])
		}
		b.run(t, time.Second)
		if o := b.once(t, i); !errors.Is(o.err, ErrCEPTimeout) || o.at != core.Time(CEPTimeout) || !b.ends[i].closed {
			t.Errorf("end %d: %+v", i, o)
		}
	}
}

// TestGarbageEndsTheExchange: also a packet that is longer than any message, of which nothing is stored.
func TestGarbageEndsTheExchange(t *testing.T) {
	for _, p := range []func(*pkt.Pool) *pkt.Buf{
		func(pool *pkt.Pool) *pkt.Buf { return pool.GetCopy(0, []byte{0xff}) },
		func(pool *pkt.Pool) *pkt.Buf { return pool.GetPhantom(0, 0, 60000) },
	} {
		b := newBench(t)
		b.accept(Management.At(7))
		b.ends[1].sink.Deliver(p(b.w.Pool()))
		b.run(t, 2*CEPTimeout)
		if o := b.once(t, 1); o.err == nil || errors.Is(o.err, ErrCEPTimeout) || !b.ends[1].closed {
			t.Errorf("%+v", o)
		}
	}
}

// TestFlowThatFailsEndsTheExchange: a write that fails or blocks and a flow that ends are errors, told
// once and not on the stack of the call.
func TestFlowThatFailsEndsTheExchange(t *testing.T) {
	for _, refusal := range []error{core.ErrFlowDown, core.ErrWouldBlock} {
		b := newBench(t)
		b.ends[0].refuse = refusal
		b.initiate(Management.At(3))
		if len(b.got[0]) != 0 {
			t.Error("done was called on the stack of Initiate")
		}
		b.run(t, 2*CEPTimeout)
		if o := b.once(t, 0); !errors.Is(o.err, refusal) || o.at != 0 || !b.ends[0].closed || b.sent[0] != 0 {
			t.Errorf("%v: %+v, sent %d", refusal, o, b.sent[0])
		}
	}
	for _, reason := range []error{core.ErrFlowPeer, nil} {
		b := newBench(t)
		b.accept(Management.At(7))
		b.ends[1].sink.Closed(reason)
		b.run(t, 2*CEPTimeout)
		if o := b.once(t, 1); o.err == nil || reason != nil && !errors.Is(o.err, reason) {
			t.Errorf("%v: %+v", reason, o)
		}
	}
}
