package fa

import (
	"ouroboros/core/pkt"
	"ouroboros/core/ring"
)

// queue is a FIFO of packets of bounded length, which it owns.
type queue struct{ ring.Ring[*pkt.Buf] }

// clear releases all packets.
func (q *queue) clear() {
	for q.Len() > 0 {
		q.Pop().Release()
	}
}
