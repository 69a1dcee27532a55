package wire

import (
	"encoding/binary"
	"fmt"
)

// PCI is the layout of the data transfer header of a layer (spec 02 §2): the sizes in bytes of its
// addresses and endpoint ids. All multi-byte fields are little-endian, unlike anywhere else.
//
//	+--------------------+-----+-----+-----+--------------------+---------
//	| destination (Addr) | QoS | TTL | ECN | endpoint id (EID)  | payload
//	+--------------------+-----+-----+-----+--------------------+---------
//	0                    A    A+1   A+2   A+3                  A+3+E
type PCI struct{ Addr, EID int }

// DefaultPCI has the sizes of the prototype: 15 bytes.
var DefaultPCI = PCI{Addr: 4, EID: 8}

// Validate reports sizes that the header cannot have.
func (l PCI) Validate() error {
	if l.Addr < 1 || l.Addr > 8 {
		return fmt.Errorf("addr_size: %d, accepted are 1 to 8 bytes", l.Addr)
	}
	if l.EID < 1 || l.EID > 8 {
		return fmt.Errorf("eid_size: %d, accepted are 1 to 8 bytes", l.EID)
	}
	return nil
}

// Len returns the length of the header in bytes.
func (l PCI) Len() int { return l.Addr + 3 + l.EID }

// Put writes a header into b, which has at least Len bytes. Of address and endpoint id only the low
// bytes travel.
func (l PCI) Put(b []byte, dst uint64, cube, ttl, ecn uint8, eid uint64) {
	putLE(b[:l.Addr], dst)
	b[l.Addr], b[l.Addr+1], b[l.Addr+2] = cube, ttl, ecn
	putLE(b[l.Addr+3:l.Addr+3+l.EID], eid)
}

// Dst returns the destination address of a header.
func (l PCI) Dst(b []byte) uint64 {
	if l.Addr == 4 {
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return getLE(b[:l.Addr])
}

// EndpointID returns the endpoint id of a header.
func (l PCI) EndpointID(b []byte) uint64 {
	if l.EID == 8 {
		return binary.LittleEndian.Uint64(b[l.Addr+3:])
	}
	return getLE(b[l.Addr+3 : l.Addr+3+l.EID])
}

// Cube returns the QoS byte of a header.
func (l PCI) Cube(b []byte) uint8 { return b[l.Addr] }

// TTL returns a pointer to the TTL byte: a transit node counts it down in place.
func (l PCI) TTL(b []byte) *uint8 { return &b[l.Addr+1] }

// ECN returns a pointer to the ECN byte: every node marks it in place.
func (l PCI) ECN(b []byte) *uint8 { return &b[l.Addr+2] }

func putLE(b []byte, v uint64) {
	switch len(b) {
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(v))
	case 8:
		binary.LittleEndian.PutUint64(b, v)
	default:
		for i := range b {
			b[i] = byte(v)
			v >>= 8
		}
	}
}

func getLE(b []byte) (v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}
