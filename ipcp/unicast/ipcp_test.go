package unicast_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/ipcp"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/sim"
)

// simLine is a line in a simulated world of its own, which must be empty after all members have left.
func simLine(t *testing.T, n int, o options) (*line, *sim.World) {
	t.Helper()
	w := sim.New(1)
	l := newLine(t, w, n, o)
	t.Cleanup(func() {
		l.leave()
		run(t, w, 25*time.Hour) // events of timers that were stopped
		if n := w.Pool().Live(); n != 0 {
			t.Errorf("%d packets were not released", n)
		}
		if n := w.Pending(); n != 0 {
			t.Errorf("%d events are still to come", n)
		}
		w.Close()
	})
	return l, w
}

func run(t *testing.T, w *sim.World, d time.Duration) {
	t.Helper()
	check(t, w.Run(w.Now().Add(d)))
}

// ports returns the addresses that a member has ports to.
func ports(m *unicast.IPCP) (peers []uint64) {
	m.DT().Ports(func(_ pff.Port, peer uint64, _ dt.Stats, _ int) { peers = append(peers, peer) })
	return peers
}

// sink counts what a flow delivers.
type sink struct {
	packets int
	bytes   int
	states  []bool
	closed  error
	onRoom  func()
}

func (s *sink) Deliver(p *pkt.Buf) { s.packets++; s.bytes += p.Len(); p.Release() }
func (s *sink) State(up bool)      { s.states = append(s.states, up) }
func (s *sink) Closed(err error)   { s.closed = err }
func (s *sink) Writable() {
	if s.onRoom != nil {
		s.onRoom()
	}
}

// TestMembersConnectAndFindEachOther: spec 07 §3.1, and a name that nobody has is refused at once
// (decision 2).
func TestMembersConnectAndFindEachOther(t *testing.T) {
	l, w := simLine(t, 3, options{kind: core.LinkEthernet})
	run(t, w, time.Second)
	if l.up != 2 || len(l.failed) != 0 || !l.converged() {
		t.Fatalf("%d connections, %v", l.up, l.failed)
	}
	if got := ports(l.members[1]); len(got) != 2 || got[0] == got[1] {
		t.Errorf("ports to %v", got)
	}
	if !l.members[0].Connected(2) || l.members[0].Connected(3) {
		t.Error("the first member is connected to the second and not to the third")
	}
	asked, answered := w.Now(), core.Time(-1)
	l.brokers[0].Alloc(core.Request{Name: "nobody", Layer: "net"}, func(_ core.Flow, err error) {
		answered = w.Now()
		if !errors.Is(err, core.ErrIPCP) {
			t.Errorf("%v, want %v", err, core.ErrIPCP)
		}
	})
	if run(t, w, time.Second); answered < 0 || answered.Sub(asked) > 500*time.Millisecond {
		t.Errorf("an unknown name was refused at %v", answered)
	}
}

// TestCongestionControlEndToEnd: spec 06 over two members. A source that writes as fast as its flow takes
// packets is marked, reported on and slowed: nothing is lost, and the wire is used.
func TestCongestionControlEndToEnd(t *testing.T) {
	const rate = 10_000_000
	o := options{kind: core.LinkEthernet, congestion: "mb-ecn", spec: core.LinkSpec{Rate: rate, Delay: time.Millisecond, QueuePackets: 1000}}
	l, w := simLine(t, 2, o)
	a, b := l.flow(0, 1, core.QoSRaw, "sink")
	var from, to sink
	b.Attach(&to)
	var pour func()
	ended := false
	pour = func() {
		for !ended {
			p := l.envs[0].Pool.GetPhantom(a.Info().Headroom, 0, 1000)
			if err := a.Write(p); err != nil {
				p.Release()
				if !errors.Is(err, core.ErrWouldBlock) {
					t.Error(err)
				}
				return
			}
		}
	}
	from.onRoom = pour
	a.Attach(&from)
	l.envs[0].Post(pour)
	run(t, w, 20*time.Second)
	ended = true
	src, _ := l.members[0].FA().Flow(a.Info().EID)
	dst, _ := l.members[1].FA().Flow(b.Info().EID)
	if dst.Stats.UpdatesSent == 0 || src.Stats.UpdatesReceived != dst.Stats.UpdatesSent || src.Stats.Paused == 0 {
		t.Errorf("source %+v, destination %+v", src.Stats, dst.Stats)
	}
	if st := l.wires[0].Stats(0); st.DropQueue != 0 {
		t.Errorf("%d packets were dropped at the wire, at most %d waited", st.DropQueue, st.QueueMax)
	}
	if used := float64(to.bytes) * 8 / 20 / rate; used < 0.6 {
		t.Errorf("%.0f %% of the wire was used", 100*used)
	}
	a.Close(0)
	b.Close(0)
}

