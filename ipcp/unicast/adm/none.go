package adm

import (
	"ouroboros/core"
	"ouroboros/core/policy"
)

func noneFactory() policy.Factory[Admission] {
	return policy.Factory[Admission]{
		Name: "none",
		Doc:  "every flow is taken on, as in the prototype (spec 12 §12.4)",
		New:  func(core.Env, any) (Admission, error) { return none{}, nil },
	}
}

type none struct{}

func (none) Admit(core.QoS, int64) error { return nil }

func (none) Release(core.QoS) {}
