package core

import (
	"fmt"
	"io"
	"time"

	"ouroboros/core/pkt"
)

// Flow is one end of an allocated flow, as its provider hands it to its user.
type Flow interface {
	Info() FlowInfo
	// Queued returns the length in packets of the FIFO that the next packet of this flow would wait in,
	// on this system.
	Queued() int
	// Write never blocks. It takes the packet, except with ErrWouldBlock. A packet larger than the MTU
	// is refused with a SizeError (and taken); one on a flow that is down with ErrFlowDown.
	Write(p *pkt.Buf) error
	// SetReceive(false) stops Deliver; the provider queues up to its window. A flow starts with
	// receiving on and holds what arrives before Attach.
	SetReceive(on bool)
	// Attach sets the user of this end. What was held is delivered from a posted call.
	Attach(s Sink)
	// Close deallocates the flow. Nothing is delivered after it returns. The provider keeps the flow's
	// resources for wait, so that outstanding retransmissions can finish (delta-t, spec 10 §10.16).
	Close(wait time.Duration)
}

// Paced is a Flow whose provider forwards packets at a rate of its own, as the congestion policy of a layer
// does. What is written faster waits in a queue of the provider.
type Paced interface {
	// Pace returns the rate that is in force now, in bit/s of packets as they are written; 0 = as fast as
	// they come. It may change at any time, so whoever keeps to it asks with each packet.
	Pace() int64
}

// Rester is a Flow that wants to know when the program could do without it: its user has closed it, has nothing of its
// own under way any more, and keeps it only to answer a peer that has not heard so.
type Rester interface {
	// Rest says that, and may be called again. When the program ends before Close, the provider closes the flow with
	// this wait.
	Rest(wait time.Duration)
}

// PaceOf returns the function that tells the rate of a flow, nil if its provider has none.
func PaceOf(f Flow) func() int64 {
	if p, ok := f.(Paced); ok {
		return p.Pace
	}
	return nil
}

// Sink is the user of a flow.
type Sink interface {
	// Deliver hands over a packet. The user owns it.
	Deliver(p *pkt.Buf)
	// Writable is called once after Write has returned ErrWouldBlock and there is room again.
	Writable()
	// State tells that the flow went down or came up.
	State(up bool)
	// Closed is the last call: the provider has ended the flow, for the reason given.
	Closed(err error)
}

// FlowInfo describes a flow.
type FlowInfo struct {
	MTU      int // largest packet in bytes that Write takes
	Headroom int // bytes that the layers below push in front of a packet
	Tailroom int // bytes that the layers below append
	QoS      QoS
	MPL      time.Duration // maximum packet lifetime of the layer
	Rate     int64         // bit/s that the layer below can carry, as far as it knows; 0 = unknown or unlimited
	Delay    time.Duration // propagation delay to the other end, as far as it is known; 0 = unknown or none
	Layer    Name          // the layer that provides the flow
	// Cipher is the NID of the cipher that the packets of the flow are encrypted with (spec 11 §11.11); 0 = in
	// clear. Peer is the name that the certificate of the other end vouches for; empty = it showed none.
	Cipher uint16
	Peer   string
	// EID is the local endpoint id, for results and traces only.
	EID uint64
}

// Request asks for a flow.
type Request struct {
	Name Name
	QoS  QoS
	// Layer restricts the request to one layer; empty asks all in the order of the broker.
	Layer Name
	// Timeout is the deadline of the whole allocation; 0 = 20 s (spec 13 §13.3).
	Timeout time.Duration
	// Encrypt asks for an encrypted flow, Authenticate for one whose other end has shown a certificate for the
	// name. The allocation fails with ErrCrypt or ErrAuth where that cannot be had. What the administrator
	// demands comes on top (spec 11 §11.8, decision 9).
	Encrypt, Authenticate bool
}

// Incoming is a request for a flow to a name that somebody listens to. Exactly one of its functions is
// called, once, then or later.
type Incoming interface {
	Name() Name
	QoS() QoS
	// Accept answers the request and returns the flow.
	Accept() (Flow, error)
	// Reject refuses it; the code of err travels to the client.
	Reject(err error)
}

// Deferred is an Incoming that is answered by another process, so that the flow is not there at once. Its
// Accept fails with ErrUnsupp; function Accept does the right thing for both kinds.
type Deferred interface {
	Incoming
	// AcceptLater answers the request and calls done once, later.
	AcceptLater(done func(Flow, error))
}

// Accept answers the request and calls done once with the flow or with why there is none: before it returns
// where the broker is in this process, later where it is in another (Deferred).
func Accept(in Incoming, done func(Flow, error)) {
	if d, ok := in.(Deferred); ok {
		d.AcceptLater(done)
		return
	}
	done(in.Accept())
}

// Allocator is what every user of flows sees, an application or an IPCP.
type Allocator interface {
	// Alloc asks for a flow and calls done once, unless it is canceled before. cancel gives the request
	// up; a flow that stands by then is closed.
	Alloc(r Request, done func(Flow, error)) (cancel func())
	// Join joins the broadcast layer of that name.
	Join(layer Name, done func(Flow, error)) (cancel func())
	// Listen has incoming requests for the name handed to accept until stop is called. The name is
	// registered in the layers that the broker's configuration says. The allocator of a process (irm.Client) takes
	// the empty name for all that are bound to it.
	Listen(n Name, accept func(Incoming)) (stop func(), err error)
}

// Distant is an Allocator whose broker is another process. Its Listen returns before the broker has answered,
// so a refusal is known only to who uses ListenLater.
type Distant interface {
	Allocator
	// ListenLater is Listen with the answer of the broker: state is called with nil once requests are taken, or
	// with the reason when they are not or not any more: the broker has refused the name or is gone. Both from
	// later calls; after a reason nothing more is called.
	ListenLater(n Name, accept func(Incoming), state func(error)) (stop func())
}

// Security is what the handshake of an allocation has agreed on (spec 11): the library at each end of the
// flow encrypts with it. It is the same at both ends but for Initiator.
type Security struct {
	Cipher    uint16   // NID, spec 11 §11.11; never 0
	Key       [32]byte // secret
	Initiator bool     // this end asked for the flow
	Peer      string   // the name that the peer's certificate vouches for; empty = it showed none
}

// String does not print the key.
func (s Security) String() string { return fmt.Sprintf("cipher %d, peer %q", s.Cipher, s.Peer) }

// Format does not print the key either, whatever the verb.
func (s Security) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// SecureFlow is a flow that the broker hands out for a user who must encrypt: as long as it is locked it takes
// no packet (Write fails with ErrCrypt) and delivers none, so that nothing can pass in clear by mistake.
// Whoever puts the end-to-end protocol on it unlocks it and encrypts from then on.
type SecureFlow interface {
	Flow
	// Unlock returns the flow below, which takes packets as they are, and what to encrypt them with.
	Unlock() (Flow, Security)
}
