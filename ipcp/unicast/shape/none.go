package shape

import (
	"ouroboros/core"
	"ouroboros/core/policy"
)

func noneFactory() policy.Factory[Shaper] {
	return policy.Factory[Shaper]{
		Name: "none",
		Doc:  "a flow sends as fast as its congestion policy lets it, as in the prototype",
		New:  func(core.Env, any) (Shaper, error) { return none{}, nil },
	}
}

type none struct{}

func (none) NewFlow(core.Time, core.QoS) Flow { return nil }
