package pff

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestAlternateTakesOver: spec 04 §7.3. A port that goes down gives way at once to the next of the list
// that is up, and takes over again when it comes back; without one that is up nothing changes.
func TestAlternateTakesOver(t *testing.T) {
	p := newTest(t, "lfa")
	p.Replace([]Route{{1, []Port{2, 3, 4}}, {5, []Port{3}}, {6, []Port{4, 2}}})
	for _, step := range []struct {
		name string
		call func()
		want [3]Port // towards 1, 5, 6
	}{
		{"all up", func() {}, [3]Port{2, 3, 4}},
		{"2 down", func() { p.PortDown(2) }, [3]Port{3, 3, 4}},
		{"3 down", func() { p.PortDown(3) }, [3]Port{4, 3, 4}},
		{"3 down again", func() { p.PortDown(3) }, [3]Port{4, 3, 4}},
		{"4 down", func() { p.PortDown(4) }, [3]Port{2, 3, 4}},
		{"3 up", func() { p.PortUp(3) }, [3]Port{3, 3, 4}},
		{"2 up", func() { p.PortUp(2) }, [3]Port{2, 3, 2}},
		{"4 up", func() { p.PortUp(4) }, [3]Port{2, 3, 4}},
		{"4 up again", func() { p.PortUp(4) }, [3]Port{2, 3, 4}},
		{"unknown port", func() { p.PortDown(99); p.PortDown(None); p.PortUp(None) }, [3]Port{2, 3, 4}},
	} {
		step.call()
		if got := [3]Port{p.Next(1, 0), p.Next(5, 7), p.Next(6, 8)}; got != step.want {
			t.Errorf("%s: %v, want %v", step.name, got, step.want)
		}
	}
}

// TestReplacementKeepsDownPorts: spec 04, D5. A table computed during an outage does not bring the failed
// port back.
func TestReplacementKeepsDownPorts(t *testing.T) {
	for _, name := range []string{"lfa", "ecmp"} {
		p := newTest(t, name)
		p.PortDown(2)
		for range 3 {
			p.Replace([]Route{{1, []Port{2, 3}}})
			for flow := range uint32(50) {
				if got := p.Next(1, flow); got != 3 {
					t.Fatalf("%s: flow %d over port %d, want 3", name, flow, got)
				}
			}
		}
		p.PortUp(2)
		p.Replace([]Route{{1, []Port{2, 3}}})
		if got := p.Next(1, 0); name == "lfa" && got != 2 {
			t.Errorf("port %d, want 2", got)
		}
	}
}

// listedPort is the rule of both policies without any table: the answer for one list.
func listedPort(name string, ports []Port, down map[Port]bool, before Port) func(got Port) bool {
	var up []Port
	for _, p := range ports {
		if !down[p] {
			up = append(up, p)
		}
	}
	return func(got Port) bool {
		switch {
		case len(up) == 0 && name == "lfa":
			return got == ports[0]
		case len(up) == 0 || !down[before]:
			return got == before // a flow whose port is up stays on it
		case name == "lfa":
			return got == up[0]
		}
		return slices.Contains(up, got)
	}
}

