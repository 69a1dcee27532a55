package routing

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/trace"
	"ouroboros/core/wire"
	"ouroboros/ipcp/unicast/pff"
)

// oldForm is a member that knows nothing but the messages of the prototype.
func oldForm(c *LinkStateConfig) { c.Withdraw = false }

// sends collects what a member sends in one call.
func (x *testNode) sends(call func()) []Send {
	call()
	out := x.Out()
	sends := make([]Send, len(out.Sends))
	for i, s := range out.Sends {
		sends[i] = Send{Port: s.Port, SDU: slices.Clone(s.SDU)}
	}
	return sends
}

// alone returns a member with management neighbours 101, 102, … on ports 0, 1, …
func alone(t testing.TB, mgmt int, edit func(*LinkStateConfig)) (*testNet, *testNode) {
	n := newNet(t)
	x := n.add(1, edit)
	for p := range mgmt {
		x.AddNeighbour(0, Mgmt, uint64(101+p), Port(p))
		x.Out()
	}
	return n, x
}

func lsa(src, dst, seq uint64) []byte { return wire.LSA{Src: src, Dst: dst, Seq: seq}.Append(nil) }

func lsaLong(src, dst, seq uint64, flags, metric uint32) []byte {
	return wire.LSA{Src: src, Dst: dst, Seq: seq, Ext: true, Flags: flags, Metric: metric}.Append(nil)
}

// TestRefreshCountsUp: spec 04 §4.3. Every t_update own adjacencies go out with the next number, in
// database order; those of others do not.
func TestRefreshCountsUp(t *testing.T) {
	_, x := alone(t, 1, func(c *LinkStateConfig) { c.LongForm = LongNeeded })
	for i, addr := range []uint64{30, 10, 20} {
		x.AddNeighbour(0, DT, addr, Port(i))
	}
	x.Recv(0, 0, lsa(10, 1, 3))
	x.Out()
	x.Tick(0)
	if at := x.Deadline(); at != core.Time(15*sec) {
		t.Fatalf("deadline %v, want 15s", at)
	}
	sends := x.sends(func() { x.Tick(core.Time(15 * sec)) })
	want := []Send{{0, lsa(1, 10, wallEpoch+1)}, {0, lsa(1, 20, wallEpoch+1)}, {0, lsa(1, 30, wallEpoch+1)}}
	if !slices.EqualFunc(sends, want, sameSend) {
		t.Errorf("sent %x, want %x", sends, want)
	}
}

// TestDeadMemberAgesOut: spec 04 §4.3, §5.3 and D1. What a dead member has announced disappears after 60
// to 75 s, and then the tables are computed again.
func TestDeadMemberAgesOut(t *testing.T) {
	n := newNet(t)
	a, b, c := n.add(1, nil), n.add(2, nil), n.add(3, nil)
	n.link(a, b)
	n.link(b, c)
	n.run(31 * sec) // the last refresh is at 30 s
	c.dead = true
	n.run(59 * sec) // 90 s
	if want := map[uint64]uint64{2: 2, 3: 2}; !maps.Equal(a.hops(), want) {
		t.Errorf("at %v: %v, want %v", n.now, a.hops(), want)
	}
	n.run(20 * sec)
	if want := map[uint64]uint64{2: 2}; !maps.Equal(a.hops(), want) {
		t.Errorf("at %v: %v, want %v", n.now, a.hops(), want)
	}
	if want := []string{"2>1", "1>2", "2>3"}; !slices.Equal(a.db(), want) {
		t.Errorf("database %v, want %v", a.db(), want)
	}
	last := n.events[len(n.events)-1]
	if last.Kind != trace.RoutesChanged || last.Time%core.Time(4*sec) != 0 {
		t.Errorf("last event %v at %v, want tables at a multiple of t_recalc", last.Kind, last.Time)
	}
}

