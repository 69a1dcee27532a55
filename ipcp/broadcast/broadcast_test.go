package broadcast_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/irm"
	"ouroboros/core/pkt"
	"ouroboros/ipcp"
	"ouroboros/ipcp/broadcast"
	"ouroboros/ipcp/rib"
	"ouroboros/sim"
)

// What one user writes reaches every other user of the layer once, on its own system and on others, and
// not the writer (spec 02 §11.2).
func TestEveryOtherUserHearsIt_02_11_2(t *testing.T) {
	edges := [][2]int{{0, 1}, {1, 2}, {1, 3}}
	b := newNetwork(t, 4, edges, nil)
	b.bootstrap(edges)
	at := []int{0, 0, 1, 2, 3, 3}
	flows := make([]core.Flow, len(at))
	users := make([]*listener, len(at))
	for k, i := range at {
		flows[k], users[k] = b.join(i)
	}
	for k, i := range at {
		b.send(i, flows[k], fmt.Sprint(k))
		b.run(10 * time.Millisecond)
	}
	for k, u := range users {
		var want []string
		for o := range at {
			if o != k {
				want = append(want, fmt.Sprint(o))
			}
		}
		if !slices.Equal(u.heard, want) {
			t.Errorf("user %d heard %v, want %v", k, u.heard, want)
		}
	}
	// Who leaves hears nothing, and the others go on.
	b.envs[3].Post(func() { flows[4].Close(0) })
	b.send(0, flows[0], "last")
	b.run(10 * time.Millisecond)
	if slices.Contains(users[4].heard, "last") || !slices.Contains(users[5].heard, "last") {
		t.Error("the wrong user left")
	}
}

// SDUs go unchanged: no header, 1 to 1400 bytes. Longer ones are refused and counted (D8); one of length 0
// is a keepalive and goes nowhere.
func TestSDUsGoUnchanged_02_11_3(t *testing.T) {
	b := newNetwork(t, 2, row(2), nil)
	b.bootstrap(row(2))
	f, _ := b.join(0)
	_, u := b.join(1)
	long := strings.Repeat("x", broadcast.MTU)
	for _, m := range []string{"a", long, ""} {
		b.send(0, f, m)
	}
	b.run(10 * time.Millisecond)
	if !slices.Equal(u.heard, []string{"a", long}) {
		t.Errorf("heard %d messages", len(u.heard))
	}
	if i := f.Info(); i.MTU != 1400 || i.MPL != 100*time.Millisecond || i.QoS != broadcast.QoS || i.Layer != "bc" {
		t.Errorf("info %+v", i)
	}
	b.envs[0].Post(func() {
		if err := f.Write(b.envs[0].Pool.Get(f.Info().Headroom, 1401)); !errors.Is(err, core.ErrMsgSize) {
			t.Errorf("1401 bytes: %v", err)
		}
	})
	b.run(10 * time.Millisecond)
	if sum, _ := b.members[0].Stats(); sum.DropSize.Packets != 1 {
		t.Errorf("%+v", sum)
	}
}

// In a layer whose connections have cycles every user hears every message once, before and after the
// failure of any wire and its return.
func TestCyclesCarryNoDuplicates_02_11_2(t *testing.T) {
	edges := append(ring(5), [2]int{0, 2}, [2]int{1, 4}, [2]int{0, 1})
	b := newNetwork(t, 5, edges, nil)
	b.bootstrap(edges)
	flows := make([]core.Flow, 5)
	users := make([]*listener, 5)
	for i := range flows {
		flows[i], users[i] = b.join(i)
	}
	round := 0
	all := func(what string) {
		t.Helper()
		for i := range flows {
			round++
			msg := fmt.Sprint("round ", round)
			b.send(i, flows[i], msg)
			b.run(20 * time.Millisecond)
			for k, u := range users {
				n := 0
				for _, h := range u.heard {
					if h == msg {
						n++
					}
				}
				if want := 1; k != i && n != want || k == i && n != 0 {
					t.Errorf("%s: user %d heard %q of %d %d times", what, k, msg, i, n)
				}
			}
		}
	}
	all("at first")
	for k, w := range b.wires {
		b.envs[0].Post(func() { w.SetUp(false) })
		b.run(5 * time.Second)
		all(fmt.Sprint("without wire ", k))
		b.envs[0].Post(func() { w.SetUp(true) })
		b.run(5 * time.Second)
	}
	all("in the end")
	sum, _ := b.members[0].Stats()
	if sum.DropGuard.Packets != 0 {
		t.Errorf("%+v", sum)
	}
}

