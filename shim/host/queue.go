package host

import "ouroboros/core/pkt"

// queue is a FIFO of packets in a ring whose size is a power of two. It grows and does not shrink.
type queue struct {
	buf     []*pkt.Buf
	head, n int
}

// at returns the i-th packet from the front.
func (q *queue) at(i int) *pkt.Buf { return q.buf[(q.head+i)&(len(q.buf)-1)] }

func (q *queue) push(p *pkt.Buf) {
	if q.n == len(q.buf) {
		buf := make([]*pkt.Buf, max(64, 2*q.n))
		for i := range q.n {
			buf[i] = q.at(i)
		}
		q.buf, q.head = buf, 0
	}
	q.buf[(q.head+q.n)&(len(q.buf)-1)] = p
	q.n++
}

func (q *queue) pop() *pkt.Buf {
	p := q.buf[q.head]
	q.buf[q.head] = nil
	q.head = (q.head + 1) & (len(q.buf) - 1)
	q.n--
	return p
}
