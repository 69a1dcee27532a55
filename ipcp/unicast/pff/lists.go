package pff

// lists is an array of lists of ports, each behind its length. A table has one, so that its replacement
// allocates nothing once the array is long enough.
type lists []Port

// add appends a list and returns its place.
func (l *lists) add(ports []Port) uint32 {
	at := uint32(len(*l))
	*l = append(append(*l, Port(len(ports))), ports...)
	return at
}

// at returns the list at a place.
func (l lists) at(place uint32) []Port {
	n := uint32(l[place])
	return l[place+1 : place+1+n : place+1+n]
}

// portSet is a set of ports, as bits. Ports are small: they are indices into the table of data transfer.
type portSet []uint64

// set adds a port or takes it out, and reports whether that changed anything.
func (s *portSet) set(p Port, in bool) bool {
	if p < 0 || s.has(p) == in {
		return false
	}
	w := int(p >> 6)
	for len(*s) <= w {
		*s = append(*s, 0)
	}
	(*s)[w] ^= 1 << (p & 63)
	return true
}

func (s portSet) has(p Port) bool {
	w := int(p >> 6)
	return p >= 0 && w < len(s) && s[w]>>(p&63)&1 != 0
}
