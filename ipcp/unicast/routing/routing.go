// Package routing holds the routing policies of a unicast IPCP: how members learn the graph of their
// layer and which tables they compute from it (spec 04 §1–§6). One policy stands in each group of files;
// table.go lists them.
package routing

import (
	"ouroboros/core"
	"ouroboros/ipcp/unicast/pff"
)

// Port names an N-1 flow. Ports of data transfer are those of package pff; ports of management flows
// are numbered on their own.
type Port = pff.Port

// Kind is the kind of a neighbour: what its N-1 flow carries.
type Kind uint8

// The kinds of neighbours (spec 04 §2).
const (
	DT   Kind = iota // data transfer
	Mgmt             // management: link state messages
)

// String returns the prefix of the neighbour's file in the management tree (spec 04 §8).
func (k Kind) String() string {
	if k == Mgmt {
		return "mgmt"
	}
	return "dt"
}

// Routing is a routing policy: a machine without a clock and without flows. Its owner hands it what
// happens, calls Tick when Deadline has come, and after each call of a method that takes the time
// carries out what Out returns and arms its timer for Deadline.
type Routing interface {
	// Start begins with the address of this member. A member that changes its address calls Stop, carries
	// out what that hands out, and then Start: neighbours and database are forgotten, connections are
	// made anew. want says which ports the forwarding function can use.
	Start(now core.Time, self uint64, want pff.Want)
	// Stop takes leave: the own adjacencies are withdrawn. Nothing happens afterwards until Start.
	Stop(now core.Time)
	// AddNeighbour tells that a connection has been established over a flow that is up.
	AddNeighbour(now core.Time, kind Kind, addr uint64, port Port)
	// RemoveNeighbour tells that the connection has ended, on whatever grounds. Unknown ports are ignored.
	RemoveNeighbour(now core.Time, kind Kind, port Port)
	// PortState tells that the N-1 flow of a data transfer connection went down or came up. A flow that
	// is down has lost its adjacency, at once (decisions 5 and 12).
	PortState(now core.Time, port Port, up bool)
	// SetCost sets the cost of the adjacency to the neighbour behind a data transfer port, 1 to 2^32-1;
	// 1 is the default and 0 counts as 1.
	SetCost(now core.Time, port Port, cost uint32)
	// Recv takes a message from a management flow. sdu is valid during the call.
	Recv(now core.Time, mgmt Port, sdu []byte)
	// Deadline returns when Tick is due, clock.Never if it is not. It may be now or earlier: then Tick is
	// due at the end of the current instant.
	Deadline() core.Time
	// Tick does what is due at now; a call that comes too early does nothing.
	Tick(now core.Time)
	// Out returns the effects since the last call of Out.
	Out() Effects
	// Database hands out what the policy has learned, in its order, for the management tree and for tests.
	Database(yield func(Adjacency))
	// Neighbours hands out the neighbours in the order in which they were added.
	Neighbours(yield func(kind Kind, addr uint64, port Port))
	// Stats returns the counters so far.
	Stats() Stats
}

// Effects is what a routing policy wants done, in the order of the fields.
type Effects struct {
	// Sends are the messages to send, in order. The slice and the messages are valid until the next call
	// of a method other than Out.
	Sends []Send
	// Install tells that Routes replaces the forwarding tables of all cubes. The caller owns Routes,
	// which is sorted by destination and may be empty.
	Install bool
	Routes  []pff.Route
	// Conflict tells that another member uses the address of this one (decision 6). It is set once.
	Conflict bool
}

// Send is a message to send on a management flow. The owner holds what the flow has no room for: the
// transfer of a database is thousands of messages. What is lost all the same, refresh makes up for.
type Send struct {
	Port Port
	SDU  []byte
}

// Adjacency is one entry of what a policy has learned. Under link-state and static, Src says that it has a
// link to Dst; under path-vector the neighbour Src says that it has a path to Dst, and Cost is that of the
// path, or 2^32-1 if it is larger.
type Adjacency struct {
	Src, Dst  uint64
	Seq       uint64
	Cost      uint32
	Withdrawn bool      // kept for a while so that older copies are known to be outdated
	Updated   core.Time // of the last update, in ms precision
}

// Stats are the counters of a routing policy. A message received counts in Received and, unless it was
// taken, in one of the five below it.
type Stats struct {
	Sent, SentBytes uint64 // messages handed out
	Received        uint64
	Duplicates      uint64 // known already, or older
	Invalid         uint64 // of another length, with impossible fields, or of a neighbour that is none
	Stale           uint64 // tell of this member what it has not said, and were overruled or left
	Ahead           uint64 // carry a number that no clock can have reached
	Full            uint64 // would take more memory than the policy may have
	TimedOut        uint64 // adjacencies or routes dropped because nobody refreshed them
	Computations    uint64 // of the next hops
	Scratch         uint64 // of these, from nothing; the others changed what was there
	Installs        uint64 // tables handed out
}
