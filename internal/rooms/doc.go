// Package rooms holds the architecture test of the project: which folder may
// import which, and which of them must stay free of the operating system, the
// clock, goroutines, global randomness and written package state.
//
// The package has no code of its own. Its table of rooms stands in
// table_test.go; a new top-level folder or a new edge between rooms is a
// change of the architecture and begins there.
package rooms
