package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// Why a frame or message of the LLC shim cannot be read.
var (
	ErrLLCShort = errors.New("truncated")
	ErrLLCCode  = errors.New("unknown code")
)

// A frame of the Ethernet LLC shim (spec 01 §4.2): IEEE 802.3 with an LLC type 1 header. All fields are
// big-endian. The SAPs travel with their bits reversed.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-------------------------------+-------------------------------+
//	|               destination MAC (48 bits)                       |
//	+                               +-------------------------------+
//	|                               |                               |
//	+-------------------------------+       source MAC (48 bits)    +
//	|                                                               |
//	+-------------------------------+---------------+---------------+
//	| length: 3 + bytes of payload  |     DSAP      |     SSAP      |
//	+---------------+---------------+---------------+---------------+
//	|  control 03h  |  payload ...
//	+---------------+
const (
	// LLCHeaderLen is the length in bytes of DSAP, SSAP and control.
	LLCHeaderLen = 3
	// LLCFrameHeaderLen is the length in bytes of everything in front of the payload.
	LLCFrameHeaderLen = EthernetHeaderLen + LLCHeaderLen
	// LLCLengthOffset is the offset of the length field in a frame.
	LLCLengthOffset = 12
	// LLCMaxLength is the largest value of the length field; larger ones are EtherTypes (spec 01 §4.2.2).
	LLCMaxLength = 0x05FF
	// LLCManagementSAP is the SAP at both ends of a management message.
	LLCManagementSAP = 1
	// LLCControl is the control field of every frame: unnumbered information.
	LLCControl = 0x03
)

// LLCFrame is a view of a frame that holds at least its header.
type LLCFrame []byte

// ParseLLCFrame returns the view of the frame at the front of b. It does not look at the length field: b
// may be the stored part of a longer packet.
func ParseLLCFrame(b []byte) (LLCFrame, error) {
	if len(b) < LLCFrameHeaderLen {
		return nil, fmt.Errorf("llc frame: %d bytes, the header has %d: %w", len(b), LLCFrameHeaderLen, ErrLLCShort)
	}
	return LLCFrame(b), nil
}

// Length returns the length field: the bytes of header and payload behind it. Above LLCMaxLength the
// frame is not one of LLC.
func (f LLCFrame) Length() int { return int(binary.BigEndian.Uint16(f[12:14])) }

// DSAP returns the SAP of the receiver's end, its bits in their order again.
func (f LLCFrame) DSAP() uint8 { return bits.Reverse8(f[14]) }

// SSAP returns the SAP of the sender's end, its bits in their order again.
func (f LLCFrame) SSAP() uint8 { return bits.Reverse8(f[15]) }

// Addresses returns destination and source as 48-bit numbers, first byte most significant.
func (f LLCFrame) Addresses() (dst, src uint64) {
	a, b := binary.BigEndian.Uint64(f[0:8]), binary.BigEndian.Uint64(f[8:16])
	return a >> 16, a&0xFFFF<<32 | b>>32
}

// PutLLCFrame writes the header of a frame with a payload of n bytes (0 to 1532) to the first 17 bytes of
// b. It panics when b is shorter.
func PutLLCFrame(b []byte, dst, src [6]byte, dsap, ssap uint8, n int) {
	_ = b[LLCFrameHeaderLen-1]
	copy(b[0:6], dst[:])
	copy(b[6:12], src[:])
	binary.BigEndian.PutUint16(b[12:14], uint16(LLCHeaderLen+n))
	b[14], b[15], b[16] = bits.Reverse8(dsap), bits.Reverse8(ssap), LLCControl
}

// LLCMessageLen is the length in bytes of the fixed part of a management message.
const LLCMessageLen = 37

// LLCMessage is a management message of the LLC shim (spec 01 §4.3), with the codes of the Ethernet II
// shim. Fields that a message does not use are zero. The SAPs in it are not reversed.
//
//	offset size field              offset size field
//	0      1    SSAP               20     4    max_gap
//	1      1    DSAP               24     4    delay
//	2      1    code               28     4    timeout
//	3      1    availability       32     4    response
//	4      4    loss               36     1    in_order
//	8      8    bandwidth          37     H    digest (all but FLOW_REPLY)
//	16     4    ber                37+H or 37  piggyback (FLOW_REQ, FLOW_REPLY)
type LLCMessage struct {
	Code         DIXCode
	SSAP         uint8 // SAP of the sender's end
	DSAP         uint8 // SAP of the receiver's end
	Response     int32 // 0 = accepted, else a negative error code
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
func (m *LLCMessage) Len() int { return LLCMessageLen + m.tail().len() }

func (m *LLCMessage) tail() tail { return tail{m.Code, m.Digest, m.Piggyback} }

// Put writes the message to the first m.Len() bytes of b. It panics when b is shorter.
func (m *LLCMessage) Put(b []byte) {
	_ = b[m.Len()-1]
	b[0], b[1], b[2], b[3] = m.SSAP, m.DSAP, uint8(m.Code), m.Availability
	wishes{m.Loss, m.Bandwidth, m.BER, m.MaxGap, m.Delay, m.Timeout, m.Response, m.InOrder}.put(b)
	m.tail().put(b[LLCMessageLen:])
}

// ParseLLCMessage reads a management message of a layer whose digests have hashLen bytes. Fields that the
// message does not use are returned as they came. Bytes behind the digest of a name query are ignored.
// Digest and Piggyback refer to b.
func ParseLLCMessage(b []byte, hashLen int) (LLCMessage, error) {
	if len(b) < LLCMessageLen {
		return LLCMessage{}, fmt.Errorf("llc message: %d bytes, the fixed part has %d: %w", len(b), LLCMessageLen, ErrLLCShort)
	}
	w := wishesOf(b)
	m := LLCMessage{
		SSAP: b[0], DSAP: b[1], Code: DIXCode(b[2]), Availability: b[3],
		Loss: w.loss, Bandwidth: w.bandwidth, BER: w.ber, MaxGap: w.maxGap, Delay: w.delay, Timeout: w.timeout,
		Response: w.response, InOrder: w.inOrder,
	}
	t := tail{code: m.Code}
	err := t.parse(b[LLCMessageLen:], hashLen, "llc", ErrLLCShort, ErrLLCCode)
	m.Digest, m.Piggyback = t.digest, t.piggyback
	return m, err
}
