package sched

import (
	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/policy"
)

// StrictPriorityConfig are the parameters of the policy strict-priority. A limit is the number of packets
// of that cube that may wait here; the cubes do not take room from each other.
type StrictPriorityConfig struct {
	LimitBestEffort int `mapstructure:"limit_best_effort" doc:"packets of cube 0, and of cubes that nobody has defined, that may wait, 0 to 1048576"`
	LimitVideo      int `mapstructure:"limit_video" doc:"packets of cube 1 that may wait, 0 to 1048576"`
	LimitVoice      int `mapstructure:"limit_voice" doc:"packets of cube 2 that may wait, 0 to 1048576"`
}

func (c *StrictPriorityConfig) limits() perCube {
	return perCube{c.LimitBestEffort, c.LimitVideo, c.LimitVoice}
}

// Validate checks the ranges.
func (c *StrictPriorityConfig) Validate() error { return checkLimits(c.limits()) }

func strictPriorityFactory() policy.Factory[Scheduler] {
	return policy.Factory[Scheduler]{
		Name: "strict-priority",
		Doc:  "voice before video before best effort, in order of arrival within a cube (spec 02 §8.2, decision 3)",
		Config: func() any {
			return &StrictPriorityConfig{LimitBestEffort: DefaultLimit, LimitVideo: DefaultLimit, LimitVoice: DefaultLimit}
		},
		New: func(_ core.Env, cfg any) (Scheduler, error) {
			return &strictPriority{cubes{limits: cfg.(*StrictPriorityConfig).limits(), shown: none}}, nil
		},
	}
}

// strictPriority serves the highest cube that has a packet. A lower one waits for as long as that lasts:
// nothing keeps it from starving. A packet of the highest cube waits here for those of its own cube only.
type strictPriority struct{ cubes }

func (s *strictPriority) Head(core.Time) *pkt.Buf {
	for i := core.NumCubes - 1; i >= 0; i-- {
		if s.queues[i].Len() > 0 {
			s.shown = int8(i)
			return s.queues[i].Front()
		}
	}
	return nil
}

func (s *strictPriority) Pop(now core.Time) *pkt.Buf {
	if s.shown == none && s.Head(now) == nil {
		panic("sched: pop from an empty queue")
	}
	return s.pop(int(s.shown))
}
