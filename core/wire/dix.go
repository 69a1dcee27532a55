package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Why a frame or message of the Ethernet II shim cannot be read.
var (
	ErrDIXShort = errors.New("truncated")
	ErrDIXCode  = errors.New("unknown code")
)

// A frame of the Ethernet II shim (spec 01 §3.2). All fields are big-endian.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-------------------------------+-------------------------------+
//	|               destination MAC (48 bits)                       |
//	+                               +-------------------------------+
//	|                               |                               |
//	+-------------------------------+       source MAC (48 bits)    +
//	|                                                               |
//	+-------------------------------+-------------------------------+
//	|           EtherType           |        destination EID        |
//	+-------------------------------+-------------------------------+
//	|            length             |  payload ...
//	+-------------------------------+
const (
	// EthernetHeaderLen is the length in bytes of destination, source and EtherType.
	EthernetHeaderLen = 14
	// DIXHeaderLen is the length in bytes of the shim header: EID and length.
	DIXHeaderLen = 4
	// DIXFrameHeaderLen is the length in bytes of everything in front of the payload.
	DIXFrameHeaderLen = EthernetHeaderLen + DIXHeaderLen
	// DIXLengthOffset is the offset of the length field in a frame.
	DIXLengthOffset = 16
	// DIXManagementEID is the destination EID of management messages.
	DIXManagementEID = 0
	// DIXEtherType is the default EtherType of a layer (spec 01 §3.1).
	DIXEtherType = 0xA000
	// DIXMaxManagement is the longest management payload in bytes that a receiver takes (spec 01 §3.7).
	DIXMaxManagement = 9000
)

// DIXFrame is a view of a frame that holds at least its header.
type DIXFrame []byte

// ParseDIXFrame returns the view of the frame at the front of b. It does not look at the length field:
// b may be the stored part of a longer packet.
func ParseDIXFrame(b []byte) (DIXFrame, error) {
	if len(b) < DIXFrameHeaderLen {
		return nil, fmt.Errorf("dix frame: %d bytes, the header has %d: %w", len(b), DIXFrameHeaderLen, ErrDIXShort)
	}
	return DIXFrame(b), nil
}

// Destination returns the destination MAC.
func (f DIXFrame) Destination() [6]byte { return [6]byte(f[0:6]) }

// Source returns the source MAC.
func (f DIXFrame) Source() [6]byte { return [6]byte(f[6:12]) }

// EtherType returns the EtherType.
func (f DIXFrame) EtherType() uint16 { return binary.BigEndian.Uint16(f[12:14]) }

// EID returns the destination EID.
func (f DIXFrame) EID() uint16 { return binary.BigEndian.Uint16(f[14:16]) }

// Length returns the number of payload bytes that the header announces.
func (f DIXFrame) Length() int { return int(binary.BigEndian.Uint16(f[16:18])) }

// Fields returns the header but the length, with the addresses as 48-bit numbers, first byte most
// significant. It reads the header in two words, for the receive path.
func (f DIXFrame) Fields() (dst, src uint64, etherType, eid uint16) {
	a, b := binary.BigEndian.Uint64(f[0:8]), binary.BigEndian.Uint64(f[8:16])
	return a >> 16, a&0xFFFF<<32 | b>>32, uint16(b >> 16), uint16(b)
}

// MACNumber returns an address in the form of Fields.
func MACNumber(m [6]byte) uint64 {
	return uint64(binary.BigEndian.Uint16(m[0:]))<<32 | uint64(binary.BigEndian.Uint32(m[2:]))
}

// PutDIXFrame writes the header of a frame with a payload of length bytes (0 to 65535) to the first
// 18 bytes of b. It panics when b is shorter.
func PutDIXFrame(b []byte, dst, src [6]byte, etherType, eid uint16, length int) {
	_ = b[DIXFrameHeaderLen-1]
	copy(b[0:6], dst[:])
	copy(b[6:12], src[:])
	binary.BigEndian.PutUint16(b[12:14], etherType)
	binary.BigEndian.PutUint16(b[14:16], eid)
	binary.BigEndian.PutUint16(b[16:18], uint16(length))
}

