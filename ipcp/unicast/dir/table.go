package dir

import "ouroboros/core/policy"

// Policies returns the table of directory policies for one layer of one run. names is what the members
// of that layer share under the policy static; to list the policies, nil will do.
func Policies(names *Names) *policy.Registry[Directory] {
	return &policy.Registry[Directory]{Kind: "directory", Factories: []policy.Factory[Directory]{
		staticFactory(names),
		dhtFactory(),
	}}
}
