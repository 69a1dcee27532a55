package local

import (
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/ring"
	"ouroboros/core/trace"
)

// end is one end of a flow: a core.Flow. Packets wait at the end that they are for, in its queue, until
// its user takes them.
type end struct {
	i      *IPCP
	peer   *end // nil once the other user has closed its end
	slot   int
	qos    core.QoS
	opened core.Time

	sink    core.Sink
	queue   ring.Ring[arrival]
	run     func() // settle, bound once
	timer   core.Timer
	posted  bool  // run is posted, or the timer is armed
	on      bool  // the user receives
	blocked bool  // Write has returned ErrWouldBlock and Writable has not been called since
	closed  bool  // by this user, or by the layer and the user knows
	over    error // why the layer ends the flow, once what waits has been delivered

	sent, received           uint64 // packets
	sentBytes, receivedBytes uint64
}

// arrival is a packet on its way and the time at which it is there.
type arrival struct {
	p  *pkt.Buf
	at core.Time
}

func (e *end) number() uint64 { return uint64(e.slot) + firstNumber }

// Info describes the flow.
func (e *end) Info() core.FlowInfo {
	return core.FlowInfo{
		MTU: MTU, QoS: e.qos, MPL: MPL, Delay: e.i.cfg.Delay, Layer: e.i.cfg.Layer, EID: e.number(),
	}
}

// Queued returns the number of packets that the other user has not taken.
func (e *end) Queued() int {
	if e.peer == nil {
		return 0
	}
	return e.peer.queue.Len()
}

// Write puts the packet into the queue of the other end.
func (e *end) Write(p *pkt.Buf) error {
	n, to := p.Len(), e.peer
	switch {
	case to == nil || e.closed || e.over != nil:
		p.Release()
		return core.ErrFlowDown
	case n > MTU:
		e.i.st.DropSize++
		p.Release()
		return core.SizeError{Len: n, MTU: MTU}
	}
	at := e.i.env.Now().Add(e.i.cfg.Delay)
	if !to.queue.Push(arrival{p, at}, e.i.cfg.Queue) {
		e.blocked = true
		return core.ErrWouldBlock
	}
	e.sent++
	e.sentBytes += uint64(n)
	to.schedule()
	return nil
}

// SetReceive turns Deliver off and on.
func (e *end) SetReceive(on bool) {
	e.on = on
	e.schedule()
}

// Attach sets the user.
func (e *end) Attach(s core.Sink) {
	e.sink = s
	e.schedule()
}

// schedule has settle run when the user has something to be told: in a call of its own.
func (e *end) schedule() {
	if e.posted || e.sink == nil || e.closed {
		return
	}
	waits := e.on && e.queue.Len() > 0
	switch {
	case waits && e.queue.Front().at > e.i.env.Now():
		e.timer.Reset(e.queue.Front().at.Sub(e.i.env.Now()))
	case waits, e.over != nil && e.queue.Len() == 0, e.roomy():
		e.i.env.Post(e.run)
	default:
		return
	}
	e.posted = true
}

// roomy reports whether the user waits for Writable and can be called.
func (e *end) roomy() bool {
	return e.blocked && e.peer != nil && e.peer.queue.Len() < e.i.cfg.Queue
}

// settle tells the user what there is: packets that have arrived, then room, then the end of the flow.
// Each call may close the flow or stop the delivery. What arrives meanwhile waits for the next turn, so
// that two users who answer each other leave room for everybody else.
func (e *end) settle() {
	e.posted = false
	if e.closed {
		return
	}
	now := e.i.env.Now()
	for n := e.queue.Len(); n > 0 && e.on && !e.closed && e.queue.Front().at <= now; n-- {
		e.deliver(e.queue.Pop().p)
	}
	if !e.closed && e.roomy() {
		e.blocked = false
		e.sink.Writable()
	}
	if !e.closed && e.over != nil && e.queue.Len() == 0 {
		e.finish()
		e.sink.Closed(e.over)
	}
	e.schedule()
}

func (e *end) deliver(p *pkt.Buf) {
	n := uint64(p.Len())
	e.received++
	e.receivedBytes += n
	e.i.st.Packets++
	e.i.st.Bytes += n
	if e.peer != nil && e.peer.blocked {
		e.peer.schedule()
	}
	e.sink.Deliver(p)
}

// Close deallocates this end. What it has written is still delivered; then the other user is told. There
// is nothing to retransmit here, so that wait is of no use.
func (e *end) Close(time.Duration) {
	if e.closed {
		return
	}
	e.finish()
}

// finish ends the flow at this side.
func (e *end) finish() {
	e.closed = true
	e.timer.Stop()
	for e.queue.Len() > 0 {
		p := e.queue.Pop().p
		e.i.st.DropClosed++
		e.i.env.Trace.Note(e.i.env.Now(), trace.PacketDropped, uint64(p.Len()), 0)
		p.Release()
	}
	e.i.remove(e)
	if other := e.peer; other != nil {
		e.peer, other.peer = nil, nil
		other.abort(core.ErrFlowDown)
	}
}

// abort ends the flow from below; its user is told when it has taken what waits for it.
func (e *end) abort(err error) {
	if e.over == nil {
		e.over = err
	}
	e.schedule()
}
