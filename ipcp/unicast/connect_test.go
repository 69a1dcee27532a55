package unicast_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/trace"
	"ouroboros/ipcp"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/ipcp/unicast/routing"
	"ouroboros/sim"
)

// both connects two members to each other at two moments and returns the results.
func both(l *line, gap time.Duration, o unicast.ConnectOptions) (results *[]error) {
	results = new([]error)
	note := func(err error) { *results = append(*results, err) }
	l.envs[0].Post(func() { l.members[0].Connect(name(1), "w0", o, note) })
	l.envs[1].NewTimer(func() { l.members[1].Connect(name(0), "w0", o, note) }).Reset(gap)
	return results
}

// conns returns the connections of a member, as text without the time.
func conns(m *unicast.IPCP) (out []string) {
	m.Connections(func(c unicast.Connection) {
		out = append(out, fmt.Sprintf("%s with %d as %q", c.Component, c.Peer, c.Name))
	})
	return out
}

// pair is a line of two members that do not connect by themselves.
func pair(t *testing.T, o options) (*line, *sim.World) {
	t.Helper()
	o.kind, o.alone = core.LinkEthernet, true
	return simLine(t, 2, o)
}

// TestMembersConnectToEachOtherAtATime: whatever the time between the two, both operations succeed, both
// sides settle on the same connection of each component, and packets pass at once and for good.
func TestMembersConnectToEachOtherAtATime(t *testing.T) {
	for _, delay := range []time.Duration{0, 500 * time.Microsecond, 30 * time.Millisecond} {
		for k := range 14 {
			gap := time.Duration(k) * delay / 2
			if delay == 0 {
				gap = time.Duration(k) * time.Second / 4
			}
			l, w := pair(t, options{spec: core.LinkSpec{Delay: delay}})
			results := both(l, gap, unicast.ConnectOptions{})
			run(t, w, gap+3*time.Second)
			if len(*results) != 2 || errors.Join(*results...) != nil {
				t.Fatalf("delay %v, gap %v: %v", delay, gap, *results)
			}
			passes(t, l, w)
			run(t, w, 10*time.Second)
			for i, m := range l.members {
				if len(ports(m)) != 1 || len(conns(m)) != 2 {
					t.Errorf("delay %v, gap %v: member %d has ports to %v, connections %v", delay, gap, i, ports(m), conns(m))
				}
			}
			passes(t, l, w)
			run(t, w, 5*time.Minute) // no flow that is still used has been given up by the other end
			passes(t, l, w)
		}
	}
}

// TestDisconnect: spec 07 §3.2. By name and component; of what this side has asked for only.
func TestDisconnect(t *testing.T) {
	l, w := pair(t, options{})
	l.connect(0, 1)
	run(t, w, time.Second)
	m := l.members[0]
	m.Disconnect("net.7", ipcp.Both)
	l.members[1].Disconnect(name(0), ipcp.Both) // accepted there
	if got := conns(m); len(got) != 2 || len(conns(l.members[1])) != 2 {
		t.Fatalf("connections %v", got)
	}
	m.Disconnect(name(1), ipcp.DT)
	if got := conns(m); len(got) != 1 || got[0] != `Management with 2 as "net.1"` || len(ports(m)) != 0 {
		t.Errorf("connections %v, ports %v", got, ports(m))
	}
	m.Disconnect(name(1), 0)
	if got := conns(m); len(got) != 0 {
		t.Errorf("connections %v", got)
	}
	run(t, w, time.Second)
	l.connect(0, 1)
	run(t, w, time.Second)
	passes(t, l, w)
}

