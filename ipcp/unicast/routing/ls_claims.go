package routing

import "ouroboros/core/wire"

// Claims reports whether a message announces an adjacency of the member with the given address. A newcomer
// that hears so of its own address before it has announced anything knows that the address is taken.
func (m *linkState) Claims(sdu []byte, addr uint64) bool {
	l, err := wire.ParseLSA(sdu)
	return err == nil && l.Src == addr && !l.Withdrawn()
}
