package shape

import (
	"time"

	"ouroboros/core"
	"ouroboros/core/policy"
)

func shapeFactory() policy.Factory[Shaper] {
	return policy.Factory[Shaper]{
		Name:   "shape",
		Doc:    "a flow that sends more than the bandwidth it asked for is slowed down to it (token bucket)",
		Config: defaultBucket,
		New:    func(_ core.Env, cfg any) (Shaper, error) { return shaping{cfg.(*BucketConfig)}, nil },
	}
}

type shaping struct{ cfg *BucketConfig }

func (s shaping) NewFlow(now core.Time, q core.QoS) Flow {
	if b := s.cfg.bucket(now, q); b != nil {
		return &shaped{*b}
	}
	return nil
}

// shaped is a flow whose packets wait for their tokens. Nothing is dropped: a packet that is longer than the
// bucket waits until it would have been filled that far, so that the rate is kept and the flow goes on.
type shaped struct{ bucket }

func (f *shaped) Send(now core.Time, n int) (wait time.Duration, drop bool) {
	return f.take(now, n).Sub(now), false
}
