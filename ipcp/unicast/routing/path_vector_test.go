package routing

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/wire"
	"ouroboros/ipcp/unicast/pff"
)

// vector makes a member 1 under path-vector with neighbours 101, 102, … whose management and data transfer ports
// are 0, 1, …
func vector(t testing.TB, neighbours int, edit func(*PathVectorConfig)) (*testNet, *testNode) {
	n := newNet(t)
	x := n.addMember(1, "lfa", func(env core.Env) Routing {
		cfg := pathVectorFactory().Config().(*PathVectorConfig)
		cfg.SPFHold, cfg.MRAI = 0, 0
		if edit != nil {
			edit(cfg)
		}
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		return newPathVector(env, cfg)
	})
	for p := range neighbours {
		x.AddNeighbour(0, Mgmt, uint64(101+p), Port(p))
		x.AddNeighbour(0, DT, uint64(101+p), Port(p))
	}
	x.told(0)
	return n, x
}

// told lets what is due be done and returns what was sent, as "port: path/metric" or "port: -destination".
func (x *testNode) told(now core.Time) []string {
	if x.Deadline() <= now {
		x.Tick(now)
	}
	out := x.Out()
	if out.Install {
		x.fwd.Replace(out.Routes)
		x.routes = out.Routes
	}
	var told []string
	for _, s := range out.Sends {
		m, err := wire.ParsePathVector(s.SDU)
		if err != nil {
			x.net.t.Fatalf("%x: %v", s.SDU, err)
		}
		m.Routes(func(r wire.PVRoute) {
			if r.Withdrawn {
				told = append(told, fmt.Sprintf("%d: -%d", s.Port, r.Dst()))
				return
			}
			var path []uint64
			for i := range r.Len() {
				path = append(path, r.Hop(i))
			}
			told = append(told, fmt.Sprintf("%d: %v/%d", s.Port, path, r.Metric))
		})
	}
	return told
}

// pv builds a message with one route.
func pv(number uint32, origin, metric uint64, path ...uint64) []byte {
	return wire.AppendPVRoute(wire.AppendPVHeader(nil, false, number), 0, origin, metric, path[0], path[1:])
}

func pvGone(number uint32, dst uint64) []byte {
	return wire.AppendPVWithdrawal(wire.AppendPVHeader(nil, false, number), 0, dst)
}

func (x *testNode) hear(now core.Time, port Port, sdu []byte) []string {
	x.Recv(now, port, sdu)
	return x.told(now)
}

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: told %q, want %q", what, got, want)
	}
}

// TestPathsAreToldOnce: a member tells its neighbours of the path in use, with itself in front and the cost of the
// link added; not those that it leads over; once; and takes it back when there is none.
func TestPathsAreToldOnce(t *testing.T) {
	_, x := vector(t, 3, nil)
	x.SetCost(0, 0, 5)
	x.told(0)
	expect(t, "new", x.hear(0, 0, pv(1, 9, 2, 101, 7)), "1: [1 101 7]/7", "2: [1 101 7]/7")
	expect(t, "the same again", x.hear(0, 0, pv(2, 9, 2, 101, 7)))
	expect(t, "better, over 102", x.hear(0, 1, pv(1, 9, 3, 102, 103, 7)), "0: [1 102 103 7]/4", "1: -7", "2: -7")
	expect(t, "worse than the one in use", x.hear(0, 0, pv(3, 9, 2, 101, 7)))
	expect(t, "over this member", x.hear(0, 2, pv(1, 9, 2, 103, 1, 7)))
	expect(t, "taken back", x.hear(0, 1, pvGone(2, 7)), "0: -7", "1: [1 101 7]/7", "2: [1 101 7]/7")
	expect(t, "none left", x.hear(0, 0, pvGone(4, 7)), "1: -7", "2: -7")
}

