package routing

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ouroboros/ipcp/unicast/pff"
)

// randomDatabase draws adjacencies among addresses 1 to n, some withdrawn, some announced by one end only.
func randomDatabase(rt *rapid.T, n uint64, maxCost uint32) *lsdb {
	d := &lsdb{}
	for range rapid.IntRange(1, int(4*n)).Draw(rt, "adjacencies") {
		addRandom(rt, d, n, maxCost)
	}
	d.link()
	return d
}

func addRandom(rt *rapid.T, d *lsdb, n uint64, maxCost uint32) {
	u, v := rapid.Uint64Range(1, n).Draw(rt, "u"), rapid.Uint64Range(1, n).Draw(rt, "v")
	for _, l := range [][2]uint64{{u, v}, {v, u}} {
		if u != v && d.find(l[0], l[1]) == none && rapid.IntRange(0, 9).Draw(rt, "half") > 0 {
			d.insert(entry{
				src: l[0], dst: l[1], cost: rapid.Uint32Range(1, maxCost).Draw(rt, "cost"),
				withdrawn: rapid.IntRange(0, 5).Draw(rt, "withdrawn") == 0,
			})
		}
	}
}

// sameTree compares two trees of one graph.
func sameTree(a, b *tree) error {
	if a.root != b.root || !slices.Equal(a.dist, b.dist) || !slices.Equal(a.parent, b.parent) {
		return fmt.Errorf("tree of %d: %v %v, want %d: %v %v", a.root, a.dist, a.parent, b.root, b.dist, b.parent)
	}
	return nil
}

// samePaths compares what was updated with what was computed from scratch.
func samePaths(got, want *paths) error {
	if err := sameTree(&got.own, &want.own); err != nil {
		return err
	}
	if !slices.Equal(got.first, want.first) || !slices.Equal(got.gates, want.gates) || !slices.Equal(got.sets, want.sets) {
		return fmt.Errorf("first %v gates %v sets %x, want %v, %v, %x", got.first, got.gates, got.sets, want.first, want.gates, want.sets)
	}
	if len(got.around) != len(want.around) {
		return fmt.Errorf("%d trees around, want %d", len(got.around), len(want.around))
	}
	for i := range got.around {
		if err := sameTree(&got.around[i], &want.around[i]); err != nil {
			return err
		}
	}
	return nil
}

// TestUpdateEqualsComputation: after any sequence of changes, several at a time, what is updated in place is
// what a computation from scratch gives: distances, parents, first hops and equal first hops, ties included
// (spec 04 §6.3), for the member itself and for its neighbours.
func TestUpdateEqualsComputation(t *testing.T) {
	for _, want := range []pff.Want{pff.WantFirst, pff.WantAlternates, pff.WantEqual} {
		inPlace := 0
		rapid.Check(t, func(rt *rapid.T) {
			n := rapid.Uint64Range(2, 16).Draw(rt, "n")
			maxCost := rapid.SampledFrom([]uint32{1, 3, math.MaxUint32}).Draw(rt, "max cost")
			d := randomDatabase(rt, n, maxCost)
			if len(d.addrs) == 0 {
				return
			}
			s := int32(rapid.IntRange(0, len(d.addrs)-1).Draw(rt, "self"))
			var g graph
			g.build(d, true)
			var p paths
			p.begin(&g, want)
			p.compute(g.rank[s])
			for range rapid.IntRange(1, 8).Draw(rt, "rounds") {
				before := len(d.addrs)
				var touched []int32
				for range rapid.IntRange(1, 4).Draw(rt, "changes") {
					i := int32(rapid.IntRange(0, len(d.entries)-1).Draw(rt, "entry"))
					switch rapid.IntRange(0, 3).Draw(rt, "change") {
					case 0:
						d.entries[i].cost = rapid.Uint32Range(1, maxCost).Draw(rt, "cost")
					case 1:
						from := len(d.entries)
						addRandom(rt, d, n, maxCost)
						for k := from; k < len(d.entries); k++ {
							touched = append(touched, int32(k))
						}
					default:
						d.entries[i].withdrawn = !d.entries[i].withdrawn
					}
					touched = append(touched, i)
				}
				d.link()
				var log []arcChange
				ok := len(d.addrs) == before
				for _, i := range touched {
					ok = ok && g.change(d, &d.entries[i], &log)
				}
				if ok {
					p.update(log)
					inPlace++
				} else {
					g.build(d, true)
					p.compute(g.rank[s])
				}
				var fresh graph
				fresh.build(d, true)
				var q paths
				q.begin(&fresh, want)
				q.compute(fresh.rank[s])
				if err := samePaths(&p, &q); err != nil {
					rt.Fatalf("changes %+v: %v", log, err)
				}
			}
		})
		if inPlace < 100 {
			t.Errorf("want %d: %d updates in place", want, inPlace)
		}
	}
}

// distances are those between all vertices, by the algorithm of Floyd and Warshall.
func distances(d *lsdb) map[[2]uint64]uint64 {
	const far = math.MaxUint64 / 4
	dist := map[[2]uint64]uint64{}
	for _, a := range d.addrs {
		for _, b := range d.addrs {
			dist[[2]uint64{a, b}] = far
		}
		dist[[2]uint64{a, a}] = 0
	}
	for i := range d.entries {
		if e := &d.entries[i]; d.usable(e) {
			dist[[2]uint64{e.src, e.dst}] = uint64(e.cost)
		}
	}
	for _, k := range d.addrs {
		for _, a := range d.addrs {
			for _, b := range d.addrs {
				dist[[2]uint64{a, b}] = min(dist[[2]uint64{a, b}], dist[[2]uint64{a, k}]+dist[[2]uint64{k, b}])
			}
		}
	}
	for k, v := range dist {
		if v >= far {
			delete(dist, k) // D6: unreachable is no distance
		}
	}
	return dist
}

