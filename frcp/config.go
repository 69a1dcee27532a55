package frcp

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/pkt"
)

// Constants of the protocol (spec 10 §10.22).
const (
	StartWindow   = 64                // packets that a run may send before it hears a window
	MaxWindow     = 1 << 20           // largest window between own members (decision 15)
	DefaultWindow = 1024              // of raw flows, and of those with a window that does not grow
	DefaultA      = 10 * time.Second  // longest time before an ack is sent
	DefaultR      = 120 * time.Second // longest time a packet is retransmitted

	initialRTO      = time.Second
	maxRTO          = 60 * time.Second
	maxBackoff      = 2 * time.Second        // of a time-out, once the round trip is known
	maxFirstBackoff = 8 * time.Second        // before the first sample; layers take seconds at most
	rdvsMin         = 100 * time.Millisecond // first interval between rendez-vous
	rdvsMax         = time.Second
	holdTime        = 1500 * time.Millisecond // early packets of an unknown run: one initial RTO and a path
	holdPackets     = StartWindow             // no more can be on their way before the first ack
	prototypeFloor  = 250 * time.Microsecond  // RTO_MIN of the prototype
	prototypeSlot   = 1 << 20                 // ns of a slot of its timer wheel
)

// Recovery says how lost packets of a reliable flow are found.
type Recovery uint8

// The choices.
const (
	// RecoveryRACK asks the peer and compares arrivals by the time they were sent; see the package comment.
	RecoveryRACK Recovery = iota
	// RecoveryPrototype is the prototype's: a timer for each packet, one RTT measurement at a time, an
	// RTO that knows nothing of ack delays (spec 10 §10.10). It resends without need; for comparison.
	RecoveryPrototype
)

var recoveryNames = [...]string{"rack", "prototype"}

// String returns the name as scenarios write it.
func (r Recovery) String() string { return recoveryNames[r] }

// UnmarshalText accepts "rack" and "prototype".
func (r *Recovery) UnmarshalText(text []byte) error {
	for i, n := range recoveryNames {
		if string(text) == n {
			*r = Recovery(i)
			return nil
		}
	}
	return fmt.Errorf("recovery %q, accepted are %s", text, strings.Join(recoveryNames[:], ", "))
}

// Params are what an experiment may choose. The zero value stands for the defaults.
type Params struct {
	// Window is the number of packets that may wait for the reader, from 64 to 2^20. Zero has it grow by
	// what the reader takes in a round trip, from 256, the prototype's. Buffers grow with what waits in
	// them, not with the window.
	Window int
	// GrowWindow has a Window that is given grow as well.
	GrowWindow bool
	// MaxWindow is how far it grows, up to 2^20, the default; with a peer that may be a prototype 256.
	MaxWindow int
	// Memory bounds in bytes what waits at this end, for the reader and for the peer's acks each; default
	// 64 MiB. A window does not grow beyond what fits with messages as long as the longest so far. What is
	// too much all the same is dropped, to be sent again, or not taken from the user.
	Memory int
	// Recovery says how losses are found.
	Recovery Recovery
	// A and R are the bounds of delta-t: until when an ack is sent and until when a packet is
	// retransmitted. Both ends must use the same. Defaults 10 s and 120 s.
	A, R time.Duration
	// AckEvery is the number of packets in order after which an ack is sent at the latest; default 2.
	AckEvery int
	// AckDelay is the time after which it is sent at the latest, up to 1 s; default 10 ms.
	AckDelay time.Duration
	// FirstAckDelay replaces AckDelay for a lone packet as long as this end has neither sent data nor
	// an ack, so that the ack travels on the reply: a pure ack makes a prototype deaf to the data that
	// follows (spec 10 §10.20, rule 3). Less than the initial RTO of 1 s; default 200 ms.
	FirstAckDelay time.Duration
	// OwnPeer says that the peer is known to be one of ours. Its silence is then met with a question
	// from the first packet on, and nothing is ever resent without need, however slow the path. Against
	// a prototype, which does not answer that question, the flow would not recover. Without it, the
	// first round trip of a run must take less than the initial RTO of 1 s, queues on this system not
	// counted; after that the peer is known.
	OwnPeer bool
	// KeyEpoch is the number of packets that an end of an encrypted flow sends with one key; both ends must
	// use the same. Default 2^20, as the prototype's. See crypt.PacketOptions.
	KeyEpoch uint32
	// NoTailProbe never asks the peer what has arrived: silence is met with a retransmission, after a
	// time-out that doubles. It is for comparison, and resends without need where the path gets slower.
	NoTailProbe bool
	// NoUndo takes nothing back after a retransmission that turns out to be needless: what was marked as
	// lost with it is sent again too, and the time-out stays backed off until a packet that was sent once
	// is acknowledged.
	NoUndo bool
	// NoRanges leaves the received ranges off this end's acks; the peer then counts duplicate acks
	// (RFC 5681).
	NoRanges bool
	// Pacing says when data that the window allows is sent.
	Pacing Pacing
	// PlainAcks leaves the extensions off everything that is sent: neither ranges, nor probes, nor answers
	// to them. It excludes OwnPeer.
	PlainAcks bool
}

