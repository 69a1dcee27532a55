package pff

import (
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ouroboros/core"
)

func newTestSimple(t testing.TB) PFF { return newTest(t, "simple") }

func newTest(t testing.TB, name string) PFF {
	c, err := Policies().Choose(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.New(core.Env{Path: "a/net/pff"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSimpleUsesFirstFlow: spec 04 §7.2. The first flow of the list is the next hop, whatever the flow
// of the packet, and also when it is down (§7.3).
func TestSimpleUsesFirstFlow(t *testing.T) {
	p := newTestSimple(t)
	if got := p.Next(1, 0); got != None {
		t.Errorf("empty table: port %d", got)
	}
	p.Replace([]Route{{1, []Port{5, 6}}, {2, []Port{0}}, {3, nil}, {0, []Port{9}}, {1, []Port{8}}})
	p.PortDown(5)
	for dst, want := range map[uint64]Port{1: 5, 2: 0, 3: None, 4: None, 0: None} {
		for flow := range uint32(3) {
			if got := p.Next(dst, flow); got != want {
				t.Errorf("flow %d to %d: port %d, want %d", flow, dst, got, want)
			}
		}
	}
	p.PortUp(5)
	if got := p.Next(1, 0); got != 5 {
		t.Errorf("port %d, want 5", got)
	}
}

// TestReplaceLeavesNothingStale: spec 04 §7.1. A replacement is the whole table; look-ups agree with a
// map, and the listing is sorted.
func TestReplaceLeavesNothingStale(t *testing.T) {
	// Few values and multiples of powers of two, so that chains collide and wrap around.
	addr := rapid.OneOf(rapid.Uint64Range(1, 40), rapid.Map(rapid.Uint64Range(0, 63),
		func(s uint64) uint64 { return 1 << s }), rapid.Uint64Range(1, math.MaxUint64))
	rapid.Check(t, func(rt *rapid.T) {
		p := newTestSimple(t)
		var last []uint64
		for range rapid.IntRange(1, 4).Draw(rt, "replacements") {
			model := map[uint64]Port{}
			var routes []Route
			for _, dst := range rapid.SliceOfN(addr, 0, 60).Draw(rt, "destinations") {
				port := Port(rapid.Int32Range(0, 5).Draw(rt, "port"))
				routes = append(routes, Route{dst, []Port{port, port + 1}})
				if _, ok := model[dst]; !ok {
					model[dst] = port
				}
			}
			p.Replace(routes)
			for _, dst := range append(last, addr.Draw(rt, "other")) {
				want, ok := model[dst]
				if !ok {
					want = None
				}
				if got := p.Next(dst, 0); got != want {
					rt.Fatalf("%d: port %d, want %d", dst, got, want)
				}
			}
			var listed []uint64
			p.Routes(func(dst uint64, ports []Port) {
				listed = append(listed, dst)
				if len(ports) != 1 || ports[0] != model[dst] || p.Next(dst, 1) != model[dst] {
					rt.Fatalf("%d: listed %v, want %d", dst, ports, model[dst])
				}
			})
			last = slices.Sorted(maps.Keys(model))
			if !slices.Equal(listed, last) {
				rt.Fatalf("listed %v, want %v", listed, last)
			}
		}
	})
}

// TestPoliciesRefuseParameters: simple has none.
func TestPoliciesRefuseParameters(t *testing.T) {
	if _, err := Policies().Choose("simple", map[string]any{"hash": 1}); err == nil {
		t.Error("an unknown parameter is accepted")
	}
	if _, err := Policies().Choose("simplest", nil); err == nil {
		t.Error("an unknown policy is accepted")
	}
}
