// Package addr holds the address policies of a unicast layer: how a new member gets its address
// (spec 02 §3). One policy stands in each file; table.go lists them.
package addr

import "fmt"

// Policy gives out addresses.
type Policy interface {
	// Assign returns an address for the member with the given number within its layer, counted from 0.
	// The address is not 0, which is the invalid one, and fits into the address field of the layer. A
	// member that finds its address in use by another asks again (decision 6); a policy for which a
	// second answer would be the first one, as sequential, fails then only in the layer, not here.
	Assign(index int) (uint64, error)
}

// MaxSize is the size in bytes of the longest address.
const MaxSize = 8

// checkSize reports an address size that does not fit the header (spec 02 §2.1, decision 11).
func checkSize(bytes int) error {
	if bytes < 1 || bytes > MaxSize {
		return fmt.Errorf("parameter addr_size: %d, accepted are 1 to %d bytes", bytes, MaxSize)
	}
	return nil
}

// largest returns the largest address of the given size.
func largest(bytes int) uint64 { return ^uint64(0) >> (64 - 8*bytes) }
