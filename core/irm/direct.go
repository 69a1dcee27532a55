package irm

import (
	"fmt"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/loop"
	"ouroboros/core/trace"
)

const (
	// DirectMPL is the maximum packet lifetime of direct flows (DIRECT_MPL, spec 13 §13.10).
	DirectMPL = time.Millisecond
	// MaxDirect is how many ends of direct flows can stand at a time (SYS_MAX_FLOWS, spec 13 §13.10).
	MaxDirect = 10_240
	// firstDirect is the number of the first end of a direct flow, as in the layers.
	firstDirect = 64
)

// directFlows returns what direct flows have in common.
func directFlows(env core.Env, queue int) loop.Layer {
	if queue <= 0 {
		queue = loop.QueueLen
	}
	return loop.Layer{Env: env, Queue: queue, Info: core.FlowInfo{MTU: loop.MTU, MPL: DirectMPL}}
}

// near reports whether somebody on this system listens to the name who can have a direct flow with who asks.
func (a *allocation) near() bool {
	b := a.b
	if !b.cfg.Direct || a.r.Layer != "" {
		return false
	}
	e := b.names[a.r.Name]
	return e != nil && slices.ContainsFunc(e.listeners, func(l *listener) bool { return b.direct(a.c, l) })
}

// startable reports whether a program can be started for the name on this system.
func (a *allocation) startable() bool {
	b := a.b
	if !b.cfg.Direct || a.r.Layer != "" || b.cfg.Spawn == nil {
		return false
	}
	e := b.names[a.r.Name]
	return e != nil && len(e.autos) > 0
}

// local asks who listens on this system for the flow, or has somebody started who will. The handshake runs
// between the two as through any layer.
func (a *allocation) local() {
	if piggyback, ok := a.greet(); ok {
		d := &direct{a: a, piggyback: piggyback}
		a.step = d.cancel
		a.b.env.Post(d.arrive)
	}
}

// direct is the request for a direct flow, at both of its ends.
type direct struct {
	a         *allocation
	piggyback []byte
	in        *incoming
	canceled  bool // nobody waits for the answer
	client    *loop.End
}

// arrive hands the request over as one that has arrived.
func (d *direct) arrive() {
	if d.canceled {
		return
	}
	d.in = &incoming{
		b: d.a.b, name: d.a.r.Name, near: d.a.c, direct: true,
		in: core.IncomingFlow{QoS: d.a.r.QoS, MPL: DirectMPL, Piggyback: d.piggyback, Respond: d.respond},
	}
	d.a.b.receive(d.in)
}

// respond is the listener's answer. It is a down-call: who asked is told from a posted one.
func (d *direct) respond(code core.Code, piggyback []byte) (core.Flow, error) {
	b := d.a.b
	switch {
	case d.canceled:
		return nil, fmt.Errorf("%w: the client has given up", core.ErrCanceled)
	case code == 0 && b.stats.DirectOpen+2 > MaxDirect:
		d.refuse(core.ErrAgain)
		return nil, fmt.Errorf("%w: %d ends of direct flows stand, the most that can", core.ErrAgain, b.stats.DirectOpen)
	case code != 0:
		d.refuse(code)
		return nil, nil
	}
	client, server := b.connect(d.a.r.QoS)
	d.client = client
	b.env.Post(func() {
		if !d.canceled {
			d.client = nil
			d.a.replied(client, core.FlowReply{MPL: DirectMPL, Piggyback: piggyback}, nil)
		}
	})
	return server, nil
}

// refuse tells who asked that there is no flow.
func (d *direct) refuse(code core.Code) {
	b := d.a.b
	b.env.Trace.Note(b.env.Now(), trace.FlowFailed, uint64(code), 0)
	b.env.Post(func() {
		if !d.canceled {
			d.a.replied(nil, core.FlowReply{}, code)
		}
	})
}

// cancel gives the request up. A flow that stands already is closed, and its other end is told.
func (d *direct) cancel() {
	d.canceled = true
	if d.in != nil && !d.in.answered && d.in.over == nil {
		d.in.over = fmt.Errorf("%w: the client has given up", core.ErrCanceled)
		d.a.b.unwait(d.in)
	}
	if d.client != nil {
		d.client.Close(0)
		d.client = nil
	}
}

// connect makes a direct flow.
func (b *Broker) connect(qos core.QoS) (client, server *loop.End) {
	if b.number == 0 {
		b.number = firstDirect - 1
		b.flows.Gone = b.gone
	}
	client, server = b.flows.Connect(qos, b.number+1, b.number+2)
	b.number += 2
	b.stats.Direct++
	b.stats.DirectOpen += 2
	for _, e := range []*loop.End{client, server} {
		b.env.Trace.Note(b.env.Now(), trace.FlowAllocated, e.Number(), 0)
	}
	return client, server
}

// gone notes that an end of a direct flow is over.
func (b *Broker) gone(e *loop.End) {
	b.stats.DirectOpen--
	b.env.Trace.Note(b.env.Now(), trace.FlowClosed, e.Number(), 0)
}
