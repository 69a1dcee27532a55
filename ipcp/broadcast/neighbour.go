package broadcast

import "ouroboros/core"

// neighbour is what a member knows of the other end of a port.
type neighbour struct {
	up        bool
	heard     bool // a message has come, and not long ago
	left      bool // the last message was that it leaves
	label     label
	origin    core.Time // of label.seq
	adrift    bool
	lastHeard core.Time
	lastSent  core.Time
	received  uint32 // number of the last message
	sent      uint32
	dirty     bool // the neighbour does not know what it has to know

	// As its child: the epoch of our last join, and whether it was honoured when we last heard.
	epoch   uint32
	acked   bool
	past    uint32    // no join up to this epoch is or will be honoured there
	asked   core.Time // when that join was first sent
	shunned core.Time // it has not answered: do not ask before
	// As its parent: the epoch of its join that we honour, 0 for none, and the last that is over.
	child uint32
	floor uint32
}

// joined looks at whether the neighbour wants to be a child. It must not be the parent, and must know that
// it is not: a connection leads in one direction at a time.
func (t *Tree) joined(p Port, n *neighbour, m message) {
	if n.child != 0 && (m.join != n.child || !m.wanted) {
		n.over()
	}
	switch {
	case !m.wanted && m.join > n.floor:
		n.floor, n.dirty = m.join, true
	case !m.wanted || m.join == n.child:
	case m.join <= n.floor:
		n.dirty = true // so that it knows the floor
	case t.parent == p || n.past < n.epoch:
	case t.label.less(m.label):
		n.child, n.dirty = m.join, true
	}
}

// over ends the epoch in which the neighbour was a child.
func (n *neighbour) over() {
	if n.child != 0 {
		n.floor, n.child, n.dirty = n.child, 0, true
	}
}

// answered looks at what became of the own join.
func (t *Tree) answered(p Port, n *neighbour, m message) {
	n.past = m.floor
	if t.parent != p {
		n.dirty = n.dirty || m.honoured != 0 // it has missed that we left
		n.epoch = max(n.epoch, m.floor)
		return
	}
	n.acked = m.honoured == n.epoch
	if m.floor >= n.epoch && m.floor < 1<<32-1 {
		n.epoch, n.acked, n.dirty = m.floor+1, false, true
	}
}
