package coretest

import (
	"encoding/binary"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// frameHeader returns the bytes in front of the payload of a frame.
func frameHeader(info core.LinkInfo) int {
	if info.Kind == core.LinkEthernet {
		return 14
	}
	return 0
}

// minPayload is the sequence number and the check of a test frame.
const minPayload = 8

// makeFrame makes a frame with a payload of n bytes that carries seq and a pattern.
func makeFrame(env core.Env, info core.LinkInfo, seq, n int) *pkt.Buf {
	p := env.Pool.Get(32, n)
	b := p.Bytes()
	binary.BigEndian.PutUint32(b, uint32(seq))
	binary.BigEndian.PutUint32(b[4:], uint32(n))
	for i := minPayload; i < n; i++ {
		b[i] = byte(seq + i)
	}
	if info.Kind == core.LinkEthernet {
		eth := p.Push(14)
		dst, src := core.BroadcastMAC.MAC(), info.Addr.MAC()
		copy(eth, dst[:])
		copy(eth[6:], src[:])
		eth[12], eth[13] = 0xa0, 0
	}
	return p
}

// openFrame checks a test frame and returns its number. The frame is left as it was.
func openFrame(info core.LinkInfo, p *pkt.Buf) (seq int, ok bool) {
	b := p.Bytes()
	head := frameHeader(info)
	if len(b) < head+minPayload {
		return 0, false
	}
	b = b[head:]
	seq = int(binary.BigEndian.Uint32(b))
	ok = int(binary.BigEndian.Uint32(b[4:])) == len(b)
	for i := minPayload; i < len(b); i++ {
		ok = ok && b[i] == byte(seq+i)
	}
	return seq, ok
}
