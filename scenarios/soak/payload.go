package soak

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// A message of headerLen bytes or more begins with
//
//	0        8       12   13    16      20
//	| marker | flow  | way | 0   | seq   |
//
// and goes on with bytes that are computed from flow, way and seq. A shorter one has no header: where the order is
// known (reliable flows) its bytes are computed from the same, elsewhere from flow and way alone.
const headerLen = 20

// marker is what an encrypted flow must not show on any wire.
var marker = []byte("\xC5soak\xA9\x17\xE3")

// runt is the sequence number that short messages without order are computed from.
const runt = 1<<32 - 1

// id names one direction of one life of a flow.
type id struct {
	flow uint32 // number of the flow in the plan, and of its life
	way  byte   // there or back
}

// The directions.
const (
	there = byte(0)
	back  = byte(1)
)

// fill writes a message.
func fill(b []byte, of id, seq uint32) {
	if len(b) < headerLen {
		stream(b, of, seq)
		return
	}
	copy(b, marker)
	binary.BigEndian.PutUint32(b[8:], of.flow)
	b[12], b[13], b[14], b[15] = of.way, 0, 0, 0
	binary.BigEndian.PutUint32(b[16:], seq)
	stream(b[headerLen:], of, seq)
}

// stream computes bytes. The generator is splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
func stream(b []byte, of id, seq uint32) {
	x := uint64(of.flow)<<33 ^ uint64(of.way)<<32 ^ uint64(seq)
	for len(b) > 0 {
		x += 0x9E3779B97F4A7C15
		z := (x ^ x>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		for i := 0; i < 8 && len(b) > 0; i++ {
			b[0] = byte(z >> (8 * i))
			b = b[1:]
		}
	}
}

// holds reports whether b is the message of that number.
func holds(b []byte, of id, seq uint32) bool {
	want := make([]byte, len(b))
	fill(want, of, seq)
	return slices.Equal(b, want)
}

// genuine reports whether a message goes on as its header says: a bit error can make the header of one flow that of
// another. It needs four bytes behind the header to tell.
func genuine(b []byte) bool {
	const enough = 4
	of, seq, ok := header(b)
	if !ok || len(b) < headerLen+enough {
		return false
	}
	var want [enough]byte
	stream(want[:], of, seq)
	return bytes.Equal(want[:], b[headerLen:headerLen+enough])
}

// header reads the header of a message; false for one that has none.
func header(b []byte) (of id, seq uint32, ok bool) {
	if len(b) < headerLen || !bytes.Equal(b[:8], marker) {
		return of, 0, false
	}
	return id{binary.BigEndian.Uint32(b[8:]), b[12]}, binary.BigEndian.Uint32(b[16:]), true
}
