package topologies

import (
	"cmp"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/graph/topo"
)

// Components returns the connected parts, the largest first and among equals the
// one with the lowest node index; indices in a part are ascending.
func (g *Graph) Components() [][]int {
	parts := topo.ConnectedComponents(g.View())
	out := make([][]int, len(parts))
	for i, part := range parts {
		for _, n := range part {
			out[i] = append(out[i], int(n.ID()))
		}
		slices.Sort(out[i])
	}
	slices.SortFunc(out, func(x, y []int) int {
		return cmp.Or(cmp.Compare(len(y), len(x)), cmp.Compare(x[0], y[0]))
	})
	return out
}

// Connected reports whether every node reaches every other.
func (g *Graph) Connected() bool { return len(g.Components()) <= 1 }

// LargestComponent returns the largest connected part as a Graph of its own,
// with a note that names what was left out. A connected map comes back as a
// plain copy. Among parts of equal size the one with the lowest node index wins.
func (g *Graph) LargestComponent() *Graph {
	parts := g.Components()
	if len(parts) <= 1 {
		return g.Clone()
	}
	largest := g.Subgraph(parts[0])
	var lost []int
	for _, part := range parts[1:] {
		lost = append(lost, part...)
	}
	slices.Sort(lost)
	names := make([]string, len(lost))
	for i, n := range lost {
		names[i] = g.Nodes[n].Name
	}
	largest.Notes = append(largest.Notes, fmt.Sprintf(
		"not connected: kept the largest of %d components (%d of %d nodes, %d of %d links); dropped %s",
		len(parts), len(largest.Nodes), len(g.Nodes), len(largest.Links), len(g.Links), listNames(names)))
	return largest
}

// Subgraph returns the nodes with the given indices, in index order, and the
// links among them. Names stay as they are. Indices out of range are ignored.
func (g *Graph) Subgraph(keep []int) *Graph {
	kept := make([]bool, len(g.Nodes))
	for _, n := range keep {
		if n >= 0 && n < len(kept) {
			kept[n] = true
		}
	}
	sub := &Graph{Name: g.Name, Source: g.Source, Notes: append([]string(nil), g.Notes...)}
	index := make([]int, len(g.Nodes))
	for i, n := range g.Nodes {
		if kept[i] {
			index[i] = len(sub.Nodes)
			sub.Nodes = append(sub.Nodes, n)
		}
	}
	for _, l := range g.Links {
		if kept[l.A] && kept[l.B] {
			l.A, l.B = index[l.A], index[l.B]
			sub.Links = append(sub.Links, l)
		}
	}
	return sub
}
