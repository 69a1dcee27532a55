package pff

import "ouroboros/core/policy"

// Policies returns the table of forwarding functions.
func Policies() *policy.Registry[PFF] {
	return &policy.Registry[PFF]{Kind: "forwarding", Factories: []policy.Factory[PFF]{
		simpleFactory(), lfaFactory(), ecmpFactory(),
	}}
}
