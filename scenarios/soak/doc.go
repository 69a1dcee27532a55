// Package soak is the fault campaign: it draws random networks, layers, flows and faults from a seed, runs them
// in the simulator with programs that check every byte, and looks for a moment in which one of the promises of
// the protocols does not hold (docs/campaign.md lists the invariants). What it finds it can replay and shrink.
package soak
