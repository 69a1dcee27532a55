package routing

import (
	"cmp"
	"slices"
)

// graph is the part of the database that both ends announce, or have announced, as arrays. Vertices are
// numbered here by the rank of their address, so that the order of numbers is that of addresses, which
// decides between equal paths (spec 04 §6.3). The arrays are kept from one computation to the next, and
// a link that fails, comes back or changes its cost is changed in place.
type graph struct {
	order []int32 // vertex of the database by rank
	rank  []int32 // rank by vertex of the database

	head []int32 // the room for the arcs of u is arcs[head[u]:head[u+1]]
	deg  []int32 // how much of it is in use
	// arcs are far ends; of a link that is not usable (spec 04 §6.2) the complement. An arc stands here in
	// both directions or in none.
	arcs []int32
	// Costs of the arcs and of their opposites, in use only if some cost is not 1.
	cost, back []uint32
	unit       bool // all costs are 1
}

// slack is the room of each vertex for links that appear later.
const slack = 2

// build takes the links over from the database. fresh tells that vertices were added or dropped since
// the last time.
func (g *graph) build(d *lsdb, fresh bool) {
	n := len(d.addrs)
	if fresh {
		g.sortVertices(d.addrs)
	}
	g.head, g.deg = resized(g.head, n+1), resized(g.deg, n)
	clear(g.head)
	clear(g.deg)
	g.unit = true
	for i := range d.entries {
		if e := &d.entries[i]; e.rev != none {
			g.head[g.rank[e.si]+1]++
			g.unit = g.unit && (e.cost == 1 || !d.usable(e))
		}
	}
	for u := range n {
		g.head[u+1] += g.head[u] + slack
	}
	g.arcs = resized(g.arcs, int(g.head[n]))
	if !g.unit {
		g.cost, g.back = resized(g.cost, int(g.head[n])), resized(g.back, int(g.head[n]))
	}
	for i := range d.entries {
		if e := &d.entries[i]; e.rev != none {
			g.add(d, e)
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

// add appends the arc of an entry, for which there is room.
func (g *graph) add(d *lsdb, e *entry) {
	u := g.rank[e.si]
	g.put(d, e, g.head[u]+g.deg[u])
	g.deg[u]++
}

// put writes the arc of an entry at index k.
func (g *graph) put(d *lsdb, e *entry, k int32) {
	g.arcs[k] = g.rank[e.di]
	if !d.usable(e) {
		g.arcs[k] = ^g.arcs[k]
	}
	if !g.unit {
		g.cost[k], g.back[k] = e.cost, d.entries[e.rev].cost
	}
}

// links returns the range of indices of the arcs of u.
func (g *graph) links(u int32) (from, to int32) { return g.head[u], g.head[u] + g.deg[u] }

// find returns the index of the arc from u to v, usable or not, or none.
func (g *graph) find(u, v int32) int32 {
	for k, to := g.links(u); k < to; k++ {
		if a := g.arcs[k]; a == v || a == ^v {
			return k
		}
	}
	return none
}

// costAt returns the cost of an arc.
func (g *graph) costAt(k int32) uint64 {
	if g.unit {
		return 1
	}
	return uint64(g.cost[k])
}

// backAt returns the cost of the opposite of an arc.
func (g *graph) backAt(k int32) uint64 {
	if g.unit {
		return 1
	}
	return uint64(g.back[k])
}

// arcChange is an arc whose cost is another one now; unreached stands for one that is not usable.
type arcChange struct {
	from, to  int32
	old, cost uint64
}

// change brings the two arcs of an entry in line with it and appends what has changed to log. It
// reports false if that takes a new build.
func (g *graph) change(d *lsdb, e *entry, log *[]arcChange) bool {
	if e.rev == none {
		return true
	}
	back := &d.entries[e.rev]
	if g.unit && d.usable(e) && (e.cost != 1 || back.cost != 1) {
		return false
	}
	return g.changeArc(d, e, log) && g.changeArc(d, back, log)
}

func (g *graph) changeArc(d *lsdb, e *entry, log *[]arcChange) bool {
	u, v := g.rank[e.si], g.rank[e.di]
	c := arcChange{from: u, to: v, old: unreached, cost: unreached}
	k := g.find(u, v)
	if k == none {
		if g.head[u]+g.deg[u] == g.head[u+1] {
			return false
		}
		k = g.head[u] + g.deg[u]
		g.deg[u]++
	} else if g.arcs[k] >= 0 {
		c.old = g.costAt(k)
	}
	g.put(d, e, k)
	if g.arcs[k] >= 0 {
		c.cost = g.costAt(k)
	}
	if c.old != c.cost {
		*log = append(*log, c)
	}
	return true
}
