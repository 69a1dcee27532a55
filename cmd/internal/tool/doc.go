// Package tool is what the programs for users of the network have in common (spec 14 §14.8): oping, operf, ocbr, oecho and
// obc. Each is a Tool, whose program is written over the root package alone: it runs in the simulator, where its tests
// compare what it prints, as well as on a live system.
//
// Exit codes: 0 all is well, 1 it failed, 2 the command line cannot be used.
package tool
