package sched

import (
	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/policy"
	"ouroboros/core/ring"
)

// FIFOConfig are the parameters of the policy fifo.
type FIFOConfig struct {
	// Limit is the number of packets that may wait here, beside those in the N-1 flow. 0 keeps none.
	Limit int `mapstructure:"limit" doc:"packets that may wait here after the N-1 flow is full, 0 to 1048576"`
}

// Validate checks the ranges.
func (c *FIFOConfig) Validate() error { return checkLimit("limit", c.Limit) }

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

type fifo struct {
	queue ring.Ring[*pkt.Buf]
	limit int
}

func (f *fifo) Push(_ core.Time, p *pkt.Buf, _ core.Cube) bool { return f.queue.Push(p, f.limit) }

func (f *fifo) Head(core.Time) *pkt.Buf {
	if f.queue.Len() == 0 {
		return nil
	}
	return f.queue.Front()
}

func (f *fifo) Pop(core.Time) *pkt.Buf { return f.queue.Pop() }

func (f *fifo) Len() int { return f.queue.Len() }

func (f *fifo) Drain() *pkt.Buf {
	if f.queue.Len() == 0 {
		return nil
	}
	return f.queue.Pop()
}
