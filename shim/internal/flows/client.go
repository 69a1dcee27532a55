package flows

import (
	"bytes"
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/trace"
)

// A request without reply is sent again after retryFirst, then after twice the time, up to retryMax.
// The first is far above the round trip on a link and below the second that an application has for
// its answer (spec 13 §13.3).
const (
	retryFirst = 500 * time.Millisecond
	retryMax   = 4 * time.Second
	// recheckAfter is the pause between two repetitions from which on the name is looked up again.
	recheckAfter = 2 * time.Second
)

// attempt is the initiator's side of an allocation (spec 01 §2.3).
type attempt struct {
	m       *Machine
	e       *End
	request Message
	peer    core.Addr
	timer   core.Timer
	wait    time.Duration
	look    func() // gives up a look-up under way, nil if there is none
	done    func(core.Flow, core.FlowReply, error)
}

// AllocFlow asks the member that the directory knows for a flow to the digest. It fails with ErrName
// when the directory knows none: a Query comes first.
func (m *Machine) AllocFlow(r core.FlowRequest, done func(core.Flow, core.FlowReply, error)) (cancel func()) {
	a, err := m.newAttempt(r, done)
	if err != nil {
		return m.later(func() { done(nil, core.FlowReply{}, err) })
	}
	// Stored and armed before it is sent, so that no reply can come too early (D1).
	a.e.attempt = a
	a.timer.Reset(a.wait)
	m.send(&a.request, a.peer)
	return a.cancel
}

func (m *Machine) newAttempt(r core.FlowRequest, done func(core.Flow, core.FlowReply, error)) (*attempt, error) {
	if m.left {
		return nil, core.ErrIPCPState
	}
	if err := m.checkHash(r.Hash); err != nil {
		return nil, err
	}
	peer, ok := m.dir.latest(r.Hash)
	if !ok {
		return nil, fmt.Errorf("%w: no member of layer %q has registered it", core.ErrName, m.cfg.Layer.Name)
	}
	if n := m.cfg.Fixed + len(r.Hash) + len(r.Piggyback); n > m.management() {
		return nil, fmt.Errorf("%w: allocation request of %d bytes, layer %q takes %d", core.ErrMsgSize, n, m.cfg.Layer.Name, m.management())
	}
	e, err := m.newEnd(r.QoS)
	if err != nil {
		return nil, err
	}
	a := &attempt{m: m, e: e, peer: peer, wait: retryFirst, done: done}
	a.request = Message{Kind: Request, Source: e.eid, QoS: r.QoS, Hash: r.Hash, Piggyback: bytes.Clone(r.Piggyback)}
	a.timer = m.env.NewTimer(a.again)
	return a, nil
}

// again repeats the request, with the same EID. Who asked sets the end of it: there is none here.
func (a *attempt) again() {
	a.wait = min(2*a.wait, retryMax)
	a.timer.Reset(a.wait)
	m := a.m
	if m.cfg.Recheck && a.wait >= recheckAfter && a.recheck() {
		return
	}
	m.Retransmitted++
	m.send(&a.request, a.peer)
}

// recheck has the name looked up again, and turns to the member that was found since the last time; it reports
// whether the request went there.
func (a *attempt) recheck() bool {
	m := a.m
	if p, ok := m.dir.latest(a.request.Hash); ok && p != a.peer {
		a.peer = p
		m.Retransmitted++
		m.send(&a.request, a.peer)
		return true
	}
	if a.look != nil {
		return false
	}
	m.dir.remove(a.request.Hash, a.peer)
	a.look = m.lookUp(a.request.Hash, func(found bool) {
		a.look = nil
		p, ok := m.dir.latest(a.request.Hash)
		if found && ok && p != a.peer && a.e.attempt == a {
			a.peer = p
			m.Retransmitted++
			m.send(&a.request, a.peer)
		}
	})
	return false
}

// cancel gives the attempt up. Nothing is sent (spec 01 §2.3).
func (a *attempt) cancel() {
	if a.e.attempt == a {
		a.stop()
		a.abandon()
	}
}

func (a *attempt) stop() {
	a.timer.Stop()
	if a.look != nil {
		a.look()
		a.look = nil
	}
	a.e.attempt = nil
}

// abandon frees the end of an attempt that failed.
func (a *attempt) abandon() {
	a.e.state = closed
	a.m.release(a.e, 0)
}

// reply handles FLOW_REPLY at the initiator. It counts only from the member that was asked.
func (m *Machine) reply(msg *Message, from core.Addr) {
	e := m.initiator(msg.Dest)
	switch {
	case e == nil:
		m.Drop.EID++
		return
	case e.attempt.peer != from:
		m.Drop.Source++
		return
	case msg.Response == 0 && !m.canBePeer(msg.Source):
		m.Drop.EID++
		return
	}
	a := e.attempt
	a.stop()
	if msg.Response != 0 {
		m.refusedBy(a, msg)
		return
	}
	m.allocate(e, from, msg.Source)
	a.done(e, core.FlowReply{MPL: m.cfg.MPL, Piggyback: bytes.Clone(msg.Piggyback)}, nil)
}

func (m *Machine) refusedBy(a *attempt, msg *Message) {
	a.abandon()
	code := core.ErrIPCP
	if msg.Response < 0 && msg.Response > -1<<31 {
		code = core.Code(-msg.Response)
	}
	if code == core.ErrName {
		m.dir.remove(a.request.Hash, a.peer)
	}
	m.env.Trace.Note(m.env.Now(), trace.FlowFailed, uint64(code), 0)
	a.done(nil, core.FlowReply{Piggyback: bytes.Clone(msg.Piggyback)}, code)
}
