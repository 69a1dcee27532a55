package core

import (
	"time"
)

// World makes the two things that differ between the simulator and a live system: time and links.
// Experiments (scenarios) are written over it and run in both.
type World interface {
	// Node returns the Env of a new node. Names are unique among the nodes that live; the name of a killed
	// node can be given to a new one, which has no wires.
	Node(name string) Env
	// Link wires two nodes.
	Link(spec LinkSpec, a, b Env) (Wire, error)
	// Go starts a program that blocks, on the actor of env. In the simulator it is a coroutine: the
	// program must not start goroutines or block in any other way than through b.
	Go(env Env, program func(b Blocker))
	// Kill ends a node: its timers, posts and programs are void, its links are down. A name that no living
	// node has is ignored.
	Kill(node string)
	// Revive starts a killed node again, the same system with nothing in its memory, and returns the Env of
	// its new life. It fails when no node has had the name, or when the one that has it last lives.
	//
	// The new life shares nothing with those before. Its path is the name and the number of the life
	// ("seattle~2"), so that it draws random numbers and records a trace of its own, the same ones in every
	// run of a seed. Timers, posts, programs and parts of the old Env stay void.
	//
	// The wires of the node are the same ones: they keep their specs, counters and addresses, and come up
	// unless SetUp holds them down or the node at the other end is dead. Wire.Ends returns new links for the
	// ends at this node, which have no user yet; those of the old life are inert: they take packets with
	// ErrFlowDown, tell their users nothing, and are never up. What was on a wire when the node was killed
	// arrives at whoever is attached by then.
	Revive(node string) (Env, error)
	// Run lets time pass until the given time or until Stop, whichever is first.
	Run(until Time) error
	// Stop ends Run after the current event. It may be called from outside.
	Stop()
}

// Blocker is what a program that blocks needs of its world: the root package is written over it.
type Blocker interface {
	Now() Time
	// Park suspends the program until a Wake; a Wake that came first makes Park return at once.
	Park()
	// Wake ends the Park of the program. Only the actor of the program calls it.
	Wake()
	// Sleep suspends the program for d.
	Sleep(d time.Duration)
	// Do runs fn on the actor of the program and returns when it has run. Where the program outlives its
	// actor (Shared), Do and Park return at once, and fn is not run.
	Do(fn func())
}

// Shared is a Blocker for goroutines of a live system that are no programs of the world. Each needs one of its
// own for every call that blocks at the same time.
type Shared interface {
	Blocker
	// Another returns a Blocker for another goroutine, on the same actor.
	Another() Blocker
}

// Wire is a link between two nodes under the control of the experiment.
type Wire interface {
	// Ends returns the link as each node sees it: its end in the node's latest life.
	Ends() (a, b Link)
	// Spec returns the spec now in force from a to b (0) or b to a (1).
	Spec(dir int) LinkSpec
	// Set changes rate, delay, queue and impairments of one direction during the run. What is in
	// service or in flight keeps the values it started with.
	Set(dir int, spec LinkSpec) error
	// SetUp takes the wire down or up. On down, packets that are not yet wholly on the wire are dropped
	// and those in flight arrive. The ends notice after the Detect of the spec.
	//
	// The wire is up when the last SetUp said so, as if there had been one at the beginning, and both nodes
	// live. SetUp(true) of a wire to a dead node brings it up when the node is revived. Calls do not nest:
	// who takes a wire down for several reasons counts them.
	SetUp(up bool)
	// Stats returns the counters of one direction so far.
	Stats(dir int) LinkStats
}

// LinkSpec describes a wire. Zero values mean: no limit, no impairment.
type LinkSpec struct {
	Name  string
	Kind  LinkKind
	Rate  int64         // bit/s; 0 = infinitely fast
	Delay time.Duration // propagation delay
	// MTU is the largest payload in bytes as LinkInfo counts it; 0 = 1500, 65535 for direct links. On a
	// datagram link it is the payload of a UDP datagram, IP and UDP headers not included.
	MTU int
	// IPv6 gives the ends of a datagram link IPv6 addresses instead of IPv4; simulator only.
	IPv6 bool

	// Detect is how long an end takes to notice that the wire went down or came up: loss of the carrier
	// and whatever the interface waits for. A flap that is shorter is not noticed.
	Detect time.Duration

	QueuePackets int   // packets that may wait for service; 0 = 1000 unless QueueBytes is set
	QueueBytes   int64 // bytes that may wait for service; 0 = no limit in bytes
	// Device is how many of the packets that wait are held by the sender's device and driver, where the
	// layers do not see them: Queued does not count them.
	Device int
	Block  bool // a full queue blocks the sender instead of dropping

	Loss      float64         // probability that a packet is lost (Bernoulli)
	Gilbert   *GilbertElliott // burst losses; beside Loss
	Drop      []uint64        // ordinals (from 1, counted from the Set) of packets that are lost
	BER       float64         // probability that a bit is wrong
	NoFCS     bool            // deliver packets with bit errors instead of dropping them as a NIC does
	Jitter    time.Duration   // additional delay, uniform in [0, Jitter); keeps the order
	Reorder   float64         // probability that a packet is held back by ReorderBy and overtaken
	ReorderBy time.Duration
	Duplicate float64 // probability that a packet arrives twice
	// Overhead is the bytes per frame that are not in the packet and are counted in its service time: on
	// Ethernet preamble, gap and FCS. A datagram link adds no headers of its own, since it stands for
	// whatever carries the datagrams; there it is 28 bytes for IPv4 and UDP, 48 for IPv6 and UDP, and what
	// the links below add to each.
	Overhead int
}

// GilbertElliott is the two-state model of burst losses (Gilbert 1960, Elliott 1963): before each
// packet the state changes with probability P (good to bad) or R (bad to good); a packet is lost with
// probability LossGood or LossBad.
type GilbertElliott struct{ P, R, LossGood, LossBad float64 }

// LinkStats are the counters of one direction of a wire.
type LinkStats struct {
	SentPackets, SentBytes           uint64 // taken from the sender
	DeliveredPackets, DeliveredBytes uint64
	DropQueue                        uint64 // queue full
	DropLoss                         uint64 // lost: random, burst or targeted
	DropError                        uint64 // bit errors, with FCS
	DropDown                         uint64 // link down
	Duplicated                       uint64
	Busy                             time.Duration // time spent sending
	QueueMax                         int           // packets waiting, largest value
	QueueTime                        time.Duration // sum over packets of their time waiting
	Waiting                          int           // packets waiting now, those included that the layers do not see
}