// TestNewNeighbourIsToldEverything, at once and with the request to do the same.
func TestNewNeighbourIsToldEverything(t *testing.T) {
	_, x := vector(t, 1, func(c *PathVectorConfig) { c.MRAI = sec })
	x.hear(0, 0, pv(1, 9, 1, 101, 7))
	x.AddNeighbour(0, Mgmt, 102, 1)
	x.Tick(0)
	out := x.Out()
	if len(out.Sends) == 0 {
		t.Fatal("nothing is told")
	}
	for _, s := range out.Sends {
		m, err := wire.ParsePathVector(s.SDU)
		if err != nil || s.Port == 1 && (!m.Ask || m.Count != 2) || s.Port == 0 && m.Ask {
			t.Errorf("port %d: %+v, %v", s.Port, m, err)
		}
	}
	x.Recv(core.Time(2*sec), 1, wire.AppendPVHeader(nil, true, 1))
	expect(t, "asked", x.told(core.Time(2*sec)), "1: [1]/0", "1: [1 101 7]/2")
}

// TestOlderMessageChangesNothing: management flows reorder. What a newer message has said of a destination
// stands, a withdrawal too.
func TestOlderMessageChangesNothing(t *testing.T) {
	_, x := vector(t, 1, nil)
	x.hear(0, 0, pv(math.MaxUint32, 9, 3, 101, 7)) // numbers wrap
	x.hear(0, 0, pv(1, 9, 1, 101, 7))
	x.hear(0, 0, pv(0, 9, 2, 101, 7))
	if e, _ := x.entry(101, 7); e.Cost != 1 || e.Seq != 1 {
		t.Errorf("%+v, want cost 1 of message 1", e)
	}
	x.hear(0, 0, pvGone(5, 7))
	x.hear(0, 0, pv(4, 9, 1, 101, 7))
	if e, ok := x.entry(101, 7); !ok || !e.Withdrawn {
		t.Errorf("%+v, want it withdrawn", e)
	}
	if s := x.Stats(); s.Duplicates != 2 || s.Received != 5 {
		t.Errorf("counted %+v", s)
	}
}

// TestLaterLifeCounts: paths of an earlier life of the destination are void as soon as one of a later is known,
// however short they are.
func TestLaterLifeCounts(t *testing.T) {
	_, x := vector(t, 2, nil)
	x.hear(0, 0, pv(1, 9, 1, 101, 7))
	x.hear(0, 1, pv(1, 10, 5, 102, 6, 5, 7))
	if got := x.fwd.Next(7, 0); got != 1 || len(x.routes[slices.IndexFunc(x.routes, func(r pff.Route) bool { return r.Dst == 7 })].Ports) != 1 {
		t.Errorf("over port %d, routes %v, want port 1 alone", got, x.routes)
	}
}

// TestRefreshAndTimeOut: every period all is told again, withdrawals for a while too, and what was not told for
// t_timeo is dropped and counted.
func TestRefreshAndTimeOut(t *testing.T) {
	_, x := vector(t, 2, nil)
	x.hear(0, 0, pv(1, 9, 1, 101, 7))
	x.hear(0, 0, pv(2, 9, 1, 101, 8))
	x.hear(0, 0, pvGone(3, 8))
	for k := range 4 {
		at := core.Time(time.Duration(k+1) * 15 * sec)
		expect(t, fmt.Sprint("refresh at ", at), x.told(at), "0: [1]/0", "1: [1]/0", "1: [1 101 7]/2", "1: -8")
	}
	expect(t, "after the time-out", x.told(core.Time(75*sec)), "0: [1]/0", "1: [1]/0", "1: -7")
	if s := x.Stats(); s.TimedOut != 1 {
		t.Errorf("%d timed out, want 1", s.TimedOut)
	}
	for k := range 8 {
		x.told(core.Time(time.Duration(k+6) * 15 * sec))
	}
	if d := x.Routing.(*pathVector).dests; len(d) != 1 {
		t.Errorf("%d destinations are kept, want the member itself", len(d))
	}
}

// TestAdvertisementsArePaced: the first change after a quiet time is told at once, what follows within MRAI
// together and as it is then.
func TestAdvertisementsArePaced(t *testing.T) {
	_, x := vector(t, 2, func(c *PathVectorConfig) { c.MRAI = 100 * ms })
	at := core.Time(sec)
	expect(t, "first", x.hear(at, 0, pv(1, 9, 1, 101, 7)), "1: [1 101 7]/2")
	for i := range uint32(20) {
		expect(t, "within MRAI", x.hear(at.Add(ms), 0, pv(2+i, 9, uint64(2+i), 101, 7)))
	}
	if got := x.Deadline(); got != at.Add(100*ms) {
		t.Fatalf("deadline %v, want 1.1s", got)
	}
	expect(t, "after MRAI", x.told(at.Add(100*ms)), "1: [1 101 7]/22")
}