// TestWithdrawnEntriesAreForgotten: a withdrawal outlives the last copy of its announcement and then goes.
func TestWithdrawnEntriesAreForgotten(t *testing.T) {
	n := newNet(t)
	a, b := n.add(1, nil), n.add(2, nil)
	l := n.link(a, b)
	n.run(sec)
	l.set(false)
	n.run(80 * sec)
	if e, ok := b.entry(1, 2); !ok || !e.Withdrawn {
		t.Errorf("after 80 s: %+v, %v", e, ok)
	}
	n.run(40 * sec)
	if _, ok := b.entry(1, 2); ok {
		t.Error("still there after 120 s")
	}
	if _, ok := a.entry(1, 2); ok {
		t.Error("still there at the source after 120 s")
	}
}

// TestWithdrawOffKeepsDeadLink: decision 12. Without withdrawals others believe in a failed link for 60
// to 75 s; the ends themselves do not use it.
func TestWithdrawOffKeepsDeadLink(t *testing.T) {
	n := newNet(t)
	a, b, c, d := n.add(1, oldForm), n.add(2, oldForm), n.add(3, oldForm), n.add(4, oldForm)
	n.link(a, b)
	n.link(a, d)
	n.link(d, c)
	l := n.link(b, c)
	n.run(sec)
	l.set(false)
	n.run(40 * sec)
	if got := a.hops()[3]; got != 2 {
		t.Errorf("1 to 3 goes over %d, want the dead link behind 2", got)
	}
	if got := b.hops()[3]; got != 1 {
		t.Errorf("2 to 3 goes over %d, want 1", got)
	}
	n.run(40 * sec)
	if got := a.hops()[3]; got != 4 {
		t.Errorf("1 to 3 goes over %d after 80 s, want 4", got)
	}
}

// TestMixedLayer: decision 12. A member that knows the short form only swallows the long one, keeps the
// withdrawn link until it ages out, and never brings it back to those who know better.
func TestMixedLayer(t *testing.T) {
	n := newNet(t)
	a, old, c, d := n.add(1, nil), n.add(2, oldForm), n.add(3, nil), n.add(4, nil)
	n.link(a, old)
	n.link(old, c)
	n.link(a, d)
	l := n.link(c, d)
	n.run(sec)
	if len(old.db()) != 8 || len(a.db()) != 8 {
		t.Fatalf("databases %v, %v, want 8 adjacencies", old.db(), a.db())
	}
	l.set(false)
	n.run(10 * sec)
	if e, ok := old.entry(3, 4); !ok || e.Withdrawn {
		t.Errorf("member 2 has heard of the withdrawal: %+v", e)
	}
	if e, _ := a.entry(4, 3); !e.Withdrawn {
		t.Errorf("member 1 has %+v, want it withdrawn", e)
	}
	if got := d.hops()[3]; got != 1 {
		t.Errorf("4 to 3 goes over %d, want 1", got)
	}
	late := n.add(5, nil) // gets the outdated copy from 2 and the withdrawal from 1
	n.link(late, old)
	n.link(late, a)
	n.run(sec)
	if e, _ := late.entry(4, 3); !e.Withdrawn {
		t.Errorf("the newcomer has %+v, want it withdrawn", e)
	}
	n.run(100 * sec)
	if _, ok := old.entry(3, 4); ok {
		t.Error("member 2 still has the dead link")
	}
}

// TestRestartedMemberIsBelieved: decision 7, D2 and D3. A member that comes back with other links
// outdates what others still hold of its earlier life.
func TestRestartedMemberIsBelieved(t *testing.T) {
	n := newNet(t)
	a, b, c := n.add(1, nil), n.add(2, nil), n.add(3, nil)
	n.link(a, b)
	n.link(b, c)
	n.link(a, c)
	n.run(20 * sec)
	for _, e := range []struct {
		x *testNode
		p Port
	}{{a, 0}, {c, 0}} { // member 2 has gone; its neighbours notice
		e.x.do(func() { e.x.RemoveNeighbour(n.now, DT, e.p) })
		e.x.do(func() { e.x.RemoveNeighbour(n.now, Mgmt, e.p) })
	}
	b.Routing = newLinkState(b.env, testConfig(nil))
	b.Start(n.now, 2, pff.WantFirst)
	b.ends, b.table = nil, map[uint64]Port{}
	n.run(sec)
	n.link(b, a) // no link to 3 any more
	n.run(sec)
	if e, _ := a.entry(2, 1); e.Withdrawn || e.Seq < wallEpoch+21 {
		t.Errorf("new adjacency at member 1: %+v", e)
	}
	for _, x := range n.nodes {
		if e, ok := x.entry(2, 3); ok && !e.Withdrawn {
			t.Errorf("member %d believes in the earlier life of 2: %+v", x.addr, e)
		}
	}
	if b.hits+a.hits+c.hits != 0 {
		t.Error("taken for an address conflict")
	}
	if want := map[uint64]uint64{1: 1, 3: 1}; !maps.Equal(b.hops(), want) {
		t.Errorf("tables of 2: %v, want %v", b.hops(), want)
	}
}

