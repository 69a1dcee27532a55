package host

import "ouroboros/core/pkt"

// fifo is a queue in a ring whose size is a power of two. It grows and does not shrink.
type fifo[T any] struct {
	buf     []T
	head, n int
}

// queue is a FIFO of packets.
type queue = fifo[*pkt.Buf]

// at returns the i-th value from the front.
func (q *fifo[T]) at(i int) T { return q.buf[(q.head+i)&(len(q.buf)-1)] }

func (q *fifo[T]) push(v T) {
	if q.n == len(q.buf) {
		buf := make([]T, max(64, 2*q.n))
		for i := range q.n {
			buf[i] = q.at(i)
		}
		q.buf, q.head = buf, 0
	}
	q.buf[(q.head+q.n)&(len(q.buf)-1)] = v
	q.n++
}

func (q *fifo[T]) pop() T {
	var none T
	v := q.buf[q.head]
	q.buf[q.head] = none
	q.head = (q.head + 1) & (len(q.buf) - 1)
	q.n--
	return v
}
