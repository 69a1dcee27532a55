package fa

import (
	"errors"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/trace"
	"ouroboros/core/wire"
)

const (
	// A request is repeated after retryFirst, and then after twice the pause before, up to retryMax.
	retryFirst = time.Second
	retryMax   = 8 * time.Second
	// turn is how often an address is asked before the next has its turn: with the pauses above it is given
	// up for the next after 3 s.
	turn = 2
)

// client is a request of this system under way (spec 03 §4.1).
type client struct {
	f       *flow
	req     core.FlowRequest
	done    func(core.Flow, core.FlowReply, error)
	addrs   []candidate // that have not refused; the first is being asked
	refusal error       // the last one
	cancel  func()      // of the directory query
	ended   bool
}

// candidate is an address of the name that was asked for. It has an endpoint id of its own: an answer to the
// one before must not count as an answer of this one.
type candidate struct {
	addr uint64
	eid  uint64 // 0 = not asked yet
	asks int
	wait time.Duration // for the answer to the last one
}

// AllocFlow asks for a flow to a name of the layer. If it is registered at several addresses they are tried
// in the order of the directory (anycast): the next when one refuses, has not answered for 3 s, or cannot be reached (Config.SkipUnreachable).
//
// done gets core.ErrName when the directory does not know the name or knows it at this member only, the
// error of the admission policy, or the last refusal once every address has been asked. If none has answered,
// they are asked again in turn until the request is canceled: how long that may take is for the caller to
// say.
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
		known := slices.ContainsFunc(c.addrs, func(y candidate) bool { return y.addr == x })
		if x != self && !known {
			c.addrs = append(c.addrs, candidate{addr: x, wait: retryFirst})
		}
	}
	if len(c.addrs) == 0 {
		c.fail(core.ErrName)
		return
	}
	if err := c.f.admit(); err != nil {
		c.fail(err)
		return
	}
	c.ask()
}

// ask sends the request to the first address and arms its repetition.
func (c *client) ask() {
	f, q, to := c.f, c.req.QoS, &c.addrs[0]
	switch {
	case f.state == idle:
		to.eid = f.eid
	case to.eid == 0:
		to.eid = f.a.ids.id(f.slot, f.a.env.Rand.Uint32())
	}
	if f.eid != to.eid { // what has come for the one before is not of this flow
		f.eid = to.eid
		f.rxq.clear()
	}
	f.raddr, f.state = to.addr, requested
	if to.asks > 0 {
		f.a.st.Retries++
	}
	to.asks++
	err := f.a.send(f.raddr, wire.FA{
		Source: f.a.cfg.DT.Address(), SEID: f.eid, Bandwidth: q.Bandwidth, Delay: q.Delay, Loss: q.Loss,
		BER: q.BER, MaxGap: q.MaxGap, Timeout: q.Timeout, Code: wire.FlowReq,
		Availability: q.Availability, InOrder: q.InOrder,
	}, c.req.Hash, c.req.Piggyback)
	if errors.Is(err, core.ErrMsgSize) {
		c.fail(err) // it will not become shorter; any other trouble may pass
		return
	}
	if f.a.cfg.SkipUnreachable && errors.Is(err, core.ErrIPCP) && len(c.addrs) > 1 && c.addrs[1].asks < to.asks {
		// There is no way to this one now, for instance because that member has left the layer and the directory does
		// not know it yet. Who has been asked less often has its turn at once.
		f.a.st.Unanswered++
		c.addrs = append(c.addrs[1:], c.addrs[0])
		c.ask()
		return
	}
	f.timer.Reset(to.wait)
	to.wait = min(2*to.wait, retryMax)
}

// again is called by the flow's timer: no answer yet. After some time the next address has its turn.
func (c *client) again() {
	if c.addrs[0].asks < turn {
		c.ask()
		return
	}
	if len(c.addrs) > 1 {
		c.f.a.st.Unanswered++
	}
	c.addrs = append(c.addrs[1:], c.addrs[0])
	c.next()
}

// next asks the first address, unless all have been asked and one has refused: that is the answer then.
func (c *client) next() {
	if len(c.addrs) == 0 || c.refusal != nil && c.addrs[0].asks > 0 {
		c.fail(c.refusal)
		return
	}
	c.ask()
}

// reply takes the answer. Later ones are repetitions and say nothing new (spec 03 D7).
func (c *client) reply(m wire.FA, piggyback []byte) {
	f := c.f
	if c.ended || f.state != requested {
		return
	}
	f.timer.Stop()
	if m.Response < 0 {
		c.refusal = core.Code(-m.Response)
		c.addrs = c.addrs[1:]
		c.next()
		return
	}
	c.ended = true
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
