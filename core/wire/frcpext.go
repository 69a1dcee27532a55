package wire

import "encoding/binary"

// FRCPExtType is the type of an extension behind the PCI of a packet without DATA. The C prototype
// discards everything there, so extensions pass it unseen (spec 10 §10.21, decision 14). Extensions
// follow each other to the end of the packet; one of an unknown type is skipped.
//
//	 0               1               2
//	+---------------+---------------+---------------- - - -
//	| type          | length n      | n bytes of value
//	+---------------+---------------+---------------- - - -
type FRCPExtType uint8

// The extensions.
const (
	// FRCPExtRanges stands on acks: what has arrived beyond ackno.
	//
	//	| count c (1) | c times: start (4) | end (4), exclusive |
	//
	// An empty list says that nothing has, and that its sender knows extensions.
	FRCPExtRanges FRCPExtType = 1
	// FRCPExtProbe stands on a rendez-vous and asks for an ack at once.
	//
	//	| next seqno (4) | time (8), opaque to the peer |
	FRCPExtProbe FRCPExtType = 2
	// FRCPExtEcho stands on the answer to a probe and returns its value. Without the ACK flag it says
	// that the receiver knows no run: it waits for a packet with DRF.
	FRCPExtEcho FRCPExtType = 3
	// FRCPExtFin says that its sender has closed the flow: it writes and reads no more.
	//
	//	| valid (1) | end (4) | next (4) |
	//
	// end is the first sequence number that it has not sent, next the one that it expects; the bits of
	// valid, 1 and 2, say which of the two are there. They show that it belongs to the runs of now.
	FRCPExtFin FRCPExtType = 4
	// FRCPExtFinAck is the answer and returns the value.
	FRCPExtFinAck FRCPExtType = 5
)

// Sizes of extensions.
const (
	FRCPMaxRanges = 31               // most ranges in one extension
	FRCPProbeLen  = frcpExtHead + 12 // length of a probe or echo with its head
	FRCPFinLen    = frcpExtHead + 9  // length of a FIN or its answer with its head
	frcpExtHead   = 2
)

// NextFRCPExt splits the first extension off b. ok is false at the end of b and where the rest is too
// short for the length that it claims.
func NextFRCPExt(b []byte) (t FRCPExtType, value, rest []byte, ok bool) {
	if len(b) < frcpExtHead || len(b) < frcpExtHead+int(b[1]) {
		return 0, nil, nil, false
	}
	end := frcpExtHead + int(b[1])
	return FRCPExtType(b[0]), b[frcpExtHead:end], b[end:], true
}

// SeqRange is a range of sequence numbers from Start up to and without End, modulo 2^32.
type SeqRange struct{ Start, End uint32 }

// FRCPRanges is the value of a ranges extension in place.
type FRCPRanges []byte

// Len returns how many whole ranges are there.
func (r FRCPRanges) Len() int {
	if len(r) == 0 {
		return 0
	}
	return min(int(r[0]), (len(r)-1)/8)
}

// At returns range i, which must be less than Len.
func (r FRCPRanges) At(i int) SeqRange {
	b := r[1+8*i:]
	return SeqRange{Start: binary.BigEndian.Uint32(b), End: binary.BigEndian.Uint32(b[4:])}
}

// FRCPRangesLen returns the length in bytes of an extension with n ranges, n ≤ FRCPMaxRanges.
func FRCPRangesLen(n int) int { return frcpExtHead + 1 + 8*n }

// PutFRCPRanges writes the head of an extension with n ranges to b; Set fills them in.
func PutFRCPRanges(b []byte, n int) FRCPRanges {
	b[0], b[1], b[2] = byte(FRCPExtRanges), byte(1+8*n), byte(n)
	return FRCPRanges(b[frcpExtHead:FRCPRangesLen(n)])
}

// Set writes range i.
func (r FRCPRanges) Set(i int, s SeqRange) {
	b := r[1+8*i:]
	binary.BigEndian.PutUint32(b, s.Start)
	binary.BigEndian.PutUint32(b[4:], s.End)
}

// FRCPProbe is the value of a probe and of its echo.
type FRCPProbe struct {
	Next uint32 // the sequence number that the sender of the probe would have used next
	Time uint64 // its time; only it can read it
}

// ParseFRCPProbe reads the value of a probe or echo.
func ParseFRCPProbe(value []byte) (FRCPProbe, bool) {
	if len(value) != FRCPProbeLen-frcpExtHead {
		return FRCPProbe{}, false
	}
	return FRCPProbe{Next: binary.BigEndian.Uint32(value), Time: binary.BigEndian.Uint64(value[4:])}, true
}

// Put writes the extension of type t, head included, to the first FRCPProbeLen bytes of b.
func (p FRCPProbe) Put(b []byte, t FRCPExtType) {
	b[0], b[1] = byte(t), FRCPProbeLen-frcpExtHead
	binary.BigEndian.PutUint32(b[2:], p.Next)
	binary.BigEndian.PutUint64(b[6:], p.Time)
}

// FRCPFin is the value of a FIN and of its answer.
type FRCPFin struct {
	End, Next       uint32
	HasEnd, HasNext bool
}

const (
	finHasEnd  = 1 << iota // in the first byte
	finHasNext             // the other bits are zero, and ignored
)

// ParseFRCPFin reads the value of a FIN or of its answer. A number that is not valid is 0.
func ParseFRCPFin(value []byte) (f FRCPFin, ok bool) {
	if len(value) != FRCPFinLen-frcpExtHead {
		return FRCPFin{}, false
	}
	if f.HasEnd = value[0]&finHasEnd != 0; f.HasEnd {
		f.End = binary.BigEndian.Uint32(value[1:])
	}
	if f.HasNext = value[0]&finHasNext != 0; f.HasNext {
		f.Next = binary.BigEndian.Uint32(value[5:])
	}
	return f, true
}

// Put writes the extension of type t, head included, to the first FRCPFinLen bytes of b.
func (f FRCPFin) Put(b []byte, t FRCPExtType) {
	b[0], b[1], b[2] = byte(t), FRCPFinLen-frcpExtHead, 0
	binary.BigEndian.PutUint32(b[3:], f.End)
	binary.BigEndian.PutUint32(b[7:], f.Next)
	if f.HasEnd {
		b[2] |= finHasEnd
	}
	if f.HasNext {
		b[2] |= finHasNext
	}
}
