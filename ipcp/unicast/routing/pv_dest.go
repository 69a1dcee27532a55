package routing

import (
	"cmp"
	"slices"

	"ouroboros/core"
)

// pvState is what has been said of a destination, to a neighbour or by it.
type pvState uint8

const (
	pvNothing pvState = iota
	pvRoute
	pvWithdrawn // kept for a while, so that older messages change nothing and lost ones are made up for
)

// pvDest is what is known of one destination.
type pvDest struct {
	addr    uint64
	in      []pvIn  // by neighbour
	out     []pvOut // by neighbour
	best    pvBest
	dirty   bool // the choice is to be made again
	pending bool // neighbours have not been told of the choice
}

// pvIn is what a neighbour has said. Paths are not written once they stand here: they are shared.
type pvIn struct {
	path   []uint64 // from the neighbour to the destination, both included
	metric uint64
	origin uint64
	number uint32 // of the message
	stamp  uint32 // ms, see stampOf
	state  pvState
}

// pvOut is what a neighbour was told.
type pvOut struct {
	state pvState
	stamp uint32 // of the withdrawal
}

// pvBest is the route in use.
type pvBest struct {
	way    int32 // neighbour, none without a route, or itself
	path   []uint64
	metric uint64
	origin uint64
}

// itself is the way of a member to itself.
const itself int32 = -2

func (d *pvDest) mark() { d.dirty = true }

// idle tells that nothing is known of a destination any more, by anybody.
func (d *pvDest) idle() bool {
	return d.best.way == none &&
		!slices.ContainsFunc(d.in, func(r pvIn) bool { return r.state != pvNothing }) &&
		!slices.ContainsFunc(d.out, func(o pvOut) bool { return o.state != pvNothing })
}

// dest returns a destination, a new one if it is not known; nil if there is no room.
func (m *pathVector) dest(addr uint64) *pvDest {
	if d := m.index[addr]; d != nil {
		return d
	}
	if len(m.dests) >= m.cfg.MaxDestinations {
		return nil
	}
	d := &pvDest{addr: addr, best: pvBest{way: none}, in: make([]pvIn, len(m.neighbours)), out: make([]pvOut, len(m.neighbours))}
	i, _ := slices.BinarySearchFunc(m.dests, addr, func(d *pvDest, a uint64) int { return cmp.Compare(d.addr, a) })
	m.dests = slices.Insert(m.dests, i, d)
	m.index[addr] = d
	return d
}

// neighbour returns the position of a neighbour, a new one if it is not known.
func (m *pathVector) neighbour(addr uint64) int {
	free := -1
	for i, n := range m.neighbours {
		if n == nil {
			free = i
		} else if n.addr == addr {
			return i
		}
	}
	if free < 0 {
		free = len(m.neighbours)
		m.neighbours = append(m.neighbours, nil)
		for _, d := range m.dests {
			d.in, d.out = append(d.in, pvIn{}), append(d.out, pvOut{})
		}
	}
	m.neighbours[free] = &pvNeighbour{addr: addr}
	return free
}

// markFrom has the choice made again for all destinations that a neighbour has told of.
func (m *pathVector) markFrom(now core.Time, k int) {
	for _, d := range m.dests {
		if d.in[k].state == pvRoute {
			d.mark()
		}
	}
	m.chooseSoon(now)
}