// TestDisconnectEndsWhatIsUnderWay: with an answer, and for good.
func TestDisconnectEndsWhatIsUnderWay(t *testing.T) {
	for _, us := range []int{0, 500, 1500, 2500, 3500, 4500} {
		l, w := pair(t, options{spec: core.LinkSpec{Delay: 500 * time.Microsecond}})
		var got []error
		l.envs[0].Post(func() {
			l.members[0].Connect(name(1), "w0", unicast.ConnectOptions{Persist: true}, func(err error) { got = append(got, err) })
		})
		run(t, w, time.Duration(us)*time.Microsecond)
		if us == 0 {
			run(t, w, time.Nanosecond)
		}
		l.members[0].Disconnect(name(1), ipcp.Both)
		run(t, w, time.Minute)
		if len(got) != 1 || !errors.Is(got[0], core.ErrCanceled) || len(conns(l.members[0])) != 0 {
			t.Errorf("after %dus: %v, connections %v", us, got, conns(l.members[0]))
		}
	}
}

// TestOneComponent: spec 07 §3.1.
func TestOneComponent(t *testing.T) {
	for comp, want := range map[ipcp.Components]string{
		ipcp.Mgmt: `[Management with 2 as "net.1"]`, ipcp.DT: `[Data Transfer with 2 as "net.1"]`,
		0: `[Management with 2 as "net.1" Data Transfer with 2 as "net.1"]`,
	} {
		l, w := pair(t, options{})
		l.envs[0].Post(func() {
			l.members[0].Connect(name(1), "w0", unicast.ConnectOptions{Components: comp}, func(err error) { check(t, err) })
		})
		run(t, w, time.Second)
		if got := fmt.Sprint(conns(l.members[0])); got != want {
			t.Errorf("%v: %s, want %s", comp, got, want)
		}
	}
}

// quick has an N-1 flow end a second after the peer has fallen silent.
func quick() core.QoS {
	q := core.QoSRaw
	q.Timeout = 1000
	return q
}

// TestSilentNeighbourIsNoNeighbour: decision 5. When the peer is dead both connections end after the
// time-out of their flows, the records with them (spec 07 D3), and the routes.
func TestSilentNeighbourIsNoNeighbour(t *testing.T) {
	l, w := simLine(t, 3, options{kind: core.LinkEthernet, qos: quick()})
	run(t, w, 2*time.Second)
	passes(t, l, w)
	w.Kill("n2")
	run(t, w, 2*time.Second)
	m := l.members[1]
	if got := conns(m); len(got) != 2 || len(ports(m)) != 1 || l.members[0].Forwarding().Next(3, 0) != pff.None {
		t.Errorf("connections %v, ports to %v, the first member has port %d to the dead one", got, ports(m), l.members[0].Forwarding().Next(3, 0))
	}
	l.members = l.members[:2]
}

// TestPersistentConnectionComesBack: after the peer has crashed and come back, with another address, and as
// often as that happens.
func TestPersistentConnectionComesBack(t *testing.T) {
	l, w := pair(t, options{})
	l.envs[0].Post(func() {
		l.members[0].Connect(name(1), "w0", unicast.ConnectOptions{QoS: quick(), Persist: true}, func(err error) { check(t, err) })
	})
	run(t, w, 2*time.Second)
	passes(t, l, w)
	for life := range 3 {
		l.members[1].Leave()
		check(t, l.brokers[1].RemoveProvider(l.members[1]))
		run(t, w, 10*time.Second)
		if got := conns(l.members[0]); len(got) != 0 {
			t.Fatalf("connections to a member that has left: %v", got)
		}
		l.rejoin(1, 10+life)
		run(t, w, 40*time.Second)
		if got := conns(l.members[0]); len(got) != 2 {
			t.Fatalf("life %d: connections %v", life, got)
		}
		passes(t, l, w)
	}
	l.members[0].Disconnect(name(1), ipcp.Both)
	run(t, w, 2*time.Minute)
	if got := conns(l.members[0]); len(got) != 0 {
		t.Errorf("after Disconnect: %v", got)
	}
}