// TestAddressConflict: decision 6. Of two members with one address at least one is told, once, and their
// quarrel over numbers ends.
func TestAddressConflict(t *testing.T) {
	n := newNet(t)
	a, b, c := n.add(1, nil), n.add(2, nil), n.add(3, nil)
	twin := n.add(1, nil)
	n.link(a, b)
	n.link(b, c)
	n.link(c, twin)
	n.run(10 * sec)
	if a.hits+twin.hits == 0 || a.hits > 1 || twin.hits > 1 || b.hits+c.hits != 0 {
		t.Fatalf("told: %d and %d times; others %d; want one or both of the two, once", a.hits, twin.hits, b.hits+c.hits)
	}
	sent := 0
	n.onSend = func(*testNode, Port, []byte) { sent++ }
	n.run(4 * sec)
	if sent != 0 {
		t.Errorf("%d messages between two refreshes", sent)
	}
}

// TestNeighbourWithOwnAddress: decision 6. The connection message of a neighbour shows the conflict at
// once.
func TestNeighbourWithOwnAddress(t *testing.T) {
	for _, kind := range []Kind{DT, Mgmt} {
		_, x := alone(t, 1, nil)
		x.AddNeighbour(0, kind, 1, 4)
		if !x.Out().Conflict {
			t.Errorf("a %v neighbour with the own address is not reported", kind)
		}
		x.AddNeighbour(0, kind, 1, 4)
		if x.Out().Conflict {
			t.Error("reported twice")
		}
	}
}

// TestStopTakesLeave: a member that stops withdraws what it has announced and empties its tables.
func TestStopTakesLeave(t *testing.T) {
	n := newNet(t)
	a, b, c := n.add(1, nil), n.add(2, nil), n.add(3, nil)
	n.link(a, b)
	n.link(b, c)
	n.run(sec)
	c.do(func() { c.Stop(n.now) })
	n.run(sec)
	if want := map[uint64]uint64{2: 2}; !maps.Equal(a.hops(), want) {
		t.Errorf("tables of 1: %v, want %v", a.hops(), want)
	}
	if len(c.table) != 0 || c.Deadline() != clock.Never {
		t.Errorf("after Stop: table %v, deadline %v", c.table, c.Deadline())
	}
	c.do(func() { c.Recv(n.now, 0, lsa(1, 2, 1<<40)) })
	if len(c.db()) != 0 {
		t.Error("a stopped member listens")
	}
}

// TestComputationIsCoalesced: decision 16. The first change is computed at the end of its instant, all
// that follow within spf_hold in one go.
func TestComputationIsCoalesced(t *testing.T) {
	_, x := alone(t, 1, func(c *LinkStateConfig) { c.Pace = 0 })
	x.AddNeighbour(0, DT, 101, 7)
	x.Out()
	at := core.Time(sec)
	x.Recv(at, 0, lsa(101, 1, 1))
	if x.Deadline() > at {
		t.Fatalf("deadline %v, want the same instant", x.Deadline())
	}
	x.Tick(at)
	if out := x.Out(); !out.Install || len(out.Routes) != 1 {
		t.Fatalf("effects %+v, want a table of one line", out)
	}
	before := x.Stats().Computations
	for i := range uint64(40) {
		x.Recv(at.Add(ms), 0, lsa(101, 200+i, 1))
		x.Recv(at.Add(ms), 0, lsa(200+i, 101, 1))
	}
	if got, want := x.Deadline(), at.Add(50*ms); got != want {
		t.Fatalf("deadline %v, want %v", got, want)
	}
	x.Tick(at.Add(49 * ms)) // too early
	x.Tick(at.Add(50 * ms))
	if out := x.Out(); len(out.Routes) != 41 {
		t.Errorf("%d routes, want 41", len(out.Routes))
	}
	if got := x.Stats().Computations - before; got != 1 {
		t.Errorf("%d computations, want 1", got)
	}
}

