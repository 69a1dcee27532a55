package wire

import "encoding/binary"

// wishes are the bytes 4 to 36 of a management message of the Ethernet shims, which DIX and LLC have in
// common: what a flow asks for, and the answer (spec 01 §3.3, §4.3).
type wishes struct {
	loss      uint32
	bandwidth uint64
	ber       uint32
	maxGap    uint32
	delay     uint32
	timeout   uint32
	response  int32
	inOrder   uint8
}

// wishesOf reads them from a message.
func wishesOf(b []byte) wishes {
	return wishes{
		loss:      binary.BigEndian.Uint32(b[4:]),
		bandwidth: binary.BigEndian.Uint64(b[8:]),
		ber:       binary.BigEndian.Uint32(b[16:]),
		maxGap:    binary.BigEndian.Uint32(b[20:]),
		delay:     binary.BigEndian.Uint32(b[24:]),
		timeout:   binary.BigEndian.Uint32(b[28:]),
		response:  int32(binary.BigEndian.Uint32(b[32:])),
		inOrder:   b[36],
	}
}

// put writes them to a message.
func (w wishes) put(b []byte) {
	binary.BigEndian.PutUint32(b[4:], w.loss)
	binary.BigEndian.PutUint64(b[8:], w.bandwidth)
	binary.BigEndian.PutUint32(b[16:], w.ber)
	binary.BigEndian.PutUint32(b[20:], w.maxGap)
	binary.BigEndian.PutUint32(b[24:], w.delay)
	binary.BigEndian.PutUint32(b[28:], w.timeout)
	binary.BigEndian.PutUint32(b[32:], uint32(w.response))
	b[36] = w.inOrder
}