// TestBothSidesKeepTheConnectionUp: they settle on one after every loss, whoever comes first.
func TestBothSidesKeepTheConnectionUp(t *testing.T) {
	l, w := pair(t, options{spec: core.LinkSpec{Delay: 10 * time.Millisecond}})
	o := unicast.ConnectOptions{QoS: quick(), Persist: true}
	results := both(l, 0, o)
	run(t, w, 10*time.Second)
	if len(*results) != 2 || errors.Join(*results...) != nil {
		t.Fatal(*results)
	}
	for range 3 {
		l.wires[0].SetUp(false)
		run(t, w, 10*time.Second)
		if got := append(conns(l.members[0]), conns(l.members[1])...); len(got) != 0 {
			t.Fatalf("connections over a wire that is down: %v", got)
		}
		l.wires[0].SetUp(true)
		run(t, w, 90*time.Second)
		for i, m := range l.members {
			if got := conns(m); len(got) != 2 || len(ports(m)) != 1 {
				t.Fatalf("member %d: connections %v", i, got)
			}
		}
		passes(t, l, w)
	}
}

// TestPersistentConnectionToAPeerThatComesLate: the first failure is told, and the tries go on.
func TestPersistentConnectionToAPeerThatComesLate(t *testing.T) {
	l, w := pair(t, options{enroll: true})
	var got []error
	l.envs[0].Post(func() {
		l.members[0].Connect(name(1), "w0", unicast.ConnectOptions{Persist: true}, func(err error) { got = append(got, err) })
	})
	run(t, w, time.Minute)
	check(t, l.members[1].Bootstrap(l.config(), 1))
	check(t, l.brokers[1].AddProvider(l.members[1]))
	run(t, w, time.Minute)
	if len(got) != 1 || len(conns(l.members[0])) != 2 {
		t.Errorf("told %v, connections %v", got, conns(l.members[0]))
	}
}

// TestCostOfConnections: the cost policy sees what a flow tells of itself.
func TestCostOfConnections(t *testing.T) {
	o := options{spec: core.LinkSpec{Rate: 10_000_000}, layer: func(c unicast.Catalog, l *unicast.Layer) {
		for _, n := range c.Cost.Names() {
			if n != "hops" {
				l.Policies.Cost, _ = c.Cost.Choose(n, nil)
			}
		}
	}}
	l, w := pair(t, o)
	l.connect(0, 1)
	run(t, w, time.Second)
	cost, err := l.config().Policies.Cost.New(l.envs[0])
	check(t, err)
	found := false
	l.members[0].Routing().Database(func(a routing.Adjacency) {
		found = found || a.Src == 1 && a.Cost == cost.Of(core.FlowInfo{Rate: 10_000_000})
	})
	if !found {
		t.Error("the adjacency has another cost than the policy gives")
	}
}

// TestAddressTaken: decision 6. A newcomer that has drawn the address of a distant member finds out when it
// hears the link state database, before it has said anything of itself, and takes another; that of the
// member it enrolls with it does not take in the first place. Nobody else notices.
func TestAddressTaken(t *testing.T) {
	for _, at := range []int{0, 1} { // whose address the newcomer has: a distant member's, its neighbour's
		draw := []uint64{1, 2, uint64(at + 1)}
		l, w := simLine(t, 3, options{kind: core.LinkEthernet, enroll: true, layer: addresses(draw)})
		l.envs[1].Post(func() { l.enroll(1, 0, func(err error) { check(t, err); l.connect(1, 0) }) })
		run(t, w, time.Second)
		a, b := l.flow(0, 1, core.QoSRaw, "sink")
		var from, to sink
		a.Attach(&from)
		b.Attach(&to)
		w.Observe(func(e trace.Event) {
			if e.Kind == trace.LSAAccepted && e.Stream == "n1/net/routing" && e.A == l.members[0].Address() {
				t.Errorf("somebody speaks for the first member: %v", e)
			}
		})
		l.envs[2].Post(func() { l.enroll(2, 1, func(err error) { check(t, err); l.connect(2, 1) }) })
		run(t, w, 10*time.Second)
		w.Observe(nil)
		if got := [3]int{l.members[0].Conflicts(), l.members[1].Conflicts(), l.members[2].Conflicts()}; got != [3]int{0, 0, 1 - at} {
			t.Errorf("conflicts %v, newcomer with the address of member %d", got, at)
		}
		if x := l.members[2].Address(); x == l.members[0].Address() || x == l.members[1].Address() || !l.converged() {
			t.Errorf("the newcomer has address %d, converged %v", x, l.converged())
		}
		if from.closed != nil || to.closed != nil {
			t.Errorf("a flow of others ended: %v, %v", from.closed, to.closed)
		}
		passes(t, l, w)
		a.Close(0)
		b.Close(0)
	}
}

