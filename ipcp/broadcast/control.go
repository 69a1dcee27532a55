package broadcast

import (
	"errors"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

const (
	// maxHalves bounds the management connections that wait for the connection for data beside them.
	maxHalves = 64
	// halfTimeout is how long they wait: as long as an operator waits for a connection (spec 07 §8).
	halfTimeout = 20 * time.Second
)

// control is an N-1 flow that carries the tree protocol. It is the user of that flow.
type control struct {
	i      *IPCP
	cookie uint64
	flow   core.Flow
	port   Port        // noPort until the connection for data has come
	data   *connection // nil until then
	timer  core.Timer
	down   bool
	gone   bool
}

// newControl takes up a flow on which the peers have agreed on the tree protocol.
func (i *IPCP) newControl(cookie uint64, f core.Flow) *control {
	c := &control{i: i, cookie: cookie, flow: f, port: noPort}
	c.timer = i.env.NewTimer(c.close)
	c.timer.Reset(halfTimeout)
	i.halves = append(i.halves, c)
	f.Attach(c)
	return c
}

// half returns the management connection with a cookie whose connection for data has not come.
func (i *IPCP) half(cookie uint64) *control {
	for _, c := range i.halves {
		if c.cookie == cookie {
			return c
		}
	}
	return nil
}

// begin starts the protocol: the connection for data has come.
func (c *control) begin(d *connection) {
	c.arrived()
	c.data = d
	c.port = c.i.tree.Add(c.i.env.Now())
	if int(c.port) == len(c.i.controls) {
		c.i.controls = append(c.i.controls, nil)
	}
	c.i.controls[c.port] = c
	if c.down {
		c.i.tree.SetUp(c.i.env.Now(), c.port, false)
	}
	c.i.carry()
}

// arrived ends the wait for the connection for data.
func (c *control) arrived() {
	c.timer.Stop()
	if k := slices.Index(c.i.halves, c); k >= 0 {
		c.i.halves = slices.Delete(c.i.halves, k, k+1)
	}
}

// Deliver hands a message to the tree. A packet of length 0 is a keepalive.
func (c *control) Deliver(p *pkt.Buf) {
	if c.port == noPort || p.Len() == 0 {
		p.Release() // what the peer says before both connections stand, it says again
		return
	}
	c.i.tree.Recv(c.i.env.Now(), c.port, p.Bytes())
	p.Release()
	c.i.carry()
	if c.i.tree.Left(c.port) {
		c.fail(core.ErrFlowDown)
	}
}

// Writable is not needed: a message that finds no room counts as lost, and the next says the same.
func (c *control) Writable() {}

// State follows the N-1 flow.
func (c *control) State(up bool) {
	c.down = !up
	if c.port != noPort {
		c.i.tree.SetUp(c.i.env.Now(), c.port, up && !c.data.down)
		c.i.carry()
	}
}

// Closed ends both connections: without the protocol the one for data could close a cycle.
func (c *control) Closed(err error) { c.fail(err) }

// fail ends both connections; one that is kept up is made anew.
func (c *control) fail(err error) {
	d := c.data
	if d == nil || d.gone {
		c.close()
		return
	}
	d.finish(true)
	d.lost(err)
}

// close gives the management connection up.
func (c *control) close() {
	if c.gone {
		return
	}
	c.gone = true
	c.arrived()
	if c.port != noPort {
		c.i.tree.Remove(c.i.env.Now(), c.port)
		c.i.carry()
		c.i.controls[c.port] = nil
	}
	c.flow.Close(0)
}

// carry sends what the tree has to say and arms its timer; then the ports look at what has become of them.
func (i *IPCP) carry() {
	for _, m := range i.tree.Out() {
		i.say(m)
	}
	switch d := i.tree.Deadline(); d {
	case i.armed: // as after nearly every message
	case clock.Never:
		i.armed = d
		i.timer.Stop()
	default:
		i.armed = d
		i.timer.Reset(d.Sub(i.env.Now()))
	}
	i.settle()
}

// say sends one message.
func (i *IPCP) say(m Message) {
	if int(m.Port) >= len(i.controls) || i.controls[m.Port] == nil {
		return
	}
	f := i.controls[m.Port].flow
	p := i.env.Pool.GetCopy(f.Info().Headroom, m.SDU)
	switch err := f.Write(p); {
	case err == nil:
		i.trees.Add(len(m.SDU))
	case errors.Is(err, core.ErrWouldBlock):
		p.Release()
	}
}

// expired is called when the tree has something to do.
func (i *IPCP) expired() {
	i.armed = clock.Never
	i.tree.Tick(i.env.Now())
	i.carry()
}
