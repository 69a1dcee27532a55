package fa

// numbering is how endpoint ids are made: a local number in the low bits, which is unique on this
// member, and random bits above it, so that the id of a flow that is gone does not come back with its
// number (spec 02 §4.2, 03 §3).
//
//	8 bytes   | random, 32 bits | number, 32 bits |
//	4 bytes                     | random | number |    16 bits each
type numbering struct{ number, random uint }

// numberingOf returns the split for ids of the given length in bytes, 1 to 8. That of 8 bytes is the
// prototype's; shorter ones (decision 11) keep as many random bits as a useful range of numbers leaves.
func numberingOf(length int) numbering {
	n := numbering{number: 32}
	switch {
	case length <= 1:
		n.number = 8
	case length <= 3:
		n.number = 12 // as many flows as the prototype can have
	case length == 4:
		n.number = 16
	}
	n.random = uint(8*length) - n.number
	return n
}

// limit returns how many flows can have an id at a time.
func (n numbering) limit() int { return int(min(maxFlows, uint64(1)<<n.number-FirstNumber)) }

// id returns the endpoint id of a slot of the flow table.
func (n numbering) id(slot, random uint32) uint64 {
	return uint64(random)&(1<<n.random-1)<<n.number | uint64(slot+FirstNumber)
}

// slot returns the slot that an id names; it is beyond every table for ids that are none of a flow.
func (n numbering) slot(eid uint64) uint64 { return eid&(1<<n.number-1) - FirstNumber }
