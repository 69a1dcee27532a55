package frcp

import (
	"encoding/binary"
	"hash/crc32"

	"ouroboros/core/pkt"
)

// crcLen is the length in bytes of the trailer of flows that ask for no bit errors (spec 10 §10.14):
// CRC-32 of IEEE 802.3, big-endian, over everything before it, on every packet that is not empty.
const crcLen = 4

// addCRC appends the trailer.
func addCRC(p *pkt.Buf) {
	sum := crc32.ChecksumIEEE(p.Bytes())
	binary.BigEndian.PutUint32(p.Append(crcLen), sum)
}

// checkCRC removes the trailer and reports whether it was right.
func checkCRC(p *pkt.Buf) bool {
	b := p.Bytes()
	n := len(b) - crcLen
	if n < 0 || crc32.ChecksumIEEE(b[:n]) != binary.BigEndian.Uint32(b[n:]) {
		return false
	}
	p.Truncate(n)
	return true
}
