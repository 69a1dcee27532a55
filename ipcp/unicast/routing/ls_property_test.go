package routing

import (
	"fmt"
	"maps"
	"math"
	"testing"
	"time"

	"gonum.org/v1/gonum/graph/path"
	"gonum.org/v1/gonum/graph/simple"
	"pgregory.net/rapid"

	"ouroboros/core/trace"
	"ouroboros/ipcp/unicast/pff"
)

// randomLayer draws a connected layer with addresses in no order, some links with costs.
func randomLayer(rt *rapid.T, t *testing.T, edit func(*LinkStateConfig)) (*testNet, arcs) {
	n := newNet(t)
	size := rapid.IntRange(2, 12).Draw(rt, "size")
	addrs := rapid.SliceOfNDistinct(rapid.Uint64Range(1, math.MaxUint32), size, size, rapid.ID[uint64]).Draw(rt, "addrs")
	for _, a := range addrs {
		n.add(a, edit)
	}
	weighted := rapid.Bool().Draw(rt, "weighted")
	links := arcs{}
	join := func(i, j int) {
		a, b := n.nodes[i], n.nodes[j]
		if _, ok := links[[2]uint64{a.addr, b.addr}]; ok || i == j {
			return
		}
		l := n.link(a, b)
		ca, cb := uint32(1), uint32(1)
		if weighted {
			ca = rapid.Uint32Range(1, 4).Draw(rt, "cost")
			cb = rapid.Uint32Range(1, 4).Draw(rt, "cost back")
			a.do(func() { a.SetCost(n.now, l.pa, ca) })
			b.do(func() { b.SetCost(n.now, l.pb, cb) })
		}
		links[[2]uint64{a.addr, b.addr}], links[[2]uint64{b.addr, a.addr}] = ca, cb
	}
	for i := 1; i < size; i++ {
		join(i, rapid.IntRange(0, i-1).Draw(rt, "parent"))
		n.run(time.Duration(rapid.IntRange(0, 3).Draw(rt, "pause")) * ms)
	}
	for range rapid.IntRange(0, size).Draw(rt, "extra") {
		join(rapid.IntRange(0, size-1).Draw(rt, "i"), rapid.IntRange(0, size-1).Draw(rt, "j"))
	}
	return n, links
}

// checkTables compares every table with the oracle and with the distances that gonum finds, and follows
// it from everywhere to everywhere.
func checkTables(t interface{ Fatalf(string, ...any) }, n *testNet, links arcs) {
	g := simple.NewWeightedDirectedGraph(0, math.Inf(1))
	for _, x := range n.nodes {
		g.AddNode(simple.Node(x.addr))
	}
	for l, c := range links {
		g.SetWeightedEdge(g.NewWeightedEdge(simple.Node(l[0]), simple.Node(l[1]), float64(c)))
	}
	for _, x := range n.nodes {
		want := oracle(links, x.addr)
		if got := x.hops(); !maps.Equal(got, want) {
			t.Fatalf("table of %d is %v, want %v; database %v", x.addr, got, want, x.db())
		}
		dist := path.DijkstraFrom(simple.Node(x.addr), g)
		for _, y := range n.nodes {
			if x == y {
				continue
			}
			d, ok := follow(n, links, x, y)
			if reach := !math.IsInf(dist.WeightTo(int64(y.addr)), 1); reach != ok {
				t.Fatalf("%d to %d: arrives %v, want %v", x.addr, y.addr, ok, reach)
			}
			if ok && float64(d) != dist.WeightTo(int64(y.addr)) {
				t.Fatalf("%d to %d: path of cost %d, shortest is %v", x.addr, y.addr, d, dist.WeightTo(int64(y.addr)))
			}
		}
	}
}

