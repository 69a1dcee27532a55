package routing

// update brings a tree of the graph before some changes in line with the graph after them, at a cost that
// depends on how many vertices the changes reach, not on the size of the graph. It follows the dynamic
// algorithms of Ramalingam and Reps (1996) and of Narváez, Siu and Tzeng (2000): what hung on an arc that
// became longer is cut off and joined again where it comes nearest, and what an arc that became
// shorter brings nearer is settled anew. Afterwards s.near holds every vertex whose distance or parent may
// be another one, or whose predecessors on shortest paths may be.
func (s *solver) update(t *tree, log []arcChange) {
	s.moved, s.before, s.near = s.moved[:0], s.before[:0], s.near[:0]
	if len(s.marked) < len(s.g.order) {
		s.marked = make([]bool, len(s.g.order))
	}
	s.heap = s.heap[:0]
	s.cut(t, log)
	s.rejoin(t, log)
	s.settle(t)
	s.adopt(t, log)
}

// move notes that the distance of a vertex may change.
func (s *solver) move(t *tree, v int32) {
	if !s.marked[v] {
		s.marked[v] = true
		s.moved, s.before = append(s.moved, v), append(s.before, t.dist[v])
	}
}

// cut takes the subtrees out that hang on arcs that are longer now.
func (s *solver) cut(t *tree, log []arcChange) {
	for _, c := range log {
		if c.cost > c.old && t.parent[c.to] == c.from {
			s.move(t, c.to)
		}
	}
	for i := 0; i < len(s.moved); i++ {
		u := s.moved[i]
		for k, to := s.g.links(u); k < to; k++ {
			v := s.g.arcs[k]
			if v < 0 {
				v = ^v // its arc may have just failed too
			}
			if t.parent[v] == u {
				s.move(t, v)
			}
		}
	}
	for _, v := range s.moved {
		t.dist[v] = unreached
	}
}

// rejoin pushes the shortest paths to what was cut off that end in one arc from what was not, and the
// paths over arcs that are shorter now.
func (s *solver) rejoin(t *tree, log []arcChange) {
	cut := len(s.moved)
	for _, v := range s.moved[:cut] {
		best := unreached
		for k, to := s.g.links(v); k < to; k++ {
			if u := s.g.arcs[k]; u >= 0 && !s.marked[u] && t.dist[u] != unreached {
				best = min(best, t.dist[u]+s.g.backAt(k))
			}
		}
		if best != unreached {
			s.heap.push(reach{best, v})
		}
	}
	for _, p := range s.heap {
		t.dist[p.to] = p.dist
	}
	for _, c := range log {
		if c.cost < c.old && t.dist[c.from] != unreached && t.dist[c.from]+c.cost < t.dist[c.to] {
			s.lower(t, c.to, t.dist[c.from]+c.cost)
		}
	}
}

// lower enters a shorter path.
func (s *solver) lower(t *tree, v int32, d uint64) {
	s.move(t, v)
	t.dist[v] = d
	s.heap.push(reach{d, v})
}

// settle is Dijkstra's algorithm from the paths that were pushed.
func (s *solver) settle(t *tree) {
	for len(s.heap) > 0 {
		p := s.heap.pop()
		if p.dist != t.dist[p.to] {
			continue
		}
		for k, to := s.g.links(p.to); k < to; k++ {
			if v := s.g.arcs[k]; v >= 0 && p.dist+s.g.costAt(k) < t.dist[v] {
				s.lower(t, v, p.dist+s.g.costAt(k))
			}
		}
	}
}

// adopt finds the parents of all that may have got another one: the ends of changed arcs, and what moved
// with what it has arcs to.
func (s *solver) adopt(t *tree, log []arcChange) {
	for _, v := range s.moved {
		s.marked[v] = false
	}
	for _, c := range log {
		s.add(c.to)
	}
	for i, u := range s.moved {
		s.add(u)
		if t.dist[u] == s.before[i] {
			continue
		}
		for k, to := s.g.links(u); k < to; k++ {
			if v := s.g.arcs[k]; v >= 0 {
				s.add(v)
			}
		}
	}
	for _, v := range s.near {
		s.marked[v] = false
		t.parent[v] = s.nearest(t, v)
	}
}

// add notes a vertex in near, once.
func (s *solver) add(v int32) {
	if !s.marked[v] {
		s.marked[v] = true
		s.near = append(s.near, v)
	}
}
