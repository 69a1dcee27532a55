package fa

import (
	"errors"
	"time"

	"ouroboros/core"
	"ouroboros/core/trace"
	"ouroboros/core/wire"
)

// client is a request of this system under way (spec 03 §4.1).
type client struct {
	f      *flow
	req    core.FlowRequest
	done   func(core.Flow, core.FlowReply, error)
	addrs  []uint64
	cancel func() // of the directory query
	wait   time.Duration
	ended  bool
}

// AllocFlow asks for a flow to a name of the layer. Several addresses are tried in turn; a refusal by
// the last is the answer.
func (a *FA) AllocFlow(r core.FlowRequest, done func(core.Flow, core.FlowReply, error)) (cancel func()) {
	c := &client{req: r, done: done}
	if a.closed || a.cfg.DT.Address() == 0 {
		c.post(a, core.ErrIPCPState)
		return c.giveUp
	}
	f := a.newFlow(r.QoS)
	if f == nil {
		c.post(a, core.ErrAgain)
		return c.giveUp
	}
	c.f, f.client = f, c
	c.cancel = a.cfg.Directory.Query(a.env.Now(), r.Hash, c.found)
	return c.giveUp
}

// post reports a failure that is known at once.
func (c *client) post(a *FA, err error) {
	a.env.Post(func() {
		if !c.ended {
			c.ended = true
			c.done(nil, core.FlowReply{}, err)
		}
	})
}

// found takes the answer of the directory. A flow to a name of this very member cannot be made through
// the layer (spec 02 §5).
func (c *client) found(addrs []uint64) {
	c.cancel = nil
	if c.ended {
		return
	}
	self := c.f.a.cfg.DT.Address()
	for _, x := range addrs {
		if x != self {
			c.addrs = append(c.addrs, x)
		}
	}
	c.next(core.ErrName)
}

// next tries the next address; without one the request fails with err. Each address is asked with an
// endpoint id of its own: a repeated refusal of the one before must not count as an answer of this one.
func (c *client) next(err error) {
	if len(c.addrs) == 0 {
		c.fail(err)
		return
	}
	f := c.f
	if f.state == requested {
		f.eid = f.a.ids.id(f.slot, f.a.env.Rand.Uint32())
		f.rxq.clear()
	}
	f.raddr, c.addrs = c.addrs[0], c.addrs[1:]
	f.state = requested
	c.wait = retryFirst
	c.ask()
}

// ask sends the request and arms its repetition.
func (c *client) ask() {
	f, q := c.f, c.req.QoS
	err := f.a.send(f.raddr, wire.FA{
		Source: f.a.cfg.DT.Address(), SEID: f.eid, Bandwidth: q.Bandwidth, Delay: q.Delay, Loss: q.Loss,
		BER: q.BER, MaxGap: q.MaxGap, Timeout: q.Timeout, Code: wire.FlowReq,
		Availability: q.Availability, InOrder: q.InOrder,
	}, c.req.Hash, c.req.Piggyback)
	if errors.Is(err, core.ErrMsgSize) {
		c.fail(err) // it will not become shorter; any other trouble may pass
		return
	}
	f.timer.Reset(c.wait)
	c.wait = min(2*c.wait, retryMax)
}

// again is called by the flow's timer: no answer yet.
func (c *client) again() {
	c.f.a.st.Retries++
	c.ask()
}

// reply takes the answer. Later ones are repetitions and say nothing new (spec 03 D7).
func (c *client) reply(m wire.FA, piggyback []byte) {
	f := c.f
	if c.ended || f.state != requested {
		return
	}
	if m.Response < 0 {
		f.timer.Stop()
		c.next(core.Code(-m.Response))
		return
	}
	c.ended = true
	f.timer.Stop()
	f.reid, f.state = m.SEID, active
	f.a.env.Trace.Note(f.a.env.Now(), trace.FlowAllocated, f.eid, f.reid)
	c.done(f, core.FlowReply{MPL: f.a.cfg.MPL, Piggyback: piggyback}, nil)
}

func (c *client) fail(err error) {
	if c.ended {
		return
	}
	c.ended = true
	if c.cancel != nil {
		c.cancel()
	}
	f := c.f
	f.a.env.Trace.Note(f.a.env.Now(), trace.FlowFailed, uint64(core.CodeOf(err)), 0)
	f.discard()
	c.done(nil, core.FlowReply{}, err)
}

// giveUp cancels the request.
func (c *client) giveUp() {
	if c.ended {
		return
	}
	c.ended = true
	if c.cancel != nil {
		c.cancel()
	}
	if c.f != nil {
		c.f.discard()
	}
}
