package routing

import "ouroboros/core/policy"

// Policies returns the table of routing policies.
func Policies() *policy.Registry[Routing] {
	return &policy.Registry[Routing]{Kind: "routing", Factories: []policy.Factory[Routing]{
		linkStateFactory(),
	}}
}
