package remote

import (
	"fmt"

	"ouroboros/core"
	"ouroboros/core/ring"
)

// Hello is what an application says of itself. Nothing checks it: what the system knows of a process comes from
// the system.
type Hello struct {
	PID     int
	Program string
}

// Client is the application's end of the boundary: a core.Allocator on the actor of its Env.
type Client struct {
	env core.Env
	out outbox

	flows    [2]table[flow] // by who has chosen the number: the client, the server
	listens  table[listener]
	resting  int              // flows that nobody needs any more, if the application ends
	waiters  ring.Ring[*flow] // whose writer waits for the pipe
	welcome  bool
	ended    error // why the connection has ended
	closed   bool  // by this side
	onReady  []func(error)
	onLost   []func(error)
	onIdle   []func()
	refusals uint64
}

var (
	_ core.Distant = (*Client)(nil)
	_ PipeUser     = (*Client)(nil)
)

// NewClient returns the client of the broker at the other end of the pipe, to which it says hello.
func NewClient(env core.Env, p Pipe, h Hello) *Client {
	c := &Client{env: env}
	c.out.init(env, p)
	p.Attach(c)
	c.out.put(kindHello, 0, 0, func(w *body) {
		w.u16(Version)
		w.u32(uint32(max(h.PID, 0)))
		w.text(h.Program, core.MaxName)
	})
	return c
}

// Ready has fn called once when the broker has answered the hello, with nil, or with the reason why it serves
// this application not.
func (c *Client) Ready(fn func(error)) {
	if c.welcome || c.ended != nil {
		err := c.ended
		c.env.Post(func() { fn(err) })
		return
	}
	c.onReady = append(c.onReady, fn)
}

// Lost has fn called once when the connection has ended other than by Close.
func (c *Client) Lost(fn func(error)) {
	if c.ended != nil {
		err := c.ended
		c.env.Post(func() { fn(err) })
		return
	}
	c.onLost = append(c.onLost, fn)
}

// Idle has fn called once when the client has no flow but such that rest (core.Rester): at once, or when the last has
// come to that. Close can follow without a loss.
func (c *Client) Idle(fn func()) {
	c.onIdle = append(c.onIdle, fn)
	c.idle()
}

// Flows returns the number of flows, those included that are asked for or not wholly ended.
func (c *Client) Flows() int { return c.flows[0].n + c.flows[1].n }

// Refusals returns how many listeners the broker has refused.
func (c *Client) Refusals() uint64 { return c.refusals }

// Close ends the connection. The broker closes the flows and forgets the listeners of this application; their
// users here are not called any more. What was written before is sent, as far as the pipe takes it.
func (c *Client) Close() {
	if c.ended != nil {
		return
	}
	for i := range c.flows {
		c.flows[i].each(func(f *flow) {
			if f.resting && f.over == nil {
				f.Close(f.wait)
			}
		})
	}
	c.out.flush()
	c.closed = true
	c.shut(fmt.Errorf("%w: the connection was closed here", core.ErrIRMD))
	c.out.pipe.Close()
}

// shut ends everything.
func (c *Client) shut(err error) {
	c.ended = err
	c.out.end()
	for i := range c.flows {
		c.flows[i].each(func(f *flow) { f.lose(err) })
		c.flows[i] = table[flow]{}
	}
	listens := c.listens
	c.listens = table[listener]{}
	listens.each(func(l *listener) { l.lose(err) })
	c.waiters, c.resting = ring.Ring[*flow]{}, 0
	c.idle()
	if c.closed {
		return
	}
	for _, fn := range append(c.onReady, c.onLost...) {
		fn(err)
	}
	c.onReady, c.onLost = nil, nil
}

// idle makes the calls of Idle if it is time. The last words of flows that rest must be on their way.
func (c *Client) idle() {
	if len(c.onIdle) == 0 || c.Flows() > c.resting {
		return
	}
	if c.resting > 0 {
		if c.out.flush(); c.out.waiting() > 0 {
			return
		}
	}
	for _, fn := range c.onIdle {
		c.env.Post(fn)
	}
	c.onIdle = nil
}

// Alloc asks the broker for a flow. done gets its answer, or ErrIRMD when it is gone.
func (c *Client) Alloc(r core.Request, done func(core.Flow, error)) (cancel func()) {
	for _, n := range []core.Name{r.Name, r.Layer} {
		if len(n) > core.MaxName {
			return c.fail(done, fmt.Errorf("%w: %w", core.ErrName, n.Validate()))
		}
	}
	flags := uint8(0)
	if r.Encrypt {
		flags |= flagEncrypt
	}
	if r.Authenticate {
		flags |= flagAuthenticate
	}
	return c.ask(kindAlloc, flags, done, func(w *body) { putRequest(w, &r) })
}

