package routing

import (
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ouroboros/core"
	"ouroboros/ipcp/unicast/pff"
)

// schemes are the policies and forwarding functions that belong together.
var schemes = []struct {
	name, forwarding string
	policy           func(core.Env) Routing
}{
	{"link-state simple", "simple", testLinkState},
	{"link-state lfa", "lfa", testLinkState},
	{"link-state ecmp", "ecmp", testLinkState},
	{"path-vector simple", "simple", testPathVector},
	{"path-vector lfa", "lfa", testPathVector},
	{"path-vector ecmp", "ecmp", testPathVector},
}

func testLinkState(env core.Env) Routing { return newLinkState(env, testConfig(nil)) }

func testPathVector(env core.Env) Routing {
	return newPathVector(env, pathVectorFactory().Config().(*PathVectorConfig))
}

// randomMembers draws a connected layer of members of one scheme.
func randomMembers(rt *rapid.T, t *testing.T, forwarding string, policy func(core.Env) Routing) (*testNet, arcs) {
	n := newNet(t)
	size := rapid.IntRange(2, 10).Draw(rt, "size")
	for _, a := range rapid.SliceOfNDistinct(rapid.Uint64Range(1, math.MaxUint32), size, size, rapid.ID[uint64]).Draw(rt, "addrs") {
		n.addMember(a, forwarding, policy)
	}
	weighted := rapid.Bool().Draw(rt, "weighted")
	links := arcs{}
	join := func(i, j int) {
		if _, ok := links[[2]uint64{n.nodes[i].addr, n.nodes[j].addr}]; !ok && i != j {
			joinMembers(rt, n, links, n.nodes[i], n.nodes[j], weighted)
		}
	}
	for i := 1; i < size; i++ {
		join(i, rapid.IntRange(0, i-1).Draw(rt, "parent"))
	}
	for range rapid.IntRange(0, size+2).Draw(rt, "extra") {
		join(rapid.IntRange(0, size-1).Draw(rt, "i"), rapid.IntRange(0, size-1).Draw(rt, "j"))
	}
	return n, links
}

func joinMembers(rt *rapid.T, n *testNet, links arcs, a, b *testNode, weighted bool) {
	l := n.link(a, b)
	ca, cb := uint32(1), uint32(1)
	if weighted {
		ca, cb = rapid.Uint32Range(1, 4).Draw(rt, "cost"), rapid.Uint32Range(1, 4).Draw(rt, "cost back")
		a.do(func() { a.SetCost(n.now, l.pa, ca) })
		b.do(func() { b.SetCost(n.now, l.pb, cb) })
	}
	links[[2]uint64{a.addr, b.addr}], links[[2]uint64{b.addr, a.addr}] = ca, cb
}

// standing are the links that carry packets between members that live.
func (n *testNet) standing(links arcs) arcs {
	out := arcs{}
	for _, l := range n.links {
		if !l.cut && !l.a.dead && !l.b.dead {
			for _, k := range [][2]uint64{{l.a.addr, l.b.addr}, {l.b.addr, l.a.addr}} {
				out[k] = links[k]
			}
		}
	}
	return out
}

// The ends that a packet can come to.
const (
	arrived = "arrived"
	dropped = "dropped" // no route, or the port is down
	looped  = "looped"
)

// send follows a packet of a flow by the forwarding functions, until it arrives, is dropped, or has been
// forwarded more often than there are members.
func (n *testNet) send(x, y *testNode, flow uint32) (end string, hops int) {
	for hops = range len(n.nodes) + 1 {
		if x == y {
			return arrived, hops
		}
		p := x.fwd.Next(y.addr, flow)
		if p < 0 || x.ends[p].link.cut || x.ends[p].peer.dead {
			return dropped, hops
		}
		x = x.ends[p].peer
	}
	return looped, hops
}

