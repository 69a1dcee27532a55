package remote

import (
	"fmt"

	"ouroboros/core"
)

// listener is a call of Listen at the client.
type listener struct {
	c       *Client
	id      uint32
	accept  func(core.Incoming)
	state   func(error)
	stopped bool // stop was called: nobody is to be called any more
	over    bool // both sides have ended it
}

// Listen has requests for the name handed to accept until stop is called; an empty name stands for all that are
// bound to this process. The answer of the broker is not waited for: see ListenLater.
func (c *Client) Listen(n core.Name, accept func(core.Incoming)) (stop func(), err error) {
	switch {
	case c.ended != nil:
		return nil, c.ended
	case len(n) > core.MaxName:
		return nil, n.Validate()
	case c.listens.n >= MaxListens:
		return nil, tooManyListens()
	}
	return c.ListenLater(n, accept, func(error) {}), nil
}

func tooManyListens() error {
	return fmt.Errorf("%w: this application listens to %d names, that is the limit", core.ErrAgain, MaxListens)
}

// ListenLater is Listen with the answer of the broker (core.Distant).
func (c *Client) ListenLater(n core.Name, accept func(core.Incoming), state func(error)) (stop func()) {
	l := &listener{c: c, accept: accept, state: state}
	var err error
	switch {
	case c.ended != nil:
		err = c.ended
	case len(n) > core.MaxName:
		err = fmt.Errorf("%w: %w", core.ErrName, n.Validate())
	default:
		var ok bool
		if l.id, ok = c.listens.add(l, MaxListens); !ok {
			err = tooManyListens()
		}
	}
	if err != nil {
		l.over = true
		c.env.Post(func() {
			if !l.stopped {
				state(err)
			}
		})
		return func() { l.stopped = true }
	}
	c.out.put(kindListen, 0, l.id, func(w *body) { w.name(n) })
	return l.stop
}

func (l *listener) stop() {
	if l.stopped {
		return
	}
	l.stopped = true
	if !l.over {
		l.c.out.put(kindUnlisten, 0, l.id, nil)
	}
}

// record takes the answer of the broker.
func (l *listener) record(r record) error {
	rd := reader{b: r.body}
	if r.kind == kindListening {
		if !rd.done() {
			return malformed("listening: a body of %d bytes", len(r.body))
		}
		if !l.stopped {
			l.state(nil)
		}
		return nil
	}
	err := rd.fail()
	if !rd.done() {
		return malformed("unlisten: a body of %d bytes", len(r.body))
	}
	l.over = true
	if !l.stopped {
		// The broker ends it; this is the last word of this side.
		l.c.out.put(kindUnlisten, 0, l.id, nil)
		l.c.refusals++
	}
	l.c.listens.drop(l.id)
	if !l.stopped {
		l.state(err)
	}
	return nil
}

// lose ends the listener with the connection.
func (l *listener) lose(err error) {
	l.over = true
	if !l.stopped && !l.c.closed {
		l.state(err)
	}
}

// incoming takes a request for a flow.
func (c *Client) incoming(r record) error {
	rd := reader{b: r.body}
	from, qos, name := rd.u32(), rd.qos(), rd.name()
	l := c.listens.get(from)
	f := newFlow(c, nil)
	f.id, f.phase = r.id, phaseOffered
	if !rd.done() || r.id&ofServer == 0 || l == nil {
		return malformed("incoming: flow %#x for listener %d, a body of %d bytes", r.id, from, len(r.body))
	}
	if !c.flows[1].put(r.id&^ofServer, f, MaxFlows) {
		return malformed("incoming: flow %#x exists, or is beyond %d", r.id, MaxFlows)
	}
	in := &incoming{f: f, name: name, qos: qos}
	if l.stopped {
		in.Reject(core.ErrName)
		return nil
	}
	l.accept(in)
	return nil
}

// incoming is a request that the broker has handed to this application: a core.Deferred.
type incoming struct {
	f        *flow
	name     core.Name
	qos      core.QoS
	answered bool
}

var _ core.Deferred = (*incoming)(nil)

// Name returns the name that the request is for.
func (in *incoming) Name() core.Name { return in.name }

// QoS returns the client's wish.
func (in *incoming) QoS() core.QoS { return in.qos }

// Accept cannot wait for the broker.
func (in *incoming) Accept() (core.Flow, error) {
	return nil, fmt.Errorf("%w: the broker is in another process, use AcceptLater", core.ErrUnsupp)
}

// AcceptLater has the broker accept the request. ErrTimedOut says that it was refused before, by its deadline.
func (in *incoming) AcceptLater(done func(core.Flow, error)) {
	c := in.f.c
	switch {
	case in.answered:
		c.fail(done, fmt.Errorf("%w: request answered twice", core.ErrInvalid))
	case c.ended != nil:
		c.fail(done, c.ended)
	case in.f.phase != phaseOffered:
		c.fail(done, in.f.reason())
	default:
		in.f.phase, in.f.done = phaseAsking, done
		c.out.put(kindAccept, 0, in.f.id, nil)
	}
	in.answered = true
}

// Reject refuses the request.
func (in *incoming) Reject(err error) {
	if in.answered {
		return
	}
	in.answered = true
	if in.f.phase == phaseOffered {
		in.f.sayEnd(err, 0)
	}
}
