// Package daemon is the IPC Resource Manager of a system in one call: the broker of names and flows, the IPCPs with
// their shims, the socket for operators and the one for applications. Run returns when the daemon has ended.
//
//	operator (irm)             application
//	     │ irm.sock                 │ app.sock
//	┌────┴───────────────┬──────────┴─────────┐
//	│ control.Server     │ host.AppServer     │   goroutines
//	├────────────────────┴────────────────────┤
//	│ System: irm.Broker, IPCPs by name       │   one actor
//	├─────────────────────────────────────────┤
//	│ shim/host: Ethernet, UDP                │
//	└─────────────────────────────────────────┘
//
// Everything below the sockets belongs to the actor of a host.World. What an operator asks for crosses to it
// as a call (System.call) or as an operation with an end (System.await). IPCPs are no processes of their own:
// each has a number that the daemon makes up, shown where the prototype shows a process id.
package daemon
