package ipcp

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/frcp"
)

const (
	// ConnectTimeout limits the operation that makes a connection, with all its tries (spec 07 §8).
	ConnectTimeout = 20 * time.Second
	// ConnectPause is that between two of these tries.
	ConnectPause = 100 * time.Millisecond
)

// Backoff is a pause that doubles from First to Most. It begins with a Reset.
type Backoff struct {
	First, Most time.Duration
	next        time.Duration
}

// PersistBackoff returns that of a connection that is kept up.
func PersistBackoff() Backoff { return Backoff{First: time.Second, Most: 30 * time.Second} }

// Reset has the next pause be First.
func (b *Backoff) Reset() { b.next = b.First }

// Next returns the pause before the next try.
func (b *Backoff) Next() time.Duration {
	d := b.next
	b.next = min(2*d, b.Most)
	return d
}

// EndToEnd puts the end-to-end protocol on an N-1 flow of the IPCP of env, where its QoS asks for one, or
// for liveness, or where it is encrypted. It closes the flow when it fails.
func EndToEnd(env core.Env, f core.Flow) (core.Flow, error) {
	i := f.Info()
	if q := i.QoS; i.Cipher == 0 && q.Mode() == core.ModeRaw && q.BER != 0 && q.Timeout == 0 {
		return f, nil
	}
	e, err := frcp.Wrap(env.Derive("n-1"), f)
	if err != nil {
		f.Close(0)
		return nil, err
	}
	return e, nil
}

// Peer is the IPCP that an attempt is about.
type Peer struct {
	Name  core.Name
	Lower core.Name // layer over which it is reached; empty: any
}

// Attempt is an operation of an IPCP with a peer that is tried again until it succeeds or its time is up.
// Its result is told once.
type Attempt struct {
	env      core.Env
	alloc    core.Allocator
	sent     Sent
	peer     Peer
	what     string
	deadline core.Time
	timer    core.Timer // before the next try
	step     func()     // gives up what is under way; nil if nothing is
	done     func(error)
}

// NewAttempt returns one that has not begun. Flows come from alloc; sent is told of the messages of
// exchanges. try is called for every try after the first; done is told the result, an error with what in
// front.
func NewAttempt(env core.Env, alloc core.Allocator, sent Sent, p Peer, what string, try func(), done func(error)) *Attempt {
	a := &Attempt{env: env, alloc: alloc, sent: sent, peer: p, what: what, done: done}
	a.timer = env.NewTimer(try)
	return a
}

// Begin sets the time within which the operation is over.
func (a *Attempt) Begin(limit time.Duration) { a.deadline = a.env.Now().Add(limit) }

// Left returns what is left of that time, 0 or less if it is up.
func (a *Attempt) Left() time.Duration { return a.deadline.Sub(a.env.Now()) }

// After has the next try made after a pause.
func (a *Attempt) After(pause time.Duration) { a.timer.Reset(pause) }

// Rest takes a next try back. What is under way goes on.
func (a *Attempt) Rest() { a.timer.Stop() }

// Under tells what gives up the step that has begun; nil tells that it is over.
func (a *Attempt) Under(giveUp func()) { a.step = giveUp }

// GiveUp ends what is under way and takes a next try back. It tells no result.
func (a *Attempt) GiveUp() {
	a.Rest()
	if step := a.step; step != nil {
		a.step = nil
		step()
	}
}

// Dial allocates a flow within the time limit (0 or less: none is left) and runs the exchange of a component
// over it. own returns what is announced over the flow; its error ends the try, and closes the flow. done
// gets the flow, to which it attaches a user, or an error; it is not called on the stack of Dial, nor after
// GiveUp.
func (a *Attempt) Dial(qos core.QoS, limit time.Duration, own func(core.Flow) (Announcement, error), done func(core.Flow, Announcement, error)) {
	r := core.Request{Name: a.peer.Name, Layer: a.peer.Lower, QoS: qos, Timeout: limit}
	a.step = a.alloc.Alloc(r, func(f core.Flow, err error) {
		a.step = nil
		if err != nil {
			done(nil, Announcement{}, err)
			return
		}
		f, err = EndToEnd(a.env, f)
		if err != nil {
			done(nil, Announcement{}, err)
			return
		}
		say, err := own(f)
		if err != nil {
			f.Close(0)
			done(nil, Announcement{}, err)
			return
		}
		a.exchange(f, say, done)
	})
}

// exchange runs the exchange. One that is given up ends by itself, and finds it so.
func (a *Attempt) exchange(f core.Flow, own Announcement, done func(core.Flow, Announcement, error)) {
	canceled := false
	a.step = func() { canceled = true }
	Initiate(a.env, f, own, a.sent, func(peer Announcement, err error) {
		switch {
		case !canceled:
			a.step = nil
			done(f, peer, err)
		case err == nil:
			f.Close(0)
		}
	})
}

// Tell tells the result, once.
func (a *Attempt) Tell(err error) {
	done := a.done
	if a.done = nil; done == nil {
		return
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", a.what, err)
	}
	done(err)
}

// TellLater tells the result in a call of its own, unless it has been told.
func (a *Attempt) TellLater(err error) {
	if a.done != nil {
		a.env.Post(func() { a.Tell(err) })
	}
}
