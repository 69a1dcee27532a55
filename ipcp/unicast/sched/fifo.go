package sched

import (
	"fmt"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/policy"
)

// DefaultLimit is the length in packets of a full queue: the ring of the prototype (spec 06 §9).
const DefaultLimit = 1023

// FIFOConfig are the parameters of the policy fifo.
type FIFOConfig struct {
	// Limit is the number of packets that may wait here, beside those in the N-1 flow. 0 keeps none.
	Limit int `mapstructure:"limit" doc:"packets that may wait here after the N-1 flow is full, 0 to 1048576"`
}

// maxLimit bounds the memory that a queue can ask for.
const maxLimit = 1 << 20

// Validate checks the ranges.
func (c *FIFOConfig) Validate() error {
	if c.Limit < 0 || c.Limit > maxLimit {
		return fmt.Errorf("parameter limit: %d, accepted are 0 to %d packets", c.Limit, maxLimit)
	}
	return nil
}

func fifoFactory() policy.Factory[Scheduler] {
	return policy.Factory[Scheduler]{
		Name:   "fifo",
		Doc:    "packets of all cubes leave in the order of their arrival (spec 02 §8.1)",
		Config: func() any { return &FIFOConfig{Limit: DefaultLimit} },
		New: func(_ core.Env, cfg any) (Scheduler, error) {
			return &fifo{limit: cfg.(*FIFOConfig).Limit}, nil
		},
	}
}

// fifo is a ring that grows to the longest queue it has held and never shrinks, so that a queue in
// its steady state does not allocate.
type fifo struct {
	ring  []*pkt.Buf // length a power of two, or 0
	head  int
	n     int
	limit int
}

const minRing = 8

func (f *fifo) Push(_ core.Time, p *pkt.Buf, _ core.Cube) bool {
	if f.n >= f.limit {
		return false
	}
	if f.n == len(f.ring) {
		f.grow()
	}
	f.ring[(f.head+f.n)&(len(f.ring)-1)] = p
	f.n++
	return true
}

func (f *fifo) grow() {
	next := make([]*pkt.Buf, max(minRing, 2*len(f.ring)))
	k := copy(next, f.ring[f.head:])
	copy(next[k:], f.ring[:f.head])
	f.ring, f.head = next, 0
}

func (f *fifo) Head(core.Time) *pkt.Buf {
	if f.n == 0 {
		return nil
	}
	return f.ring[f.head]
}

func (f *fifo) Pop(core.Time) *pkt.Buf {
	if f.n == 0 {
		panic("sched: pop from an empty queue")
	}
	p := f.ring[f.head]
	f.ring[f.head] = nil
	f.head = (f.head + 1) & (len(f.ring) - 1)
	f.n--
	return p
}

func (f *fifo) Len() int { return f.n }

func (f *fifo) Drain() *pkt.Buf {
	if f.n == 0 {
		return nil
	}
	return f.Pop(0)
}
