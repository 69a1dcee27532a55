package broadcast

import (
	"errors"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/ring"
	"ouroboros/core/trace"
)

// connection is an N-1 flow that carries the data of the layer. It is the user of that flow.
type connection struct {
	i        *IPCP
	number   uint64
	since    core.Time
	flow     core.Flow
	wish     *wish    // that it fulfils, nil if the peer has made it
	control  *control // of the tree protocol, nil if the peer does not speak it
	headroom int
	down     bool
	gone     bool
	blocked  bool // the N-1 flow has refused a packet and has not called Writable since
	queue    ring.Ring[*pkt.Buf]
	credit   core.Time // up to when the guard has let packets pass
	st       Stats
}

// connected takes up an N-1 flow for data, with the management connection beside it if there is one.
func (i *IPCP) connected(f core.Flow, c *control, w *wish) *connection {
	d := &connection{i: i, number: i.nextID(), since: i.env.Now(), flow: f, wish: w, control: c}
	i.attach(d)
	i.env.Trace.Note(i.env.Now(), trace.AdjacencyUp, d.number, 0)
	f.Attach(d)
	if c != nil {
		c.begin(d)
	}
	i.settle()
	return d
}

func (d *connection) id() uint64    { return d.number }
func (d *connection) stats() *Stats { return &d.st }
func (d *connection) need() int     { return d.headroom }
func (d *connection) room() bool    { return !d.blocked || d.queue.Len() < d.i.cfg.Queue }

// open reports whether the connection is part of the tree, or unprotected.
func (d *connection) open() bool {
	return !d.down && (d.control == nil || d.i.tree.Forwards(d.control.port))
}

// Deliver takes a packet from the peer. One of length 0 is a keepalive.
func (d *connection) Deliver(p *pkt.Buf) {
	switch n := p.Len(); {
	case n == 0:
		p.Release()
	case n > MTU:
		d.i.drop(&d.st.DropSize, p)
	case !d.open():
		d.i.drop(&d.st.DropBlocked, p)
	case d.control == nil && !d.guard():
		d.i.drop(&d.st.DropGuard, p)
	default:
		d.st.Received.Add(n)
		d.i.flood(d, p)
	}
}

// guard reports whether an unprotected connection may bring another packet: at the rate of the guard, and
// a burst (the virtual scheduling algorithm of ITU-T I.371).
func (d *connection) guard() bool {
	now := d.i.env.Now()
	if d.credit.Sub(now) > guardBurst {
		return false
	}
	d.credit = max(d.credit, now).Add(d.i.tick)
	return true
}

// push writes a packet, or has it wait while the N-1 flow is full.
func (d *connection) push(p *pkt.Buf) {
	if !d.blocked && d.write(p) {
		return
	}
	if !d.queue.Push(p, d.i.cfg.Queue) {
		d.i.drop(&d.st.DropQueue, p)
	}
}

// write writes a packet; it reports false if the N-1 flow is full and has left the packet here.
func (d *connection) write(p *pkt.Buf) bool {
	n := p.Len()
	switch err := d.flow.Write(p); {
	case err == nil:
		d.st.Sent.Add(n)
	case errors.Is(err, core.ErrWouldBlock):
		d.blocked = true
		return false
	default:
		d.st.DropWrite.Add(n)
	}
	return true
}

// Writable continues after the N-1 flow was full.
func (d *connection) Writable() {
	d.blocked = false
	for d.queue.Len() > 0 && d.write(d.queue.Front()) {
		d.queue.Pop()
	}
	d.i.settle()
}

// State follows the N-1 flow.
func (d *connection) State(up bool) {
	d.down = !up
	d.i.measure()
	if d.control != nil {
		d.i.tree.SetUp(d.i.env.Now(), d.control.port, up && !d.control.down)
		d.i.carry()
	}
	d.i.settle()
}

// Closed ends the connection: its N-1 flow has ended.
func (d *connection) Closed(err error) {
	if !d.gone {
		d.finish(false)
		d.lost(err)
	}
}

// settle drops what waits when the connection has ceased to be part of the tree: it belongs elsewhere by
// now.
func (d *connection) settle() {
	if d.queue.Len() > 0 && !d.open() {
		d.clear(&d.st.DropBlocked)
	}
}

func (d *connection) clear(c *Counter) {
	for d.queue.Len() > 0 {
		d.i.drop(c, d.queue.Pop())
	}
}

// end gives the connection up from this side.
func (d *connection) end(error) {
	if !d.gone {
		d.finish(true)
	}
}

// lost has a connection that is kept up made anew.
func (d *connection) lost(err error) {
	if d.wish != nil {
		d.wish.lost(err)
	}
}

// finish takes the connection out, with its management connection.
func (d *connection) finish(closeFlow bool) {
	d.gone = true
	d.clear(&d.st.DropWrite)
	if d.control != nil {
		d.control.close()
	}
	d.i.detach(d)
	if closeFlow {
		d.flow.Close(0)
	}
	d.i.env.Trace.Note(d.i.env.Now(), trace.AdjacencyLost, d.number, 0)
}