// checkForwarding holds what must be true of a converged layer: no packet loops, one arrives if and only if
// there is a way, and it takes a shortest one.
func checkForwarding(rt *rapid.T, n *testNet, links arcs) {
	links = n.standing(links)
	for _, x := range n.nodes {
		if x.dead {
			continue
		}
		reach := oracle(links, x.addr)
		for _, y := range n.nodes {
			if x == y {
				continue
			}
			want := dropped
			if _, ok := reach[y.addr]; ok {
				want = arrived
			}
			for flow := range uint32(4) {
				if end, _ := n.send(x, y, flow*7919); end != want {
					rt.Fatalf("%d to %d, flow %d: %s, want %s; routes %v, links %v", x.addr, y.addr, flow, end, want, x.routes, links)
				}
			}
		}
	}
}

// TestForwardingAfterFaults: under every scheme, on random graphs and after random faults and repairs that
// follow each other faster than the layer converges, all members of one part of the layer reach each other and no
// packet loops. While it converges a packet may loop; the TTL of a packet ends that (spec 02 §6).
func TestForwardingAfterFaults(t *testing.T) {
	for _, s := range schemes {
		t.Run(s.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				n, links := randomMembers(rt, t, s.forwarding, s.policy)
				n.run(2 * sec)
				checkForwarding(rt, n, links)
				for range rapid.IntRange(1, 6).Draw(rt, "faults") {
					l := rapid.SampledFrom(n.links).Draw(rt, "link")
					switch x := rapid.SampledFrom(n.nodes).Draw(rt, "node"); {
					case rapid.IntRange(0, 9).Draw(rt, "kill") == 0:
						if !x.dead {
							x.kill()
						}
					case !l.a.dead && !l.b.dead:
						l.sever(!l.cut)
					}
					n.run(time.Duration(rapid.IntRange(0, 120).Draw(rt, "pause")) * ms)
				}
				n.run(5 * sec)
				checkForwarding(rt, n, links)
			})
		})
	}
}

// TestForwardingAfterLoss: messages are lost, and overtake each other, while links fail. Refresh makes up for
// it: two periods after the last loss every table is right again.
func TestForwardingAfterLoss(t *testing.T) {
	for _, s := range schemes {
		t.Run(s.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				n, links := randomMembers(rt, t, s.forwarding, s.policy)
				share := rapid.IntRange(1, 5).Draw(rt, "loss in tenths")
				r := n.nodes[0].env.Rand // draws of rapid would be too many
				n.lose = func() bool { return r.IntN(10) < share }
				n.jitter = func() time.Duration { return time.Duration(r.IntN(5)) * ms }
				for range rapid.IntRange(1, 4).Draw(rt, "faults") {
					l := rapid.SampledFrom(n.links).Draw(rt, "link")
					l.sever(!l.cut)
					n.run(time.Duration(rapid.IntRange(0, 200).Draw(rt, "pause")) * ms)
				}
				n.lose, n.jitter = nil, nil
				n.run(31 * sec)
				if s.name[0] == 'l' {
					n.run(60 * sec) // a lost withdrawal of a link ages out
				}
				checkForwarding(rt, n, links)
			})
		})
	}
}

// TestSingleFailureBeforeConvergence: a link fails and nobody but the forwarding functions at its two ends has been
// told. Under lfa no packet loops, and one arrives unless its way leads over the link and the member there has no
// alternate (RFC 5286). Under ecmp no packet loops whichever links are down.
func TestSingleFailureBeforeConvergence(t *testing.T) {
	for _, s := range schemes {
		if s.forwarding == "simple" {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				n, links := randomMembers(rt, t, s.forwarding, s.policy)
				n.run(2 * sec)
				failures := 1
				if s.forwarding == "ecmp" {
					failures = rapid.IntRange(1, 3).Draw(rt, "failures")
				}
				for range failures {
					l := rapid.SampledFrom(n.links).Draw(rt, "link")
					l.cut = true
					l.a.fwd.PortDown(l.pa)
					l.b.fwd.PortDown(l.pb)
				}
				checkRepair(rt, n, links, s.forwarding == "lfa")
			})
		})
	}
}

