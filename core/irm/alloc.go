package irm

import (
	"fmt"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/oap"
)

// Pauses between two rounds over the layers, while a layer has not answered.
const (
	pauseFirst = 100 * time.Millisecond
	pauseMax   = 2 * time.Second
)

type phase uint8

const (
	looking    phase = iota // a layer is asked for the name
	queued                  // it waits for a place to do so
	pausing                 // all were asked, some did not answer
	requesting              // the flow is requested
	over
)

// allocation is a request for a flow on its way.
type allocation struct {
	b        *Broker
	c        *Client // who asks; nil: an IPCP, or whoever uses the broker itself
	r        core.Request
	done     func(core.Flow, error)
	deadline core.Time
	timer    core.Timer // for the step that is under way, at the latest for the deadline
	step     func()     // gives up what is under way
	phase    phase
	placed   bool // it has a place in the gate

	layers    []*layer // to be asked in this round
	silent    bool     // a layer did not answer in this round
	pause     time.Duration
	handshake *oap.Request
}

// Alloc asks the layers in their order who knows the name, each for at most QueryTimeout, and requests
// the flow from the first that does (spec 13 §13.3). done gets ErrIPCP when no layer knows the name,
// ErrName when only this system does, ErrTimedOut when the flow is not there by the deadline,
// ErrCrypt when the handshake fails, else what the layer or the remote side answered.
func (b *Broker) Alloc(r core.Request, done func(core.Flow, error)) (cancel func()) {
	a := b.newAllocation(nil, r, done)
	a.begin()
	return a.cancel
}

// newAllocation returns a request that has not begun.
func (b *Broker) newAllocation(c *Client, r core.Request, done func(core.Flow, error)) *allocation {
	if r.Timeout <= 0 {
		r.Timeout = AllocTimeout
	}
	a := &allocation{b: b, c: c, r: r, done: done, deadline: b.env.Now().Add(r.Timeout), pause: pauseFirst}
	a.timer = b.env.NewTimer(a.expired)
	return a
}

// admitted reports whether a process can have one more request under way. If it cannot, the request fails.
func (a *allocation) admitted() bool {
	c := a.c
	c.stats.Asked++
	switch {
	case c.closed:
		a.c = nil
		a.fail(core.ErrIRMD)
		return false
	case len(c.asks) >= MaxAllocs && !c.ipcp():
		a.fail(fmt.Errorf("%w: the process waits for %d flows, the most that it can", core.ErrAgain, MaxAllocs))
		return false
	}
	c.asks = append(c.asks, a)
	return true
}

// begin looks for the name.
func (a *allocation) begin() {
	if err := a.r.Name.Validate(); err != nil {
		a.fail(fmt.Errorf("%w: %w", core.ErrName, err))
		return
	}
	a.round()
}

// round starts to ask the layers from the first.
func (a *allocation) round() {
	if a.near() {
		a.local()
		return
	}
	a.silent, a.layers = false, a.layers[:0]
	for _, l := range a.b.layers {
		info := l.p.Layer()
		if info.Kind != core.KindBroadcast && (a.r.Layer == "" || a.r.Layer == info.Name) {
			a.layers = append(a.layers, l)
		}
	}
	a.lookUp()
}

// ask puts the question to the next layer.
func (a *allocation) ask() {
	if len(a.layers) == 0 {
		a.unknown()
		return
	}
	l := a.layers[0]
	a.layers = a.layers[1:]
	h := l.p.Layer().Hash.Sum(a.r.Name)
	a.phase = looking
	a.arm(QueryTimeout)
	a.step = l.p.Query(h, func(found bool) {
		if found {
			a.request(l, h)
			return
		}
		a.ask()
	})
}

// unknown ends a round in which no layer knew the name. A layer that was silent is asked again, unless
// the name is one of ours: then there is nobody else to be found.
func (a *allocation) unknown() {
	a.place()
	e := a.b.names[a.r.Name]
	others := func(l *listener) bool { return !a.c.self(l) }
	switch own := e != nil && slices.ContainsFunc(e.listeners, others); {
	case a.near(), !own && a.startable():
		a.local()
	case own:
		a.fail(fmt.Errorf("%w: %q is served by this system only", core.ErrName, a.r.Name))
	case !a.silent:
		a.fail(a.nobody())
	default:
		a.phase, a.step = pausing, nil
		a.arm(a.pause)
		a.pause = min(2*a.pause, pauseMax)
	}
}

