// Package ipcp holds what all IPC processes share (spec 07): the states of their life, the exchange by
// which components of two of them connect over a flow of a lower layer, and the enrollment of a newcomer
// with a member of a layer.
package ipcp

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/ipcp/pb"
)

const (
	// CEPTimeout is how long each side waits for the message of the other (spec 07 §13).
	CEPTimeout = time.Second
	// CEPMax is the length of the longest message in bytes (spec 07 §2.1).
	CEPMax = 128
)

// Announcement is what a component says of itself (spec 07 §2.2).
type Announcement struct {
	Component string
	Protocol  string
	Version   int32
	Syntax    int32
	Address   uint64 // of its IPCP in the layer, 0 if none
}

// The components of IPCPs, without their address. That of enrollment has none.
var (
	Enrollment   = Announcement{Component: "Enrollment", Protocol: "OEP", Version: 1, Syntax: 0}
	Management   = Announcement{Component: "Management", Protocol: "LSP", Version: 1, Syntax: 0}
	DataTransfer = Announcement{Component: "Data Transfer", Protocol: "dtp", Version: 1, Syntax: 2}
)

// At returns the announcement with an address.
func (a Announcement) At(addr uint64) Announcement {
	a.Address = addr
	return a
}

// Errors of the exchange.
var (
	ErrCEPTimeout = errors.New("connection exchange: no message from the peer in time")
	ErrCEPRefused = errors.New("connection exchange: the peer does not have the component")
)

// Marshal returns the message of the announcement. All required fields travel, also zeros. One that
// would be longer than CEPMax is an error: no peer would read it.
func (a Announcement) Marshal() ([]byte, error) {
	m := &pb.Cep{
		CompName: &a.Component, Protocol: &a.Protocol, PrefVersion: &a.Version,
		PrefSyntax: &a.Syntax, Address: &a.Address,
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("connection exchange: %w", err)
	}
	return b, checkLen(len(b))
}

func checkLen(n int) error {
	if n > CEPMax {
		return fmt.Errorf("connection exchange: message of %d bytes, accepted are up to %d", n, CEPMax)
	}
	return nil
}

// ParseAnnouncement reads a message.
func ParseAnnouncement(b []byte) (Announcement, error) {
	if err := checkLen(len(b)); err != nil {
		return Announcement{}, err
	}
	var m pb.Cep
	if err := proto.Unmarshal(b, &m); err != nil {
		return Announcement{}, fmt.Errorf("connection exchange: %w", err)
	}
	return Announcement{
		Component: m.GetCompName(), Protocol: m.GetProtocol(), Version: m.GetPrefVersion(),
		Syntax: m.GetPrefSyntax(), Address: m.GetAddress(),
	}, nil
}

// exchange is the user of a flow until the components have found each other.
type exchange struct {
	env   core.Env
	flow  core.Flow
	timer core.Timer
	take  func(Announcement) error
	sent  Sent
	done  func(peer Announcement, err error)
	ended bool
}

// Sent is told of every message that an exchange has sent, with its length in bytes.
type Sent func(n int)

// Initiate announces own over the flow and waits for the peer. done gets the peer's announcement, and
// attaches the user of the flow; on an error the flow has been closed. done is not called on the stack
// of Initiate.
func Initiate(env core.Env, f core.Flow, own Announcement, sent Sent, done func(peer Announcement, err error)) {
	x := newExchange(env, f, sent, done)
	x.take = func(peer Announcement) error {
		switch {
		case peer.Component == "" && peer.Protocol == "":
			return ErrCEPRefused
		case peer.Protocol != own.Protocol || peer.Version != own.Version || peer.Syntax != own.Syntax:
			return fmt.Errorf("connection exchange: peer speaks %q version %d syntax %d, here %q version %d syntax %d",
				peer.Protocol, peer.Version, peer.Syntax, own.Protocol, own.Version, own.Syntax)
		}
		return nil
	}
	f.Attach(x)
	if err := x.send(own); err != nil {
		env.Post(func() { x.end(Announcement{}, err) })
	}
}

// Accept waits for the announcement of a peer and answers with that of the component it asks for, which
// lookup returns. Only the name of the component is looked at (spec 07 §2.3); an empty one is no name of
// a component (D2). A peer that asks for an unknown one is told so by a message of empty fields. On an
// error the flow has been closed. done is not called on the stack of Accept.
func Accept(env core.Env, f core.Flow, lookup func(component string) (Announcement, bool), sent Sent, done func(peer Announcement, err error)) {
	x := newExchange(env, f, sent, done)
	x.take = func(peer Announcement) error {
		own, ok := Announcement{}, false
		if peer.Component != "" {
			own, ok = lookup(peer.Component)
		}
		if !ok {
			_ = x.send(Announcement{}) // if it is lost the peer runs into its time-out
			return fmt.Errorf("connection exchange: peer asks for component %q", peer.Component)
		}
		return x.send(own)
	}
	f.Attach(x)
}

func newExchange(env core.Env, f core.Flow, sent Sent, done func(Announcement, error)) *exchange {
	x := &exchange{env: env, flow: f, sent: sent, done: done}
	x.timer = env.NewTimer(func() { x.end(Announcement{}, ErrCEPTimeout) })
	x.timer.Reset(CEPTimeout)
	return x
}

func (x *exchange) send(a Announcement) error {
	b, err := a.Marshal()
	if err != nil {
		return err
	}
	p := x.env.Pool.GetCopy(x.flow.Info().Headroom, b)
	if err = x.flow.Write(p); err != nil {
		if errors.Is(err, core.ErrWouldBlock) {
			p.Release()
		}
		return fmt.Errorf("connection exchange: %w", err)
	}
	x.sent(len(b))
	return nil
}

// Deliver takes the peer's message. A packet of length 0 is a keepalive and not for the exchange.
func (x *exchange) Deliver(p *pkt.Buf) {
	if x.ended || p.Len() == 0 {
		p.Release()
		return
	}
	var peer Announcement
	err := checkLen(p.Len())
	if err == nil {
		peer, err = ParseAnnouncement(p.Bytes())
	}
	p.Release()
	if err == nil {
		err = x.take(peer)
	}
	x.end(peer, err)
}

// Writable is not needed: the exchange sends one message.
func (x *exchange) Writable() {}

// State is not needed: a flow that is down runs into the time-out.
func (x *exchange) State(bool) {}

// Closed ends the exchange, for whatever reason the flow ended.
func (x *exchange) Closed(err error) {
	if err == nil {
		err = core.ErrFlowDown
	}
	x.end(Announcement{}, fmt.Errorf("connection exchange: %w", err))
}

func (x *exchange) end(peer Announcement, err error) {
	if x.ended {
		return
	}
	x.ended = true
	x.timer.Stop()
	if err != nil {
		x.flow.Close(0)
	}
	x.done(peer, err)
}
