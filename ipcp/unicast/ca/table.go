package ca

import "ouroboros/core/policy"

// Policies returns the table of congestion avoidance policies.
func Policies() *policy.Registry[Avoidance] {
	return &policy.Registry[Avoidance]{Kind: "congestion", Factories: []policy.Factory[Avoidance]{
		noneFactory(),
		mbECNFactory(),
		mbECNBlogFactory(),
		aimdFactory(),
		dctcpFactory(),
		lgcFactory(),
	}}
}
