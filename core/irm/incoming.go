package irm

import (
	"fmt"
	"slices"

	"ouroboros/core"
)

// incoming is a request that has arrived for one of our names: a core.Incoming.
type incoming struct {
	b        *Broker
	e        *entry
	in       core.IncomingFlow
	deadline core.Time
	handed   bool
	answered bool
	expired  bool
}

// arrived takes a request from a layer: a name that is not registered there is refused at once
// (decision 2), the others go to who listens, or wait for somebody to do so.
func (b *Broker) arrived(l *layer, in core.IncomingFlow) {
	e := l.names[in.Hash]
	if e == nil {
		refuse(in, core.ErrName)
		return
	}
	if len(b.waiting) >= MaxIncoming {
		refuse(in, core.ErrAgain)
		return
	}
	r := &incoming{b: b, e: e, in: in, deadline: b.env.Now().Add(AcceptTimeout)}
	b.waiting = append(b.waiting, r)
	if len(b.waiting) == 1 {
		b.arm()
	}
	b.handOver(e)
}

// unclaimed reports whether a request for the name waits for somebody to listen.
func (b *Broker) unclaimed(e *entry) bool {
	return slices.ContainsFunc(b.waiting, func(r *incoming) bool { return r.e.name == e.name && !r.handed })
}

// handOver gives the requests for a name to its listeners in turn. Each call may answer requests and
// stop listeners, so the search starts anew.
func (b *Broker) handOver(e *entry) {
	for len(e.listeners) > 0 {
		i := slices.IndexFunc(b.waiting, func(r *incoming) bool { return r.e.name == e.name && !r.handed })
		if i < 0 {
			return
		}
		r := b.waiting[i]
		r.handed = true
		l := e.listeners[e.next%len(e.listeners)]
		e.next = (e.next + 1) % len(e.listeners)
		l.accept(r)
	}
}

// Name returns the name that the request is for.
func (r *incoming) Name() core.Name { return r.e.name }

// QoS returns the client's wish.
func (r *incoming) QoS() core.QoS { return r.in.QoS }

// Accept runs the server's side of the handshake and answers. A bad handshake is reported to both
// sides (spec 11 §11.4); ErrTimedOut says that the request was refused before, by its deadline.
func (r *incoming) Accept() (core.Flow, error) {
	if err := r.answer(); err != nil {
		return nil, err
	}
	cfg, err := r.b.cfg.Security.server(r.e.name)
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
	return secure(f, out), nil
}

// Reject refuses the request. The code of err travels; without one it is ErrIPCP.
func (r *incoming) Reject(err error) {
	if r.answer() == nil {
		refuse(r.in, core.CodeOf(err))
	}
}

// answer takes the request out of those that wait.
func (r *incoming) answer() error {
	switch {
	case r.expired:
		return core.ErrTimedOut
	case r.answered:
		return fmt.Errorf("%w: request answered twice", core.ErrInvalid)
	}
	r.answered = true
	b := r.b
	first := b.waiting[0] == r
	i := slices.Index(b.waiting, r)
	b.waiting = slices.Delete(b.waiting, i, i+1)
	if first {
		b.arm()
	}
	return nil
}

// expire refuses the requests whose time is up: with ErrName when nobody listened, with ErrTimedOut
// when who was handed it did not answer.
func (b *Broker) expire() {
	now := b.env.Now()
	for len(b.waiting) > 0 && !now.Before(b.waiting[0].deadline) {
		r := b.waiting[0]
		b.waiting = slices.Delete(b.waiting, 0, 1)
		r.expired = true
		if r.handed {
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
