package topologies

import (
	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/iterator"
	"gonum.org/v1/gonum/graph/simple"
)

// View lets gonum's algorithms walk a Graph. Node identifiers are node indices.
// Unlike gonum's own simple graphs, which iterate maps, it hands out nodes in
// index order, so that algorithms give the same answer in every run. It is a
// snapshot of the links at the time of [Graph.View], each of weight 1 (hops).
type View struct {
	adj [][]Hop
}

var _ graph.WeightedUndirected = (*View)(nil)

// View returns g as a gonum graph.
func (g *Graph) View() *View { return &View{adj: g.Adjacency()} }

func (v *View) has(id int64) bool { return id >= 0 && id < int64(len(v.adj)) }

// Node returns the node with the given index, or nil.
func (v *View) Node(id int64) graph.Node {
	if !v.has(id) {
		return nil
	}
	return simple.Node(id)
}

// Nodes returns all nodes in index order.
func (v *View) Nodes() graph.Nodes {
	if len(v.adj) == 0 {
		return graph.Empty
	}
	nodes := make([]graph.Node, len(v.adj))
	for i := range nodes {
		nodes[i] = simple.Node(i)
	}
	return iterator.NewOrderedNodes(nodes)
}

// From returns the neighbours of a node in index order.
func (v *View) From(id int64) graph.Nodes {
	if !v.has(id) || len(v.adj[id]) == 0 {
		return graph.Empty
	}
	nodes := make([]graph.Node, len(v.adj[id]))
	for i, h := range v.adj[id] {
		nodes[i] = simple.Node(h.Node)
	}
	return iterator.NewOrderedNodes(nodes)
}

// HasEdgeBetween reports whether a link joins both nodes.
func (v *View) HasEdgeBetween(x, y int64) bool {
	if !v.has(x) {
		return false
	}
	for _, h := range v.adj[x] {
		if int64(h.Node) == y {
			return true
		}
	}
	return false
}

// Edge returns the link from u to v, or nil.
func (v *View) Edge(x, y int64) graph.Edge { return v.EdgeBetween(x, y) }

// EdgeBetween returns the link between both nodes, or nil.
func (v *View) EdgeBetween(x, y int64) graph.Edge {
	if e := v.WeightedEdgeBetween(x, y); e != nil {
		return e
	}
	return nil
}

// WeightedEdge returns the link from x to y with weight 1, or nil.
func (v *View) WeightedEdge(x, y int64) graph.WeightedEdge { return v.WeightedEdgeBetween(x, y) }

// WeightedEdgeBetween returns the link between both nodes with weight 1, or nil.
func (v *View) WeightedEdgeBetween(x, y int64) graph.WeightedEdge {
	if !v.HasEdgeBetween(x, y) {
		return nil
	}
	return simple.WeightedEdge{F: simple.Node(x), T: simple.Node(y), W: 1}
}

// Weight returns 1 for a link, 0 from a node to itself, and false if neither.
func (v *View) Weight(x, y int64) (w float64, ok bool) {
	if x == y {
		return 0, v.has(x)
	}
	if v.HasEdgeBetween(x, y) {
		return 1, true
	}
	return 0, false
}
