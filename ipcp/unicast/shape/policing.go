package shape

import (
	"time"

	"ouroboros/core"
	"ouroboros/core/policy"
)

func policeFactory() policy.Factory[Shaper] {
	return policy.Factory[Shaper]{
		Name:   "police",
		Doc:    "packets beyond the bandwidth that their flow asked for are dropped (token bucket); so are those longer than the burst",
		Config: defaultBucket,
		New:    func(_ core.Env, cfg any) (Shaper, error) { return policing{cfg.(*BucketConfig)}, nil },
	}
}

type policing struct{ cfg *BucketConfig }

func (p policing) NewFlow(now core.Time, q core.QoS) Flow {
	if b := p.cfg.bucket(now, q); b != nil {
		return &policed{*b}
	}
	return nil
}

// policed is a flow whose packets go at once or not at all.
type policed struct{ bucket }

func (f *policed) Send(now core.Time, n int) (wait time.Duration, drop bool) {
	return 0, !f.conforms(now, n)
}
