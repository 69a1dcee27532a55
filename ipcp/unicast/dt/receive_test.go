package dt

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
)

// TestForwardingStepByStep: spec 02 §6 for packets that arrive at port 0 of member 7, of three bytes of
// payload, and each drop rule of §6.1 with its counter.
func TestForwardingStepByStep(t *testing.T) {
	none := Stats{}
	got := func(st Stats) Stats { st.Received = Counter{1, 18}; return st }
	sent := Stats{Sent: Counter{1, 18}}
	for _, tc := range []struct {
		name     string
		dst      uint64
		ttl, ecn uint8
		eid      uint64
		queued   int  // at the outgoing flow
		out      int  // port on which it leaves, -1 if it does not
		wantTTL  byte // on the way out
		wantECN  byte
		local    string // who gets it here: component or flow
		in, exit Stats  // of the incoming port, and of port 1
	}{
		{name: "transit", dst: 101, ttl: 60, eid: 99, out: 1, wantTTL: 59, in: got(none), exit: sent},
		{name: "transit, last hop", dst: 101, ttl: 2, eid: 99, out: 1, wantTTL: 1, in: got(none), exit: sent},
		{name: "back where it came from", dst: 100, ttl: 60, eid: 99, out: 0, wantTTL: 59, in: got(sent)},
		{name: "component id is no matter in transit", dst: 101, ttl: 60, eid: 5, out: 1, wantTTL: 59, in: got(none), exit: sent},
		{name: "TTL 1 ends in transit", dst: 101, ttl: 1, eid: 99, out: -1, in: got(Stats{DropTTL: Counter{1, 18}})},
		{name: "TTL 0 does not wrap around (D2)", dst: 101, ttl: 0, eid: 99, out: -1, in: got(Stats{DropTTL: Counter{1, 18}})},
		{name: "no next hop", dst: 200, ttl: 60, eid: 99, out: -1, in: got(Stats{DropNoRoute: Counter{1, 18}})},
		{name: "TTL before next hop", dst: 200, ttl: 1, eid: 99, out: -1, in: got(Stats{DropTTL: Counter{1, 18}})},
		{name: "marked by 16 packets", dst: 101, ttl: 60, eid: 99, queued: 16, out: 1, wantTTL: 59, wantECN: 1, in: got(none), exit: sent},
		{name: "not marked by 15", dst: 101, ttl: 60, eid: 99, queued: 15, out: 1, wantTTL: 59, in: got(none), exit: sent},
		{name: "marks are ORed", dst: 101, ttl: 60, ecn: 5, eid: 99, queued: 48, out: 1, wantTTL: 59, wantECN: 7, in: got(none), exit: sent},
		{name: "marks stay", dst: 101, ttl: 60, ecn: 0xf0, eid: 99, out: 1, wantTTL: 59, wantECN: 0xf0, in: got(none), exit: sent},
		{name: "here, component 0", dst: self, ttl: 60, eid: 0, out: -1, local: "component 0", in: got(Stats{LocalReceived: Counter{1, 18}})},
		{name: "here, component 1", dst: self, ttl: 60, eid: 1, out: -1, local: "component 1", in: got(Stats{LocalReceived: Counter{1, 18}})},
		{name: "TTL does not matter here", dst: self, ttl: 0, eid: 0, out: -1, local: "component 0", in: got(Stats{LocalReceived: Counter{1, 18}})},
		{name: "unknown component", dst: self, ttl: 60, eid: 2, out: -1, in: got(Stats{DropUnknown: Counter{1, 18}})},
		{name: "last component id", dst: self, ttl: 60, eid: 63, out: -1, in: got(Stats{DropUnknown: Counter{1, 18}})},
		{name: "first flow id", dst: self, ttl: 60, ecn: 9, eid: 64, out: -1, local: "flow 0x40 ecn 9", in: got(none)},
		{name: "flow", dst: self, ttl: 1, eid: 0xCAFEBABE00000041, out: -1, local: "flow 0xcafebabe00000041 ecn 0", in: got(none)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMember(t, wire.DefaultPCI, "mb-ecn", 10, 2)
			var local string
			take := func(who string) Component {
				return func(p *pkt.Buf) {
					if local += who; string(p.Bytes()) != "abc" {
						t.Errorf("payload %q", p.Bytes())
					}
					p.Release()
				}
			}
			m.Handle(0, take("component 0"))
			m.Handle(1, take("component 1"))
			m.HandleFlows(func(eid uint64, ecn uint8, p *pkt.Buf) { take(fmt.Sprintf("flow %#x ecn %d", eid, ecn))(p) })
			m.flows[1].queued = tc.queued
			m.arrive(0, m.packet(tc.dst, 2, tc.ttl, tc.ecn, tc.eid, "abc"))
			if local != tc.local {
				t.Errorf("delivered to %q, want %q", local, tc.local)
			}
			for i, f := range m.flows {
				out := f.take()
				if (i == tc.out) != (len(out) == 1) || len(out) > 1 {
					t.Fatalf("port %d: %d packets", i, len(out))
				}
				if i != tc.out {
					continue
				}
				if p := out[0]; p[4] != 2 || p[5] != tc.wantTTL || p[6] != tc.wantECN || string(p[15:]) != "abc" {
					t.Errorf("left as %x", p)
				}
			}
			if st := m.port(0); st != tc.in {
				t.Errorf("incoming port: %+v, want %+v", st, tc.in)
			}
			if st := m.port(1); st != tc.exit {
				t.Errorf("other port: %+v, want %+v", st, tc.exit)
			}
		})
	}
}

