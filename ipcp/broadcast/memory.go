package broadcast

import "slices"

// maxKnown is how many former roots a member remembers.
const maxKnown = 16

// memory is what a member has believed of roots: for each the least label that it has taken. A neighbour
// that offers no less may know of the root only through this member. To forget one costs time, and never
// makes a loop.
type memory struct {
	least []label // least recently used first
}

func (m *memory) find(root uint64) int {
	return slices.IndexFunc(m.least, func(l label) bool { return l.root == root })
}

// feasible reports whether an offer cannot be an echo.
func (m *memory) feasible(l label) bool {
	i := m.find(l.root)
	return i < 0 || l.less(m.least[i])
}

// keep notes a label that was taken.
func (m *memory) keep(l label) {
	i := m.find(l.root)
	if i >= 0 {
		if m.least[i].less(l) {
			l = m.least[i]
		}
		m.least = slices.Delete(m.least, i, i+1)
	} else if len(m.least) == maxKnown {
		m.least = slices.Delete(m.least, 0, 1)
	}
	m.least = append(m.least, l)
}

// bar notes that a root is gone: only a later number will be believed.
func (m *memory) bar(l label) { m.keep(label{root: l.root, seq: l.seq}) }