// Members that do not speak the tree protocol, as those of the prototype, are connected without protection.
// In a cycle of such connections the guard bounds what circulates, and counts it.
func TestTheGuardBoundsALoop_02_11_2(t *testing.T) {
	trust := func(int) broadcast.Config { return broadcast.Config{Trust: true, Guard: 1000} }
	b := newNetwork(t, 3, ring(3), trust)
	b.bootstrap(ring(3))
	f, _ := b.join(0)
	_, u := b.join(1)
	b.send(0, f, "x")
	b.run(time.Second)
	sum, _ := b.members[1].Stats()
	if n := len(u.heard); n < 2 || n > 2*1000+30 || sum.DropGuard.Packets == 0 && n > 500 {
		t.Errorf("heard %d times in a second, %d dropped by the guard", n, sum.DropGuard.Packets)
	}
	if b.members[0].Tree() != nil {
		t.Error("the tree protocol runs")
	}
}

// A member that speaks the tree protocol connects to one that does not, without protection.
func TestMixedLayer(t *testing.T) {
	b := newNetwork(t, 3, row(3), func(i int) broadcast.Config { return broadcast.Config{Trust: i == 1} })
	b.bootstrap(row(3))
	f, _ := b.join(0)
	_, u := b.join(2)
	b.send(0, f, "x")
	b.run(10 * time.Millisecond)
	if !slices.Equal(u.heard, []string{"x"}) {
		t.Errorf("heard %v", u.heard)
	}
	if got := readRIB(t, b.members[0], "flows/64"); !strings.Contains(got, "unprotected") {
		t.Errorf("flows/64:\n%s", got)
	}
}

// A newcomer learns the layer from a member and is then one that others can enroll with (spec 07 §9).
func TestEnrollment_07_9(t *testing.T) {
	b := newNetwork(t, 3, row(3), func(int) broadcast.Config { return broadcast.Config{Autobind: true} })
	var states []ipcp.State
	b.members[1].OnState(func(s ipcp.State) { states = append(states, s) })
	check(t, b.members[0].Bootstrap("bc"))
	enroll := func(i int, with core.Name) (err error) {
		err = errors.New("no answer")
		b.envs[i].Post(func() { b.members[i].Enroll(with, wireName(i-1), func(e error) { err = e }) })
		b.run(2 * time.Second)
		return err
	}
	check(t, enroll(1, "bc"))
	check(t, enroll(2, name(1)))
	for i, m := range b.members {
		if m.State() != ipcp.Operational || m.Layer() != (core.LayerInfo{Name: "bc", Kind: core.KindBroadcast, Hash: core.SHA3_256}) {
			t.Errorf("member %d is %v of %+v", i, m.State(), m.Layer())
		}
		check(t, b.brokers[i].AddProvider(m))
	}
	if !slices.Equal(states, []ipcp.State{ipcp.Init, ipcp.Operational}) {
		t.Errorf("states %v", states)
	}
	if err := enroll(2, "bc"); !errors.Is(err, core.ErrIPCPState) {
		t.Errorf("a second enrollment: %v", err)
	}
	b.connect(2, 1, "w1", broadcast.ConnectOptions{})
	b.run(2 * time.Second)
	f, _ := b.join(2)
	_, u := b.join(1)
	b.send(2, f, "hello")
	b.run(10 * time.Millisecond)
	if !slices.Equal(u.heard, []string{"hello"}) {
		t.Errorf("heard %v", u.heard)
	}
}

// An enrollment with nobody ends after 20 s with an error that says who and with whom, and the IPCP can try
// again (spec 07 §8).
func TestEnrollmentGivesUp_07_8(t *testing.T) {
	b := newNetwork(t, 2, row(2), nil)
	var got error
	at := core.Time(0)
	b.envs[1].Post(func() { b.members[1].Enroll("nobody", "w0", func(err error) { got, at = err, b.w.Now() }) })
	b.run(30 * time.Second)
	if !errors.Is(got, core.ErrTimedOut) || !strings.Contains(got.Error(), "bc.1") || !strings.Contains(got.Error(), "nobody") {
		t.Errorf("%v", got)
	}
	if at < core.Time(19*time.Second) || at > core.Time(21*time.Second) || b.members[1].State() != ipcp.Boot {
		t.Errorf("at %v, state %v", at, b.members[1].State())
	}
}

