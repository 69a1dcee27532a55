// Package coverage measures what routing policies make of a map: which share of its pairs of nodes has a
// next hop to fall back to, or several of equal cost. The figures are taken from the tables that the
// policies install when they are run to convergence; nothing is computed from the map besides.
package coverage

import (
	"fmt"
	"math/rand/v2"

	"ouroboros/core"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/ipcp/unicast/routing"
	"ouroboros/topologies"
)

// Policies are the forwarding policies that have more than one next hop.
func Policies() []string { return []string{"lfa", "ecmp"} }

// Figures are those of one map: its largest component, parallel links merged. Shares are of the ordered
// pairs of different nodes.
type Figures struct {
	Map          string
	Nodes, Links int
	// Coverage is the share of pairs with a loop-free alternate to the first next hop, in the tables of lfa.
	Coverage float64
	// Multipath is the share of pairs with at least two next hops, in the tables of ecmp.
	Multipath float64
	// Diameter and MeanHops are the longest and the mean path in links, along the first next hops of the
	// tables of the policy that was asked for.
	Diameter int
	MeanHops float64
}

// Of measures a map. Paths are followed in the tables of policy, one of [Policies].
func Of(g *topologies.Graph, policy string) (Figures, error) {
	g = g.LargestComponent()
	links, merged := adjacency(g)
	f := Figures{Map: g.Name, Nodes: len(g.Nodes), Links: merged}
	if f.Nodes < 2 {
		return f, fmt.Errorf("map %s: %d nodes, accepted are at least 2", g.Name, f.Nodes)
	}
	for _, p := range Policies() {
		want := pff.WantAlternates
		if p == "ecmp" {
			want = pff.WantEqual
		}
		tables, err := converge(links, want)
		if err != nil {
			return f, fmt.Errorf("map %s: %w", g.Name, err)
		}
		if p == "lfa" {
			f.Coverage = several(tables)
		} else {
			f.Multipath = several(tables)
		}
		if p != policy {
			continue
		}
		if f.Diameter, f.MeanHops, err = paths(links, tables); err != nil {
			return f, fmt.Errorf("map %s, %s: %w", g.Name, p, err)
		}
	}
	return f, nil
}

// adjacency returns the links of every node, one to each neighbour, and their number in the map.
func adjacency(g *topologies.Graph) (links [][]routing.OfflineLink, merged int) {
	links = make([][]routing.OfflineLink, len(g.Nodes))
	seen := map[[2]int]bool{}
	for _, l := range g.Links {
		a, b := min(l.A, l.B), max(l.A, l.B)
		if a == b || seen[[2]int{a, b}] {
			continue
		}
		seen[[2]int{a, b}] = true
		links[a] = append(links[a], routing.OfflineLink{To: b})
		links[b] = append(links[b], routing.OfflineLink{To: a})
		merged++
	}
	return links, merged
}

// address is that of a node, by its index.
func address(i int) uint64 { return uint64(i) + 1 }

// converge runs link-state routing of all nodes and returns the tables. All costs are 1, so the short form of
// the messages says all. They go over a tree and are not paced, since none comes twice, and all of them are there
// before the tables are computed, once.
func converge(links [][]routing.OfflineLink, want pff.Want) ([][]routing.OfflineRoute, error) {
	policy, err := routing.Policies(nil).Choose("link-state", map[string]any{
		"long_form": routing.LongNeeded, "pace": 0, "spf_delay": "900ms",
	})
	if err != nil {
		return nil, err
	}
	members := make([]routing.OfflineMember, len(links))
	for i := range members {
		env := core.Env{Wall: func() int64 { return 0 }, Rand: rand.New(rand.NewPCG(1, uint64(i)))}
		m, err := policy.New(env)
		if err != nil {
			return nil, err
		}
		members[i] = routing.OfflineMember{Addr: address(i), Links: links[i], Policy: m}
	}
	routing.OfflineTree(members)
	return routing.Offline(members, want)
}

// several returns the share of pairs with at least two next hops.
func several(tables [][]routing.OfflineRoute) float64 {
	n, pairs := 0, len(tables)*(len(tables)-1)
	for _, t := range tables {
		for _, r := range t {
			if len(r.Next) > 1 {
				n++
			}
		}
	}
	return float64(n) / float64(pairs)
}

// paths follows the first next hops of every pair to the end.
func paths(links [][]routing.OfflineLink, tables [][]routing.OfflineRoute) (diameter int, mean float64, err error) {
	n := len(tables)
	next := make([]int, n*n)
	for i, t := range tables {
		for k := range n {
			next[i*n+k] = -1
		}
		for _, r := range t {
			next[i*n+int(r.Dst-1)] = links[i][r.Next[0]].To
		}
	}
	sum := 0
	for a := range n {
		for b := range n {
			hops := 0
			for at := a; at != b; hops++ {
				if at = next[at*n+b]; at < 0 || hops > n {
					return 0, 0, fmt.Errorf("no path from node %d to node %d", a, b)
				}
			}
			sum += hops
			diameter = max(diameter, hops)
		}
	}
	return diameter, float64(sum) / float64(n*(n-1)), nil
}