// Join asks the broker to join a broadcast layer.
func (c *Client) Join(layer core.Name, done func(core.Flow, error)) (cancel func()) {
	if len(layer) > core.MaxName {
		return c.fail(done, fmt.Errorf("%w: %w", core.ErrName, layer.Validate()))
	}
	return c.ask(kindJoin, 0, done, func(w *body) { w.name(layer) })
}

func (c *Client) ask(k kind, flags uint8, done func(core.Flow, error), fill func(*body)) (cancel func()) {
	if c.ended != nil {
		return c.fail(done, c.ended)
	}
	f := newFlow(c, done)
	id, ok := c.flows[0].add(f, MaxFlows)
	if !ok {
		return c.fail(done, fmt.Errorf("%w: this application has %d flows, that is the limit", core.ErrAgain, MaxFlows))
	}
	f.id = id
	c.out.put(k, flags, f.id, fill)
	return f.cancel
}

// fail answers a request with an error, from a posted call.
func (c *Client) fail(done func(core.Flow, error), err error) (cancel func()) {
	canceled := false
	c.env.Post(func() {
		if !canceled {
			done(nil, err)
		}
	})
	return func() { canceled = true }
}

// table returns where the flow with the number is.
func (c *Client) table(id uint32) (*table[flow], uint32) {
	return &c.flows[id>>31], id &^ ofServer
}

// forget drops a flow from the table: both sides have said their last word.
func (c *Client) forget(f *flow) {
	t, id := c.table(f.id)
	if f.id&ofServer == 0 {
		t.drop(id)
	} else {
		t.take(id)
	}
	f.phase = phaseOver
	c.idle()
}

// Writable goes on with what waits for the pipe: records first, then the flows in the order in which they were
// refused.
func (c *Client) Writable() {
	c.out.writable()
	c.idle()
	for c.waiters.Len() > 0 && !c.out.congested() {
		f := c.waiters.Pop()
		f.queued = false
		f.wake()
	}
}

// Closed tells everybody that the broker is gone.
func (c *Client) Closed(err error) {
	if c.ended != nil {
		return
	}
	if err == nil {
		c.shut(fmt.Errorf("%w: it has closed the connection", core.ErrIRMD))
		return
	}
	c.shut(fmt.Errorf("%w: %w", core.ErrIRMD, err))
}

// breach ends the connection over a record that breaks the protocol.
func (c *Client) breach(err error) {
	c.out.pipe.Close()
	c.shut(fmt.Errorf("%w: it has sent a %w", core.ErrIRMD, err))
}

// Receive takes a message of the broker.
func (c *Client) Receive(m []byte) {
	for len(m) > 0 && c.ended == nil {
		r, rest, err := nextRecord(m)
		if err == nil {
			err = c.record(r)
		}
		if err != nil {
			if c.ended == nil {
				c.breach(err)
			}
			return
		}
		m = rest
	}
}

// record takes a record.
func (c *Client) record(r record) error {
	switch r.kind {
	case kindData, kindCredit, kindOpen, kindReport, kindState, kindEnd:
		t, id := c.table(r.id)
		f := t.get(id)
		if f == nil {
			return malformed("%v: flow %#x does not exist", r.kind, r.id)
		}
		return f.record(r)
	case kindListening, kindUnlisten:
		l := c.listens.get(r.id)
		if l == nil {
			return malformed("%v: listener %d does not exist", r.kind, r.id)
		}
		return l.record(r)
	case kindIncoming:
		return c.incoming(r)
	case kindWelcome:
		return c.welcomed(r)
	case kindRefuse:
		rd := reader{b: r.body}
		if err := rd.fail(); rd.done() && err != nil {
			c.out.pipe.Close()
			c.shut(fmt.Errorf("%w: it serves this program not: %w", core.ErrIRMD, err))
			return nil
		}
	}
	return malformed("%v: not from a broker, or its body of %d bytes is wrong", r.kind, len(r.body))
}

func (c *Client) welcomed(r record) error {
	rd := reader{b: r.body}
	if v := rd.u16(); c.welcome || !rd.done() || v != Version {
		return malformed("welcome: version %d, this program has %d", v, Version)
	}
	c.welcome = true
	for _, fn := range c.onReady {
		fn(nil)
	}
	c.onReady = nil
	return nil
}
