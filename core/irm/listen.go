package irm

import (
	"slices"

	"ouroboros/core"
)

// listener is one call of Listen.
type listener struct {
	accept func(core.Incoming)
	c      *Client     // who listens; nil: an IPCP, or whoever uses the broker itself
	wild   bool        // to all names that are bound to its process
	names  []core.Name // that it listens to now
	busy   int         // requests that it was handed and has not answered
}

// Listen has requests for the name handed to accept until stop is called. Which of several listeners to a name
// gets a request, its Balance says. A request that accept does not answer within AcceptTimeout is refused.
// Listen fails when a layer refuses the name.
func (b *Broker) Listen(n core.Name, accept func(core.Incoming)) (stop func(), err error) {
	l := &listener{accept: accept}
	if err := b.enter(l, n); err != nil {
		return nil, err
	}
	return func() { b.leave(l, n) }, nil
}

// enter has a listener listen to a name.
func (b *Broker) enter(l *listener, n core.Name) error {
	e, err := b.entry(n)
	if err != nil {
		return err
	}
	l.names = append(l.names, n)
	if e.cfg.Balance == Spillover {
		e.listeners = slices.Insert(e.listeners, 0, l)
	} else {
		e.listeners = append(e.listeners, l)
	}
	if err := b.register(e); err != nil {
		b.leave(l, n)
		return err
	}
	if l.c != nil {
		if p := b.program(l.c.proc.Program); p != nil {
			p.until = 0 // what was started has come
		}
	}
	if b.unclaimed(n) {
		b.env.Post(func() { b.handOver(n) })
	}
	return nil
}

// leave has a listener not listen to a name any more. Requests that it was handed can still be answered.
func (b *Broker) leave(l *listener, n core.Name) {
	l.names = remove(l.names, n)
	e := b.names[n]
	if e == nil {
		return
	}
	i := slices.Index(e.listeners, l)
	if i < 0 {
		return
	}
	e.listeners = slices.Delete(e.listeners, i, i+1)
	if e.next > i {
		e.next--
	}
	// Taking a name back does not fail: Unregister has no error.
	_ = b.register(e)
	b.tidy(e)
}

// choose returns the listener that the next request goes to, of those that fit; nil if there is none. One
// that has answered everything goes before one that has not.
func (e *entry) choose(fits func(*listener) bool) *listener {
	first := 0
	if e.cfg.Balance == RoundRobin {
		first = e.next
	}
	chosen := -1
	for k := range e.listeners {
		i := (first + k) % len(e.listeners)
		l := e.listeners[i]
		if !fits(l) || chosen >= 0 && l.busy > 0 {
			continue
		}
		chosen = i
		if l.busy == 0 {
			break
		}
	}
	if chosen < 0 {
		return nil
	}
	if e.cfg.Balance == RoundRobin {
		e.next = (chosen + 1) % len(e.listeners)
	}
	return e.listeners[chosen]
}

// promote has who has answered be the first choice (Spillover).
func (e *entry) promote(l *listener) {
	if e.cfg.Balance != Spillover {
		return
	}
	if i := slices.Index(e.listeners, l); i > 0 {
		copy(e.listeners[1:i+1], e.listeners[:i])
		e.listeners[0] = l
	}
}
