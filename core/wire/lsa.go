package wire

import (
	"encoding/binary"
	"errors"
)

// Lengths in bytes of the two forms of a link state message.
const (
	LSALen    = 24 // spec 04 §3
	LSAExtLen = 32 // decision 12
)

// LSAWithdrawn is the flag of a 32-byte message by which its source takes the adjacency back. The other
// 31 bits are reserved: sent as 0, ignored when received, kept when forwarded.
const LSAWithdrawn = 1 << 0

// Errors of ParseLSA.
var (
	ErrLSALen  = errors.New("link state message is neither 24 nor 32 bytes long")
	ErrLSAAddr = errors.New("link state message with address 0 or from a node to itself")
	ErrLSACost = errors.New("link state message with metric 0")
)

// LSA is a link state message: the node Src announces its link to Dst, or takes it back. All fields are
// big endian; there is no type, age or checksum. Destination comes first (spec 04 §3).
//
//	 0        8        16       24     28     32
//	+--------+--------+--------+------+------+
//	| dst    | src    | seq    | flags|metric|
//	+--------+--------+--------+------+------+
//	|<---- 24-byte form ------>|
//	|<---- 32-byte form (decision 12) ------>|
//
// A node that knows the 24-byte form only ignores the other one.
type LSA struct {
	Dst, Src uint64
	Seq      uint64 // counts up per adjacency
	// Ext tells the 32-byte form; Flags and Metric are 0 in the other.
	Ext    bool
	Flags  uint32
	Metric uint32 // cost of the link from Src to Dst, at least 1 unless withdrawn
}

// ParseLSA reads a message of either form. It does not keep b.
func ParseLSA(b []byte) (LSA, error) {
	if len(b) != LSALen && len(b) != LSAExtLen {
		return LSA{}, ErrLSALen
	}
	l := LSA{
		Dst: binary.BigEndian.Uint64(b),
		Src: binary.BigEndian.Uint64(b[8:]),
		Seq: binary.BigEndian.Uint64(b[16:]),
	}
	if l.Dst == 0 || l.Src == 0 || l.Dst == l.Src {
		return LSA{}, ErrLSAAddr
	}
	if len(b) == LSAExtLen {
		l.Ext = true
		l.Flags = binary.BigEndian.Uint32(b[24:])
		l.Metric = binary.BigEndian.Uint32(b[28:])
		if l.Metric == 0 && !l.Withdrawn() {
			return LSA{}, ErrLSACost
		}
	}
	return l, nil
}

// Withdrawn tells that the message takes the adjacency back.
func (l LSA) Withdrawn() bool { return l.Flags&LSAWithdrawn != 0 }

// Append appends the message in its form to b.
func (l LSA) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, l.Dst)
	b = binary.BigEndian.AppendUint64(b, l.Src)
	b = binary.BigEndian.AppendUint64(b, l.Seq)
	if l.Ext {
		b = binary.BigEndian.AppendUint32(b, l.Flags)
		b = binary.BigEndian.AppendUint32(b, l.Metric)
	}
	return b
}
