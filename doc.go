// Package ouroboros is the application's side of the network: flows to names, written and read in
// messages by programs that block.
//
//	app := ouroboros.New(env, alloc, b)
//	flow, err := app.Dial("oping", ouroboros.WithQoS(core.QoSData))
//	err = flow.WriteMsg(request)
//	n, err := flow.ReadMsg(reply)
//
//	application      Dial Listen Accept Join | ReadMsg WriteMsg       this package
//	                 NewSet | Add Wait: many flows, one program
//	                 DialStream ListenStream | net.Conn net.Listener
//	end to end       FRCP on flows that are ordered or reliable       package frcp
//	system           core.Allocator: the broker, a layer              core.Flow
//
// # Programs and goroutines
//
// The package waits through a core.Blocker only. So the same program runs as a coroutine of the
// simulator, in virtual time, and on a live system; it must not start goroutines that use the same App.
// An App belongs to one program; programs that run beside each other each have their own. A program serves many
// flows with a Set, and is stopped by Interrupt.
//
// Goroutines of a live process that are no programs of a world get a core.Shared Blocker from it. Any of them may then
// use the App, its flows, streams, listeners and sets at the same time, and the functions whose names end in Context
// take one that ends.
//
// Errors are those of package core (spec 14 §14.6), to be tested with errors.Is.
package ouroboros
