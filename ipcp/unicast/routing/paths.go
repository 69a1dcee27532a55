package routing

import (
	"slices"

	"ouroboros/ipcp/unicast/pff"
)

// paths are the next hops of one member towards all others: its tree, and as far as the forwarding
// function can use them the trees of its neighbours (alternates) or the first hops of all shortest paths.
// The graph belongs to its owner, who says what has changed in it.
type paths struct {
	want pff.Want
	solver
	own   tree
	first []int32 // first hop towards each vertex, none if it is not reached
	gates []int32 // neighbours over usable links, ascending

	sets   []uint64 // WantEqual: for each vertex words of bits, one for each gate
	words  int
	around []tree // WantAlternates: of the gates

	alts []reach // while a list is made
}

// begin chooses the graph and what is computed.
func (p *paths) begin(g *graph, want pff.Want) {
	*p = paths{want: want}
	p.g = g
}

// compute computes everything from scratch for the member with rank s.
func (p *paths) compute(s int32) {
	p.findGates(s)
	for i := range p.around {
		p.around[i].root = none // void
	}
	p.full(&p.own, s)
	p.passOn()
	p.look()
}

// update brings everything in line with changes of the graph. It comes to the same result as compute.
func (p *paths) update(log []arcChange) {
	old := slices.Clone(p.gates)
	p.findGates(p.own.root)
	same := slices.Equal(old, p.gates)
	for i := range p.around {
		p.solver.update(&p.around[i], log)
	}
	p.solver.update(&p.own, log)
	if p.want == pff.WantEqual && !same {
		p.full(&p.own, p.own.root) // every set of bits is another one
		p.passOn()
		return
	}
	p.spread()
	if !same {
		p.look()
	}
}

// findGates lists the neighbours of s.
func (p *paths) findGates(s int32) {
	p.gates = p.gates[:0]
	for k, to := p.g.links(s); k < to; k++ {
		if v := p.g.arcs[k]; v >= 0 {
			p.gates = append(p.gates, v)
		}
	}
	slices.Sort(p.gates)
}

// look sees to it that around holds the trees of the gates and no others; those that it holds already
// are right.
func (p *paths) look() {
	if p.want != pff.WantAlternates {
		return
	}
	around := make([]tree, len(p.gates))
	for i, v := range p.gates {
		if around[i] = p.take(v); around[i].root != v {
			around[i] = p.take(none)
			p.full(&around[i], v)
		}
	}
	p.around = around
}

// take takes the tree of a vertex out of around; of none, the memory of one that is void.
func (p *paths) take(root int32) (t tree) {
	t.root = none
	k := slices.IndexFunc(p.around, func(t tree) bool { return t.root == root })
	if k >= 0 {
		t = p.around[k]
		p.around = slices.Delete(p.around, k, k+1)
	}
	return t
}

// passOn sets the first hops of all vertices, in the order in which full has settled them.
func (p *paths) passOn() {
	n := len(p.g.order)
	p.first = resized(p.first, n)
	for v := range p.first {
		p.first[v] = none
	}
	if p.want == pff.WantEqual {
		p.words = (len(p.gates) + 63) / 64
		p.sets = resized(p.sets, n*p.words)
		clear(p.sets)
	}
	for _, v := range p.order[1:] {
		p.derive(v)
	}
}

// spread sets the first hops anew of what update has found, and of what hangs on it.
func (p *paths) spread() {
	p.heap = p.heap[:0]
	for _, v := range p.near {
		if v == p.own.root {
			continue
		}
		if p.own.dist[v] == unreached {
			p.derive(v)
			continue
		}
		p.heap.push(reach{p.own.dist[v], v})
	}
	last := none
	for len(p.heap) > 0 {
		at := p.heap.pop()
		if at.to == last || !p.derive(at.to) {
			continue
		}
		last = at.to // pushed more than once, it comes in a row
		for k, to := p.g.links(at.to); k < to; k++ {
			v := p.g.arcs[k]
			if v >= 0 && at.dist+p.g.costAt(k) == p.own.dist[v] {
				p.heap.push(reach{p.own.dist[v], v})
			}
		}
	}
}

// derive sets the first hops of a vertex from those of its predecessors and reports whether they have
// changed.
func (p *paths) derive(v int32) bool {
	first := p.own.parent[v]
	if first == p.own.root {
		first = v
	} else if first != none {
		first = p.first[first]
	}
	changed := first != p.first[v]
	p.first[v] = first
	if p.want == pff.WantEqual && p.collect(v) {
		changed = true
	}
	return changed
}

// set returns the bits of a vertex.
func (p *paths) set(v int32) []uint64 { return p.sets[int(v)*p.words : (int(v)+1)*p.words] }

// collect joins the sets of the predecessors of v on shortest paths and reports whether its own changed.
func (p *paths) collect(v int32) (changed bool) {
	set := p.set(v)
	for w := range set {
		bits := uint64(0)
		for k, to := p.g.links(v); k < to; k++ {
			u := p.g.arcs[k]
			if u < 0 || p.own.dist[u] == unreached || p.own.dist[u]+p.g.backAt(k) != p.own.dist[v] {
				continue
			}
			if u != p.own.root {
				bits |= p.sets[int(u)*p.words+w]
			} else if i, _ := slices.BinarySearch(p.gates, v); i/64 == w {
				bits |= 1 << (i % 64)
			}
		}
		changed = changed || bits != set[w]
		set[w] = bits
	}
	return changed
}

// hops calls yield with the next hops towards the vertex with rank v, as far as they are wanted, in order of
// preference.
func (p *paths) hops(v int32, yield func(rank int32)) {
	if p.first[v] == none {
		return
	}
	switch p.want {
	case pff.WantFirst:
		yield(p.first[v])
	case pff.WantAlternates:
		yield(p.first[v])
		p.alternates(v, yield)
	case pff.WantEqual:
		for i, n := range p.gates {
			if p.sets[int(v)*p.words+i/64]>>(i%64)&1 != 0 {
				yield(n)
			}
		}
	}
}

// appendPorts appends the ports of the next hops towards v to list; ports holds those of the neighbours by
// rank. Next hops without one are left out (spec 04 §7.1).
func (p *paths) appendPorts(list []Port, v int32, ports []Port) []Port {
	p.hops(v, func(hop int32) {
		if q := ports[hop]; q != pff.None {
			list = append(list, q)
		}
	})
	return list
}

// alternates calls yield with the loop-free alternates towards v: the neighbours n other than the next hop
// whose shortest paths to v do not lead back here (RFC 5286, inequality 1; spec 04 §6.6),
//
//	D(n,v) < D(n,s) + D(s,v),
//
// with the distances as they are in each direction. The neighbour with the shortest way over it comes first,
// of equal ones the one with the lowest address. The prototype lists them by the age of their links,
// most recently added first.
func (p *paths) alternates(v int32, yield func(rank int32)) {
	s := p.own.root
	p.alts = p.alts[:0]
	for i := range p.around {
		t := &p.around[i]
		if t.root == p.first[v] || t.dist[v] == unreached || t.dist[v] >= t.dist[s]+p.own.dist[v] {
			continue
		}
		p.alts = append(p.alts, reach{t.dist[v] + p.g.costAt(p.g.find(s, t.root)), t.root})
	}
	slices.SortFunc(p.alts, func(a, b reach) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	for _, a := range p.alts {
		yield(a.to)
	}
}
