package topologies

import "slices"

// Stats are the figures by which maps are compared.
type Stats struct {
	Nodes, Links, Components int
	// Degrees count links per node.
	MinDegree, MaxDegree int
	MeanDegree           float64
	// Diameter is the longest, MeanHops the mean shortest path in hops over all
	// ordered pairs of different nodes that reach each other; 0 if there is none.
	Diameter int
	MeanHops float64
	// Positions, Delays and Rates count the nodes and links that have one.
	Positions, Delays, Rates int
}

// Stats computes the figures of g: one breadth-first search per node.
func (g *Graph) Stats() Stats {
	s := Stats{Nodes: len(g.Nodes), Links: len(g.Links), Components: len(g.Components())}
	if s.Nodes == 0 {
		return s
	}
	deg := g.Degrees()
	s.MinDegree, s.MaxDegree = slices.Min(deg), slices.Max(deg)
	s.MeanDegree = 2 * float64(s.Links) / float64(s.Nodes)
	s.Diameter, s.MeanHops = g.hops()
	for _, n := range g.Nodes {
		if n.HasPos {
			s.Positions++
		}
	}
	for _, l := range g.Links {
		if l.HasDelay {
			s.Delays++
		}
		if l.Rate > 0 {
			s.Rates++
		}
	}
	return s
}

// Diameter is the longest shortest path in hops among nodes that reach each
// other.
func (g *Graph) Diameter() int {
	d, _ := g.hops()
	return d
}

// MeanHops is the mean shortest path in hops over all ordered pairs of different
// nodes that reach each other, 0 if there is no such pair.
func (g *Graph) MeanHops() float64 {
	_, m := g.hops()
	return m
}

// hops searches breadth-first from every node. It keeps one distance per node
// instead of gonum's n×n matrix, so that 10 000 nodes fit in memory.
func (g *Graph) hops() (diameter int, mean float64) {
	adj := g.Adjacency()
	dist := make([]int, len(adj))
	queue := make([]int, 0, len(adj))
	var sum, pairs int
	for src := range adj {
		for i := range dist {
			dist[i] = -1
		}
		dist[src] = 0
		queue = append(queue[:0], src)
		for i := 0; i < len(queue); i++ {
			at := queue[i]
			for _, h := range adj[at] {
				if dist[h.Node] >= 0 {
					continue
				}
				dist[h.Node] = dist[at] + 1
				diameter = max(diameter, dist[h.Node])
				sum += dist[h.Node]
				pairs++
				queue = append(queue, h.Node)
			}
		}
	}
	if pairs == 0 {
		return 0, 0
	}
	return diameter, float64(sum) / float64(pairs)
}