// TestComputationWaitsForWhatBelongsToAChange: with spf_delay the tables are computed that long after the first
// change, whatever follows it, and never before spf_hold is over.
func TestComputationWaitsForWhatBelongsToAChange(t *testing.T) {
	_, x := alone(t, 1, func(c *LinkStateConfig) { c.Pace, c.SPFDelay, c.SPFHold = 0, 200*ms, 300*ms })
	x.AddNeighbour(0, DT, 101, 7)
	x.Tick(core.Time(200 * ms))
	x.Out()
	at := core.Time(sec)
	x.Recv(at, 0, lsa(101, 1, 1))
	x.Recv(at.Add(150*ms), 0, lsa(101, 102, 1))
	x.Recv(at.Add(150*ms), 0, lsa(102, 101, 1))
	x.Tick(at.Add(199 * ms))
	if out := x.Out(); out.Install {
		t.Errorf("a table after 199 ms: %+v", out)
	}
	x.Tick(at.Add(200 * ms))
	if out := x.Out(); len(out.Routes) != 2 {
		t.Errorf("%d routes after 200 ms, want 2", len(out.Routes))
	}
	x.Recv(at.Add(210*ms), 0, lsaLong(101, 102, 2, 1, 1))
	if got, want := x.Deadline(), at.Add(500*ms); got != want {
		t.Errorf("deadline %v, want %v: spf_hold after the last computation", got, want)
	}
}

// TestBothEndsMustAnnounce: spec 04 §6.2. A link that one end announces is not used, and what is said of
// it brings no computation about.
func TestBothEndsMustAnnounce(t *testing.T) {
	_, x := alone(t, 1, nil)
	x.AddNeighbour(0, DT, 101, 7)
	x.Recv(0, 0, lsa(101, 1, 1))
	x.Recv(0, 0, lsa(101, 102, 1))
	x.Tick(0)
	if out := x.Out(); len(out.Routes) != 1 {
		t.Errorf("%d routes, want 1", len(out.Routes))
	}
	x.Recv(core.Time(sec), 0, lsaLong(101, 102, 2, 0, 9))
	x.Recv(core.Time(sec), 0, lsaLong(101, 102, 3, 1, 9))
	x.Recv(core.Time(sec), 0, lsaLong(101, 102, 4, 0, 1))
	if x.Deadline() != core.Time(15*sec) {
		t.Errorf("half a link has the tables computed at %v", x.Deadline())
	}
	x.Recv(core.Time(sec), 0, lsa(102, 101, 1))
	x.Tick(core.Time(sec))
	if out := x.Out(); len(out.Routes) != 2 {
		t.Errorf("%d routes, want 2", len(out.Routes))
	}
}

// TestUnchangedTableIsNotInstalled: a link that changes no first hop changes no table.
func TestUnchangedTableIsNotInstalled(t *testing.T) {
	n := newNet(t)
	a, b, c, d := n.add(1, nil), n.add(2, nil), n.add(3, nil), n.add(4, nil)
	n.link(a, b)
	n.link(b, c)
	n.link(b, d)
	n.run(sec)
	before := a.Stats()
	n.link(c, d)
	n.run(sec)
	if s := a.Stats(); s.Installs != before.Installs || s.Computations == before.Computations {
		t.Errorf("%d installs after %d, %d computations after %d", s.Installs, before.Installs, s.Computations, before.Computations)
	}
}

