package wire

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// FRCPLen is the length in bytes of the protocol control information of FRCP.
const FRCPLen = 12

// FRCPFlags say which fields of a PCI are valid and what the packet is (spec 10 §10.3).
type FRCPFlags uint8

// The flags. The fragment bits are reserved: never sent, ignored on reception, like bit 0x80.
const (
	FRCPData          FRCPFlags = 1 << iota // a payload with a sequence number
	FRCPDRF                                 // data run flag: nothing was outstanding when this was sent
	FRCPAck                                 // ackno is valid
	FRCPFC                                  // window is valid
	FRCPRdvs                                // rendez-vous: send me your window
	FRCPFirstFragment                       // reserved
	FRCPMoreFragments                       // reserved
)

// String lists the flags, for instance "DATA|DRF".
func (f FRCPFlags) String() string {
	var parts []string
	for i, name := range [...]string{"DATA", "DRF", "ACK", "FC", "RDVS", "FFGM", "MFGM", "80"} {
		if f&(1<<i) != 0 {
			parts = append(parts, name)
		}
	}
	if parts == nil {
		return "-"
	}
	return strings.Join(parts, "|")
}

// FRCP is the PCI of FRCP in place, at the start of a packet of at least FRCPLen bytes (spec 10
// §10.3). All fields are big-endian.
//
//	 0               1               2               3
//	+---------------+-----------------------------------------------+
//	| flags         | window: low 24 bits of the right window edge  |
//	+---------------+-----------------------------------------------+
//	| seqno                                                         |
//	+---------------------------------------------------------------+
//	| ackno                                                         |
//	+---------------------------------------------------------------+
//	| payload, if DATA; extensions (FRCPExt), if not ...
//
// A field whose flag is not set is zero.
type FRCP []byte

// Flags returns the flags, reserved bits included.
func (h FRCP) Flags() FRCPFlags { return FRCPFlags(h[0]) }

// SetFlags sets the flags.
func (h FRCP) SetFlags(f FRCPFlags) { h[0] = byte(f) }

// Window returns the low 24 bits of the right window edge.
func (h FRCP) Window() uint32 { return binary.BigEndian.Uint32(h) & frcpWindowMask }

// SetWindow stores the low 24 bits of the edge.
func (h FRCP) SetWindow(edge uint32) {
	binary.BigEndian.PutUint32(h, uint32(h[0])<<24|edge&frcpWindowMask)
}

// Seqno returns the sequence number.
func (h FRCP) Seqno() uint32 { return binary.BigEndian.Uint32(h[4:]) }

// SetSeqno sets the sequence number.
func (h FRCP) SetSeqno(s uint32) { binary.BigEndian.PutUint32(h[4:], s) }

// Ackno returns the acknowledgement number.
func (h FRCP) Ackno() uint32 { return binary.BigEndian.Uint32(h[8:]) }

// SetAckno sets the acknowledgement number.
func (h FRCP) SetAckno(a uint32) { binary.BigEndian.PutUint32(h[8:], a) }

const frcpWindowMask = 1<<24 - 1

// FRCPHeader is the PCI as a value. Window holds 24 bits.
type FRCPHeader struct {
	Flags  FRCPFlags
	Window uint32
	Seqno  uint32
	Ackno  uint32
}

// ParseFRCP reads the PCI at the start of b. It fails only when b is too short: every value of every
// field is possible on the wire.
func ParseFRCP(b []byte) (FRCPHeader, error) {
	if len(b) < FRCPLen {
		return FRCPHeader{}, fmt.Errorf("frcp: packet of %d bytes, the PCI alone has %d", len(b), FRCPLen)
	}
	v := FRCP(b)
	return FRCPHeader{Flags: v.Flags(), Window: v.Window(), Seqno: v.Seqno(), Ackno: v.Ackno()}, nil
}

// Put writes the PCI to the first FRCPLen bytes of b.
func (h FRCPHeader) Put(b []byte) {
	binary.BigEndian.PutUint32(b, uint32(h.Flags)<<24|h.Window&frcpWindowMask)
	binary.BigEndian.PutUint32(b[4:], h.Seqno)
	binary.BigEndian.PutUint32(b[8:], h.Ackno)
}

// String prints the fields that are valid.
func (h FRCPHeader) String() string {
	s := h.Flags.String()
	if h.Flags&FRCPFC != 0 {
		s += fmt.Sprintf(" win %06x", h.Window)
	}
	if h.Flags&FRCPData != 0 {
		s += fmt.Sprintf(" seq %08x", h.Seqno)
	}
	if h.Flags&FRCPAck != 0 {
		s += fmt.Sprintf(" ack %08x", h.Ackno)
	}
	return s
}
