package pff

import (
	"cmp"
	"math/bits"
	"slices"
)

// slots is an open-addressing table of destinations: a power of two of slots, at most half of them
// used, linear probing from a multiplicative hash. Address 0, which is invalid, marks a free slot, whose
// port is None; since every chain ends at one, a look-up needs no other test.
type slots struct {
	slots []slot // at least one
	shift uint8  // of the hash: leaves the number of a slot
	n     int
}

// slot is one destination. A policy that keeps lists keeps them all in one array; list is the place in
// it where that of the destination begins.
type slot struct {
	dst  uint64
	port Port
	list uint32
}

// fibonacci is 2^64 divided by the golden ratio, odd (Knuth, The Art of Computer Programming 3, §6.4).
const fibonacci = 0x9E3779B97F4A7C15

const minSlots = 8

// reset empties the table and makes room for n destinations.
func (s *slots) reset(n int) {
	size := minSlots
	if 2*n > size {
		size = 1 << bits.Len(uint(2*n-1))
	}
	if size != len(s.slots) {
		s.slots = make([]slot, size)
		s.shift = uint8(64 - bits.Len(uint(size-1)))
	}
	for i := range s.slots {
		s.slots[i] = slot{port: None}
	}
	s.n = 0
}

// find returns the slot of a destination, or a free one.
func (s *slots) find(dst uint64) *slot {
	a := s.slots
	for i := dst * fibonacci >> (s.shift & 63); ; i++ {
		if e := &a[i&uint64(len(a)-1)]; e.dst == dst || e.dst == 0 {
			return e
		}
	}
}

// add enters a destination and returns its slot; nil if it is there already or cannot be entered.
func (s *slots) add(r *Route) *slot {
	if r.Dst == 0 || len(r.Ports) == 0 {
		return nil
	}
	e := s.find(r.Dst)
	if e.dst != 0 {
		return nil
	}
	e.dst = r.Dst
	s.n++
	return e
}

// sorted returns a copy of the used slots in ascending order of destinations.
func (s *slots) sorted() []slot {
	used := make([]slot, 0, s.n)
	for _, e := range s.slots {
		if e.dst != 0 {
			used = append(used, e)
		}
	}
	slices.SortFunc(used, func(a, b slot) int { return cmp.Compare(a.dst, b.dst) })
	return used
}
