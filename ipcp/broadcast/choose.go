package broadcast

import "ouroboros/core"

// lose forgets what a neighbour has said: it is down, silent or leaves.
func (t *Tree) lose(p Port, n *neighbour) {
	n.heard = false
	n.over()
	if t.parent == p {
		t.orphan()
	}
}

// orphan leaves the parent. Label and children stay.
func (t *Tree) orphan() {
	n := t.ports[t.parent]
	n.acked, n.dirty = false, true
	t.parent = noPort
	t.st.Orphaned++
}

// rise makes this member its own root, with a number that nobody has heard. No child is above a label that
// rises: all have to ask again.
func (t *Tree) rise(now core.Time) {
	for _, n := range t.ports {
		if n != nil {
			n.over()
		}
	}
	if t.parent != noPort {
		t.orphan()
	}
	t.number(now)
}

// number gives out the next number as a root.
func (t *Tree) number(now core.Time) {
	t.seq++
	t.beat = now.Add(t.hello)
	t.relabel(now, label{root: t.id, seq: t.seq})
}

// relabel takes a label and has all neighbours told.
func (t *Tree) relabel(origin core.Time, l label) {
	if l == t.label {
		return
	}
	if l.seq != t.label.seq || l.root != t.label.root {
		t.origin = origin
	}
	t.label = l
	t.dirty()
}

// dirty has all neighbours told.
func (t *Tree) dirty() {
	for _, n := range t.ports {
		if n != nil {
			n.dirty = true
		}
	}
}

// choose finds out who the parent should be, after something has changed.
func (t *Tree) choose(now core.Time) {
	t.settle(now)
	adrift := t.label.root != t.id && (t.parent == noPort || t.ports[t.parent].adrift)
	if adrift != t.adrift {
		t.adrift = adrift
		t.dirty()
	}
}

func (t *Tree) settle(now core.Time) {
	t.followParent()
	if t.label.root != t.id && now.Sub(t.origin) >= t.silent {
		t.known.bar(t.label)
		t.st.Raised++
		t.rise(now)
	}
	best := t.candidate(now)
	if best == noPort || best == t.parent {
		return
	}
	if t.parent != noPort {
		t.orphan()
	}
	n := t.ports[best]
	n.over() // who was a child cannot be the parent too
	t.st.Joins++
	t.parent, n.acked, n.dirty, n.asked = best, false, true, now
	n.epoch++
	t.relabel(n.origin, n.label.next())
	t.known.keep(t.label)
}

// followParent checks that the parent stands above this member, and takes its news.
func (t *Tree) followParent() {
	if t.parent == noPort {
		return
	}
	n := t.ports[t.parent]
	if !n.label.less(t.label) {
		t.orphan()
		return
	}
	if n.acked && n.label.dist < maxDistance && t.known.feasible(n.label) {
		t.relabel(n.origin, n.label.next())
		t.known.keep(t.label)
	}
}

// candidate returns the port whose neighbour would be the best parent: the present one, unless it is gone
// or adrift, or another knows a better root.
func (t *Tree) candidate(now core.Time) Port {
	best, limit := t.parent, t.label
	if t.parent != noPort && t.ports[t.parent].label.root < limit.root {
		limit = t.ports[t.parent].label
	}
	for i, n := range t.ports {
		if n == nil || !n.heard || now < n.shunned || now.Sub(n.origin) >= t.silent ||
			n.label.root == t.id || n.label.dist >= maxDistance {
			continue
		}
		// No shorter way is worth a change of the parent.
		stays := best != noPort && best == t.parent && !t.ports[best].adrift
		better := n.label.root < limit.root || !stays && !n.adrift && n.label.less(limit)
		if better && t.known.feasible(n.label) {
			best, limit = Port(i), n.label
		}
	}
	return best
}