// withDefaults replaces the zero values.
func (p Params) withDefaults() Params {
	if p.Window == 0 {
		p.Window, p.GrowWindow = growStart, true
	}
	setDefault(&p.MaxWindow, max(p.Window, MaxWindow))
	setDefault(&p.Memory, defaultLimit)
	setDefault(&p.A, DefaultA)
	setDefault(&p.R, DefaultR)
	setDefault(&p.AckEvery, 2)
	setDefault(&p.AckDelay, 10*time.Millisecond)
	setDefault(&p.FirstAckDelay, 200*time.Millisecond)
	return p
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Validate reports the first value that is out of its range.
func (p Params) Validate() error {
	p = p.withDefaults()
	switch {
	case p.Window < StartWindow || p.Window > MaxWindow:
		return fmt.Errorf("window %d, accepted are %d to %d packets", p.Window, StartWindow, MaxWindow)
	case p.MaxWindow < p.Window || p.MaxWindow > MaxWindow:
		return fmt.Errorf("max_window %d, accepted are window to %d packets", p.MaxWindow, MaxWindow)
	case p.Memory < minMemory:
		return fmt.Errorf("memory %d, accepted is %d bytes or more", p.Memory, minMemory)
	case int(p.Recovery) >= len(recoveryNames):
		return fmt.Errorf("recovery %d, accepted are %s", p.Recovery, strings.Join(recoveryNames[:], ", "))
	case int(p.Pacing) >= len(pacingNames):
		return fmt.Errorf("pacing %d, accepted are %s", p.Pacing, strings.Join(pacingNames[:], ", "))
	case p.A < 0 || p.A > time.Hour:
		return fmt.Errorf("a %v, accepted is up to 1h", p.A)
	case p.R < 0 || p.R > time.Hour:
		return fmt.Errorf("r %v, accepted is up to 1h", p.R)
	case (crypt.PacketOptions{KeyEpoch: p.KeyEpoch}).Validate() != nil:
		return crypt.PacketOptions{KeyEpoch: p.KeyEpoch}.Validate()
	case p.OwnPeer && p.PlainAcks:
		return fmt.Errorf("own_peer and plain_acks exclude each other")
	case p.AckEvery < 1 || p.AckEvery > p.Window/2:
		return fmt.Errorf("ack_every %d, accepted are 1 to half of the window", p.AckEvery)
	case p.AckDelay < 0 || p.AckDelay > time.Second:
		return fmt.Errorf("ack_delay %v, accepted is up to 1s", p.AckDelay)
	case p.FirstAckDelay < 0 || p.FirstAckDelay >= initialRTO:
		return fmt.Errorf("first_ack_delay %v, accepted is less than %v", p.FirstAckDelay, initialRTO)
	}
	return nil
}

// Config is what a Conn needs to know.
type Config struct {
	Params
	Mode core.Mode
	MPL  time.Duration // maximum packet lifetime of the layer below
	// Headroom is what the packets that the Conn makes need in front, its own PCI not counted.
	Headroom int
	Pool     *pkt.Pool
	Rand     *rand.Rand
	// Backlog returns how many packets wait on this system in front of one that is sent now; nil means
	// none. It is asked before a timer resends, and with each packet that is paced.
	Backlog func() int
	// Rate returns the rate in bit/s at which the layer forwards the packets of the flow now; 0 means as
	// fast as they come. Nil means always 0.
	Rate func() int64
	// Shared says that Rate is that of a link, and Backlog counts what others have in its queue.
	Shared bool
}
