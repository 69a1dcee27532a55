// Package ring is the queue that packets wait in all over the network: first in, first out, of bounded
// length, in one slice whose size is a power of two.
//
//	     head            head+n
//	      v                v
//	+----+----+----+----+----+----+----+----+
//	|    | 1st|    ...  | nth|              |     indices are taken modulo the size
//	+----+----+----+----+----+----+----+----+
//
// It grows by doubling up to the longest queue it has held and does not shrink: a queue in its steady
// state does not allocate.
package ring

// minSize is the number of places of a ring when it is first used.
const minSize = 8

// Ring is a queue of values of type T. The zero value is empty and ready for use. It is not copied after
// its first use.
type Ring[T any] struct {
	buf  []T // length a power of two, or 0
	head int
	n    int
}

// Len returns the number of values that wait.
func (r *Ring[T]) Len() int { return r.n }

// Push adds a value at the end, unless limit or more wait already; then it reports false.
func (r *Ring[T]) Push(v T, limit int) bool {
	if r.n >= limit {
		return false
	}
	if r.n == len(r.buf) {
		r.grow()
	}
	r.buf[(r.head+r.n)&(len(r.buf)-1)] = v
	r.n++
	return true
}

// grow doubles the slice. It stands apart so that Push stays small.
func (r *Ring[T]) grow() {
	next := make([]T, max(minSize, 2*len(r.buf)))
	k := copy(next, r.buf[r.head:])
	copy(next[k:], r.buf[:r.head])
	r.buf, r.head = next, 0
}

// Front returns the first value. It panics if none waits.
func (r *Ring[T]) Front() T {
	if r.n == 0 {
		panic("ring: front of an empty queue")
	}
	return r.buf[r.head]
}

// Pop removes and returns the first value. It panics if none waits. The ring keeps no reference to it.
func (r *Ring[T]) Pop() T {
	if r.n == 0 {
		panic("ring: pop from an empty queue")
	}
	var zero T
	v := r.buf[r.head]
	r.buf[r.head] = zero
	r.head = (r.head + 1) & (len(r.buf) - 1)
	r.n--
	return v
}
