package node

import (
	"ouroboros/scenarios"
)

// Hop is one step of a packet in a layer: from one member to the next. It goes over a wire, or over the hops that
// the flow between both takes in the layer below.
type Hop struct {
	Layer    *Layer
	From, To *System
	Wire     *Wire // nil over another layer
	Below    []Hop
}

// Route returns the hops of a packet between two members of a layer, as the forwarding tables of this layer
// and of those below stand; nil if there is no path. hash tells flows apart, as for Path. What a layer of
// broadcasts passes on goes along its tree.
func (n *Network) Route(l *Layer, from, to *System, hash uint32) []Hop {
	var out []Hop
	switch l.Kind {
	case scenarios.LayerShim:
		return []Hop{{Layer: l, From: from, To: to, Wire: n.Between(from.Name, to.Name)}}
	case scenarios.LayerBroadcast:
		for _, p := range l.branch(from, to) {
			out = append(out, n.over(p))
		}
		return out
	case scenarios.LayerUnicast:
	default:
		return nil
	}
	path := n.Path(l, from, to, hash)
	for i := 1; i < len(path); i++ {
		step, _ := n.step(l, path[i-1], to, hash)
		out = append(out, n.hop(l, path[i-1], path[i], step))
	}
	return out
}

// hop returns that of a member over one of its ports.
func (n *Network) hop(l *Layer, from, to *System, step Step) Hop {
	h := Hop{Layer: l, From: from, To: to}
	if h.Wire = n.Wire(step.Over); h.Wire == nil {
		if below := n.Layer(step.Over); below != nil {
			h.Below = n.Route(below, from, to, step.Below)
		}
	}
	return h
}

// edge is a pair in one of its directions.
type edge struct {
	*pair
	from *Member
}

// branch returns the way between two members of a broadcast layer along the connections that carry data.
func (l *Layer) branch(from, to *System) []edge {
	came := map[*Member]edge{from.Member(l.Name): {}}
	for next := []*Member{from.Member(l.Name)}; len(next) > 0; next = next[1:] {
		m := next[0]
		if m == nil {
			return nil
		}
		if m.System == to {
			return back(came, m)
		}
		for _, p := range m.pairs {
			x := p.other(m)
			if _, seen := came[x]; !seen && l.carries(p) {
				came[x] = edge{p, m}
				next = append(next, x)
			}
		}
	}
	return nil
}

// carries reports whether a pair of a broadcast layer carries data.
func (l *Layer) carries(p *pair) bool {
	if l.net.Steps != nil {
		_, ok := l.net.Steps(l.Name, p.a.Name(), p.b.Name(), 0)
		return ok
	}
	return p.a.Hub.Carries(p.b.ipcpName())
}

// back collects the edges that have led to a member, the first one first.
func back(came map[*Member]edge, m *Member) (out []edge) {
	for e := came[m]; e.pair != nil; e = came[e.from] {
		out = append([]edge{e}, out...)
	}
	return out
}

// over returns the hop along an edge of the tree.
func (n *Network) over(e edge) Hop {
	h := Hop{Layer: e.a.Layer, From: e.from.System, To: e.other(e.from).System}
	if h.Wire = n.Wire(string(e.lower)); h.Wire == nil {
		if below := n.Layer(string(e.lower)); below != nil {
			h.Below = n.Route(below, h.From, h.To, 0)
		}
	}
	return h
}

// Cut returns the members at which a route meets what fails, in each layer from the top: At is the one before
// the first hop that fails or runs over such a hop, and Before are those that packets pass on the way to it. It is nil if no hop
// fails.
func Cut(route []Hop, fails func(*Hop) bool) []Break {
	for i := range route {
		h := &route[i]
		below := Cut(h.Below, fails)
		if below == nil && !fails(h) {
			continue
		}
		b := Break{Layer: h.Layer, At: h.From}
		for k := range i {
			b.Before = append(b.Before, route[k].From)
		}
		return append([]Break{b}, below...)
	}
	return nil
}

// Break is where a route meets a failure in one layer.
type Break struct {
	Layer  *Layer
	At     *System
	Before []*System
}