// TestSecondConnectionReplacesTheFirst: spec 04 §2.1. Each side keeps one after a while, and packets pass
// all the time.
func TestSecondConnectionReplacesTheFirst(t *testing.T) {
	l, w := simLine(t, 2, options{kind: core.LinkEthernet})
	run(t, w, time.Second)
	for range 3 {
		l.connect(0, 1)
		run(t, w, time.Second)
		passes(t, l, w)
	}
	run(t, w, 30*time.Second) // refreshes pass
	if l.up != 4 || len(ports(l.members[0])) != 1 || len(ports(l.members[1])) != 1 {
		t.Fatalf("%d connections, ports to %v and %v", l.up, ports(l.members[0]), ports(l.members[1]))
	}
	passes(t, l, w)
}

// passes checks that a packet gets from the first member to the last.
func passes(t *testing.T, l *line, w *sim.World) {
	t.Helper()
	last := len(l.members) - 1
	a, b := l.flow(0, last, core.QoSRaw, core.Name("check "+w.Now().String()))
	var s sink
	b.Attach(&s)
	check(t, a.Write(l.envs[0].Pool.Get(a.Info().Headroom, 10)))
	if run(t, w, time.Second); s.packets != 1 {
		t.Errorf("%d packets arrived, want 1", s.packets)
	}
	a.Close(0)
	b.Close(0)
}

// TestNeighbourDownAndUp: decisions 5 and 12. A flow of the layer is not told; its packets have no way
// meanwhile and pass again afterwards.
func TestNeighbourDownAndUp(t *testing.T) {
	l, w := simLine(t, 3, options{kind: core.LinkEthernet})
	a, b := l.flow(0, 2, core.QoSRaw, "sink")
	var from, to sink
	a.Attach(&from)
	b.Attach(&to)
	write := func() {
		if err := a.Write(l.envs[0].Pool.Get(a.Info().Headroom, 10)); err != nil {
			t.Error(err)
		}
		run(t, w, 500*time.Millisecond)
	}
	write()
	l.wires[1].SetUp(false)
	run(t, w, 5*time.Second)
	before := l.members[0].DT().Origin().DropNoRoute.Packets
	write()
	if l.members[0].Forwarding().Next(l.members[2].Address(), 0) != pff.None {
		t.Error("the first member still has a route over the link that is down")
	}
	l.wires[1].SetUp(true)
	run(t, w, 5*time.Second)
	write()
	if to.packets != 2 || len(from.states)+len(to.states) != 0 {
		t.Errorf("%d packets arrived, want 2; told %v, %v", to.packets, from.states, to.states)
	}
	if n := l.members[0].DT().Origin().DropNoRoute.Packets - before; n != 1 {
		t.Errorf("%d packets had no route, want 1", n)
	}
	a.Close(0)
	b.Close(0)
}

// TestDatabaseOverAFullFlow: what a management flow has no room for waits; the layer does not depend on
// the refresh after 15 s to learn of all links.
func TestDatabaseOverAFullFlow(t *testing.T) {
	o := options{kind: core.LinkEthernet, spec: core.LinkSpec{Rate: 1_000_000, QueuePackets: 1, Block: true}}
	l, w := simLine(t, 8, o)
	run(t, w, 10*time.Second)
	if !l.converged() {
		t.Error("not converged before the first refresh")
	}
}

// TestLeaveWithThingsInFlight: a member may leave at any moment, while connections are made, requests
// asked and packets are queued. Nobody waits for ever, nothing is left behind, and it does not come back.
func TestLeaveWithThingsInFlight(t *testing.T) {
	for _, us := range []int{0, 1, 500, 1000, 1500, 2000, 2500, 3000, 5000, 10_000, 100_000} {
		o := options{kind: core.LinkEthernet, spec: core.LinkSpec{Delay: 400 * time.Microsecond}}
		l, w := simLine(t, 3, o)
		answers := 0
		l.envs[0].Post(func() {
			l.brokers[0].Alloc(core.Request{Name: "x", Layer: "net"}, func(core.Flow, error) { answers++ })
		})
		run(t, w, time.Duration(us)*time.Microsecond)
		l.members[1].Leave()
		l.members[1].Leave()
		run(t, w, 25*time.Second)
		if got := ports(l.members[1]); len(got) != 0 {
			t.Errorf("left at %dus: it has ports to %v", us, got)
		}
		if answers != 1 {
			t.Errorf("left at %dus: %d answers to a request for a flow, want 1", us, answers)
		}
		if l.up+len(l.failed) != 2 && l.up+len(l.failed) != 1 { // the one it made itself is given up
			t.Errorf("left at %dus: %d connections, %v", us, l.up, l.failed)
		}
		if err := l.members[1].Bootstrap(l.config(), 5); !errors.Is(err, core.ErrIPCPState) {
			t.Errorf("it came back: %v", err)
		}
	}
}