func checkRepair(rt *rapid.T, n *testNet, links arcs, lfa bool) {
	for _, x := range n.nodes {
		for _, y := range n.nodes {
			if x == y {
				continue
			}
			for flow := range uint32(4) {
				end, _ := n.send(x, y, flow)
				if end == looped {
					rt.Fatalf("%d to %d loops; links %v", x.addr, y.addr, links)
				}
				if end == dropped && lfa && !n.stuck(x, y) {
					rt.Fatalf("%d to %d is dropped though there is an alternate; links %v", x.addr, y.addr, links)
				}
			}
		}
	}
}

// stuck tells that a packet from x to y comes to a member whose ports towards y are all down.
func (n *testNet) stuck(x, y *testNode) bool {
	for x != y {
		p := x.fwd.Next(y.addr, 0)
		if x.ends[p].link.cut {
			i := slices.IndexFunc(x.routes, func(r pff.Route) bool { return r.Dst == y.addr })
			return !slices.ContainsFunc(x.routes[i].Ports, func(p Port) bool { return !x.ends[p].link.cut })
		}
		x = x.ends[p].peer
	}
	return false
}

// TestPathVectorChoosesShortestPaths: of the paths that cost least it uses the one with the fewest hops, of these
// the one over the neighbour with the lowest address.
func TestPathVectorChoosesShortestPaths(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n, links := randomMembers(rt, t, "simple", testPathVector)
		n.run(2 * sec)
		for _, y := range n.nodes {
			next := vectors(links, y.addr)
			for _, x := range n.nodes {
				if got := x.hops()[y.addr]; x != y && got != next[x.addr] {
					rt.Fatalf("%d to %d over %d, want %d; links %v", x.addr, y.addr, got, next[x.addr], links)
				}
			}
		}
	})
}

// vectors computes the next hops of all members towards dst by rounds of Bellman and Ford.
func vectors(links arcs, dst uint64) map[uint64]uint64 {
	type way struct{ cost, hops, next uint64 }
	best := map[uint64]way{dst: {}}
	for changed := true; changed; {
		changed = false
		for _, l := range slices.SortedFunc(maps.Keys(links), func(a, b [2]uint64) int { return slices.Compare(a[:], b[:]) }) {
			via, ok := best[l[1]]
			if !ok || l[0] == dst {
				continue
			}
			w := way{via.cost + uint64(links[l]), via.hops + 1, l[1]}
			old, known := best[l[0]]
			if !known || slices.Compare([]uint64{w.cost, w.hops, w.next}, []uint64{old.cost, old.hops, old.next}) < 0 {
				best[l[0]] = w
				changed = true
			}
		}
	}
	next := map[uint64]uint64{}
	for x, w := range best {
		next[x] = w.next
	}
	return next
}

// TestTransientsEnd: a ring shows what happens while a layer converges: some packets loop until their TTL ends
// them (spec 02 §6). Once it has converged none does.
func TestTransientsEnd(t *testing.T) {
	n := newNet(t)
	for a := range uint64(6) {
		n.addMember(a+1, "simple", testLinkState)
	}
	links := arcs{}
	for i := range 6 {
		a, b := n.nodes[i], n.nodes[(i+1)%6]
		n.link(a, b)
		links[[2]uint64{a.addr, b.addr}], links[[2]uint64{b.addr, a.addr}] = 1, 1
	}
	n.run(sec)
	n.links[0].sever(true)
	transients := map[string]int{}
	for range 100 {
		for _, x := range n.nodes {
			for _, y := range n.nodes {
				end, _ := n.send(x, y, 0)
				transients[end]++
			}
		}
		n.run(ms)
	}
	if transients[looped] == 0 {
		t.Error("no packet looped: the ring was to show a transient")
	}
	for _, x := range n.nodes {
		for _, y := range n.nodes {
			if end, _ := n.send(x, y, 0); end != arrived {
				t.Errorf("%d to %d: %s after convergence", x.addr, y.addr, end)
			}
		}
	}
}
