package addr

import "ouroboros/core/policy"

// Policies returns the table of address policies.
func Policies() *policy.Registry[Policy] {
	return &policy.Registry[Policy]{Kind: "addressing", Factories: []policy.Factory[Policy]{
		flatRandomFactory(),
		sequentialFactory(),
	}}
}