// DIXCode is the code of a management message (spec 01 §3.3).
type DIXCode uint8

// The management messages.
const (
	DIXFlowRequest      DIXCode = 0
	DIXFlowReply        DIXCode = 1
	DIXNameQueryRequest DIXCode = 2
	DIXNameQueryReply   DIXCode = 3
)

// String returns the name that the specification uses.
func (c DIXCode) String() string {
	switch c {
	case DIXFlowRequest:
		return "FLOW_REQ"
	case DIXFlowReply:
		return "FLOW_REPLY"
	case DIXNameQueryRequest:
		return "NAME_QUERY_REQ"
	case DIXNameQueryReply:
		return "NAME_QUERY_REPLY"
	}
	return fmt.Sprintf("code %d", uint8(c))
}

// DIXMessageLen is the length in bytes of the fixed part of a management message.
const DIXMessageLen = 39

// DIXMessage is a management message (spec 01 §3.3). Fields that a message does not use are zero.
//
//	offset size field              offset size field
//	0      2    SEID               28     4    timeout
//	2      2    DEID               32     4    response
//	4      4    loss               36     1    in_order
//	8      8    bandwidth          37     1    code
//	16     4    ber                38     1    availability
//	20     4    max_gap            39     H    digest (all but FLOW_REPLY)
//	24     4    delay              39+H or 39  piggyback (FLOW_REQ, FLOW_REPLY)
type DIXMessage struct {
	Code         DIXCode
	SEID         uint16 // EID of the sender's end
	DEID         uint16 // EID of the receiver's end
	Response     int32  // 0 = accepted, else a negative error code
	Loss         uint32
	Bandwidth    uint64 // bit/s
	BER          uint32 // per 10^9 bits
	MaxGap       uint32 // ms
	Delay        uint32 // ms
	Timeout      uint32 // ms
	InOrder      uint8
	Availability uint8
	// Digest and Piggyback are views of the parsed bytes.
	Digest    []byte
	Piggyback []byte
}

// Len returns the length in bytes of the message on the wire.
func (m *DIXMessage) Len() int { return DIXMessageLen + m.tail().len() }

func (m *DIXMessage) tail() tail { return tail{m.Code, m.Digest, m.Piggyback} }

// Put writes the message to the first m.Len() bytes of b. It panics when b is shorter.
func (m *DIXMessage) Put(b []byte) {
	_ = b[m.Len()-1]
	binary.BigEndian.PutUint16(b[0:], m.SEID)
	binary.BigEndian.PutUint16(b[2:], m.DEID)
	wishes{m.Loss, m.Bandwidth, m.BER, m.MaxGap, m.Delay, m.Timeout, m.Response, m.InOrder}.put(b)
	b[37], b[38] = uint8(m.Code), m.Availability
	m.tail().put(b[DIXMessageLen:])
}

// ParseDIXMessage reads a management message of a layer whose digests have hashLen bytes. Fields that
// the message does not use are returned as they came. Bytes behind the digest of a name query are
// ignored. Digest and Piggyback refer to b.
func ParseDIXMessage(b []byte, hashLen int) (DIXMessage, error) {
	if len(b) < DIXMessageLen {
		return DIXMessage{}, fmt.Errorf("dix message: %d bytes, the fixed part has %d: %w", len(b), DIXMessageLen, ErrDIXShort)
	}
	w := wishesOf(b)
	m := DIXMessage{
		Code: DIXCode(b[37]),
		SEID: binary.BigEndian.Uint16(b[0:]),
		DEID: binary.BigEndian.Uint16(b[2:]),
		Loss: w.loss, Bandwidth: w.bandwidth, BER: w.ber, MaxGap: w.maxGap, Delay: w.delay, Timeout: w.timeout,
		Response: w.response, InOrder: w.inOrder,
		Availability: b[38],
	}
	t := tail{code: m.Code}
	err := t.parse(b[DIXMessageLen:], hashLen, "dix", ErrDIXShort, ErrDIXCode)
	m.Digest, m.Piggyback = t.digest, t.piggyback
	return m, err
}
