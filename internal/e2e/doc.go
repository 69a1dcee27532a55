// Package e2e tests the programs of this project together, as people use them: daemons in network namespaces
// that the test makes, told what to do by irm, with the tools on top. There is nothing in it but tests. All need
// root; without it they are skipped and say so.
//
// A lab is a set of nodes, each with a namespace, a directory for its daemon and veth interfaces to others. A script
// is what an operator types: a line for each command, with the node in front.
//
//	l := newLab(t, "n1", "n2")
//	l.wire("n1", "v12", "n2", "v21")
//	l.run(`
//		n1: irmd --stdout &
//		n1: irm ipcp bootstrap type eth-dix name shim layer eth dev v12
//	`)
//
// At the end of a test the daemons are ended by SIGTERM and must leave with exit code 0; no process, socket or
// namespace may stay.
package e2e
