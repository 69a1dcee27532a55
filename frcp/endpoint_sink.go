package frcp

import (
	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// Deliver takes a packet from the flow below.
func (e *Endpoint) Deliver(p *pkt.Buf) {
	if e.phase == phaseDone {
		p.Release()
		return
	}
	if e.crc && p.Len() > 0 && !checkCRC(p) {
		e.badCRC++
		p.Release()
		return
	}
	if e.packets != nil && !e.open(p) {
		p.Release()
		return
	}
	now := e.env.Now()
	e.lastRecv = now
	if e.raw && e.receiving && e.sink != nil && e.phase == phaseOpen && p.Len() > 0 && e.conn.Waiting() == 0 {
		e.conn.stats.Delivered++
		e.sink.Deliver(p)
		return
	}
	e.conn.Recv(now, p)
	e.step()
}

// Writable takes the news that the flow below has room again.
func (e *Endpoint) Writable() {
	e.full = false
	if p := e.held; p != nil {
		e.held = nil
		_ = e.put(p) // any other refusal is a loss
	}
	e.step()
}

// State passes on that the flow below went down or came up.
func (e *Endpoint) State(up bool) {
	if e.phase == phaseOpen && e.sink != nil && up == e.down {
		e.down = !up
		e.sink.State(up)
	}
}

// Closed takes the end of the flow below.
func (e *Endpoint) Closed(err error) {
	if e.phase == phaseDone {
		return
	}
	e.end()
	e.ended(err)
}

// step does all that can be done now: it hands messages up and packets down, and looks at the time. It
// runs in calls from below, from the timer and posted, never in one of the user.
func (e *Endpoint) step() {
	e.deliver()
	e.tellClosed()
	if e.phase == phaseDone {
		return
	}
	now := e.env.Now()
	e.flush(now)
	if err := e.conn.Err(); err != nil {
		e.fail(now, err)
		return
	}
	if e.phase == phaseOpen && e.conn.PeerClosed() {
		e.phase, e.want = phaseLinger, false
		e.ended(core.ErrPeerClosed)
	}
	if e.finish(now) {
		return
	}
	if e.want && e.held == nil && !e.full {
		if e.conn.CanSend(now) {
			e.want = false
			e.sink.Writable()
		} else {
			e.conn.block(now) // it was the flow below that refused: nobody has asked for a window yet
		}
	}
	if e.phase != phaseDone {
		e.arm(now)
	}
}

// deliver hands messages to the user as long as it wants them.
func (e *Endpoint) deliver() {
	for e.receiving && e.sink != nil {
		p := e.conn.Deliver()
		if p == nil {
			return
		}
		e.sink.Deliver(p)
	}
}

// fail ends the flow from this side.
func (e *Endpoint) fail(now clock.Time, err error) {
	w := max(e.wait, e.conn.Wait(now))
	e.end()
	e.below.Close(w)
	e.ended(err)
}

// ended tells the user, once it has taken the messages that came before the end.
func (e *Endpoint) ended(err error) {
	if e.closing {
		e.conn.Release()
		return
	}
	if e.err == nil { // the first reason counts
		e.err = err
	}
	e.deliver()
	e.tellClosed()
}

// tellClosed makes the last calls to the user.
func (e *Endpoint) tellClosed() {
	s, err := e.sink, e.err
	if err == nil || s == nil || e.conn.Waiting() > 0 {
		return
	}
	e.sink, e.err = nil, nil
	if !e.down {
		s.State(false)
	}
	s.Closed(err)
}

// expire is the timer.
func (e *Endpoint) expire() {
	e.armed = clock.Never
	if e.phase == phaseDone {
		return
	}
	now := e.env.Now()
	if e.silence > 0 {
		if now.Sub(e.lastRecv) > e.silence {
			e.fail(now, core.ErrFlowPeer)
			return
		}
		if now.Sub(e.lastSend) >= e.silence/4 {
			e.sendKeepalive(now)
		}
	}
	if e.conn.Deadline() <= now {
		e.conn.Tick(now)
	}
	e.step()
}

// arm moves the timer if it would fire too late.
func (e *Endpoint) arm(now clock.Time) {
	t := e.conn.Deadline()
	if e.silence > 0 {
		t = min(t, e.lastSend.Add(e.silence/4), e.lastRecv.Add(e.silence+1))
	}
	if t < e.armed {
		e.armed = t
		e.timer.Reset(t.Sub(now))
	}
}
