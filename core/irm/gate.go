package irm

import "slices"

// MaxLookups is how many names applications can have looked up at a time. Others wait for a place, which the processes
// take in turn: one that asks for many names delays its own requests, not those of the others, and a layer sees no
// more than these. The IPCPs of the system look up without it.
const MaxLookups = 64

// gate gives places to lookups of processes.
type gate struct {
	taken  int
	queue  []*Client // with lookups that wait, in their turn
	posted bool      // serve is
}

// lookUp begins to ask the layers, when there is a place.
func (a *allocation) lookUp() {
	g, c := &a.b.gate, a.c
	switch {
	case c == nil || c.ipcp():
		a.ask()
	case g.taken < MaxLookups && len(g.queue) == 0:
		a.take()
	default:
		a.phase, a.step = queued, nil
		a.arm(a.deadline.Sub(a.b.env.Now()))
		if len(c.lookups) == 0 {
			g.queue = append(g.queue, c)
		}
		c.lookups = append(c.lookups, a)
	}
}

// take has the lookup take a place.
func (a *allocation) take() {
	a.placed = true
	a.b.gate.taken++
	a.ask()
}

// place gives the place of a lookup back, or the wish for one.
func (a *allocation) place() {
	g := &a.b.gate
	switch {
	case a.placed:
		a.placed = false
		g.taken--
		if len(g.queue) > 0 && !g.posted {
			g.posted = true
			a.b.env.Post(a.b.serve)
		}
	case a.phase == queued:
		c := a.c
		c.lookups = slices.DeleteFunc(c.lookups, func(o *allocation) bool { return o == a })
		if len(c.lookups) == 0 {
			g.queue = slices.DeleteFunc(g.queue, func(o *Client) bool { return o == c })
		}
	}
}

// serve gives the places that are free to the processes in turn.
func (b *Broker) serve() {
	g := &b.gate
	g.posted = false
	for g.taken < MaxLookups && len(g.queue) > 0 {
		c := g.queue[0]
		g.queue = g.queue[1:]
		a := c.lookups[0]
		c.lookups = c.lookups[1:]
		if len(c.lookups) > 0 {
			g.queue = append(g.queue, c)
		}
		a.take()
	}
}
