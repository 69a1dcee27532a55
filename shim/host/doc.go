// Package host is the live world: the executor on the monotonic clock and links over sockets of the
// operating system. It is the one place where the protocol core meets goroutines, locks and system
// calls; everything above it runs unchanged in the simulator.
//
//	a turn of the actor (the goroutine in Run)
//	+--------------------------------------------------------------------------------------+
//	| epoll_wait --> devices that are ready --> mailbox --> timers --> outputs             |
//	| sleeps here    batches of packets         swapped     due        one system call     |
//	| if idle        -> Receive                 once                   per device or batch |
//	+--------------------------------------------------------------------------------------+
//	                                               ^
//	other goroutines: post, and ring the bell of a sleeping actor
//
// The actor watches the descriptors of its devices itself: a packet reaches the protocols without passing
// another goroutine. What is sent in a turn is collected per device and written at its end.
//
// The actor of a World runs only inside Run, on the goroutine that calls it. So a program may set up
// nodes and links before Run without locks, as it does in the simulator.
package host
