// Package pff holds the forwarding functions of a unicast IPCP: the map from a destination address to
// the N-1 flow on which a packet leaves (spec 04 §7). "Prefix" in the historical name is just that:
// addresses match exactly. One policy stands in each file; table.go lists them.
package pff

// Port names an N-1 flow of the data transfer component: an index into its table of ports.
type Port int32

// None is the port of a destination that has no next hop.
const None Port = -1

// Route is one line of a table: the ports over which a destination is reached, in order of
// preference. A route without ports is left out of the table.
type Route struct {
	Dst   uint64
	Ports []Port
}

// Want says which ports per destination a forwarding function can use. The routing policy computes no
// others.
type Want uint8

// What forwarding functions want.
const (
	WantFirst      Want = iota // the port of the shortest path
	WantAlternates             // behind it loop-free alternates, best first (RFC 5286; spec 04 §6.6)
	WantEqual                  // the ports of all shortest paths (spec 04 §6.7)
)

// PFF is a forwarding function. It is not safe for concurrent use.
type PFF interface {
	// Wants says which ports it can use.
	Wants() Want
	// Next returns the port on which a packet to dst leaves, or None. flow tells apart the flows to one
	// destination, for policies that spread them; a policy that does not ignores it. Next is called
	// once per packet and hop and does not allocate.
	Next(dst uint64, flow uint32) Port
	// Replace installs a new table in place of the whole old one (spec 04 §7.1). It copies what it
	// keeps; of several routes to one destination the first counts. Address 0 is invalid and is left out.
	Replace(routes []Route)
	// PortDown tells that a port went down: its next hop is not reached at this time (spec 04 §7.3).
	PortDown(p Port)
	// PortUp tells that a port came back.
	PortUp(p Port)
	// Routes hands out the table in ascending order of destinations, the ports of each as they were
	// installed as far as the policy keeps them. ports belongs to the table and is
	// valid during the call.
	Routes(yield func(dst uint64, ports []Port))
}
