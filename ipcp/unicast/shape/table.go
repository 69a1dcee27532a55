package shape

import "ouroboros/core/policy"

// Policies returns the table of shaping policies.
func Policies() *policy.Registry[Shaper] {
	return &policy.Registry[Shaper]{Kind: "shaping", Factories: []policy.Factory[Shaper]{
		noneFactory(),
		shapeFactory(),
		policeFactory(),
	}}
}
