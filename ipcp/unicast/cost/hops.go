package cost

import (
	"ouroboros/core"
	"ouroboros/core/policy"
)

func hopsFactory() policy.Factory[Cost] {
	return policy.Factory[Cost]{
		Name: "hops",
		Doc:  "every adjacency costs 1, as in the prototype (spec 04 §6.2)",
		New:  func(core.Env, any) (Cost, error) { return hops{}, nil },
	}
}

type hops struct{}

func (hops) Of(core.FlowInfo) uint32 { return 1 }
