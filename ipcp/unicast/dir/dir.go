// Package dir holds the directory policies of a unicast layer: who says at which address a name is
// registered (spec 05). One policy stands in each file; table.go lists them.
package dir

import (
	"ouroboros/core"
)

// Directory maps digests of names to the addresses of the members at which they are registered.
type Directory interface {
	// SetAddress tells the address of this member. It is called before any other method, and again when
	// the member takes another address: what it has registered then moves there.
	SetAddress(now core.Time, addr uint64)
	// Register makes the digest known at this member's address; twice is a success, and one registration.
	Register(now core.Time, h core.Hash) error
	// Unregister takes it back; of an unknown digest it is a success.
	Unregister(now core.Time, h core.Hash)
	// Query looks a digest up and calls done once, never on the stack of Query, unless it is canceled
	// before. The addresses are in the order in which they should be tried, this member's own among
	// them if it has registered the name; none if the name is unknown. The slice belongs to the callee
	// of done. There is no time-out for the caller to keep: a policy that asks others has its own.
	Query(now core.Time, h core.Hash, done func(addrs []uint64)) (cancel func())
	// Stop ends the directory of this member: what it has registered is taken back, and no outstanding
	// query is answered.
	Stop(now core.Time)
}

// Networked is a Directory that talks to those of other members over the data transfer component, at
// the endpoint EID (spec 05). It is a machine without a clock: its owner hands it the packets that
// arrive, calls Tick when Deadline has come, and after each call of any method sends what Out returns.
type Networked interface {
	Directory
	// SetHash tells the algorithm of the digests of the layer. It is called before SetAddress; without it
	// they are those of SHA3-256.
	SetHash(a core.HashAlgo)
	// Join makes this member known, through a peer that is one already; 0 for the first member. It is
	// called once after SetAddress. The way to the peer need not be there yet: it is asked again.
	Join(now core.Time, peer uint64)
	// Met tells that this member has a connection to another one now. A directory that has lost all others can
	// find back through it.
	Met(now core.Time, addr uint64)
	// Recv takes one message. The header of data transfer has no source address, so the message itself
	// says who sent it. sdu is valid during the call.
	Recv(now core.Time, sdu []byte)
	// Deadline returns when Tick is due, clock.Never if it is not.
	Deadline() core.Time
	// Tick does what is due at now.
	Tick(now core.Time)
	// Out returns the messages to send since the last call. The slice and the messages are valid until
	// the next call of a method.
	Out() []Message
}

// Message is one message of a directory to that of another member.
type Message struct {
	To  uint64 // address
	SDU []byte
}

// EID is the endpoint of the directory (spec 02 §4.1).
const EID = 1
