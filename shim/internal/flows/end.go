package flows

import (
	"encoding/binary"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/ring"
	"ouroboros/core/trace"
)

type endState uint8

const (
	waiting endState = iota // for the reply to a request
	allocated
	closed
)

// End is one end of a flow of a shim: a core.Flow.
type End struct {
	// What every packet needs stands together, in few cache lines.
	m        *Machine
	link     core.Link
	sink     core.Sink
	remote   uint32
	state    endState
	open     bool // allocated, and the link is up
	straight bool // packets go straight to the sink: attached, receiving, nothing held
	blocked  bool // waits for Writable
	frame    Frame
	peer     core.Addr
	eid      uint32 // own

	receiving bool
	told      bool // the state of the link that the user has been told; true from the start
	writable  bool // Writable came before a sink was attached
	flushing  bool // flush is posted
	flush     func()
	held      ring.Ring[*pkt.Buf]
	qos       core.QoS

	attempt *attempt   // of the initiator, until the reply
	key     requestKey // of the responder
	tracked bool       // key stands in the list of answered requests
}

// Peer returns the address of the remote end in the lower layer.
func (e *End) Peer() core.Addr { return e.peer }

// Tag returns the Tag of the flow's Frame.
func (e *End) Tag() uint64 { return e.frame.Tag }

// Info describes the flow.
func (e *End) Info() core.FlowInfo {
	link := e.link.Info()
	return core.FlowInfo{
		MTU:      e.m.mtu,
		Headroom: e.m.cfg.Header + link.Headroom,
		Tailroom: link.Tailroom,
		QoS:      e.qos,
		MPL:      e.m.cfg.MPL,
		Rate:     link.Rate,
		Delay:    link.Delay,
		Layer:    e.m.cfg.Layer.Name,
		EID:      uint64(e.eid),
	}
}

// Queued returns the queue of the link: a shim has none of its own for data.
func (e *End) Queued() int { return e.link.Queued() }

// Write puts the header in front of the packet, in place, and sends it. Packets of length 0 are
// ordinary data (spec 01 §2.5).
func (e *End) Write(p *pkt.Buf) error {
	m, n := e.m, p.Len()
	if !e.open || n > m.mtu {
		return e.refuse(p)
	}
	if m.tx.full {
		e.block()
		return core.ErrWouldBlock
	}
	if l := int(e.frame.Len); l > 0 {
		h := p.Push(l)
		if l == MaxHeader {
			// A copy of constant size is a move or two.
			*(*[MaxHeader]byte)(h) = e.frame.Header
		} else {
			copy(h, e.frame.Header[:l])
		}
		if at := e.frame.SizeAt; at > 0 {
			binary.BigEndian.PutUint16(h[at:], uint16(n+int(e.frame.SizeOf)))
		}
	}
	p.Meta = pkt.Meta{Flow: e.remote}
	if err := e.link.Send(p, e.peer); err != nil {
		return e.failed(p, err)
	}
	m.Sent++
	m.SentBytes += uint64(n)
	return nil
}

// refuse takes a packet that cannot be sent.
func (e *End) refuse(p *pkt.Buf) error {
	defer p.Release()
	switch {
	case e.state != allocated:
		return core.ErrNotAlloc
	case !e.open:
		e.m.Drop.Down++
		return core.ErrFlowDown
	}
	e.m.Drop.Size++
	return core.SizeError{Len: p.Len(), MTU: e.m.mtu}
}

// failed handles an error of the link: blocked, the packet goes back as it came.
func (e *End) failed(p *pkt.Buf, err error) error {
	if err != core.ErrWouldBlock { //nolint:errorlint // a sentinel that links return as it is
		e.m.Drop.Link++
		return err
	}
	p.Pull(int(e.frame.Len))
	e.m.tx.full = true
	e.block()
	return err
}

func (e *End) block() {
	if !e.blocked {
		e.blocked = true
		e.m.tx.ends = append(e.m.tx.ends, e)
	}
}

// Deliver hands a packet that the shim has checked and stripped to the user, or holds it.
func (e *End) Deliver(p *pkt.Buf) {
	m := e.m
	m.Received++
	m.ReceivedBytes += uint64(p.Len())
	if e.straight {
		e.sink.Deliver(p)
		return
	}
	if !e.held.Push(p, maxHeld) {
		m.Drop.Held++
		p.Release()
	}
}

// SetReceive turns Deliver off and on. Up to 1023 packets are held while it is off.
func (e *End) SetReceive(on bool) {
	e.receiving = on
	e.arrange()
}

// Attach sets the user. What was held, and what happened to the link before, comes from a posted call.
func (e *End) Attach(s core.Sink) {
	e.sink = s
	e.arrange()
}

// arrange decides which way packets go and posts the delivery of what the user has not had yet.
func (e *End) arrange() {
	ready := e.state == allocated && e.sink != nil
	e.straight = ready && e.receiving && e.held.Len() == 0
	if !ready || e.flushing {
		return
	}
	if e.receiving && e.held.Len() > 0 || e.writable || e.told != e.m.up {
		e.flushing = true
		e.m.env.Post(e.flush)
	}
}

// deliverHeld runs posted. Each up-call may close the flow or stop the delivery.
func (e *End) deliverHeld() {
	e.flushing = false
	if e.state == allocated && e.told != e.m.up {
		e.linkState(e.m.up)
	}
	if e.state == allocated && e.writable {
		e.writable = false
		e.sink.Writable()
	}
	for e.state == allocated && e.receiving && e.held.Len() > 0 {
		e.sink.Deliver(e.held.Pop())
	}
	e.arrange()
}

// linkState follows the link and tells the user.
func (e *End) linkState(up bool) {
	e.open = up
	if e.sink != nil && e.told != up {
		e.told = up
		e.sink.State(up)
	}
}

// becameWritable tells the user that there is room again.
func (e *End) becameWritable() {
	e.blocked = false
	switch {
	case e.state != allocated:
	case e.sink == nil:
		e.writable = true
	default:
		e.sink.Writable()
	}
}

// Close deallocates the flow. It is local: no shim has a message for it (spec 01 §2.3.2). The EID is
// not given out again for wait.
func (e *End) Close(wait time.Duration) {
	if e.state == closed {
		return
	}
	m := e.m
	e.state, e.open, e.straight, e.sink = closed, false, false, nil
	for e.held.Len() > 0 {
		e.held.Pop().Release()
	}
	m.release(e, wait)
	m.env.Trace.Note(m.env.Now(), trace.FlowClosed, uint64(e.eid), 0)
}
