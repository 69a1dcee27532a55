package routing

import (
	"slices"
	"testing"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/ipcp/unicast/pff"
)

func testStatic(t *testing.T, m *Map, want pff.Want) Routing {
	t.Helper()
	c, err := Policies(m).Choose("static", nil)
	if err != nil {
		t.Fatal(err)
	}
	x, err := c.New(core.Env{})
	if err != nil {
		t.Fatal(err)
	}
	x.Start(0, 1, want)
	return x
}

// staticRoutes lets what is due be done and returns the table, nil if none was installed.
func staticRoutes(x Routing, now core.Time) []pff.Route {
	x.Tick(now)
	return x.Out().Routes
}

func sameRoutes(a, b []pff.Route) bool {
	return slices.EqualFunc(a, b, func(x, y pff.Route) bool { return x.Dst == y.Dst && slices.Equal(x.Ports, y.Ports) })
}

// TestStaticFollowsTheMapOnly: the table comes from the map, when it grows and when ports come and go. A port
// that is down, a cost and a message change nothing, and no message is sent.
func TestStaticFollowsTheMapOnly(t *testing.T) {
	m := NewMap()
	x := testStatic(t, m, pff.WantFirst)
	x.AddNeighbour(0, Mgmt, 2, 0)
	x.AddNeighbour(0, DT, 2, 5)
	x.AddNeighbour(0, DT, 3, 6)
	if got := staticRoutes(x, 0); got != nil {
		t.Errorf("routes %v without a map", got)
	}
	m.Link(1, 2, 1)
	m.Link(2, 4, 1)
	m.Link(1, 3, 5)
	at := x.Deadline()
	if at == clock.Never {
		t.Fatal("the map is not looked at again")
	}
	if got, want := staticRoutes(x, at), []pff.Route{{Dst: 2, Ports: []Port{5}}, {Dst: 3, Ports: []Port{6}}, {Dst: 4, Ports: []Port{5}}}; !sameRoutes(got, want) {
		t.Errorf("routes %v, want %v", got, want)
	}
	m.Link(3, 4, 1)
	m.Link(1, 3, 1) // the last call counts
	m.Link(1, 1, 1)
	m.Link(0, 1, 1)
	m.Link(2, 4, 0) // as 1
	m.Complete()
	at = x.Deadline()
	if got := staticRoutes(x, at); got != nil {
		t.Errorf("routes %v, want no change: of two equal paths that over the lower address", got)
	}
	if x.Deadline() != clock.Never {
		t.Error("a complete map is looked at again")
	}
	for _, call := range []func(){
		func() { x.PortState(at, 5, false) },
		func() { x.SetCost(at, 5, 100) },
		func() { x.Recv(at, 0, lsa(2, 4, 1)) },
	} {
		call()
		if out := x.Out(); out.Install || len(out.Sends) > 0 || x.Deadline() != clock.Never {
			t.Errorf("effects %+v, deadline %v", out, x.Deadline())
		}
	}
	x.RemoveNeighbour(at, DT, 5)
	if got, want := staticRoutes(x, at), []pff.Route{{Dst: 3, Ports: []Port{6}}}; !sameRoutes(got, want) {
		t.Errorf("routes %v, want %v: a port that is gone, and no way round it", got, want)
	}
	x.Stop(at)
	if out := x.Out(); !out.Install || len(out.Routes) != 0 {
		t.Errorf("after Stop: %+v", out)
	}
}

// TestStaticGivesWhatIsWanted: alternates and equals are those of link-state on the same graph.
func TestStaticGivesWhatIsWanted(t *testing.T) {
	for want, routes := range map[pff.Want][]pff.Route{
		pff.WantFirst:      {{Dst: 2, Ports: []Port{5}}, {Dst: 3, Ports: []Port{6}}, {Dst: 4, Ports: []Port{5}}},
		pff.WantAlternates: {{Dst: 2, Ports: []Port{5}}, {Dst: 3, Ports: []Port{6}}, {Dst: 4, Ports: []Port{5, 6}}},
		pff.WantEqual:      {{Dst: 2, Ports: []Port{5}}, {Dst: 3, Ports: []Port{6}}, {Dst: 4, Ports: []Port{5, 6}}},
	} {
		m := NewMap()
		for _, l := range [][2]uint64{{1, 2}, {1, 3}, {2, 4}, {3, 4}} {
			m.Link(l[0], l[1], 1)
		}
		x := testStatic(t, m, want)
		x.AddNeighbour(0, DT, 3, 6)
		x.AddNeighbour(0, DT, 2, 5)
		if got := staticRoutes(x, 0); !sameRoutes(got, routes) {
			t.Errorf("want %d: %v, want %v", want, got, routes)
		}
		entries := 0
		x.Database(func(Adjacency) { entries++ })
		if entries != 8 {
			t.Errorf("%d adjacencies, want 8", entries)
		}
	}
}

// TestStaticNeedsAMap: without a map a choice can be checked, but no member made.
func TestStaticNeedsAMap(t *testing.T) {
	c, err := Policies(nil).Choose("static", map[string]any{"poll": "1s"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.New(core.Env{}); err == nil {
		t.Error("a member without a map")
	}
	if _, err := Policies(nil).Choose("static", map[string]any{"poll": "0s"}); err == nil {
		t.Error("a period of 0 is accepted")
	}
}
