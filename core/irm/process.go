package irm

import (
	"fmt"
	"slices"

	"ouroboros/core"
)

const (
	// MaxAllocs is how many requests for flows one application can have under way.
	MaxAllocs = 256
	// MaxListens is how many calls of Listen one application can have in force.
	MaxListens = 256
)

// Process is a program that runs and uses this system.
type Process struct {
	PID      int
	Program  string // the last element of the path of its program (spec 13 §13.1)
	UID, GID uint32
	// IPCP is the name of an IPCP that runs in this process, for which the Client is; empty for applications. A
	// request of an IPCP never goes directly to itself, as one for the name of its own layer otherwise could.
	IPCP core.Name
}

// Client is the broker as one process sees it: a core.Allocator. What it does ends with Close.
type Client struct {
	b         *Broker
	proc      Process
	since     core.Time
	names     []core.Name // bound to the process itself
	listeners []*listener
	asks      []*allocation // whose user has not been told of the end
	lookups   []*allocation // of them, that wait for a place in the gate
	closed    bool
	stats     ClientStats
}

// ClientStats count what a process has done.
type ClientStats struct {
	Asked    uint64 // requests for flows
	Granted  uint64 // of them, that led to a flow
	Handed   uint64 // requests that it was handed
	Accepted uint64 // of them
}

// Attach returns the broker for a process that has come. Names that are bound to its program are bound to it.
func (b *Broker) Attach(p Process) *Client {
	c := &Client{b: b, proc: p, since: b.env.Now()}
	b.clients = append(b.clients, c)
	return c
}

// Process returns what is known of the process.
func (c *Client) Process() Process { return c.proc }

// client returns the client of a process, nil if there is none.
func (b *Broker) client(pid int) *Client {
	for _, c := range b.clients {
		if c.proc.PID == pid {
			return c
		}
	}
	return nil
}

// Alloc is that of the broker. More than MaxAllocs at a time fail with ErrAgain.
func (c *Client) Alloc(r core.Request, done func(core.Flow, error)) (cancel func()) {
	a := c.b.newAllocation(c, r, done)
	if a.admitted() {
		a.begin()
	}
	return a.cancel
}

// Join is that of the broker. It counts as a request for a flow.
func (c *Client) Join(layer core.Name, done func(core.Flow, error)) (cancel func()) {
	a := c.b.newAllocation(c, core.Request{Timeout: AllocTimeout}, done)
	if a.admitted() {
		a.join(layer)
	}
	return a.cancel
}

// Listen is that of the broker. The empty name stands for all names that are bound to the process or its program,
// now and later. A name need not be bound to be listened to.
func (c *Client) Listen(n core.Name, accept func(core.Incoming)) (stop func(), err error) {
	switch {
	case c.closed:
		return nil, core.ErrIRMD
	case len(c.listeners) >= MaxListens && !c.ipcp():
		return nil, fmt.Errorf("%w: the process listens %d times, the most that it can", core.ErrAgain, MaxListens)
	}
	l := &listener{accept: accept, c: c, wild: n == ""}
	c.listeners = append(c.listeners, l)
	if l.wild {
		c.b.follow(l)
	} else if err := c.b.enter(l, n); err != nil {
		c.stop(l)
		return nil, err
	}
	return func() { c.stop(l) }, nil
}

// stop ends a call of Listen.
func (c *Client) stop(l *listener) {
	if i := slices.Index(c.listeners, l); i >= 0 {
		c.listeners = slices.Delete(c.listeners, i, i+1)
	}
	for _, n := range slices.Clone(l.names) {
		c.b.leave(l, n)
	}
}

// Close takes out a process that has ended: it listens no more, what was bound to it is not, its requests for
// flows are given up and nobody is told, and requests that it was handed and has not answered go to the next
// listener. Its flows are closed by whoever holds them for it.
func (c *Client) Close() {
	if c.closed {
		return
	}
	c.closed = true
	b := c.b
	b.clients = slices.DeleteFunc(b.clients, func(o *Client) bool { return o == c })
	for _, l := range slices.Clone(c.listeners) {
		c.stop(l)
	}
	for _, a := range slices.Clone(c.asks) {
		a.cancel()
	}
	b.reclaim(c)
}

// ProcessInfo describes a process.
type ProcessInfo struct {
	Process
	Since     core.Time   // when it came
	Bound     []core.Name // names that are bound to it or its program
	Listening []core.Name // names that it listens to
	Allocs    int         // requests for flows under way
	Waiting   int         // requests that it was handed and has not answered
	ClientStats
}

// Processes describes the processes that use this system in the order in which they came.
func (b *Broker) Processes() []ProcessInfo {
	out := make([]ProcessInfo, 0, len(b.clients))
	for _, c := range b.clients {
		i := ProcessInfo{
			Process: c.proc, Since: c.since, Bound: b.bound(c), Allocs: len(c.asks), ClientStats: c.stats,
		}
		for _, l := range c.listeners {
			for _, n := range l.names {
				if !slices.Contains(i.Listening, n) {
					i.Listening = append(i.Listening, n)
				}
			}
		}
		for _, r := range b.waiting {
			if r.offer != nil && r.offer.l.c == c {
				i.Waiting++
			}
		}
		out = append(out, i)
	}
	return out
}

// direct reports whether a flow between who asks and a listener of this system can stand without a layer.
func (b *Broker) direct(asks *Client, l *listener) bool {
	return !asks.self(l) && b.together(asks, l.c)
}

// ipcp reports whether the process is an IPCP of this system, for which the limits of applications do not hold.
func (c *Client) ipcp() bool { return c != nil && c.proc.IPCP != "" }

// self reports whether a listener is the very IPCP that asks.
func (c *Client) self(l *listener) bool { return c.ipcp() && c == l.c }

// together reports whether two users belong to the same class of privilege, so that a flow can stand between
// them without a layer: both are privileged, or both run as the same user (spec 13 §13.6). nil is an IPCP or a user
// of the broker itself, which is privileged.
func (b *Broker) together(x, y *Client) bool {
	return b.privileged(x) && b.privileged(y) || x != nil && y != nil && x.proc.UID == y.proc.UID
}

func (b *Broker) privileged(c *Client) bool {
	switch {
	case c == nil:
		return true
	case b.cfg.Privileged != nil:
		return b.cfg.Privileged(c.proc)
	}
	return c.proc.UID == 0
}