// follow walks the tables; a loop counts as not arriving.
func follow(n *testNet, links arcs, x, y *testNode) (cost uint64, ok bool) {
	for range n.nodes {
		if x == y {
			return cost, true
		}
		p, known := x.table[y.addr]
		if !known {
			return 0, false
		}
		next := x.ends[p].peer
		cost += uint64(links[[2]uint64{x.addr, next.addr}])
		x = next
	}
	return 0, false
}

// TestTablesAreShortestPaths: after convergence every table is that of spec 04 §6.3, ties included, and
// no packet loops; again after a link was lost and after it came back.
func TestTablesAreShortestPaths(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n, links := randomLayer(rt, t, func(c *LinkStateConfig) {
			c.SPFHold = rapid.SampledFrom([]time.Duration{0, 3 * ms, 50 * ms}).Draw(rt, "hold")
			c.LongForm = rapid.SampledFrom([]string{LongAlways, LongNeeded}).Draw(rt, "long_form")
			c.Pace = rapid.SampledFrom([]time.Duration{0, ms / 2, 10 * ms}).Draw(rt, "pace")
			c.Burst = rapid.SampledFrom([]int{1, 5, 64}).Draw(rt, "burst")
		})
		n.run(sec)
		checkTables(rt, n, links)

		lost := n.links[rapid.IntRange(0, len(n.links)-1).Draw(rt, "lost")]
		ab, ba := [2]uint64{lost.a.addr, lost.b.addr}, [2]uint64{lost.b.addr, lost.a.addr}
		less := maps.Clone(links)
		delete(less, ab)
		delete(less, ba)
		lost.set(false)
		n.run(sec)
		checkTables(rt, n, less)

		lost.set(true)
		n.run(sec)
		n.run(70 * sec) // over several rounds of refresh and ageing
		checkTables(rt, n, links)
	})
}

// TestLostLinkIsWithdrawnInOneFlood: decision 12. Each end floods one withdrawal; no flow carries it
// more than once a direction, and everybody has computed one hold time after the flood at the latest.
func TestLostLinkIsWithdrawnInOneFlood(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n, links := randomLayer(rt, t, nil)
		n.run(sec)
		lost := n.links[rapid.IntRange(0, len(n.links)-1).Draw(rt, "lost")]
		carried := map[string]int{}
		n.onSend = func(from *testNode, port Port, sdu []byte) {
			carried[fmt.Sprintf("%d port %d: %x", from.addr, port, sdu)]++
			if len(sdu) != 32 {
				rt.Fatalf("a message of %d bytes in a withdrawal", len(sdu))
			}
		}
		n.events = nil
		at := n.now
		lost.set(false)
		n.run(sec)
		n.onSend = nil
		if most := 4 * len(n.links); len(carried) > most {
			rt.Fatalf("%d messages, want at most %d: two per flow and direction", len(carried), most)
		}
		for m, times := range carried {
			if times != 1 {
				rt.Fatalf("%d times: %s", times, m)
			}
		}
		limit := at.Add(time.Duration(len(n.nodes))*n.delay + 50*ms)
		for _, e := range n.events {
			if e.Time > limit {
				rt.Fatalf("%v of %s at %v, want at most %v", e.Kind, e.Stream, e.Time, limit)
			}
			if e.Kind == trace.AdjacencyLost && e.Time != at {
				rt.Fatalf("adjacency lost at %v, want %v", e.Time, at)
			}
		}
		delete(links, [2]uint64{lost.a.addr, lost.b.addr})
		delete(links, [2]uint64{lost.b.addr, lost.a.addr})
		checkTables(rt, n, links)
	})
}

