package adm

import "ouroboros/core/policy"

// Policies returns the table of admission policies.
func Policies() *policy.Registry[Admission] {
	return &policy.Registry[Admission]{Kind: "admission", Factories: []policy.Factory[Admission]{
		noneFactory(),
		bandwidthFactory(),
	}}
}
