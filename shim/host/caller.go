package host

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// caller is the Blocker of a goroutine that the world has not started. It has the actor to itself only inside
// Do, and touches nothing of it outside.
type caller struct {
	h     handle
	world *World
	wake  chan struct{} // holds the Wake that no Park has used
	ran   chan struct{} // what Do has posted has run
}

var _ core.Shared = (*caller)(nil)

// Caller returns a Blocker by which goroutines of the process use the node of env while the world runs: a
// server of the standard library, for instance, on streams of the root package. It may be called from any
// goroutine, but its methods not on the actor, which would wait for itself. A call waits for the world to run.
// Once the world is closed or the node killed, Do no longer runs what it is given, and nothing waits.
func (w *World) Caller(env core.Env) core.Shared {
	n := w.nodeOf(env)
	if n == nil {
		panic(fmt.Sprintf("host: Caller: %q is no component of this world", env.Path))
	}
	return &caller{
		h: handle{w.actor, n}, world: w,
		wake: make(chan struct{}, 1), ran: make(chan struct{}, 1),
	}
}

// Another returns one for another goroutine.
func (c *caller) Another() core.Blocker { return c.world.Caller(core.Env{Exec: c.h}) }

// Now returns the time of the run.
func (c *caller) Now() clock.Time { return c.h.Now() }

// Park waits for a Wake.
func (c *caller) Park() { c.wait(c.wake) }

// Wake ends a Park, this one or the next.
func (c *caller) Wake() {
	c.h.woken = true
	select {
	case c.wake <- struct{}{}:
	default: // one is kept already
	}
}

// Sleep waits for d.
func (c *caller) Sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.h.owner.gone:
	case <-c.world.closed:
	}
}

// Do has fn run on the actor and waits for it.
func (c *caller) Do(fn func()) {
	c.h.Post(func() {
		fn()
		c.h.woken = true
		c.ran <- struct{}{}
	})
	c.wait(c.ran)
}

// wait returns when there is something in ch, or when nothing will come any more.
func (c *caller) wait(ch chan struct{}) {
	select {
	case <-ch:
	case <-c.h.owner.gone:
	case <-c.world.closed:
	}
}
