// Package loop is a flow within one system: two ends, and a bounded queue in front of each user. Packets are
// moved as they are, without a header and without a copy, also those of length 0. The layer of one system (spec 01
// §6) and the direct flows of the broker (spec 13 §13.6) are made of it.
package loop

import (
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/ring"
	"ouroboros/core/trace"
)

const (
	// MTU is the longest packet in bytes unless the layer says otherwise.
	MTU = 65535
	// QueueLen is the queue of a flow in packets unless the layer says otherwise (spec 02 §13).
	QueueLen = 1023
)

// Layer is what the flows of one provider have in common. It belongs to one actor.
type Layer struct {
	Env core.Env
	// Info describes the flows, but for QoS and EID. MTU is the longest packet, Delay how long one takes from one
	// user to the other; with 0 it is handed over at the same instant, by a posted call.
	Info core.FlowInfo
	// Queue is how many packets one direction of a flow holds before its writer blocks.
	Queue int
	// Gone is told of each end that is over.
	Gone func(*End)

	st Stats
}

// Stats are the counters of the flows of a layer.
type Stats struct {
	Packets, Bytes uint64 // delivered
	DropClosed     uint64 // packets on their way to a user that has closed its end
	DropSize       uint64 // longer than the MTU
}

// Stats returns the counters so far.
func (l *Layer) Stats() Stats { return l.st }

// Connect makes a flow whose ends have the given numbers.
func (l *Layer) Connect(qos core.QoS, client, server uint64) (c, s *End) {
	c, s = l.end(qos, client), l.end(qos, server)
	c.peer, s.peer = s, c
	return c, s
}

func (l *Layer) end(qos core.QoS, number uint64) *End {
	e := &End{l: l, number: number, qos: qos, on: true, opened: l.Env.Now()}
	e.run = e.settle
	e.timer = l.Env.NewTimer(e.run)
	return e
}

// End is one end of a flow: a core.Flow. Packets wait at the end that they are for, in its queue, until its user
// takes them.
type End struct {
	l      *Layer
	peer   *End // nil once the other user has closed its end
	number uint64
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

// Counters are what an end shows.
type Counters struct {
	Opened                   core.Time
	Sent, Received           uint64 // packets
	SentBytes, ReceivedBytes uint64
	Waiting                  int // packets that its own user has not taken
}

// Counters returns those of this end so far.
func (e *End) Counters() Counters {
	return Counters{e.opened, e.sent, e.received, e.sentBytes, e.receivedBytes, e.queue.Len()}
}

// Number returns the number of this end, and Peer that of the other one, 0 if that has gone.
func (e *End) Number() uint64 { return e.number }

// Peer returns the number of the other end, 0 if it has gone.
func (e *End) Peer() uint64 {
	if e.peer == nil {
		return 0
	}
	return e.peer.number
}

// Info describes the flow.
func (e *End) Info() core.FlowInfo {
	i := e.l.Info
	i.QoS, i.EID = e.qos, e.number
	return i
}

// Queued returns the number of packets that the other user has not taken.
func (e *End) Queued() int {
	if e.peer == nil {
		return 0
	}
	return e.peer.queue.Len()
}

// Write puts the packet into the queue of the other end.
func (e *End) Write(p *pkt.Buf) error {
	n, to := p.Len(), e.peer
	switch {
	case to == nil || e.closed || e.over != nil:
		p.Release()
		return core.ErrFlowDown
	case n > e.l.Info.MTU:
		e.l.st.DropSize++
		p.Release()
		return core.SizeError{Len: n, MTU: e.l.Info.MTU}
	}
	at := e.l.Env.Now().Add(e.l.Info.Delay)
	if !to.queue.Push(arrival{p, at}, e.l.Queue) {
		e.blocked = true
		return core.ErrWouldBlock
	}
	e.sent++
	e.sentBytes += uint64(n)
	to.schedule()
	return nil
}

// SetReceive turns Deliver off and on.
func (e *End) SetReceive(on bool) {
	e.on = on
	e.schedule()
}

// Attach sets the user.
func (e *End) Attach(s core.Sink) {
	e.sink = s
	e.schedule()
}

// schedule has settle run when the user has something to be told: in a call of its own.
func (e *End) schedule() {
	if e.posted || e.sink == nil || e.closed {
		return
	}
	waits := e.on && e.queue.Len() > 0
	switch {
	case waits && e.queue.Front().at > e.l.Env.Now():
		e.timer.Reset(e.queue.Front().at.Sub(e.l.Env.Now()))
	case waits, e.over != nil && e.queue.Len() == 0, e.roomy():
		e.l.Env.Post(e.run)
	default:
		return
	}
	e.posted = true
}

// roomy reports whether the user waits for Writable and can be called.
func (e *End) roomy() bool {
	return e.blocked && e.peer != nil && e.peer.queue.Len() < e.l.Queue
}

// settle tells the user what there is: packets that have arrived, then room, then the end of the flow.
// Each call may close the flow or stop the delivery. What arrives meanwhile waits for the next turn, so
// that two users who answer each other leave room for everybody else.
func (e *End) settle() {
	e.posted = false
	if e.closed {
		return
	}
	now := e.l.Env.Now()
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

func (e *End) deliver(p *pkt.Buf) {
	n := uint64(p.Len())
	e.received++
	e.receivedBytes += n
	e.l.st.Packets++
	e.l.st.Bytes += n
	if e.peer != nil && e.peer.blocked {
		e.peer.schedule()
	}
	e.sink.Deliver(p)
}

// Close deallocates this end. What it has written is still delivered; then the other user is told. There
// is nothing to retransmit here, so that wait is of no use.
func (e *End) Close(time.Duration) {
	if e.closed {
		return
	}
	e.finish()
}

// finish ends the flow at this side.
func (e *End) finish() {
	e.closed = true
	e.timer.Stop()
	for e.queue.Len() > 0 {
		p := e.queue.Pop().p
		e.l.st.DropClosed++
		e.l.Env.Trace.Note(e.l.Env.Now(), trace.PacketDropped, uint64(p.Len()), 0)
		p.Release()
	}
	if e.l.Gone != nil {
		e.l.Gone(e)
	}
	if other := e.peer; other != nil {
		e.peer, other.peer = nil, nil
		other.Abort(core.ErrFlowDown)
	}
}

// Abort ends the flow from below; its user is told why when it has taken what waits for it.
func (e *End) Abort(err error) {
	if e.over == nil {
		e.over = err
	}
	e.schedule()
}
