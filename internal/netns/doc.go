// Package netns makes network namespaces for tests and for experiments on one machine, and joins them with
// pairs of virtual Ethernet devices (veth). It needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN) and no other
// program.
//
//	one process, many namespaces          what runs where
//	+-- node a ----+  veth  +-- node b ----+   Do(fn)      fn, on a locked thread
//	| lo  eth0 ----+--------+---- eth0  lo |   Command     a child process, for its whole life
//	+--------------+        +--------------+
//
// A namespace has a name below /run/netns, so that "ip netns exec NAME ..." can look into it. The name
// holds the process that made it. What a process that crashed has left there is removed by the next one
// that makes a namespace; its children die with it.
package netns
