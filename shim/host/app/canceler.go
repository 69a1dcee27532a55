package app

import (
	"time"

	"ouroboros"
	"ouroboros/core"
)

// canceler is the Blocker of a program that can be told to end (ouroboros.Canceler).
type canceler struct {
	core.Blocker
	env             core.Env
	canceled, ended bool
}

var _ ouroboros.Canceler = (*canceler)(nil)

// Canceled reports whether the program shall end.
func (c *canceler) Canceled() bool { return c.canceled }

// cancel tells the program, on the actor.
func (c *canceler) cancel() {
	c.canceled = true
	if c.Blocker != nil && !c.ended {
		c.Wake()
	}
}

// Sleep suspends the program for d, or until it is told to end. A Wake that comes meanwhile is kept for the next
// Park.
func (c *canceler) Sleep(d time.Duration) {
	over, woken := false, false
	alarm := c.env.NewTimer(func() {
		over = true
		c.Wake()
	})
	alarm.Reset(d)
	for !over && !c.canceled {
		c.Park()
		woken = woken || !over && !c.canceled
	}
	alarm.Stop()
	if woken {
		c.Wake()
	}
}