// TestLeaveEndsFlows: their users are told from a call of their own.
func TestLeaveEndsFlows(t *testing.T) {
	l, w := simLine(t, 2, options{kind: core.LinkEthernet})
	a, b := l.flow(0, 1, core.QoSRaw, "sink")
	var from, to sink
	a.Attach(&from)
	b.Attach(&to)
	run(t, w, time.Second)
	l.members[0].Leave()
	if from.closed != nil {
		t.Error("told on the stack of Leave")
	}
	run(t, w, time.Second)
	if !errors.Is(from.closed, core.ErrFlowDown) || to.closed != nil {
		t.Errorf("told %v, %v", from.closed, to.closed)
	}
	b.Close(0)
}

// TestBeforeBootstrap: an IPCP that is in no layer refuses.
func TestBeforeBootstrap(t *testing.T) {
	l, w := simLine(t, 2, options{kind: core.LinkEthernet, header: wire.PCI{Addr: 1, EID: 8}})
	m, err := unicast.New(l.envs[0].Derive("other"), l.brokers[0], unicast.Config{Name: "other", Catalog: l.catalog})
	check(t, err)
	if m.State() != ipcp.Boot {
		t.Errorf("state %v", m.State())
	}
	if err := m.Register("h"); !errors.Is(err, core.ErrIPCPState) {
		t.Errorf("Register: %v", err)
	}
	var got, join error
	m.AllocFlow(core.FlowRequest{Hash: "h"}, func(_ core.Flow, _ core.FlowReply, err error) { got = err })
	m.Join(func(_ core.Flow, err error) { join = err })
	run(t, w, time.Second)
	if !errors.Is(got, core.ErrIPCPState) || !errors.Is(join, core.ErrUnsupp) {
		t.Errorf("AllocFlow: %v, Join: %v", got, join)
	}
	// An address that the header cannot hold would never be reached.
	if err := m.Bootstrap(l.config(), 300); err == nil || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("address 301 in one byte: %v", err)
	}
	m.Leave()
}

// TestPeersThatDoNotBehave: a flow that says nothing, asks for another component, or claims the address
// 0, gets no connection; the next one does.
func TestPeersThatDoNotBehave(t *testing.T) {
	l, w := simLine(t, 2, options{kind: core.LinkEthernet})
	run(t, w, time.Second)
	before := len(ports(l.members[1]))
	for _, own := range []ipcp.Announcement{
		{Component: "Naming", Protocol: "OEP", Version: 1}, ipcp.DataTransfer, ipcp.Management, {},
	} {
		l.brokers[0].Alloc(core.Request{Name: name(1), Layer: "w0", QoS: core.QoSRaw}, func(f core.Flow, err error) {
			check(t, err)
			if own == (ipcp.Announcement{}) {
				return // silence
			}
			ipcp.Initiate(l.envs[0], f, own, func(int) {}, func(_ ipcp.Announcement, err error) {
				if err == nil {
					f.Close(0)
				}
			})
		})
	}
	run(t, w, 3*time.Second)
	if got := ports(l.members[1]); len(got) != before {
		t.Errorf("ports to %v", got)
	}
	passes(t, l, w)
}

// TestConnectGivesUp: after 20 s, with an error that says who, what and why (spec 07 §8).
func TestConnectGivesUp(t *testing.T) {
	l, w := simLine(t, 2, options{kind: core.LinkEthernet})
	run(t, w, time.Second)
	var got error
	at := core.Time(0)
	l.members[0].Connect("net.9", "w0", unicast.ConnectOptions{}, func(err error) { got, at = err, w.Now() })
	run(t, w, 30*time.Second)
	if got == nil || at < core.Time(20*time.Second) || at > core.Time(22*time.Second) {
		t.Fatalf("%v at %v", got, at)
	}
	for _, part := range []string{"net.0", "Management", "net.9"} {
		if !strings.Contains(got.Error(), part) {
			t.Errorf("%v: %q is missing", got, part)
		}
	}
}
