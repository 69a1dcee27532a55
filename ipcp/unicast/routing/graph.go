package routing

import (
	"cmp"
	"slices"
)

// graph is the part of the database that both ends announce, as arrays, and the shortest paths from one
// vertex. Vertices are numbered here by the rank of their address, so that the order of numbers is
// that of addresses, which decides between equal paths (spec 04 §6.3). The arrays are kept from one
// computation to the next.
type graph struct {
	order []int32 // vertex of the database by rank
	rank  []int32 // rank by vertex of the database

	head []int32  // arcs of u are arcs[head[u]:head[u+1]]
	arcs []int32  // far ends
	cost []uint32 // of arcs; in use only if some cost is not 1
	unit bool     // all costs are 1

	next []int32  // first hop towards each vertex, none if it is not reached
	dist []uint64 // in use only if some cost is not 1
	work []int32  // vertices of the current and next distance
	heap pathHeap
}

// build takes the usable links over from the database. fresh tells that vertices were added or dropped
// since the last time.
func (g *graph) build(d *lsdb, fresh bool) {
	n := len(d.addrs)
	if fresh {
		g.sortVertices(d.addrs)
	}
	g.head = resized(g.head, n+1)
	clear(g.head)
	g.unit = true
	for i := range d.entries {
		if e := &d.entries[i]; d.usable(e) {
			g.head[g.rank[e.si]+1]++
			g.unit = g.unit && e.cost == 1
		}
	}
	for u := range n {
		g.head[u+1] += g.head[u]
	}
	g.arcs = resized(g.arcs, int(g.head[n]))
	if !g.unit {
		g.cost = resized(g.cost, int(g.head[n]))
	}
	g.fill(d)
}

// fill sorts the arcs in, using work as the place of the next arc of each vertex. The order of the arcs
// of one vertex does not matter to the result.
func (g *graph) fill(d *lsdb) {
	g.work = append(g.work[:0], g.head...)
	for i := range d.entries {
		e := &d.entries[i]
		if !d.usable(e) {
			continue
		}
		u := g.rank[e.si]
		k := g.work[u]
		g.work[u]++
		g.arcs[k] = g.rank[e.di]
		if !g.unit {
			g.cost[k] = e.cost
		}
	}
}

func (g *graph) sortVertices(addrs []uint64) {
	n := len(addrs)
	g.order, g.rank = resized(g.order, n), resized(g.rank, n)
	for v := range g.order {
		g.order[v] = int32(v)
	}
	slices.SortFunc(g.order, func(a, b int32) int { return cmp.Compare(addrs[a], addrs[b]) })
	for r, v := range g.order {
		g.rank[v] = int32(r)
	}
}

// paths computes the first hop towards every vertex from the one with rank s. The first hop of a
// neighbour is itself; of another vertex it is that of the predecessor that first reached it.
func (g *graph) paths(s int32) {
	g.next = resized(g.next, len(g.order))
	for v := range g.next {
		g.next[v] = none
	}
	if g.unit {
		g.breadthFirst(s)
	} else {
		g.dijkstra(s)
	}
	g.next[s] = none
}

// breadthFirst is Dijkstra for costs of 1: vertices of one distance are settled together, in the order
// of their ranks.
func (g *graph) breadthFirst(s int32) {
	level := g.work[:0]
	level = append(level, s)
	g.next[s] = s
	for from := 0; from < len(level); {
		to := len(level)
		for _, u := range level[from:to] {
			for _, v := range g.arcs[g.head[u]:g.head[u+1]] {
				if g.next[v] != none {
					continue
				}
				g.next[v] = g.next[u]
				if u == s {
					g.next[v] = v
				}
				level = append(level, v)
			}
		}
		from = to
		slices.Sort(level[from:])
	}
	g.work = level
}

const unreached = ^uint64(0)

// dijkstra settles vertices by (distance, rank) and relaxes with a strict "<".
func (g *graph) dijkstra(s int32) {
	g.dist = resized(g.dist, len(g.order))
	for v := range g.dist {
		g.dist[v] = unreached
	}
	g.dist[s] = 0
	g.heap = append(g.heap[:0], reach{0, s})
	for len(g.heap) > 0 {
		p := g.heap.pop()
		if p.dist != g.dist[p.to] {
			continue // a shorter one was found after this was pushed
		}
		for k := g.head[p.to]; k < g.head[p.to+1]; k++ {
			v, d := g.arcs[k], p.dist+uint64(g.cost[k])
			if d >= g.dist[v] {
				continue
			}
			g.dist[v], g.next[v] = d, g.next[p.to]
			if p.to == s {
				g.next[v] = v
			}
			g.heap.push(reach{d, v})
		}
	}
}

// reach is a path found so far.
type reach struct {
	dist uint64
	to   int32
}

func (p reach) before(q reach) bool { return p.dist < q.dist || p.dist == q.dist && p.to < q.to }

// pathHeap is a binary heap of paths, shortest first, without the boxing of container/heap.
type pathHeap []reach

func (h *pathHeap) push(p reach) {
	*h = append(*h, p)
	a := *h
	i := len(a) - 1
	for i > 0 && p.before(a[(i-1)/2]) {
		a[i] = a[(i-1)/2]
		i = (i - 1) / 2
	}
	a[i] = p
}

func (h *pathHeap) pop() reach {
	a := *h
	top, p := a[0], a[len(a)-1]
	a = a[:len(a)-1]
	*h = a
	i := 0
	for c := 1; c < len(a); c = 2*i + 1 {
		if c+1 < len(a) && a[c+1].before(a[c]) {
			c++
		}
		if !a[c].before(p) {
			break
		}
		a[i] = a[c]
		i = c
	}
	if len(a) > 0 {
		a[i] = p
	}
	return top
}

// resized returns a slice of length n, s itself if it has room. What it holds is undefined.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