// Names and flows to names do not exist in a broadcast layer (spec 07 §4); whole names of layers are
// compared when a user joins (D9); before it is a member, an IPCP takes no user.
func TestWhatIsNotSupported_07_4(t *testing.T) {
	b := newNetwork(t, 1, nil, nil)
	m := b.members[0]
	var errs []error
	join := func(err *error) func(core.Flow, error) { return func(_ core.Flow, e error) { *err = e } }
	var early, other, alloc error
	b.envs[0].Post(func() { m.Join(join(&early)) })
	b.run(time.Millisecond)
	check(t, m.Bootstrap("bc"))
	check(t, b.brokers[0].AddProvider(m))
	errs = append(errs, m.Register("h"))
	found := true
	b.envs[0].Post(func() {
		m.AllocFlow(core.FlowRequest{Hash: "h"}, func(_ core.Flow, _ core.FlowReply, err error) { alloc = err })
		m.Query("h", func(f bool) { found = f })
		for _, n := range []core.Name{"b", "bcd", "a", "z"} {
			b.brokers[0].Join(n, join(&other))
		}
	})
	b.run(time.Millisecond)
	errs = append(errs, alloc)
	for _, err := range errs {
		if !errors.Is(err, core.ErrUnsupp) {
			t.Errorf("%v, want %v", err, core.ErrUnsupp)
		}
	}
	if !errors.Is(early, core.ErrIPCPState) || !errors.Is(other, core.ErrIPCP) || found {
		t.Errorf("early %v, another layer %v, found %v", early, other, found)
	}
	if err := m.Bootstrap("bc"); !errors.Is(err, core.ErrIPCPState) {
		t.Errorf("a second bootstrap: %v", err)
	}
}

// A slow user loses what its queue does not hold; nobody else loses anything or waits (spec 02 §11).
func TestASlowUserHarmsNobody(t *testing.T) {
	b := newNetwork(t, 2, row(2), func(int) broadcast.Config { return broadcast.Config{Queue: 10} })
	b.bootstrap(row(2))
	f, _ := b.join(0)
	slow, su := b.join(1)
	_, fast := b.join(1)
	b.envs[1].Post(func() { slow.SetReceive(false) })
	for i := range 100 {
		b.send(0, f, fmt.Sprint(i))
		b.run(50 * time.Microsecond)
	}
	b.run(10 * time.Millisecond)
	b.envs[1].Post(func() { slow.SetReceive(true) })
	b.run(time.Second)
	sum, _ := b.members[1].Stats()
	if len(fast.heard) != 100 || len(su.heard) != 10 || su.heard[9] != "9" || sum.DropQueue.Packets != 90 {
		t.Errorf("heard %d and %d, %+v", len(fast.heard), len(su.heard), sum)
	}
}

// A user who writes faster than anybody takes is made to wait, and loses nothing then.
func TestAWriterWaitsWhenNobodyHasRoom(t *testing.T) {
	b := newNetwork(t, 2, row(2), func(int) broadcast.Config { return broadcast.Config{Queue: 10} })
	b.bootstrap(row(2))
	f, from := b.join(0)
	_, u := b.join(1)
	check(t, b.wires[0].Set(0, core.LinkSpec{Name: "w0", Rate: 10e6, QueuePackets: 2, Block: true}))
	next := 0
	pour := func() {
		for next < 500 {
			p := b.envs[0].Pool.GetCopy(f.Info().Headroom, []byte(fmt.Sprint(next)))
			if err := f.Write(p); err != nil {
				p.Release()
				if !errors.Is(err, core.ErrWouldBlock) {
					t.Error(err)
				}
				return
			}
			next++
		}
	}
	from.onRoom = pour
	b.envs[0].Post(pour)
	b.run(5 * time.Second)
	if len(u.heard) != 500 || from.writables == 0 || u.heard[499] != "499" {
		t.Errorf("heard %d of %d, told of room %d times", len(u.heard), next, from.writables)
	}
}

// A flood copies for every receiver but one, and in a steady state it allocates nothing.
func TestFloodCopiesNoMoreThanNeeded(t *testing.T) {
	b := newNetwork(t, 1, nil, nil)
	b.bootstrap(nil)
	f, _ := b.join(0)
	users := make([]count, 3)
	for i := range users {
		g, _ := b.join(0)
		g.Attach(&users[i])
	}
	pool := b.w.Pool()
	b.envs[0].Post(func() {
		p := pool.Get(0, 100)
		users[2].want = p
		before := pool.Live()
		check(t, f.Write(p))
		if n := pool.Live() - before; n != 2 {
			t.Errorf("%d copies for 3 receivers, want 2", n)
		}
	})
	b.run(time.Millisecond)
	if !users[2].same {
		t.Error("the last receiver did not get the packet itself")
	}
	if n := testing.AllocsPerRun(200, func() {
		_ = f.Write(pool.Get(0, 100))
		b.run(0)
	}); n != 0 {
		t.Errorf("%v allocations for each flood", n)
	}
}

