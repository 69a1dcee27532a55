package fa

import (
	"errors"
	"math"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
	"ouroboros/ipcp/unicast/dt"
)

// Queued returns the length of the transmit queue.
func (f *flow) Queued() int { return f.txq.Len() }

// Pace is the rate of the congestion policy (core.Paced). What shaping takes off that is not in it.
func (f *flow) Pace() int64 { return min(f.cc.Rate(), math.MaxInt64/8) * 8 }

// Write sends a packet after what the congestion and the shaping policy ask for (spec 03 §6.1). A paused flow
// queues; a full queue blocks its user alone.
func (f *flow) Write(p *pkt.Buf) error {
	if f.state != active {
		p.Release()
		return core.ErrFlowDown
	}
	if mtu := f.a.mtu(); p.Len() > mtu && mtu > 0 {
		defer p.Release()
		return core.SizeError{Len: p.Len(), MTU: mtu}
	}
	if f.txq.Len() > 0 {
		if !f.txq.Push(p, f.a.cfg.Queue) {
			f.blocked = true
			return core.ErrWouldBlock
		}
		return nil
	}
	if !f.advance(p) {
		f.txq.Push(p, f.a.cfg.Queue) // it is empty
	}
	return nil
}

// stage is how far the first packet of a flow has come.
type stage uint8

const (
	fresh  stage = iota
	paced        // has had the pause of the congestion policy
	shaped       // and that of the shaping policy
)

// advance brings the first packet as far as it may go now. It reports whether the packet is done with: sent
// or dropped.
func (f *flow) advance(p *pkt.Buf) bool {
	if f.stage == fresh {
		f.stage = paced
		if wait := f.cc.Send(f.a.env.Now(), p.Len()); wait > 0 {
			f.st.Paused += wait
			f.hold(wait)
			return false
		}
	}
	if f.stage == paced && f.shape != nil {
		f.stage = shaped
		switch wait, drop := f.shape.Send(f.a.env.Now(), p.Len()); {
		case drop:
			f.police(p)
			return true
		case wait > 0:
			f.st.Shaped += wait
			f.hold(wait)
			return false
		}
	}
	if !f.transmit(p) {
		return false
	}
	f.stage = fresh
	return true
}

// police drops a packet for the shaping policy.
func (f *flow) police(p *pkt.Buf) {
	f.stage = fresh
	f.st.Policed++
	f.a.env.Trace.Note(f.a.env.Now(), trace.PacketDropped, uint64(p.Len()), 3)
	p.Release()
}

// hold has the first packet wait.
func (f *flow) hold(wait time.Duration) {
	f.resume = f.a.env.Now().Add(wait)
	f.arm()
}

// arm sets the timer for the end of the pause, or of a closed flow.
func (f *flow) arm() {
	at := f.resume
	if f.state == draining {
		at = min(at, f.deadline)
	}
	if at != clock.Never {
		f.timer.Reset(at.Sub(f.a.env.Now()))
	}
}

// transmit hands a packet to data transfer. It reports false if the N-1 flow is full: the packet stays.
func (f *flow) transmit(p *pkt.Buf) bool {
	n := uint64(p.Len())
	err := f.a.cfg.DT.Send(f.raddr, f.cube, f.reid, dt.FlowHash(f.reid), p, &f.sender)
	if errors.Is(err, core.ErrWouldBlock) {
		f.waiting, f.resume = true, clock.Never
		f.arm()
		return false
	}
	if err != nil {
		f.st.SendFailed++
		return true
	}
	f.st.Sent++
	f.st.SentBytes += n
	return true
}

// unblocked is called when the N-1 flow has room again.
func (f *flow) unblocked() {
	if !f.waiting {
		return
	}
	f.waiting = false
	f.drain()
}

// drain sends what is queued as far as policies and N-1 flow allow.
func (f *flow) drain() {
	for f.txq.Len() > 0 && f.advance(f.txq.Front()) {
		f.txq.Pop()
	}
	if f.state == draining && f.txq.Len() == 0 {
		f.discard()
	}
	if f.blocked && f.txq.Len() < f.a.cfg.Queue && f.state == active {
		f.blocked = false
		if f.sink == nil {
			f.owed = true
			return
		}
		f.sink.Writable()
	}
}
