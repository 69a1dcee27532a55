package irm

import (
	"fmt"
	"slices"

	"ouroboros/core"
)

// incoming is a request that has arrived for one of our names.
type incoming struct {
	b        *Broker
	name     core.Name
	in       core.IncomingFlow
	near     *Client // who asked on this system, of a direct flow (nil: a privileged user)
	direct   bool
	deadline core.Time
	offer    *offer // to whom it was handed; nil: nobody yet
	answered bool
	over     error // why it cannot be answered any more
}

// offer is a request in the hands of one listener: a core.Incoming.
type offer struct {
	r    *incoming
	l    *listener
	done bool // the listener has answered, in time or not
	void bool // its process has ended
}

// arrived takes a request from a layer: a name that is not registered there is refused at once
// (decision 2), the others go to who listens, or wait for somebody to do so.
func (b *Broker) arrived(l *layer, in core.IncomingFlow) {
	e := l.names[in.Hash]
	if e == nil {
		refuse(in, core.ErrName)
		return
	}
	b.receive(&incoming{b: b, name: e.name, in: in})
}

// receive hands a request to who listens to its name. If nobody does, a program is started that is bound to it,
// and the request waits for a second for somebody to listen.
func (b *Broker) receive(r *incoming) {
	if len(b.waiting) >= MaxIncoming || r.direct && b.waitDirect() >= MaxIncoming/2 {
		refuse(r.in, core.ErrAgain)
		return
	}
	b.wait(r)
	b.handOver(r.name)
	if e := b.names[r.name]; e != nil && len(e.listeners) == 0 && r.offer == nil {
		b.start(e)
	}
}

// waitDirect returns how many requests from this system wait. They may take half of the places, so that programs that
// ask each other and do not answer leave room for others.
func (b *Broker) waitDirect() (n int) {
	for _, r := range b.waiting {
		if r.direct {
			n++
		}
	}
	return n
}

// wait puts a request behind those that wait.
func (b *Broker) wait(r *incoming) {
	r.deadline = b.env.Now().Add(AcceptTimeout)
	b.waiting = append(b.waiting, r)
	if len(b.waiting) == 1 {
		b.arm()
	}
}

// Pending returns how many incoming requests wait for somebody to listen or to answer.
func (b *Broker) Pending() int { return len(b.waiting) }

// unclaimed reports whether a request for the name waits for somebody to listen.
func (b *Broker) unclaimed(n core.Name) bool {
	return slices.ContainsFunc(b.waiting, func(r *incoming) bool { return r.name == n && r.offer == nil })
}

// handOver gives the requests for a name to its listeners. Each call may answer requests and stop listeners, so
// the search starts anew.
func (b *Broker) handOver(n core.Name) {
	for {
		r, l := b.match(n)
		if r == nil {
			return
		}
		r.offer = &offer{r: r, l: l}
		l.busy++
		if l.c != nil {
			l.c.stats.Handed++
		}
		l.accept(r.offer)
	}
}

// match returns the oldest request for a name that nobody has, and who gets it; nil if there is none.
func (b *Broker) match(n core.Name) (*incoming, *listener) {
	e := b.names[n]
	if e == nil || len(e.listeners) == 0 {
		return nil, nil
	}
	for _, r := range b.waiting {
		if r.name == n && r.offer == nil {
			if l := e.choose(r.fits); l != nil {
				return r, l
			}
		}
	}
	return nil, nil
}

// fits reports whether a listener can have the request.
func (r *incoming) fits(l *listener) bool { return !r.direct || r.b.direct(r.near, l) }

// reclaim takes back what a process was handed that has ended. The next listeners have as long to answer as
// the first had.
func (b *Broker) reclaim(c *Client) {
	var back []*incoming
	for _, r := range b.waiting {
		if r.offer != nil && r.offer.l.c == c {
			back = append(back, r)
		}
	}
	for _, r := range back {
		r.offer.void = true
		r.offer = nil
		b.unwait(r)
		b.wait(r)
		b.env.Post(func() {
			b.handOver(r.name)
			if e := b.names[r.name]; e != nil && len(e.listeners) == 0 && !r.answered && r.over == nil {
				b.start(e)
			}
		})
	}
}

// Name returns the name that the request is for.
func (o *offer) Name() core.Name { return o.r.name }

// QoS returns the client's wish.
func (o *offer) QoS() core.QoS { return o.r.in.QoS }

// Accept runs the server's side of the handshake and answers. A bad handshake is reported to both
// sides (spec 11 §11.4); ErrTimedOut says that the request was refused before, by its deadline.
func (o *offer) Accept() (core.Flow, error) {
	if err := o.answer(); err != nil {
		return nil, err
	}
	r := o.r
	cfg, err := r.b.cfg.Security.server(r.name)
	if err != nil {
		refuse(r.in, core.CodeOf(err))
		return nil, err
	}
	response, out, err := r.b.oap.Respond(r.b.env, cfg, r.in.Piggyback)
	if err != nil {
		refuse(r.in, core.CodeOf(err))
		return nil, err
	}
	f, err := r.in.Respond(0, response)
	if err != nil {
		return nil, err
	}
	if o.l.c != nil {
		o.l.c.stats.Accepted++
	}
	return secure(f, out), nil
}

// Reject refuses the request. The code of err travels; without one it is ErrIPCP.
func (o *offer) Reject(err error) {
	if o.answer() == nil {
		refuse(o.r.in, core.CodeOf(err))
	}
}

// answer takes the request out of those that wait.
func (o *offer) answer() error {
	r := o.r
	if !o.done {
		o.done = true
		o.l.busy--
		if e := r.b.names[r.name]; e != nil {
			e.promote(o.l)
		}
	}
	switch {
	case o.void:
		return fmt.Errorf("%w: the process has ended", core.ErrCanceled)
	case r.over != nil:
		return r.over
	case r.answered:
		return fmt.Errorf("%w: request answered twice", core.ErrInvalid)
	}
	r.answered = true
	r.b.unwait(r)
	return nil
}

// unwait takes a request out of those that wait.
func (b *Broker) unwait(r *incoming) {
	i := slices.Index(b.waiting, r)
	if i < 0 {
		return
	}
	b.waiting = slices.Delete(b.waiting, i, i+1)
	if i == 0 {
		b.arm()
	}
}

// expire refuses the requests whose time is up: with ErrName when nobody listened, with ErrTimedOut
// when who was handed it did not answer.
func (b *Broker) expire() {
	now := b.env.Now()
	for len(b.waiting) > 0 && !now.Before(b.waiting[0].deadline) {
		r := b.waiting[0]
		b.waiting = slices.Delete(b.waiting, 0, 1)
		r.over = core.ErrTimedOut
		if r.offer != nil {
			refuse(r.in, core.ErrTimedOut)
		} else {
			refuse(r.in, core.ErrName)
		}
	}
	b.arm()
}

// arm sets the timer for the oldest request.
func (b *Broker) arm() {
	if len(b.waiting) == 0 {
		b.expiry.Stop()
		return
	}
	b.expiry.Reset(b.waiting[0].deadline.Sub(b.env.Now()))
}

// refuse answers with a code. A refusal makes no flow, and a layer that cannot send it has nothing to
// undo.
func refuse(in core.IncomingFlow, code core.Code) {
	if code == 0 {
		// Zero would accept.
		code = core.ErrIPCP
	}
	_, _ = in.Respond(code, nil)
}