// TestTwoHalvesWithOneAddressMeet: decision 6. Two parts of a layer that came up apart have a member of the
// same address each. When they meet, at least one of the two takes another; its flows end with an error
// that says so, its neighbours learn the new address over the connections that stand, and all reach all.
func TestTwoHalvesWithOneAddressMeet(t *testing.T) {
	draw := []uint64{1, 2, 3, 1}
	l, w := simLine(t, 4, options{kind: core.LinkEthernet, alone: true, layer: addresses(draw)})
	l.connect(1, 0) // the member that moves has accepted its connection
	l.connect(2, 3)
	run(t, w, time.Second)
	a, b := l.flow(0, 1, core.QoSRaw, "left")
	c, d := l.flow(3, 2, core.QoSRaw, "right")
	var ends [4]sink
	for i, f := range []core.Flow{a, b, c, d} {
		f.Attach(&ends[i])
	}
	l.connect(1, 2)
	run(t, w, 2*time.Minute)
	first, last := l.members[0], l.members[3]
	if first.Address() == last.Address() || first.Conflicts()+last.Conflicts() == 0 || l.members[1].Conflicts()+l.members[2].Conflicts() != 0 {
		t.Errorf("addresses %d and %d, conflicts %d and %d", first.Address(), last.Address(), first.Conflicts(), last.Conflicts())
	}
	for i, m := range []*unicast.IPCP{first, last} {
		if told := ends[2*i].closed; (m.Conflicts() > 0) != errors.Is(told, unicast.ErrReaddressed) || told != nil && !errors.Is(told, core.ErrFlowDown) {
			t.Errorf("member with %d conflicts: its flow was told %v", m.Conflicts(), told)
		}
	}
	if !l.converged() {
		t.Error("not all members reach all others")
	}
	passes(t, l, w)
	for _, f := range []core.Flow{a, b, c, d} {
		f.Close(0)
	}
}

// TestNamesMoveWithTheAddress: what a member has registered is found at its new address.
func TestNamesMoveWithTheAddress(t *testing.T) {
	twin := addresses([]uint64{1, 2, 1})
	l, w := simLine(t, 3, options{kind: core.LinkEthernet, enroll: true, layer: func(c unicast.Catalog, l *unicast.Layer) {
		twin(c, l)
		l.Policies.Directory, _ = c.Directory.Choose("dht", nil)
	}})
	check(t, l.brokers[2].Register("late", "net"))
	l.envs[1].Post(func() { l.enroll(1, 0, func(err error) { check(t, err); l.connect(1, 0) }) })
	l.envs[2].NewTimer(func() { l.enroll(2, 1, func(err error) { check(t, err); l.connect(2, 1) }) }).Reset(time.Second)
	run(t, w, 20*time.Second)
	if l.members[2].Conflicts() != 1 {
		t.Fatalf("%d conflicts", l.members[2].Conflicts())
	}
	l.flow(0, 2, core.QoSRaw, "late")
	for _, b := range l.members {
		b.FA().Abort(core.ErrFlowDown)
	}
}