// TestPortsFollowTheirState drives both policies that know of ports that are down through random tables
// and states. For ecmp it also holds that the choice of a flow with all ports up is what it returns to.
func TestPortsFollowTheirState(t *testing.T) {
	for _, name := range []string{"lfa", "ecmp"} {
		rapid.Check(t, func(rt *rapid.T) {
			p := newTest(t, name)
			down := map[Port]bool{}
			for range rapid.IntRange(1, 3).Draw(rt, "tables") {
				model := map[uint64][]Port{}
				fresh := newTest(t, name)
				var routes []Route
				for dst := range rapid.Uint64Range(0, 20).Draw(rt, "size") {
					ports := rapid.SliceOfNDistinct(rapid.Map(rapid.Int32Range(0, 70), func(i int32) Port { return Port(i) }), 1, 5, rapid.ID).Draw(rt, "ports")
					routes = append(routes, Route{dst + 1, ports})
					model[dst+1] = ports
				}
				p.Replace(routes)
				fresh.Replace(routes) // with all ports up
				for range rapid.IntRange(0, 20).Draw(rt, "changes") {
					port := Port(rapid.Int32Range(0, 70).Draw(rt, "port"))
					if down[port] = rapid.Bool().Draw(rt, "down"); down[port] {
						p.PortDown(port)
					} else {
						p.PortUp(port)
					}
					for _, r := range routes {
						dst, ports := r.Dst, r.Ports
						flow := rapid.Uint32().Draw(rt, "flow")
						if got := p.Next(dst, flow); !listedPort(name, ports, down, fresh.Next(dst, flow))(got) {
							rt.Fatalf("%s: %v with %v down: port %d", name, ports, down, got)
						}
					}
				}
				p.Routes(func(dst uint64, ports []Port) {
					if !slices.Equal(ports, model[dst]) {
						rt.Fatalf("%d: listed %v, want %v", dst, ports, model[dst])
					}
					delete(model, dst)
				})
				if len(model) != 0 {
					rt.Fatalf("not listed: %v", model)
				}
			}
		})
	}
}

// TestFlowsSpreadAsDrawn: validation, ECMP. The share of a port has the deviation of a binomial draw,
// for flows numbered in a row, at random, and in strides.
func TestFlowsSpreadAsDrawn(t *testing.T) {
	const flows, tables = 4000, 200
	for name, flow := range map[string]func(table, i int) uint32{
		"in a row":  func(table, i int) uint32 { return uint32(table*flows + i) },
		"strides":   func(table, i int) uint32 { return uint32(table*flows+i) << 10 },
		"scattered": func(table, i int) uint32 { return uint32(table*flows+i) * 2654435761 },
	} {
		for _, n := range []int{2, 3, 8} {
			ports := make([]Port, n)
			for i := range ports {
				ports[i] = Port(i)
			}
			squares := 0.0
			for table := range tables {
				p := newECMP(seedOf(name))
				p.Replace([]Route{{1, ports}})
				count := make([]int, n)
				for i := range flows {
					count[p.Next(1, flow(table, i))]++
				}
				for _, c := range count {
					d := float64(c)/flows - 1/float64(n)
					squares += d * d
				}
			}
			got := math.Sqrt(squares / float64(tables*n))
			want := math.Sqrt(1 / float64(n) * (1 - 1/float64(n)) / flows)
			// The estimate itself deviates by about 1/sqrt(2*200) = 5 % of its value.
			if got < 0.8*want || got > 1.2*want {
				t.Errorf("%s over %d ports: deviation %.5f, want about %.5f", name, n, got, want)
			}
		}
	}
}

// TestMembersHashApart: of the flows that one member sends one way, the next one does not send all one
// way as well.
func TestMembersHashApart(t *testing.T) {
	a, b := newECMP(seedOf("a/net/pff")), newECMP(seedOf("b/net/pff"))
	for _, p := range []*ecmp{a, b} {
		p.Replace([]Route{{1, []Port{0, 1}}})
	}
	var count [2][2]int
	for flow := range uint32(4000) {
		count[a.Next(1, flow)][b.Next(1, flow)]++
	}
	for i := range count {
		for j, c := range count[i] {
			if c < 850 || c > 1150 { // 1000 ± 5.5 standard deviations
				t.Errorf("%d flows over ports %d and %d, want about 1000", c, i, j)
			}
		}
	}
}

// TestNothingIsAllocated: no policy allocates for a packet, nor for a table as large as the last.
func TestNothingIsAllocated(t *testing.T) {
	routes := benchRoutes(100, 3)
	for _, name := range Policies().Names() {
		p := newTest(t, name)
		p.Replace(routes)
		p.PortDown(1)
		if n := testing.AllocsPerRun(50, func() { p.Next(routes[3].Dst, 9) }); n != 0 {
			t.Errorf("%s: %v allocations for a packet", name, n)
		}
		if n := testing.AllocsPerRun(50, func() { p.Replace(routes) }); n != 0 {
			t.Errorf("%s: %v allocations for a table", name, n)
		}
	}
}
