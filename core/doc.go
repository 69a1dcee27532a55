// Package core holds the contracts between the parts of the network: what a component may touch
// (Env), what moves frames (Link), what an application gets (Flow, Allocator), what a layer offers
// the broker of its system (Provider), and what differs between the simulator and a live system
// (World). There is no mechanism here.
//
// # Rules that every implementation keeps
//
// One actor. All calls on the components of one node are made on one Exec and never overlap.
//
// Re-entrancy. A down-call (Write, Send, Alloc, Join, Listen, Query, Close, SetReceive) never makes an
// up-call (Deliver, Receive, Writable, State, Closed, done, accept) on the same stack; an answer that
// is known at once is posted. Up-calls may make down-calls.
//
// Ownership. A packet has one owner. Write and Send take it, whatever they return, except with
// ErrWouldBlock, with which the caller keeps it. Deliver and Receive hand it to the user.
//
// Back-pressure. After ErrWouldBlock the provider calls Writable once there is room again; until then
// the user does not try again. SetReceive(false) stops Deliver; the provider queues up to its window
// and then drops or blocks.
//
// The conformance suite in core/coretest holds them for every implementation of both worlds.
package core
