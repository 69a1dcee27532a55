package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Why a datagram or message of the UDP shims cannot be read.
var (
	ErrUDPShort = errors.New("truncated")
	ErrUDPCode  = errors.New("unknown code")
)

// A datagram of the UDP shims (spec 01 §5.2) is the EID of the receiver's end, four bytes big-endian, and
// an SDU; EID 0 makes it a management message.
const (
	// UDPHeaderLen is the length in bytes of the EID in front of an SDU.
	UDPHeaderLen = 4
	// UDPManagementEID is the EID of management messages.
	UDPManagementEID = 0
	// UDPMaxEID is the largest EID that a flow can have: the prototype keeps them in a signed integer
	// (spec 01 §5.4).
	UDPMaxEID = 1<<31 - 1
	// UDPMaxManagement is the longest management datagram in bytes; a longer one breaks the prototype
	// (spec 01 §5.6, D8).
	UDPMaxManagement = 2048
	// UDPDigestLen is the length in bytes of the digests: MD5, always (spec 01 §2.1.2).
	UDPDigestLen = 16
	// UDPPort is the default port of a layer, of all its members (spec 01 §5.1).
	UDPPort = 3435
)

// UDPEID returns the EID in front of a datagram of at least UDPHeaderLen bytes.
func UDPEID(b []byte) uint32 { return binary.BigEndian.Uint32(b) }

// PutUDPEID writes the EID in front of an SDU to the first four bytes of b.
func PutUDPEID(b []byte, eid uint32) { binary.BigEndian.PutUint32(b, eid) }

// UDPCode is the code of a management message (spec 01 §5.3).
type UDPCode uint8

// The management messages. There are no name queries.
const (
	UDPFlowRequest UDPCode = 1
	UDPFlowReply   UDPCode = 2
)

// String returns the name that the specification uses.
func (c UDPCode) String() string {
	switch c {
	case UDPFlowRequest:
		return "FLOW_REQ"
	case UDPFlowReply:
		return "FLOW_REPLY"
	}
	return fmt.Sprintf("code %d", uint8(c))
}

// UDPMessageLen is the length in bytes of the fixed part of a management message, the EID in front of it
// included.
const UDPMessageLen = 47

// UDPMessage is a management message of the UDP shims (spec 01 §5.3). Fields that a message does not use are
// zero. Unlike on Ethernet, a reply has the EIDs where the request has them.
//
//	offset size field              offset size field
//	0      4    0                  32     4    ber
//	4      4    S_EID              36     4    max_gap
//	8      4    D_EID              40     4    timeout
//	12     4    response           44     1    code
//	16     8    bandwidth          45     1    availability
//	24     4    delay              46     1    in_order
//	28     4    loss               47     16   digest (FLOW_REQ)
//	                               63 or 47    piggyback
type UDPMessage struct {
	Code         UDPCode
	SEID         uint32 // EID of the initiator's end, in requests and replies
	DEID         uint32 // EID of the responder's end
	Response     int32  // 0 = accepted, else a negative error code
	Bandwidth    uint64 // bit/s
	Delay        uint32 // ms
	Loss         uint32
	BER          uint32 // per 10^9 bits
	MaxGap       uint32 // ms
	Timeout      uint32 // ms
	Availability uint8
	InOrder      uint8
	// Digest and Piggyback are views of the parsed bytes. Digest has 16 bytes in requests.
	Digest    []byte
	Piggyback []byte
}

// Len returns the length in bytes of the datagram.
func (m *UDPMessage) Len() int {
	if m.Code == UDPFlowReply {
		return UDPMessageLen + len(m.Piggyback)
	}
	return UDPMessageLen + len(m.Digest) + len(m.Piggyback)
}

// Put writes the datagram to the first m.Len() bytes of b. It panics when b is shorter.
func (m *UDPMessage) Put(b []byte) {
	_ = b[m.Len()-1]
	PutUDPEID(b, UDPManagementEID)
	binary.BigEndian.PutUint32(b[4:], m.SEID)
	binary.BigEndian.PutUint32(b[8:], m.DEID)
	binary.BigEndian.PutUint32(b[12:], uint32(m.Response))
	binary.BigEndian.PutUint64(b[16:], m.Bandwidth)
	binary.BigEndian.PutUint32(b[24:], m.Delay)
	binary.BigEndian.PutUint32(b[28:], m.Loss)
	binary.BigEndian.PutUint32(b[32:], m.BER)
	binary.BigEndian.PutUint32(b[36:], m.MaxGap)
	binary.BigEndian.PutUint32(b[40:], m.Timeout)
	b[44], b[45], b[46] = uint8(m.Code), m.Availability, m.InOrder
	rest := b[UDPMessageLen:]
	if m.Code != UDPFlowReply {
		rest = rest[copy(rest, m.Digest):]
	}
	copy(rest, m.Piggyback)
}

// ParseUDPMessage reads a management datagram, whose EID the caller has looked at. Fields that the message
// does not use are returned as they came. Digest and Piggyback refer to b.
func ParseUDPMessage(b []byte) (UDPMessage, error) {
	if len(b) < UDPMessageLen {
		return UDPMessage{}, fmt.Errorf("udp message: %d bytes, the fixed part has %d: %w", len(b), UDPMessageLen, ErrUDPShort)
	}
	m := UDPMessage{
		SEID:      binary.BigEndian.Uint32(b[4:]),
		DEID:      binary.BigEndian.Uint32(b[8:]),
		Response:  int32(binary.BigEndian.Uint32(b[12:])),
		Bandwidth: binary.BigEndian.Uint64(b[16:]),
		Delay:     binary.BigEndian.Uint32(b[24:]),
		Loss:      binary.BigEndian.Uint32(b[28:]),
		BER:       binary.BigEndian.Uint32(b[32:]),
		MaxGap:    binary.BigEndian.Uint32(b[36:]),
		Timeout:   binary.BigEndian.Uint32(b[40:]),
		Code:      UDPCode(b[44]), Availability: b[45], InOrder: b[46],
	}
	rest := b[UDPMessageLen:]
	switch m.Code {
	case UDPFlowRequest:
		if len(rest) < UDPDigestLen {
			return m, fmt.Errorf("udp message: %v has a digest of %d bytes, the layer uses %d: %w", m.Code, len(rest), UDPDigestLen, ErrUDPShort)
		}
		m.Digest, m.Piggyback = rest[:UDPDigestLen], rest[UDPDigestLen:]
	case UDPFlowReply:
		m.Piggyback = rest
	default:
		return m, fmt.Errorf("udp message: %v, known are 1 and 2: %w", m.Code, ErrUDPCode)
	}
	return m, nil
}
