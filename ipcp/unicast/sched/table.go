package sched

import "ouroboros/core/policy"

// Policies returns the table of schedulers.
func Policies() *policy.Registry[Scheduler] {
	return &policy.Registry[Scheduler]{Kind: "scheduler", Factories: []policy.Factory[Scheduler]{
		fifoFactory(),
		strictPriorityFactory(),
		drrFactory(),
	}}
}
