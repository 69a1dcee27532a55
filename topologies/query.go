package topologies

import (
	"cmp"
	"slices"
)

// Hop is one way out of a node: over link index Link to node index Node.
type Hop struct {
	Node, Link int
}

// NodeIndex returns the index of the node called name.
func (g *Graph) NodeIndex(name string) (int, bool) {
	i := slices.IndexFunc(g.Nodes, func(n Node) bool { return n.Name == name })
	return i, i >= 0
}

// NodeNames returns the names of all nodes in index order.
func (g *Graph) NodeNames() []string {
	names := make([]string, len(g.Nodes))
	for i, n := range g.Nodes {
		names[i] = n.Name
	}
	return names
}

// LinkBetween returns the index of the link that joins nodes a and b, in either
// order.
func (g *Graph) LinkBetween(a, b int) (int, bool) {
	if a > b {
		a, b = b, a
	}
	i := slices.IndexFunc(g.Links, func(l Link) bool { return l.A == a && l.B == b })
	return i, i >= 0
}

// LinkNamed returns the index of the link called name. "b-a" finds the link
// "a-b" as long as no link bears that very name.
func (g *Graph) LinkNamed(name string) (int, bool) {
	i := slices.IndexFunc(g.Links, func(l Link) bool { return l.Name == name })
	if i < 0 {
		i = slices.IndexFunc(g.Links, func(l Link) bool {
			return g.Nodes[l.B].Name+"-"+g.Nodes[l.A].Name == name
		})
	}
	return i, i >= 0
}

// Adjacency returns the ways out of every node, sorted by neighbour.
func (g *Graph) Adjacency() [][]Hop {
	adj := make([][]Hop, len(g.Nodes))
	for i, l := range g.Links {
		adj[l.A] = append(adj[l.A], Hop{l.B, i})
		adj[l.B] = append(adj[l.B], Hop{l.A, i})
	}
	for _, hops := range adj {
		slices.SortFunc(hops, func(x, y Hop) int { return cmp.Compare(x.Node, y.Node) })
	}
	return adj
}

// Degrees returns the number of links of every node.
func (g *Graph) Degrees() []int {
	deg := make([]int, len(g.Nodes))
	for _, l := range g.Links {
		deg[l.A]++
		deg[l.B]++
	}
	return deg
}
