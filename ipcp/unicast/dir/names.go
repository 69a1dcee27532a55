package dir

import (
	"cmp"
	"maps"
	"slices"

	"ouroboros/core"
)

// Names is the table of the policy static: what all members of one layer have registered. It belongs
// to one run, and all members that share it run on one goroutine.
type Names struct {
	byHash map[core.Hash][]uint64
	// Changed, if not nil, is called with each entry that was made or taken back, but for those of Forget: who
	// keeps several tables alike copies them.
	Changed func(h core.Hash, addr uint64, added bool)
}

// NewNames returns an empty table.
func NewNames() *Names { return &Names{byHash: map[core.Hash][]uint64{}} }

// Add enters that the digest is registered at addr; twice is once. Scenarios call it for names that
// are known from the start.
func (n *Names) Add(h core.Hash, addr uint64) {
	if at := n.byHash[h]; !slices.Contains(at, addr) {
		n.byHash[h] = append(at, addr)
		n.tell(h, addr, true)
	}
}

// Remove takes an entry back, if it is there.
func (n *Names) Remove(h core.Hash, addr uint64) {
	at := n.byHash[h]
	i := slices.Index(at, addr)
	if i < 0 {
		return
	}
	n.tell(h, addr, false)
	if len(at) == 1 {
		delete(n.byHash, h)
		return
	}
	n.byHash[h] = slices.Delete(at, i, i+1)
}

func (n *Names) tell(h core.Hash, addr uint64, added bool) {
	if n.Changed != nil {
		n.Changed(h, addr, added)
	}
}

// Each calls yield for all entries, in the order of their digests.
func (n *Names) Each(yield func(h core.Hash, addr uint64)) {
	hashes := slices.SortedFunc(maps.Keys(n.byHash), func(a, b core.Hash) int { return cmp.Compare(a.String(), b.String()) })
	for _, h := range hashes {
		for _, a := range n.byHash[h] {
			yield(h, a)
		}
	}
}

// Forget removes all entries of addr: the member that had it has ended without taking its names back.
func (n *Names) Forget(addr uint64) {
	maps.DeleteFunc(n.byHash, func(h core.Hash, at []uint64) bool {
		n.byHash[h] = slices.DeleteFunc(at, func(a uint64) bool { return a == addr })
		return len(n.byHash[h]) == 0
	})
}

// Lookup returns the addresses of a digest in the order in which they were entered (as spec 05 §6.3
// lists values). The caller owns the slice.
func (n *Names) Lookup(h core.Hash) []uint64 { return slices.Clone(n.byHash[h]) }