// TestNewFlowToNeighbourIsUsed: D7 and D12. The tables follow the flow of a neighbour, whether or not its
// announcement is new, and fall back when it goes.
func TestNewFlowToNeighbourIsUsed(t *testing.T) {
	_, x := alone(t, 1, func(c *LinkStateConfig) { c.SPFHold = 0 })
	port := func() Port {
		x.Tick(0)
		if out := x.Out(); out.Install {
			if len(out.Routes) == 0 {
				return -1
			}
			return out.Routes[0].Ports[0]
		}
		return -2
	}
	x.Recv(0, 0, lsa(101, 1, 1))
	for _, step := range []struct {
		name string
		call func()
		want Port
	}{
		{"first flow", func() { x.AddNeighbour(0, DT, 101, 7) }, 7},
		{"second flow", func() { x.AddNeighbour(0, DT, 101, 8) }, 8},
		{"second flow down", func() { x.PortState(0, 8, false) }, 7},
		{"second flow up", func() { x.PortState(0, 8, true) }, 8},
		{"second flow removed", func() { x.RemoveNeighbour(0, DT, 8) }, 7},
		{"unknown flow removed", func() { x.RemoveNeighbour(0, DT, 8) }, -2},
		{"first flow removed", func() { x.RemoveNeighbour(0, DT, 7) }, -1},
	} {
		step.call()
		if got := port(); got != step.want {
			t.Errorf("%s: port %d, want %d", step.name, got, step.want)
		}
	}
}

// TestOneManagementFlowPerNeighbour: spec 04 §2.1. A second flow replaces the first for flooding.
func TestOneManagementFlowPerNeighbour(t *testing.T) {
	_, x := alone(t, 2, nil)
	x.AddNeighbour(0, Mgmt, 101, 9)
	x.Out()
	sends := x.sends(func() { x.Recv(0, 1, lsa(5, 6, 1)) })
	if len(sends) != 1 || sends[0].Port != 9 {
		t.Errorf("sent %v, want port 9 alone", sends)
	}
	if sends := x.sends(func() { x.Recv(0, 0, lsa(6, 5, 1)) }); len(sends) != 1 || sends[0].Port != 1 {
		t.Errorf("sent %v, want port 1 alone: 0 and 9 lead to the source", sends)
	}
	x.RemoveNeighbour(0, Mgmt, 9)
	x.Out()
	if sends := x.sends(func() { x.Recv(0, 1, lsa(7, 8, 1)) }); len(sends) != 1 || sends[0].Port != 0 {
		t.Errorf("sent %v, want port 0 again", sends)
	}
}

// TestPhasesAreTraced: validation §4. Detection, flooding and installation show as events of their own.
func TestPhasesAreTraced(t *testing.T) {
	n := newNet(t)
	a, b, c := n.add(1, nil), n.add(2, nil), n.add(3, nil)
	n.link(a, b)
	n.link(a, c)
	l := n.link(b, c)
	n.run(sec)
	n.events = nil
	l.set(false)
	n.run(ms)
	var got []string
	for _, e := range n.events {
		got = append(got, e.Stream+" "+e.Kind.String())
	}
	want := []string{
		"2 adjacency-lost", "2 lsa-originated", "3 adjacency-lost", "3 lsa-originated",
		"2 routes-changed", "3 routes-changed", "1 lsa-accepted", "1 lsa-accepted",
	}
	slices.Sort(got)
	slices.Sort(want)
	missing := slices.DeleteFunc(slices.Clone(want), func(s string) bool { return slices.Contains(got, s) })
	if len(missing) > 0 {
		t.Errorf("events %v, missing %v", got, missing)
	}
}

// TestConfigIsChecked: bad parameters name what is accepted.
func TestConfigIsChecked(t *testing.T) {
	for param, v := range map[string]any{
		"recalc": "0s", "update": "-1s", "timeout": "20s", "spf_hold": "-1ms", "spf_delay": "2h", "withdraw": "maybe",
		"long_form": "never", "hold": "1s",
	} {
		_, err := Policies(nil).Choose("link-state", map[string]any{param: v})
		if err == nil || !strings.Contains(err.Error(), param) || !strings.Contains(err.Error(), "acc") && !strings.Contains(err.Error(), "parameters are") {
			t.Errorf("%s=%v: %v", param, v, err)
		}
	}
	c, err := Policies(nil).Choose("link-state", map[string]any{"withdraw": "off", "update": "5s", "timeout": "10s"})
	if err != nil {
		t.Fatal(err)
	}
	cfg := c.Config().(*LinkStateConfig)
	if cfg.Withdraw || cfg.Update != 5*time.Second {
		t.Errorf("%+v", cfg)
	}
	if _, err := c.New(core.Env{}); err != nil {
		t.Error(err)
	}
}