// TestShortAndEmptyPackets: D4, shorter than the header is dropped and counted; an empty packet is a
// keepalive of the N-1 flow and never reaches the procedure (§6.1). A header in phantom bytes is a
// header.
func TestShortAndEmptyPackets(t *testing.T) {
	m := newMember(t, wire.DefaultPCI, "none", 10, 2)
	m.arrive(0, m.env.Pool.Get(0, 0))
	if st := m.port(0); st != (Stats{}) {
		t.Errorf("keepalive: %+v", st)
	}
	for n := 1; n < m.HeaderLen(); n++ {
		m.arrive(0, m.env.Pool.Get(0, n))
	}
	if st := m.port(0); st != (Stats{DropShort: Counter{14, 105}}) {
		t.Errorf("short: %+v", st)
	}
	m.arrive(0, m.env.Pool.GetPhantom(0, 4, 11)) // to 0, TTL 0
	if st := m.port(0); st.DropTTL != (Counter{1, 15}) {
		t.Errorf("phantom header: %+v", st)
	}
	m.arrive(0, m.packet(self, 0, 60, 0, 64, "")) // nobody takes flows here
	if st := m.port(0); st.DropUnknown != (Counter{1, 15}) {
		t.Errorf("no flows: %+v", st)
	}
}

// TestFreshPackets: spec 02 §5, and the first example of §2.3 to the byte.
func TestFreshPackets(t *testing.T) {
	m := newMember(t, wire.DefaultPCI, "mb-ecn", 10, 1)
	m.pff.Replace(nil)
	if err := m.Send(0x1A2B3C4D, 0, 64, 0, m.env.Pool.Get(64, 5), nil); err == nil {
		t.Error("sent without a next hop")
	}
	if st := m.Origin(); st.DropNoRoute != (Counter{1, 5}) {
		t.Errorf("%+v", st)
	}
	m.addPort(t)
	route := func(dst uint64) { m.pff.Replace(routesTo(dst, 1)) }
	route(0x1A2B3C4D)
	for _, tc := range []struct {
		queued int
		eid    uint64
		want   string
	}{
		{0, 0xCAFEBABE00000041, "4d3c2b1a003c0041000000bebafeca68656c6c6f"},
		{160, 0xCAFEBABE00000041, "4d3c2b1a003c0a41000000bebafeca68656c6c6f"}, // the source marks like any other
		{0, 1, "4d3c2b1a003c00010000000000000068656c6c6f"},
	} {
		m.flows[1].queued = tc.queued
		if err := m.Send(0x1A2B3C4D, 0, tc.eid, 0, m.env.Pool.GetCopy(64, []byte("hello")), nil); err != nil {
			t.Fatal(err)
		}
		if out := m.flows[1].take(); len(out) != 1 || hex.EncodeToString(out[0]) != tc.want {
			t.Errorf("%x, want %s", out, tc.want)
		}
	}
	if st := m.port(1); st.LocalSent != (Counter{1, 20}) || st.Sent != (Counter{3, 60}) {
		t.Errorf("%+v", st)
	}
	if st := m.Origin(); st.LocalReceived != (Counter{1, 5}) {
		t.Errorf("%+v", st)
	}
}

// TestOtherFieldSizes: decision 11. Addresses and endpoint ids of 1 to 8 bytes, through two members.
func TestOtherFieldSizes(t *testing.T) {
	for a := 1; a <= 8; a++ {
		for e := 1; e <= 8; e++ {
			m := newMember(t, wire.PCI{Addr: a, EID: e}, "none", 10, 1)
			m.pff.Replace(routesTo(200, 0))
			eid := uint64(0xF1F2F3F4F5F6F7F8) >> (64 - 8*e)
			if err := m.Send(200, 1, eid, 0, m.env.Pool.GetCopy(64, []byte("x")), nil); err != nil {
				t.Fatal(err)
			}
			out := m.flows[0].take()[0]
			if len(out) != a+3+e+1 {
				t.Fatalf("sizes %d, %d: %d bytes", a, e, len(out))
			}
			to := newMember(t, wire.PCI{Addr: a, EID: e}, "none", 10, 1)
			to.SetAddress(200)
			var got uint64
			to.HandleFlows(func(eid uint64, _ uint8, p *pkt.Buf) { got = eid; p.Release() })
			to.arrive(0, to.env.Pool.GetCopy(64, out))
			if got != eid {
				t.Errorf("sizes %d, %d: endpoint id %#x, want %#x", a, e, got, eid)
			}
		}
	}
}