// count is a user that only counts.
type count struct {
	listener
	want *pkt.Buf
	same bool
}

func (c *count) Deliver(p *pkt.Buf) { c.same = c.same || p == c.want; p.Release() }

// Disconnect tells a neighbour that speaks the tree protocol, so that both give the connection up at once,
// and the rest of the tree takes over.
func TestDisconnect_07_3_2(t *testing.T) {
	b := newNetwork(t, 3, ring(3), nil)
	b.bootstrap(ring(3))
	f, _ := b.join(0)
	_, u := b.join(1)
	b.envs[0].Post(func() { b.members[0].Disconnect("nobody"); b.members[0].Disconnect(name(1)) })
	b.run(2 * time.Second)
	if n := ports(b.members[1]); n != 2 { // one to member 2, one user
		t.Errorf("%d flows at the peer, want 2", n)
	}
	b.send(0, f, "the other way")
	b.run(10 * time.Millisecond)
	if !slices.Equal(u.heard, []string{"the other way"}) || b.members[0].Connected(name(1)) {
		t.Errorf("heard %v", u.heard)
	}
}

func ports(m *broadcast.IPCP) (n int) {
	m.Ports(func(uint64, bool, bool, broadcast.Stats) { n++ })
	return n
}

// A connection that is kept up comes again after its peer has left and another IPCP has taken its place.
func TestAConnectionIsKeptUp(t *testing.T) {
	b := newNetwork(t, 2, row(2), nil)
	b.bootstrap(nil)
	b.connect(0, 1, "w0", broadcast.ConnectOptions{Persist: true})
	b.run(2 * time.Second)
	old := b.members[1]
	b.envs[1].Post(func() {
		old.Leave()
		check(t, b.brokers[1].RemoveProvider(old))
		m, err := broadcast.New(b.envs[1].Derive("again"), b.brokers[1], broadcast.Config{Name: name(1)})
		check(t, err)
		check(t, m.Bootstrap("bc"))
		check(t, b.brokers[1].AddProvider(m))
		check(t, m.Serve())
		b.members[1] = m
	})
	b.run(10 * time.Second)
	f, _ := b.join(0)
	_, u := b.join(1)
	b.send(0, f, "again")
	b.run(10 * time.Millisecond)
	if !slices.Equal(u.heard, []string{"again"}) || !b.members[0].Connected(name(1)) || old.State() != ipcp.Shutdown {
		t.Errorf("heard %v", u.heard)
	}
}

// A member may leave at any moment. Its users are told from calls of their own, operations report, and
// nothing is left behind.
func TestLeaveAtAnyMoment(t *testing.T) {
	for _, us := range []int{0, 200, 400, 600, 800, 1000, 1500, 2000, 5000, 20_000, 500_000} {
		b := newNetwork(t, 3, ring(3), nil)
		for i, m := range b.members {
			check(t, m.Bootstrap("bc"))
			check(t, b.brokers[i].AddProvider(m))
		}
		for k, e := range ring(3) {
			b.connect(e[0], e[1], wireName(k), broadcast.ConnectOptions{Persist: k == 1})
		}
		b.run(time.Duration(us) * time.Microsecond)
		f, u := b.join(1)
		b.envs[1].Post(func() {
			b.members[1].Leave()
			b.members[1].Leave()
			if u.closed != nil {
				t.Error("told on the stack of Leave")
			}
			if err := f.Write(b.envs[1].Pool.Get(f.Info().Headroom, 10)); !errors.Is(err, core.ErrFlowDown) {
				t.Errorf("a write after the end: %v", err)
			}
		})
		b.run(30 * time.Second)
		if !errors.Is(u.closed, core.ErrFlowDown) || ports(b.members[1]) != 0 {
			t.Errorf("left at %d us: told %v, %d flows", us, u.closed, ports(b.members[1]))
		}
		if n := b.up + len(b.failed); n != 3 {
			t.Errorf("left at %d us: %d of 3 operations reported", us, n)
		}
	}
}

