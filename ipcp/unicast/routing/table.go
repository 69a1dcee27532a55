package routing

import "ouroboros/core/policy"

// Policies returns the table of routing policies. layer is the map that the members of the layer share under
// the policy static; nil means that there is none, which is enough to check a choice.
func Policies(layer *Map) *policy.Registry[Routing] {
	return &policy.Registry[Routing]{Kind: "routing", Factories: []policy.Factory[Routing]{
		linkStateFactory(), pathVectorFactory(), staticFactory(layer),
	}}
}
