package wire

import (
	"encoding/binary"
	"fmt"
)

// FACode is the code of a flow allocator message (spec 03 §2).
type FACode uint8

// The codes.
const (
	FlowReq    FACode = 0
	FlowReply  FACode = 1
	FlowUpdate FACode = 2
)

// String returns the name of the code.
func (c FACode) String() string {
	switch c {
	case FlowReq:
		return "FLOW_REQ"
	case FlowReply:
		return "FLOW_REPLY"
	case FlowUpdate:
		return "FLOW_UPDATE"
	}
	return fmt.Sprintf("code %d", uint8(c))
}

const (
	// FAFixed is the length of the fixed part of a flow allocator message in bytes.
	FAFixed = 61
	// FAMax is the length of the longest message (spec 03 §1.1).
	FAMax = 2048
)

// FA is a flow allocator message (spec 03 §1). All multi-byte fields are big-endian.
//
//	0        8       16       24         32    36    40   44   48      52      56  58   59    60    61
//	| source | R_EID | S_EID | bandwidth | resp|delay|loss|ber |max_gap|timeout|ECE|code|avail|order| digest, piggyback
type FA struct {
	Source       uint64 // address of the sender's IPCP, in requests
	REID         uint64 // endpoint id of the receiver's end
	SEID         uint64 // endpoint id of the sender's end
	Bandwidth    uint64 // the QoS fields are those of a request
	Response     int32
	Delay        uint32
	Loss         uint32
	BER          uint32
	MaxGap       uint32
	Timeout      uint32
	ECE          uint16 // congestion level, in updates
	Code         FACode
	Availability uint8
	InOrder      uint8
}

// Put writes the fixed part into b, which has at least FAFixed bytes.
func (m *FA) Put(b []byte) {
	be := binary.BigEndian
	be.PutUint64(b[0:], m.Source)
	be.PutUint64(b[8:], m.REID)
	be.PutUint64(b[16:], m.SEID)
	be.PutUint64(b[24:], m.Bandwidth)
	be.PutUint32(b[32:], uint32(m.Response))
	be.PutUint32(b[36:], m.Delay)
	be.PutUint32(b[40:], m.Loss)
	be.PutUint32(b[44:], m.BER)
	be.PutUint32(b[48:], m.MaxGap)
	be.PutUint32(b[52:], m.Timeout)
	be.PutUint16(b[56:], m.ECE)
	b[58], b[59], b[60] = byte(m.Code), m.Availability, m.InOrder
}

// ParseFA reads a message of a layer whose digests have hashLen bytes. digest is that of a request,
// nil otherwise; rest is the piggyback. Both alias b.
func ParseFA(b []byte, hashLen int) (m FA, digest, rest []byte, err error) {
	if len(b) < FAFixed || len(b) > FAMax {
		return m, nil, nil, fmt.Errorf("flow allocator message of %d bytes, accepted are %d to %d", len(b), FAFixed, FAMax)
	}
	be := binary.BigEndian
	m = FA{
		Source: be.Uint64(b[0:]), REID: be.Uint64(b[8:]), SEID: be.Uint64(b[16:]), Bandwidth: be.Uint64(b[24:]),
		Response: int32(be.Uint32(b[32:])), Delay: be.Uint32(b[36:]), Loss: be.Uint32(b[40:]), BER: be.Uint32(b[44:]),
		MaxGap: be.Uint32(b[48:]), Timeout: be.Uint32(b[52:]), ECE: be.Uint16(b[56:]),
		Code: FACode(b[58]), Availability: b[59], InOrder: b[60],
	}
	rest = b[FAFixed:]
	switch m.Code {
	case FlowReq:
		if len(rest) < hashLen {
			return m, nil, nil, fmt.Errorf("FLOW_REQ of %d bytes, it has at least %d", len(b), FAFixed+hashLen)
		}
		return m, rest[:hashLen], rest[hashLen:], nil
	case FlowReply, FlowUpdate:
		return m, nil, rest, nil
	}
	return m, nil, nil, fmt.Errorf("flow allocator message with unknown %s", m.Code)
}