// TestConflictWithoutAnotherAddress: a policy that counts gives the same address again. It is counted, and
// the layer goes on.
func TestConflictWithoutAnotherAddress(t *testing.T) {
	l, w := pair(t, options{layer: func(c unicast.Catalog, l *unicast.Layer) {
		l.Policies.Addressing, _ = c.Addressing.Choose("sequential", nil)
	}})
	other, err := unicast.New(l.envs[1].Derive("other"), l.brokers[1], unicast.Config{Name: "other", Catalog: l.catalog})
	check(t, err)
	check(t, other.Bootstrap(l.config(), 0)) // as member 0
	t.Cleanup(other.Leave)
	var got error
	other.Connect(name(0), "w0", unicast.ConnectOptions{}, func(err error) { got = err })
	run(t, w, 30*time.Second)
	if got == nil || other.Conflicts() == 0 || l.members[0].Conflicts() != 0 || other.Address() != 1 {
		t.Errorf("%v, conflicts %d and %d", got, other.Conflicts(), l.members[0].Conflicts())
	}
}

// TestEveryPacketFindsItsWayWhileConnectionsAreReplaced: what is on the way when a connection is replaced
// arrives.
func TestEveryPacketFindsItsWayWhileConnectionsAreReplaced(t *testing.T) {
	l, w := pair(t, options{spec: core.LinkSpec{Delay: 2 * time.Millisecond}})
	l.connect(0, 1)
	run(t, w, time.Second)
	a, b := l.flow(0, 1, core.QoSRaw, "sink")
	var to sink
	b.Attach(&to)
	const n = 100
	for i := range n {
		if i%30 == 10 {
			l.connect(i/30%2, 1-i/30%2)
		}
		check(t, a.Write(l.envs[0].Pool.Get(a.Info().Headroom, 10)))
		run(t, w, time.Millisecond)
	}
	run(t, w, time.Second)
	if to.packets != n {
		t.Errorf("%d of %d packets arrived", to.packets, n)
	}
	a.Close(0)
	b.Close(0)
}

// TestConnectionsSettle: after any sequence of connects and disconnects from both sides, while the wire
// loses packets and goes down and up, one more Connect gives one connection of each component, the same on
// both sides, and packets pass. Nothing is left behind.
func TestConnectionsSettle(t *testing.T) {
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 0))
		l, w := pair(t, options{spec: core.LinkSpec{
			Delay: time.Duration(r.IntN(20)) * time.Millisecond, Jitter: time.Millisecond, Loss: 0.1 * r.Float64(),
		}})
		for range r.IntN(20) {
			m := r.IntN(2)
			peer := name(1 - m)
			switch r.IntN(4) {
			case 0, 1:
				o := unicast.ConnectOptions{QoS: quick(), Components: ipcp.Components(r.IntN(4)), Persist: r.IntN(2) == 0}
				l.members[m].Connect(peer, "w0", o, func(error) {})
			case 2:
				l.members[m].Disconnect(peer, ipcp.Components(r.IntN(4)))
			case 3:
				l.wires[0].SetUp(r.IntN(2) == 0)
			}
			run(t, w, time.Duration(r.ExpFloat64()*float64(50*time.Millisecond)))
		}
		l.wires[0].SetUp(true)
		check(t, l.wires[0].Set(0, core.LinkSpec{Delay: time.Millisecond, Kind: core.LinkEthernet}))
		check(t, l.wires[0].Set(1, core.LinkSpec{Delay: time.Millisecond, Kind: core.LinkEthernet}))
		run(t, w, 2*time.Minute)
		l.connect(0, 1)
		run(t, w, 10*time.Second)
		for i, m := range l.members {
			if len(conns(m)) != 2 || len(ports(m)) != 1 {
				t.Fatalf("seed %d: member %d: connections %v", seed, i, conns(m))
			}
		}
		passes(t, l, w)
	}
}
