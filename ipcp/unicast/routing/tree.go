package routing

import "slices"

// tree are the shortest paths from one vertex of a graph. They are a function of the graph alone, however
// they were arrived at: the parent of a vertex is, of its predecessors on shortest paths, the one with
// the smallest distance, and of these the one with the lowest address. That is the one by which
// Dijkstra's algorithm first reaches it when it settles vertices in that order (spec 04 §6.3).
type tree struct {
	root   int32
	dist   []uint64 // unreached if there is no path
	parent []int32  // none of the root and of what is not reached
}

const unreached = ^uint64(0)

// solver computes and updates trees on one graph. It holds what they need meanwhile.
type solver struct {
	g      *graph
	heap   pathHeap
	order  []int32  // vertices that full has reached, in the order in which they were settled
	marked []bool   // all false between calls
	moved  []int32  // vertices whose distance may have changed
	before []uint64 // their distances before
	near   []int32  // vertices whose parent may have changed
}

// full computes a tree from scratch.
func (s *solver) full(t *tree, root int32) {
	n := len(s.g.order)
	t.root = root
	t.dist, t.parent = resized(t.dist, n), resized(t.parent, n)
	for v := range t.dist {
		t.dist[v], t.parent[v] = unreached, none
	}
	t.dist[root] = 0
	if s.g.unit {
		s.breadthFirst(t)
	} else {
		s.dijkstra(t)
	}
}

// breadthFirst is Dijkstra for costs of 1: vertices of one distance are settled together, in the order
// of their ranks.
func (s *solver) breadthFirst(t *tree) {
	g := s.g
	order := s.order[:0]
	order = append(order, t.root)
	for from := 0; from < len(order); {
		to := len(order)
		for _, u := range order[from:to] {
			d := t.dist[u] + 1
			for _, v := range g.arcs[g.head[u] : g.head[u]+g.deg[u]] {
				if v < 0 || t.dist[v] != unreached {
					continue
				}
				t.dist[v], t.parent[v] = d, u
				order = append(order, v)
			}
		}
		from = to
		slices.Sort(order[from:])
	}
	s.order = order
}

// dijkstra settles vertices by (distance, rank) and relaxes with a strict "<".
func (s *solver) dijkstra(t *tree) {
	s.order = s.order[:0]
	s.heap = append(s.heap[:0], reach{0, t.root})
	for len(s.heap) > 0 {
		p := s.heap.pop()
		if p.dist != t.dist[p.to] {
			continue // a shorter one was found after this was pushed
		}
		s.order = append(s.order, p.to)
		for k, to := s.g.links(p.to); k < to; k++ {
			v := s.g.arcs[k]
			if v < 0 {
				continue
			}
			if d := p.dist + uint64(s.g.cost[k]); d < t.dist[v] {
				t.dist[v], t.parent[v] = d, p.to
				s.heap.push(reach{d, v})
			}
		}
	}
}

// nearest returns the parent that a vertex has by the distances of all others.
func (s *solver) nearest(t *tree, v int32) int32 {
	best := none
	if v == t.root || t.dist[v] == unreached {
		return best
	}
	for k, to := s.g.links(v); k < to; k++ {
		u := s.g.arcs[k]
		if u < 0 || t.dist[u] == unreached || t.dist[u]+s.g.backAt(k) != t.dist[v] {
			continue
		}
		if best == none || t.dist[u] < t.dist[best] || t.dist[u] == t.dist[best] && u < best {
			best = u
		}
	}
	return best
}
