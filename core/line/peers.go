package line

import "ouroboros/core"

const (
	maxPeers = 1<<16 - 1 // addresses that can be on a line at the same time
	minPeers = 64        // addresses from which those that are no longer on the line are forgotten
)

// peers numbers the addresses of the packets on a line from 1, so that a flight holds two bytes for one. It
// keeps the address of packets that have left until there are many, so that a talk between a few parties
// costs a comparison for each packet.
type peers struct {
	used  bool
	list  []peer // number 1 stands first
	index map[core.Addr]uint16
	idle  []uint16 // numbers without an address
	last  uint16   // entered last
	limit int      // length of list from which idle numbers are made
	rest  int      // addresses of which no packet is on the line
}

type peer struct {
	addr core.Addr
	on   int32 // packets on the line
}

// enter returns the number of the address of one more packet on the line, 0 when there is none left.
func (s *peers) enter(a core.Addr) uint16 {
	if s.last == 0 || s.list[s.last-1].addr != a {
		n := s.index[a]
		if n == 0 {
			if n = s.add(a); n == 0 {
				return 0
			}
		}
		s.last = n
	}
	p := &s.list[s.last-1]
	if p.on == 0 {
		s.rest--
	}
	p.on++
	return s.last
}

// again is enter for the address of a packet that is on the line: its duplicate.
func (s *peers) again(n uint16) {
	if n != 0 {
		s.list[n-1].on++
	}
}

// leave takes a packet off the line and returns its address.
func (s *peers) leave(n uint16) core.Addr {
	if n == 0 {
		return core.Addr{}
	}
	p := &s.list[n-1]
	if p.on--; p.on == 0 {
		s.rest++
	}
	return p.addr
}

// add gives a new address a number.
func (s *peers) add(a core.Addr) uint16 {
	if !s.used {
		*s = peers{used: true, index: map[core.Addr]uint16{}, limit: minPeers}
	}
	if len(s.idle) == 0 && len(s.list) >= s.limit {
		s.makeRoom()
	}
	var n uint16
	switch i := len(s.idle) - 1; {
	case i >= 0:
		n, s.idle = s.idle[i], s.idle[:i]
		s.list[n-1] = peer{addr: a}
	case len(s.list) < s.limit:
		s.list = append(s.list, peer{addr: a})
		n = uint16(len(s.list))
	default:
		return 0
	}
	s.rest++ // until its packet is counted
	s.index[a] = n
	return n
}

// makeRoom allows more addresses, unless many are not needed any more: these are forgotten. So the search for
// them is paid by the many additions that follow it.
func (s *peers) makeRoom() {
	if s.rest < len(s.list)/4 {
		s.limit = min(2*s.limit, maxPeers)
		return
	}
	for i := range s.list {
		if p := &s.list[i]; p.on == 0 {
			delete(s.index, p.addr)
			*p = peer{}
			s.idle = append(s.idle, uint16(i+1))
		}
	}
	s.last, s.rest = 0, 0
}
