package broadcast

// maxDistance bounds the labels that are believed, and so the depth of a tree.
const maxDistance = 1024

// label says where a member stands in a tree.
type label struct {
	root uint64
	seq  uint32
	dist uint16
}

// less is the order of labels: less is better and nearer to the root.
func (a label) less(b label) bool {
	switch {
	case a.root != b.root:
		return a.root < b.root
	case a.seq != b.seq:
		return a.seq > b.seq
	}
	return a.dist < b.dist
}

// next returns the label of a child.
func (a label) next() label { return label{a.root, a.seq, a.dist + 1} }
