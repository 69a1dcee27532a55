package addr

import "ouroboros/core/policy"

// Policies returns the table of address policies.
func Policies() *policy.Registry[Policy] {
	return &policy.Registry[Policy]{Kind: "address", Factories: []policy.Factory[Policy]{
		flatRandomFactory(),
		sequentialFactory(),
	}}
}
