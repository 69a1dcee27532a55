package broadcast

import (
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/ring"
	"ouroboros/core/trace"
)

// user is the flow of a user who joined: a core.Flow.
type user struct {
	i      *IPCP
	number uint64
	since  core.Time
	sink   core.Sink
	queue  ring.Ring[*pkt.Buf] // for the user
	run    func()              // tell, bound once
	posted bool
	on     bool  // the user receives
	wants  bool  // Write has returned ErrWouldBlock and Writable has not been called since
	over   error // why the layer has ended the flow, until the user is told
	closed bool
	st     Stats
}

// join attaches a user.
func (i *IPCP) join() *user {
	u := &user{i: i, number: i.nextID(), since: i.env.Now(), on: true}
	u.run = u.tell
	i.attach(u)
	i.env.Trace.Note(i.env.Now(), trace.FlowAllocated, u.number, 0)
	return u
}

func (u *user) id() uint64    { return u.number }
func (u *user) stats() *Stats { return &u.st }
func (u *user) open() bool    { return true }
func (u *user) room() bool    { return u.queue.Len() < u.i.cfg.Queue }
func (u *user) need() int     { return 0 }

// Info describes the flow.
func (u *user) Info() core.FlowInfo {
	l := u.i.limits
	return core.FlowInfo{
		MTU: l.mtu, Headroom: l.headroom, Tailroom: l.tailroom, QoS: QoS, MPL: MPL,
		Layer: u.i.layer.Name, EID: u.number,
	}
}

// Queued returns the longest queue that the next packet would wait in, with what waits below it.
func (u *user) Queued() (n int) {
	for _, p := range u.i.ports {
		if c, ok := p.(*connection); ok && c.open() {
			n = max(n, c.queue.Len()+c.flow.Queued())
		}
	}
	return n
}

// Write floods the packet. One of length 0 is a keepalive and goes nowhere.
func (u *user) Write(p *pkt.Buf) error {
	switch n := p.Len(); {
	case u.closed || u.over != nil:
		p.Release()
		return down
	case n > u.i.limits.mtu:
		u.i.drop(&u.st.DropSize, p)
		return core.SizeError{Len: n, MTU: u.i.limits.mtu}
	case n == 0:
		p.Release()
		return nil
	case u.i.full(u):
		u.wants = true
		return core.ErrWouldBlock
	default:
		u.st.Received.Add(n)
		u.i.flood(u, p)
	}
	return nil
}

// push takes a packet for the user.
func (u *user) push(p *pkt.Buf) {
	if !u.queue.Push(p, u.i.cfg.Queue) {
		u.i.drop(&u.st.DropQueue, p)
		return
	}
	u.settle()
}

// SetReceive turns Deliver off and on.
func (u *user) SetReceive(on bool) {
	u.on = on
	u.settle()
}

// Attach sets the user.
func (u *user) Attach(s core.Sink) {
	u.sink = s
	u.settle()
}

// settle posts tell if there is something to be told.
func (u *user) settle() {
	if u.posted || u.sink == nil || u.closed {
		return
	}
	if u.over != nil || u.on && u.queue.Len() > 0 || u.wants && !u.i.full(u) {
		u.posted = true
		u.i.env.Post(u.run)
	}
}

// tell tells the user what there is. Each call may close the flow or stop the delivery.
func (u *user) tell() {
	u.posted = false
	if u.closed {
		return
	}
	if u.over != nil {
		err := u.over
		u.Close(0)
		u.sink.Closed(err)
		return
	}
	had := u.room()
	for n := u.queue.Len(); n > 0 && u.on && !u.closed && u.queue.Len() > 0; n-- {
		p := u.queue.Pop()
		u.st.Sent.Add(p.Len())
		u.sink.Deliver(p)
	}
	if u.wants && !u.closed && !u.i.full(u) {
		u.wants = false
		u.sink.Writable()
	}
	if !had {
		u.i.settle() // somebody may have waited for this user
	}
	u.settle()
}

// Close leaves the layer. There is nothing to retransmit, so that wait is of no use.
func (u *user) Close(time.Duration) {
	if u.closed {
		return
	}
	u.closed = true
	for u.queue.Len() > 0 {
		u.queue.Pop().Release()
	}
	u.i.detach(u)
	u.i.env.Trace.Note(u.i.env.Now(), trace.FlowClosed, u.number, 0)
}

// end has the user told that the layer has ended the flow.
func (u *user) end(err error) {
	if u.closed || u.over != nil {
		return
	}
	u.over = err
	for u.queue.Len() > 0 {
		u.queue.Pop().Release()
	}
	u.i.detach(u)
	u.settle()
}