// TestLargeTablesAreSplit: no message is longer than 1024 bytes, nor as long as one of link state.
func TestLargeTablesAreSplit(t *testing.T) {
	_, x := vector(t, 2, nil)
	for dst := range uint64(300) {
		x.Recv(0, 0, pv(1, 9, 63, append(longPath(60), 1000+dst)...))
	}
	x.Tick(0)
	total := 0
	for _, s := range x.Out().Sends {
		m, err := wire.ParsePathVector(s.SDU)
		if err != nil || len(s.SDU) > maxPVMessage || len(s.SDU) == wire.LSALen || len(s.SDU) == wire.LSAExtLen {
			t.Fatalf("%d bytes, %v", len(s.SDU), err)
		}
		total += m.Count
	}
	if total != 300 {
		t.Errorf("%d routes told, want 300", total)
	}
}

func longPath(n int) []uint64 {
	path := []uint64{101}
	for len(path) < n {
		path = append(path, uint64(500+len(path)))
	}
	return path
}

// TestPathVectorLimits: what is forged or too large is not taken, and counted by name.
func TestPathVectorLimits(t *testing.T) {
	for name, tc := range map[string]struct {
		port    Port
		sdu     []byte
		counter func(Stats) uint64
		known   int // destinations besides the member
	}{
		"link state message": {0, lsa(101, 7, 1), func(s Stats) uint64 { return s.Invalid }, 0},
		"unknown port":       {9, pv(1, 9, 1, 101, 7), func(s Stats) uint64 { return s.Invalid }, 0},
		"not its own path":   {0, pv(1, 9, 1, 102, 7), func(s Stats) uint64 { return s.Invalid }, 0},
		"life beyond limits": {0, pv(1, math.MaxUint64, 1, 101, 7), func(s Stats) uint64 { return s.Ahead }, 0},
		"earlier own life":   {0, pv(1, 9, 1, 101, 1), func(s Stats) uint64 { return s.Stale }, 0},
		"long path":          {0, pv(1, 9, 90, longPath(64)...), func(s Stats) uint64 { return s.Full }, 0},
		"good":               {0, pv(1, 9, 1, 101, 7), nil, 1},
	} {
		_, x := vector(t, 2, nil)
		x.hear(0, tc.port, tc.sdu)
		if got := len(x.Routing.(*pathVector).dests) - 1; got != tc.known {
			t.Errorf("%s: %d destinations, want %d", name, got, tc.known)
		}
		s := x.Stats()
		if got := s.Invalid + s.Ahead + s.Stale + s.Full + s.Duplicates; tc.counter == nil && got != 0 || tc.counter != nil && (got != 1 || tc.counter(s) != 1) {
			t.Errorf("%s: counted %+v", name, s)
		}
	}
	_, x := vector(t, 1, func(c *PathVectorConfig) { c.MaxDestinations = 16 })
	for dst := range uint64(40) {
		x.hear(0, 0, pv(1, 9, 1, 101, 200+dst))
	}
	if s := x.Stats(); s.Full != 25 || len(x.Routing.(*pathVector).dests) != 16 {
		t.Errorf("counted %d, %d destinations, want 25 and 16", s.Full, len(x.Routing.(*pathVector).dests))
	}
}

// TestPathVectorConflict: decision 6. A later life of this member is overruled twice; then it is another member.
// Two members with one address find out, and others do not.
func TestPathVectorConflict(t *testing.T) {
	n := newNet(t)
	a, b, c := n.addMember(1, "simple", testPathVector), n.addMember(2, "simple", testPathVector), n.addMember(3, "simple", testPathVector)
	n.run(sec)
	twin := n.addMember(1, "simple", testPathVector)
	n.link(a, b)
	n.link(b, c)
	n.link(c, twin)
	n.run(10 * sec)
	if a.hits+twin.hits == 0 || a.hits > 1 || twin.hits > 1 || b.hits+c.hits != 0 {
		t.Errorf("told: %d and %d times; others %d; want one or both of the two, once", a.hits, twin.hits, b.hits+c.hits)
	}
	_, x := vector(t, 1, nil)
	x.AddNeighbour(0, DT, 1, 4)
	if !x.Out().Conflict {
		t.Error("a neighbour with the own address is not reported")
	}
}

