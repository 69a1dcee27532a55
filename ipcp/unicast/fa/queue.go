package fa

import "ouroboros/core/pkt"

// queue is a FIFO of packets of bounded length.
type queue struct {
	buf  []*pkt.Buf
	head int
	n    int
}

func (q *queue) len() int { return q.n }

// push adds a packet unless limit wait already.
func (q *queue) push(p *pkt.Buf, limit int) bool {
	if q.n >= limit {
		return false
	}
	if q.n == len(q.buf) {
		buf := make([]*pkt.Buf, max(8, 2*len(q.buf)))
		for i := range q.n {
			buf[i] = q.buf[(q.head+i)%len(q.buf)]
		}
		q.buf, q.head = buf, 0
	}
	q.buf[(q.head+q.n)&(len(q.buf)-1)] = p
	q.n++
	return true
}

// front returns the first packet. There must be one.
func (q *queue) front() *pkt.Buf { return q.buf[q.head] }

// pop removes and returns the first packet. There must be one.
func (q *queue) pop() *pkt.Buf {
	p := q.buf[q.head]
	q.buf[q.head] = nil
	q.head = (q.head + 1) & (len(q.buf) - 1)
	q.n--
	return p
}

// clear releases all packets.
func (q *queue) clear() {
	for q.n > 0 {
		q.pop().Release()
	}
}
