// Package host is the live world: the executor on the monotonic clock and links over sockets of the
// operating system. It is the one place where the protocol core meets goroutines, locks and system
// calls; everything above it runs unchanged in the simulator.
//
//	readers (a goroutine per socket)        actor (the goroutine in Run)
//	recvmmsg -> batch --- mailbox ---------> Receive ... Send -> line -> out --- sendmmsg
//	                      one lock, swapped                 rate, delay,   at the end of
//	                      once per turn                     queue, loss    the turn
//
// A turn of the actor takes the whole mailbox at once, runs it, fires the timers that are due, and then
// writes what was sent meanwhile, one system call per link and batch. Between two turns it sleeps on
// one operating-system timer.
//
// The actor of a World runs only inside Run, on the goroutine that calls it. So a program may set up
// nodes and links before Run without locks, as it does in the simulator.
package host