// TestPathVectorRestart: decision 7. A member that comes back is believed, also if its clock has gone back.
func TestPathVectorRestart(t *testing.T) {
	for _, back := range []time.Duration{0, time.Hour} {
		n := newNet(t)
		var nodes []*testNode
		for a := range uint64(3) {
			nodes = append(nodes, n.addMember(a+1, "simple", testPathVector))
		}
		n.link(nodes[0], nodes[1])
		l := n.link(nodes[1], nodes[2])
		n.run(20 * sec)
		l.sever(true)
		c := nodes[2]
		c.env.Wall = func() int64 { return wallEpoch*1e9 + int64(n.now) - int64(back) }
		c.Routing = testPathVector(c.env)
		c.Start(n.now, 3, c.fwd.Wants())
		c.AddNeighbour(n.now, DT, 2, l.pb)
		l.sever(false)
		n.run(sec)
		if want := map[uint64]uint64{2: 2, 3: 2}; !maps.Equal(nodes[0].hops(), want) || c.hits != 0 {
			t.Errorf("clock back %v: tables of 1: %v, want %v; conflicts %d", back, nodes[0].hops(), want, c.hits)
		}
	}
}

// TestPathVectorTakesLeave: a member that stops takes back what it has told, and is silent.
func TestPathVectorTakesLeave(t *testing.T) {
	_, x := vector(t, 2, nil)
	x.hear(0, 0, pv(1, 9, 1, 101, 7))
	x.Stop(0)
	expect(t, "stop", x.told(0), "0: -1", "1: -1", "1: -7")
	if len(x.routes) != 0 || x.Deadline() != clock.Never {
		t.Errorf("after Stop: routes %v, deadline %v", x.routes, x.Deadline())
	}
	expect(t, "after stop", x.hear(0, 0, pv(2, 9, 1, 101, 7)))
}

// TestPathVectorPorts: the table follows the ports of a neighbour, as under link-state (D7, D12), and an alternate
// takes over at once.
func TestPathVectorPorts(t *testing.T) {
	_, x := vector(t, 2, nil)
	x.hear(0, 0, pv(1, 9, 1, 101, 7))
	x.hear(0, 1, pv(1, 9, 2, 102, 6, 7))
	for _, step := range []struct {
		name string
		call func()
		want []Port
	}{
		{"both", func() {}, []Port{0, 1}},
		{"another port", func() { x.AddNeighbour(0, DT, 101, 5) }, []Port{5, 1}},
		{"it is down", func() { x.PortState(0, 5, false) }, []Port{0, 1}},
		{"it has gone", func() { x.RemoveNeighbour(0, DT, 5) }, []Port{0, 1}},
		{"dear", func() { x.SetCost(0, 0, 9) }, []Port{1, 0}},
		{"down", func() { x.PortState(0, 1, false) }, []Port{0}},
		{"management has gone", func() { x.RemoveNeighbour(0, Mgmt, 0) }, nil},
		{"up", func() { x.PortState(0, 1, true) }, []Port{1}},
		{"all gone", func() { x.RemoveNeighbour(0, DT, 1); x.RemoveNeighbour(0, Mgmt, 1); x.RemoveNeighbour(0, DT, 0) }, nil},
	} {
		step.call()
		x.told(0)
		var got []Port
		for _, r := range x.routes {
			if r.Dst == 7 {
				got = r.Ports
			}
		}
		if !slices.Equal(got, step.want) {
			t.Errorf("%s: ports %v, want %v", step.name, got, step.want)
		}
	}
}

// TestPathVectorConfigIsChecked: bad parameters name what is accepted.
func TestPathVectorConfigIsChecked(t *testing.T) {
	for param, v := range map[string]any{
		"update": "0s", "timeout": "29s", "mrai": "-1ms", "spf_hold": "2h", "max_path": 65, "max_destinations": 1, "pace": "1s",
	} {
		_, err := Policies(nil).Choose("path-vector", map[string]any{param: v})
		if err == nil || !strings.Contains(err.Error(), param) {
			t.Errorf("%s=%v: %v", param, v, err)
		}
	}
}

// appendRoute adds a route to a message.
func appendRoute(b []byte, metric uint64, path ...uint64) []byte {
	return wire.AppendPVRoute(b, 0, 9, metric, path[0], path[1:])
}
