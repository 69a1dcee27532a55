// Package traffic makes the workload of an experiment and records what becomes of it: sources that send
// at a constant rate, at random, in bursts, as fast as they can, or ask and wait for an answer; and the
// receivers at the other end. It runs over core.Allocator in both worlds; FRCP is put on a flow where
// its QoS asks for it, as the application library does.
package traffic

import (
	"encoding/binary"
	"time"
)

// A message begins with the header that oping uses (spec 14 §14.8), so that requests and answers look
// alike in a capture:
//
//	0      4        8          16             24
//	| type |   id   | seconds  | nanoseconds  | zeros up to the size
//
// type and id are big-endian, the time little-endian. The time is that of the sender's wall clock.
const HeaderLen = 24

// The types of messages.
const (
	typeRequest = 0
	typeReply   = 1
	typeData    = 2
	typeGroup   = 3 // in the lower byte; above it the number of the source's group
)

func putHeader(b []byte, typ, id uint32, wall int64) {
	binary.BigEndian.PutUint32(b[0:], typ)
	binary.BigEndian.PutUint32(b[4:], id)
	binary.LittleEndian.PutUint64(b[8:], uint64(wall/int64(time.Second)))
	binary.LittleEndian.PutUint64(b[16:], uint64(wall%int64(time.Second)))
}

func header(b []byte) (typ, id uint32, wall int64) {
	return binary.BigEndian.Uint32(b[0:]), binary.BigEndian.Uint32(b[4:]),
		int64(binary.LittleEndian.Uint64(b[8:]))*int64(time.Second) + int64(binary.LittleEndian.Uint64(b[16:]))
}
