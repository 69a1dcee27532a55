package pff

import (
	"cmp"
	"math/bits"
	"slices"

	"ouroboros/core"
	"ouroboros/core/policy"
)

func simpleFactory() policy.Factory[PFF] {
	return policy.Factory[PFF]{
		Name: "simple",
		Doc:  "one next hop per destination; takes no notice of flows that go down (spec 04 §7.2)",
		New:  func(core.Env, any) (PFF, error) { return newSimple(), nil },
	}
}

// simple is an open-addressing table: a power of two of slots, at most half of them used, linear
// probing from a multiplicative hash. Address 0, which is invalid, marks a free slot, whose port is
// None; since every chain ends at one, Next needs no other test.
type simple struct {
	slots []slot // at least one
	shift uint8  // of the hash: leaves the number of a slot
	n     int
}

type slot struct {
	dst  uint64
	port Port
}

// fibonacci is 2^64 divided by the golden ratio, odd (Knuth, The Art of Computer Programming 3, §6.4).
const fibonacci = 0x9E3779B97F4A7C15

const minSlots = 8

// Wants asks for one port per destination.
func (s *simple) Wants() Want { return WantFirst }

func newSimple() *simple {
	s := &simple{}
	s.resize(0)
	return s
}

// resize empties the table and makes room for n destinations.
func (s *simple) resize(n int) {
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

func (s *simple) Next(dst uint64, _ uint32) Port {
	slots := s.slots
	for i := dst * fibonacci >> (s.shift & 63); ; i++ {
		e := &slots[i&uint64(len(slots)-1)]
		if e.dst == dst {
			return e.port
		}
		if e.dst == 0 {
			return None
		}
	}
}

func (s *simple) Replace(routes []Route) {
	s.resize(len(routes))
	for _, r := range routes {
		if r.Dst != 0 && len(r.Ports) > 0 {
			s.insert(r.Dst, r.Ports[0])
		}
	}
}

func (s *simple) insert(dst uint64, p Port) {
	for i := dst * fibonacci >> (s.shift & 63); ; i++ {
		e := &s.slots[i&uint64(len(s.slots)-1)]
		if e.dst == dst {
			return
		}
		if e.dst == 0 {
			*e = slot{dst: dst, port: p}
			s.n++
			return
		}
	}
}

// PortDown does nothing: the policy has no other next hop to offer (spec 04 §7.3).
func (s *simple) PortDown(Port) {}

// PortUp does nothing, see PortDown.
func (s *simple) PortUp(Port) {}

func (s *simple) Routes(yield func(dst uint64, ports []Port)) {
	used := make([]slot, 0, s.n)
	for _, e := range s.slots {
		if e.dst != 0 {
			used = append(used, e)
		}
	}
	slices.SortFunc(used, func(a, b slot) int { return cmp.Compare(a.dst, b.dst) })
	for i := range used {
		yield(used[i].dst, []Port{used[i].port})
	}
}
