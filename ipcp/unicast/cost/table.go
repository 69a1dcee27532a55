package cost

import "ouroboros/core/policy"

// Policies returns the table of link cost policies.
func Policies() *policy.Registry[Cost] {
	return &policy.Registry[Cost]{Kind: "cost", Factories: []policy.Factory[Cost]{
		hopsFactory(), delayFactory(), capacityFactory(),
	}}
}