// Peers that say something else get no connection, and the next one does.
func TestPeersThatDoNotBehave(t *testing.T) {
	b := newNetwork(t, 2, row(2), nil)
	b.bootstrap(nil)
	for _, own := range []ipcp.Announcement{
		ipcp.DataTransfer, ipcp.Management, ipcp.Management.At(7), broadcast.TreeProtocol,
		broadcast.DataTransfer.At(99),
		{Component: "x", Protocol: "y"},
		{},
	} {
		b.envs[0].Post(func() {
			b.brokers[0].Alloc(core.Request{Name: name(1), Layer: "w0", QoS: core.QoSRaw}, func(f core.Flow, err error) {
				check(t, err)
				if own == (ipcp.Announcement{}) {
					return // silence
				}
				ipcp.Initiate(b.envs[0], f, own, func(int) {}, func(_ ipcp.Announcement, err error) {
					if err == nil {
						f.Close(0)
					}
				})
			})
		})
	}
	b.run(3 * time.Second)
	want := 1 // the first has the address 0, as the prototype
	if n := ports(b.members[1]); n > want {
		t.Errorf("%d connections, want at most %d", n, want)
	}
	b.connect(0, 1, "w0", broadcast.ConnectOptions{})
	b.run(5 * time.Second)
	f, _ := b.join(0)
	_, u := b.join(1)
	b.send(0, f, "x")
	b.run(10 * time.Millisecond)
	if !slices.Equal(u.heard, []string{"x"}) {
		t.Errorf("heard %v, failed %v", u.heard, b.failed)
	}
}

// The message that connects data is that of the prototype, byte for byte (spec 07 §2.4).
func TestAnnouncement_07_2_4(t *testing.T) {
	got, err := broadcast.DataTransfer.Marshal()
	check(t, err)
	if s := fmt.Sprintf("%x", got); s != "0a0d44617461205472616e73666572120018002800"+"4000" {
		t.Errorf("%s", s)
	}
}

func readRIB(t *testing.T, m *broadcast.IPCP, path string) string {
	t.Helper()
	b, err := rib.Read(m.RIB(), path)
	check(t, err)
	return string(b)
}

// The management tree shows the members' flows, counters and the tree (spec 02 §10).
func TestManagementTree_02_10(t *testing.T) {
	b := newNetwork(t, 2, row(2), nil)
	b.bootstrap(row(2))
	f, _ := b.join(0)
	b.send(0, f, "hello")
	b.run(10 * time.Millisecond)
	var paths []string
	check(t, rib.Walk(b.members[0].RIB(), func(path string, _ []byte) error {
		paths = append(paths, path)
		return nil
	}))
	want := []string{"info/_state", "info/_type", "info/_layer", "flows/64", "flows/65", "stats", "tree"}
	if !slices.Equal(paths, want) {
		t.Errorf("%v, want %v", paths, want)
	}
	if got := readRIB(t, b.members[0], "info/_state") + readRIB(t, b.members[0], "info/_type") + readRIB(t, b.members[0], "info/_layer"); got != "operational\nbroadcast\nbc\n" {
		t.Errorf("info %q", got)
	}
	for path, lines := range map[string][]string{
		"flows/64": {"Peer:                                      bc.1\n", "Queued packets (tx):                          0\n", " sent (packets):                              1\n", " sent (bytes):                                5\n"},
		"flows/65": {"Kind:                                    joined\n", " rcvd (packets):                              1\n"},
		"stats":    {" nobody else (packets):                       0\n", " enrolled:                                    0\n"},
		"tree":     {"Parents lost:                                 0\n", "Messages invalid:                             0\n"},
	} {
		got := readRIB(t, b.members[0], path)
		for _, line := range lines {
			if !strings.Contains(got, line) {
				t.Errorf("%s:\n%slacks %q", path, got, line)
			}
		}
	}
}

func TestBadConfigurations(t *testing.T) {
	for want, cfg := range map[string]broadcast.Config{
		"name": {}, "queue of -1": {Name: "n", Queue: -1}, "guard of -1": {Name: "n", Guard: -1},
		"hello": {Name: "n", Tree: broadcast.TreeConfig{Hello: time.Nanosecond}},
	} {
		if _, err := broadcast.New(core.Env{}, nil, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want an error about %q", cfg, err, want)
		}
	}
	b := newNetwork(t, 1, nil, nil)
	if err := b.members[0].Bootstrap(""); err == nil || b.members[0].State() != ipcp.Boot {
		t.Errorf("a layer without a name: %v", err)
	}
}