// TestEachFormFloodsOnce: decision 12. A member that hears both lengths forwards each once: no flow
// carries the same bytes twice in one direction, transfers of the database apart.
func TestEachFormFloodsOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n, _ := randomLayer(rt, t, nil)
		n.run(sec)
		carried, messages := map[string]int{}, map[int]map[string]bool{24: {}, 32: {}}
		n.onSend = func(from *testNode, port Port, sdu []byte) {
			carried[fmt.Sprintf("%d port %d: %x", from.addr, port, sdu)]++
			messages[len(sdu)][string(sdu)] = true
		}
		n.run(15 * sec)
		adjacencies := 2 * len(n.links)
		for m, times := range carried {
			if times != 1 {
				rt.Fatalf("%d times: %s", times, m)
			}
		}
		if most := 2 * adjacencies * 2 * len(n.links); len(carried) > most || len(carried) < adjacencies {
			rt.Fatalf("%d messages in a refresh of %d adjacencies over %d links", len(carried), adjacencies, len(n.links))
		}
		if s, l := len(messages[24]), len(messages[32]); s != adjacencies || l != adjacencies {
			rt.Fatalf("%d short and %d long messages, want %d of each", s, l, adjacencies)
		}
	})
}

// TestComputationMatchesOracle compares both algorithms on arbitrary, also unconnected and
// half-announced, graphs (spec 04 §6.2, §6.3, D6).
func TestComputationMatchesOracle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var d lsdb
		links := arcs{}
		maxCost := rapid.SampledFrom([]uint32{1, 3, math.MaxUint32}).Draw(rt, "max cost")
		for range rapid.IntRange(1, 80).Draw(rt, "adjacencies") {
			u, v := rapid.Uint64Range(1, 20).Draw(rt, "u"), rapid.Uint64Range(1, 20).Draw(rt, "v")
			if u == v || d.find(u, v) != none {
				continue
			}
			e := entry{src: u, dst: v, cost: rapid.Uint32Range(1, maxCost).Draw(rt, "cost")}
			e.withdrawn = rapid.IntRange(0, 9).Draw(rt, "withdrawn") == 0
			d.insert(e)
			if !e.withdrawn {
				links[[2]uint64{u, v}] = e.cost
			}
		}
		d.link()
		if len(d.addrs) == 0 {
			return
		}
		var g graph
		g.build(&d, true)
		var p paths
		p.begin(&g, pff.WantFirst)
		for s := range d.addrs {
			p.compute(g.rank[s])
			got := map[uint64]uint64{}
			for r, first := range p.first {
				if first != none {
					got[d.addrs[g.order[r]]] = d.addrs[g.order[first]]
				}
			}
			if want := oracle(links, d.addrs[s]); !maps.Equal(got, want) {
				rt.Fatalf("from %d: %v, want %v", d.addrs[s], got, want)
			}
		}
	})
}

// TestDatabaseMatchesMap drives the hash tables of the database against a plain map.
func TestDatabaseMatchesMap(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var d lsdb
		model := map[[2]uint64]uint64{}
		key := rapid.SampledFrom([]uint64{1, 2, 3, 1 << 32, 1<<32 + 1, math.MaxUint64, 0x9E3779B97F4A7C15})
		for step := range rapid.IntRange(1, 60).Draw(rt, "steps") {
			u, v := key.Draw(rt, "u"), key.Draw(rt, "v")
			switch i := d.find(u, v); {
			case u != v && i == none:
				d.insert(entry{src: u, dst: v, seq: uint64(step)})
				model[[2]uint64{u, v}] = uint64(step)
			case step%7 == 0:
				d.removeIf(func(e *entry) bool { return e.src == u })
				maps.DeleteFunc(model, func(k [2]uint64, _ uint64) bool { return k[0] == u })
			}
			d.link()
			if len(d.entries) != len(model) {
				rt.Fatalf("%d entries, want %d", len(d.entries), len(model))
			}
			for k, seq := range model {
				i := d.find(k[0], k[1])
				if i == none || d.entries[i].seq != seq {
					rt.Fatalf("%v: index %d", k, i)
				}
				rev := d.find(k[1], k[0])
				if d.entries[i].rev != rev || d.addrs[d.entries[i].si] != k[0] || d.addrs[d.entries[i].di] != k[1] {
					rt.Fatalf("%v: %+v", k, d.entries[i])
				}
			}
		}
	})
}