func (a *allocation) nobody() error {
	if a.r.Layer != "" {
		return fmt.Errorf("%w: %q in layer %q", core.ErrIPCP, a.r.Name, a.r.Layer)
	}
	return fmt.Errorf("%w: %q", core.ErrIPCP, a.r.Name)
}

// request asks the layer that knows the name for the flow.
func (a *allocation) request(l *layer, h core.Hash) {
	if piggyback, ok := a.greet(); ok {
		a.step = l.p.AllocFlow(core.FlowRequest{Hash: h, QoS: a.r.QoS, Piggyback: piggyback}, a.replied)
	}
}

// greet begins the handshake and returns its request. If it cannot, the allocation fails.
func (a *allocation) greet() (piggyback []byte, ok bool) {
	a.place()
	cfg, err := a.b.cfg.Security.client(&a.r)
	if err != nil {
		a.fail(err)
		return nil, false
	}
	a.handshake, piggyback, err = oap.NewRequest(a.b.env, a.r.Name, cfg)
	if err != nil {
		a.fail(err)
		return nil, false
	}
	a.phase = requesting
	a.arm(a.deadline.Sub(a.b.env.Now()))
	return piggyback, true
}

func (a *allocation) replied(f core.Flow, reply core.FlowReply, err error) {
	if err != nil {
		a.fail(err)
		return
	}
	out, err := a.handshake.Verify(a.b.env, reply.Piggyback)
	if err != nil {
		a.b.responses.Refused++
		f.Close(0)
		a.fail(err)
		return
	}
	a.b.responses.Accepted++
	a.succeed(secure(f, out))
}

// join joins a broadcast layer.
func (a *allocation) join(name core.Name) {
	b := a.b
	i := slices.IndexFunc(b.layers, func(l *layer) bool {
		info := l.p.Layer()
		return info.Kind == core.KindBroadcast && info.Name == name
	})
	if i < 0 {
		a.fail(fmt.Errorf("%w: no broadcast layer %q on this system", core.ErrIPCP, name))
		return
	}
	if b.cfg.Security.Force {
		a.fail(fmt.Errorf("%w: this system encrypts every flow, and those of broadcast layer %q cannot be", core.ErrCrypt, name))
		return
	}
	a.phase = requesting
	a.timer.Reset(AllocTimeout)
	a.step = b.layers[i].p.Join(func(f core.Flow, err error) {
		if err != nil {
			a.fail(err)
			return
		}
		a.succeed(f)
	})
}

// arm sets the timer for d, at the latest for the deadline.
func (a *allocation) arm(d time.Duration) {
	a.timer.Reset(min(d, a.deadline.Sub(a.b.env.Now())))
}

// expired runs when the step under way has had its time.
func (a *allocation) expired() {
	late := !a.b.env.Now().Before(a.deadline)
	if a.step != nil {
		a.step()
		a.step = nil
	}
	switch {
	case late && (a.phase == requesting || a.phase == queued):
		a.fail(core.ErrTimedOut)
	case late:
		a.fail(a.nobody())
	case a.phase == looking:
		a.silent = true
		a.ask()
	case a.phase == pausing:
		a.round()
	}
}

// succeed hands the flow over. It is called from an answer of the layer, never on the stack of Alloc.
func (a *allocation) succeed(f core.Flow) {
	if a.phase == over {
		f.Close(0)
		return
	}
	a.end()
	a.forget()
	if a.c != nil {
		a.c.stats.Granted++
	}
	a.done(f, nil)
}

// fail reports the error from a posted call: it may be known on the stack of Alloc.
func (a *allocation) fail(err error) {
	if a.phase == over {
		return
	}
	a.end()
	canceled := false
	a.step = func() { canceled = true }
	a.b.env.Post(func() {
		if !canceled && (a.c == nil || !a.c.closed) {
			a.forget()
			a.done(nil, err)
		}
	})
}

// forget takes the request out of those of its process.
func (a *allocation) forget() {
	if a.c == nil {
		return
	}
	if i := slices.Index(a.c.asks, a); i >= 0 {
		a.c.asks = slices.Delete(a.c.asks, i, i+1)
	}
}

func (a *allocation) end() {
	a.place()
	a.timer.Stop()
	a.phase, a.step = over, nil
}

// cancel gives the request up. The layer drops what it has of it.
func (a *allocation) cancel() {
	if a.step != nil {
		a.step()
	}
	a.end()
	a.forget()
}