// TestFlowConforms holds the flows of users who joined to the rules of core.Flow.
func TestFlowConforms(t *testing.T) {
	connect := func(h *coretest.Harness, spec core.LinkSpec) coretest.Pair {
		spec.Kind, spec.Name = core.LinkEthernet, "w0"
		p := coretest.Pair{Env: [2]core.Env{h.Node("a"), h.Node("b")}, Routed: true}
		p.Wire = h.Wire(spec, p.Env[0], p.Env[1])
		var members [2]*broadcast.IPCP
		ends := [2]core.Link{}
		ends[0], ends[1] = p.Wire.Ends()
		for i, env := range p.Env {
			broker := irm.New(env.Derive("irm"), irm.Config{})
			check(t, broker.AddProvider(shim(t, env, ends[i])))
			m, err := broadcast.New(env.Derive("bc"), broker, broadcast.Config{Name: name(i), Queue: 64})
			check(t, err)
			check(t, m.Bootstrap("bc"))
			members[i] = m
			h.On(env, func() { check(t, m.Serve()) })
		}
		h.On(p.Env[0], func() {
			members[0].Connect(name(1), "w0", broadcast.ConnectOptions{}, func(err error) { check(t, err) })
		})
		open := func(m *broadcast.IPCP) (yes bool) {
			m.Ports(func(_ uint64, _, o bool, _ broadcast.Stats) { yes = yes || o })
			return yes
		}
		h.Until("the members have found each other", func() bool { return open(members[0]) && open(members[1]) })
		for i, m := range members {
			h.On(p.Env[i], func() { m.Join(func(f core.Flow, err error) { check(t, err); p.Flow[i] = f }) })
		}
		h.Until("both have joined", func() bool { return p.Flow[0] != nil && p.Flow[1] != nil })
		return p
	}
	coretest.TestFlow(t, func(*testing.T) coretest.World { return sim.New(1) }, connect)
}

// What users gave to a member, what went below and what was sent to manage the layer are counted apart, and
// stay when flows end.
func TestWhatWasCarriedIsCounted(t *testing.T) {
	b := newNetwork(t, 2, row(2), nil)
	b.bootstrap(row(2))
	f, _ := b.join(0)
	b.join(1)
	b.send(0, f, "twelve bytes")
	b.send(0, f, "twelve bytes")
	b.run(10 * time.Millisecond)
	check := func(what string) {
		t.Helper()
		two := broadcast.Counter{Packets: 2, Bytes: 24}
		if got, want := b.members[0].Carried(), (broadcast.Carried{In: two, Below: two}); got != want {
			t.Errorf("%s: the sender carried %+v, want %+v", what, got, want)
		}
		if got := b.members[1].Carried(); got != (broadcast.Carried{}) {
			t.Errorf("%s: the receiver carried %+v", what, got)
		}
	}
	check("at first")
	for _, c := range b.members[0].Control() {
		if c.Kind != "enrollment" && (c.Packets == 0 || c.Bytes == 0) {
			t.Errorf("%+v", c)
		}
	}
	b.envs[0].Post(func() { f.Close(0) })
	b.run(10 * time.Millisecond)
	check("without the flow")
	b.envs[0].Post(b.members[0].Leave)
	b.run(10 * time.Millisecond)
	check("after the member has left")
}

// A member serves the names that an administrator binds it to, and leaves them again ("irm bind ipcp", spec 13 §13.4).
func TestBindIPCP_13_4(t *testing.T) {
	b := newNetwork(t, 2, row(2), nil)
	check(t, b.members[0].Bootstrap("bc"))
	check(t, b.members[0].ServeName("door"))
	enroll := func(limit time.Duration) (err error) {
		err = errors.New("no answer")
		b.envs[1].Post(func() { b.members[1].Enroll("door", "", func(e error) { err = e }) })
		b.run(limit)
		return err
	}
	b.run(time.Millisecond)
	if want := []core.Name{"door", name(0)}; !slices.Equal(b.members[0].Serving(), want) {
		t.Errorf("serves %q, want %q", b.members[0].Serving(), want)
	}
	if !b.members[0].StopServing("door") || b.members[0].StopServing("door") {
		t.Error("the name was not left once")
	}
	if err := enroll(21 * time.Second); err == nil {
		t.Error("enrolled by a name that the member has left")
	}
	check(t, b.members[0].ServeName("door"))
	check(t, enroll(2*time.Second))
}