// TestOnlyTTLAndECNChange: whatever a packet in transit holds, it leaves as it came but for these two
// bytes, also as a copy where N-1 flows differ in their headroom.
func TestOnlyTTLAndECNChange(t *testing.T) {
	m := newMember(t, wire.DefaultPCI, "mb-ecn", 10, 2)
	rapid.Check(t, func(rt *rapid.T) {
		payload := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(rt, "payload")
		phantom := rapid.SampledFrom([]int{0, 1, 1000}).Draw(rt, "phantom")
		ttl, ecn := rapid.Uint8Range(2, 255).Draw(rt, "ttl"), rapid.Byte().Draw(rt, "ecn")
		m.flows[1].queued = rapid.IntRange(0, 5000).Draw(rt, "queued")
		m.flows[1].info.Headroom = rapid.IntRange(0, 200).Draw(rt, "headroom")
		m.flows[1].sink.State(true) // the flow may have changed

		p := m.env.Pool.GetPhantom(rapid.IntRange(0, 40).Draw(rt, "room")+15, len(payload), phantom)
		copy(p.Front(), payload)
		m.cfg.Layout.Put(p.Push(15), 101, rapid.Byte().Draw(rt, "cube"), ttl, ecn, rapid.Uint64().Draw(rt, "eid"))
		want := append(bytes.Clone(p.Front()), make([]byte, phantom)...)
		want[5], want[6] = ttl-1, ecn|uint8(m.flows[1].queued>>4)

		m.arrive(0, p)
		if len(m.flows[1].written) == 1 && m.flows[1].written[0].Phantom() != phantom {
			rt.Error("phantom bytes were stored")
		}
		out := m.flows[1].take()
		if len(out) != 1 || !bytes.Equal(out[0], want) {
			rt.Fatalf("left as %x, want %x", out, want)
		}
	})
}

// FuzzReceive: hostile packets never panic, are taken once, and each is counted exactly once.
func FuzzReceive(f *testing.F) {
	f.Add([]byte{}, uint8(4), uint8(8))
	f.Add([]byte{7, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3}, uint8(4), uint8(8))
	f.Add([]byte{101, 0, 0, 0, 255, 2, 255, 255, 255, 255, 255, 255, 255, 255, 255}, uint8(4), uint8(8))
	f.Add([]byte{7, 0, 60, 0, 70}, uint8(1), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, a, e uint8) {
		layout := wire.PCI{Addr: int(a), EID: int(e)}
		if layout.Validate() != nil || len(b) > 1<<16 {
			return
		}
		m := newMember(t, layout, "mb-ecn", 1, 2)
		taken := uint64(0)
		m.Handle(0, func(p *pkt.Buf) { taken++; p.Release() })
		m.HandleFlows(func(eid uint64, _ uint8, p *pkt.Buf) {
			if taken++; eid < FirstFlow {
				t.Errorf("endpoint id %d was taken for a flow", eid)
			}
			p.Release()
		})
		m.flows[1].room = 0
		for range 3 {
			m.arrive(0, m.env.Pool.GetCopy(0, b))
		}
		in, out := m.port(0), m.port(1)
		waits := uint64(m.ports[1].queue.Len())
		fate := taken + waits + in.Sent.Packets + in.DropTTL.Packets + in.DropNoRoute.Packets + in.DropShort.Packets +
			in.DropUnknown.Packets + in.DropWrite.Packets + out.Sent.Packets + out.DropWrite.Packets
		if want := uint64(3); len(b) > 0 && fate != want || len(b) == 0 && fate != 0 {
			t.Errorf("%d packets, %d fates: %+v %+v", want, fate, in, out)
		}
	})
}

// BenchmarkForward is one packet in transit, without the N-1 flows.
func BenchmarkForward(b *testing.B) {
	for _, congestion := range []string{"none", "mb-ecn"} {
		b.Run(congestion, func(b *testing.B) {
			m := newMember(b, wire.DefaultPCI, congestion, 10, 2)
			m.flows[1].discard = true
			b.ReportAllocs()
			for b.Loop() {
				m.arrive(0, m.packet(101, 0, 60, 0, 1<<32|64, ""))
			}
		})
	}
}

// BenchmarkSend is one packet at its source.
func BenchmarkSend(b *testing.B) {
	m := newMember(b, wire.DefaultPCI, "mb-ecn", 10, 2)
	m.flows[1].discard = true
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Send(101, core.CubeBestEffort, 1<<32|64, 0, m.env.Pool.Get(64, 8), nil); err != nil {
			b.Fatal(err)
		}
	}
}