// TestNextHopsMatchTheirDefinition: spec 04 §6.6 and §6.7, with costs and with D4 and D6 mended. Alternates are the
// neighbours over links that both ends announce which are no first hop and whose distance to the destination is
// below that over this member; equals are those on some shortest path.
func TestNextHopsMatchTheirDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := randomDatabase(rt, rapid.Uint64Range(2, 10).Draw(rt, "n"), rapid.SampledFrom([]uint32{1, 3}).Draw(rt, "max cost"))
		if len(d.addrs) == 0 {
			return
		}
		dist := distances(d)
		var g graph
		g.build(d, true)
		addr := func(rank int32) uint64 { return d.addrs[g.order[rank]] }
		self := d.addrs[rapid.IntRange(0, len(d.addrs)-1).Draw(rt, "self")]
		for _, w := range []pff.Want{pff.WantAlternates, pff.WantEqual} {
			var p paths
			p.begin(&g, w)
			p.compute(g.rank[d.findVertex(self)])
			for v := range g.order {
				dst := addr(int32(v))
				var got []uint64
				p.hops(int32(v), func(r int32) { got = append(got, addr(r)) })
				want := nextHops(d, dist, self, dst, w, got)
				if !slices.Equal(got, want) {
					rt.Fatalf("want %d: %d to %d: %v, want %v", w, self, dst, got, want)
				}
			}
		}
	})
}

// nextHops is the definition. The first hop of a list of alternates is taken from got: other tests hold it.
func nextHops(d *lsdb, dist map[[2]uint64]uint64, self, dst uint64, w pff.Want, got []uint64) []uint64 {
	total, ok := dist[[2]uint64{self, dst}]
	if !ok || self == dst || len(got) == 0 {
		return nil
	}
	type way struct{ cost, n uint64 }
	var ways []way
	for i := range d.entries {
		e := &d.entries[i]
		there, ok := dist[[2]uint64{e.dst, dst}]
		if e.src != self || !d.usable(e) || !ok {
			continue
		}
		cost := uint64(e.cost) + there
		if w == pff.WantEqual && cost == total {
			ways = append(ways, way{0, e.dst})
		}
		if w == pff.WantAlternates && e.dst != got[0] && there < dist[[2]uint64{e.dst, self}]+total {
			ways = append(ways, way{cost, e.dst})
		}
	}
	slices.SortFunc(ways, func(a, b way) int {
		if a.cost < b.cost || a.cost == b.cost && a.n < b.n {
			return -1
		}
		return 1
	})
	var out []uint64
	if w == pff.WantAlternates {
		out = append(out, got[0])
	}
	for _, x := range ways {
		out = append(out, x.n)
	}
	return out
}

// TestExamplesOfTheSpecification: spec 04 §6.8. The alternates of the prototype repeat the first hop, which ours
// never do, and its links announced by one end only are not used (D4).
func TestExamplesOfTheSpecification(t *testing.T) {
	square := [][2]uint64{{1, 2}, {1, 3}, {2, 4}, {3, 4}, {4, 5}}
	triangle := [][2]uint64{{1, 2}, {2, 3}, {1, 3}}
	for _, tc := range []struct {
		name  string
		links [][2]uint64
		half  bool // 1 announces a link to 6, and 6 has one to 4
		want  pff.Want
		hops  map[uint64][]uint64
	}{
		{"square", square, false, pff.WantFirst, map[uint64][]uint64{2: {2}, 3: {3}, 4: {2}, 5: {2}}},
		{"square", square, false, pff.WantAlternates, map[uint64][]uint64{2: {2}, 3: {3}, 4: {2, 3}, 5: {2, 3}}},
		{"square", square, false, pff.WantEqual, map[uint64][]uint64{2: {2}, 3: {3}, 4: {2, 3}, 5: {2, 3}}},
		{"triangle", triangle, false, pff.WantAlternates, map[uint64][]uint64{2: {2, 3}, 3: {3, 2}}},
		{"triangle", triangle, false, pff.WantEqual, map[uint64][]uint64{2: {2}, 3: {3}}},
		{"half a link", square, true, pff.WantAlternates, map[uint64][]uint64{2: {2}, 3: {3}, 4: {2, 3}, 5: {2, 3}, 6: {2, 3}}},
		{"half a link", square, true, pff.WantEqual, map[uint64][]uint64{2: {2}, 3: {3}, 4: {2, 3}, 5: {2, 3}, 6: {2, 3}}},
	} {
		m := NewMap()
		for _, l := range tc.links {
			m.Link(l[0], l[1], 1)
		}
		if tc.half {
			m.Link(6, 4, 1)
			m.set(1, 6, 1)
		}
		m.ready()
		var p paths
		p.begin(&m.graph, tc.want)
		p.compute(m.graph.rank[m.db.findVertex(1)])
		for v, i := range m.graph.order {
			var got []uint64
			p.hops(int32(v), func(r int32) { got = append(got, m.db.addrs[m.graph.order[r]]) })
			if want := tc.hops[m.db.addrs[i]]; !slices.Equal(got, want) {
				t.Errorf("%s, want %d: to %d over %v, want %v", tc.name, tc.want, m.db.addrs[i], got, want)
			}
		}
	}
}
