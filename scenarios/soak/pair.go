package soak

import (
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/frcp"
	"ouroboros/scenarios/node"
)

// pair is a flow of the plan while it runs: both programs, and the flows that they have had.
type pair struct {
	*Flow
	r        *run
	index    int
	params   frcp.Params
	from, to *node.System
	count    uint32 // lives so far
	cur      *end   // at from, in the present life
	tos      []*end // at to, all
	asked    core.Time
	asking   bool
	life     int // of the node at from
	cancel   func()
	retry    core.Timer
	hush     func() // stops listening
	stopped  bool

	secret    bool // its packets are encrypted
	protected bool // from bit errors
}

// A number of a flow is that of its pair, and below that of its life.
const (
	lifeBits = 14
	lifeMask = 1<<lifeBits - 1
)

// again is how long a program waits before it asks for another flow.
const again = 1500 * time.Millisecond

// allocTimeout is the deadline of a request; a broker must answer by then.
const allocTimeout = 20 * time.Second

func (r *run) pair(i int, f *Flow) (*pair, error) {
	p := &pair{Flow: f, r: r, index: i, from: r.n.System(f.From), to: r.n.System(f.To)}
	p.secret, p.protected = r.p.encrypted(f), r.p.protected(f)
	var err error
	if p.params, err = f.params(); err != nil {
		return nil, err
	}
	p.listen()
	p.arm(core.Time(f.Start))
	for _, s := range []*node.System{p.from, p.to} {
		s.OnKill(func() { p.killed(s) })
		s.OnRevive(func() { p.revived(s) })
	}
	r.at(core.Time(f.Stop), p.stop)
	r.at(core.Time(f.Stop).Add(f.Lag.D()), p.hushed)
	return p, nil
}

// arm has the flow be asked for at a time.
func (p *pair) arm(at core.Time) {
	p.retry = p.from.Env.NewTimer(p.ask)
	p.retry.Reset(max(at.Sub(p.from.Env.Now()), 0))
}

// listen makes the program at to known.
func (p *pair) listen() {
	name := core.Name(p.Name)
	if err := p.to.Broker.Register(name, core.Name(p.Layer)); err != nil {
		p.r.violate(promiseStuck, p, nil, "the name cannot be registered: %v", err)
		return
	}
	stop, err := p.to.Broker.Listen(name, p.request)
	if err != nil {
		p.r.violate(promiseStuck, p, nil, "nobody can listen: %v", err)
		return
	}
	p.hush = func() {
		stop()
		_ = p.to.Broker.Unregister(name)
	}
}

// request takes a request for the flow at to.
func (p *pair) request(in core.Incoming) {
	accept := func() {
		f, err := in.Accept()
		if err != nil {
			p.r.fail("accept", err)
			return
		}
		if p.stopped {
			f.Close(0)
			return
		}
		e, err := p.newEnd(1, p.to, f)
		if err != nil {
			p.r.fail("wrap", err)
			return
		}
		p.tos = append(p.tos, e)
	}
	if p.Accept == 0 {
		accept()
		return
	}
	p.to.Env.NewTimer(accept).Reset(p.Accept.D())
}

// ask asks for a flow.
func (p *pair) ask() {
	if p.stopped || p.asking || p.cur != nil || !p.from.Alive() {
		return
	}
	p.asking, p.asked = true, p.r.now()
	life := p.life
	p.cancel = p.from.Broker.Alloc(core.Request{
		Name: core.Name(p.Name), Layer: core.Name(p.Layer), QoS: p.QoS.Spec(), Timeout: allocTimeout, Encrypt: p.Encrypt, Authenticate: p.Authenticate,
	}, func(f core.Flow, err error) {
		if life != p.life || p.stopped {
			p.r.violate(promiseStuck, p, nil, "a request is answered that was given up or whose node was killed")
			return
		}
		p.asking, p.cancel = false, nil
		p.answered(f, err)
	})
}

// answered takes the flow, or tries again later.
func (p *pair) answered(f core.Flow, err error) {
	if err != nil {
		p.r.fail("alloc", err)
		p.retry.Reset(again)
		return
	}
	e, err := p.newEnd(0, p.from, f)
	if err != nil {
		p.r.fail("wrap", err)
		p.retry.Reset(again)
		return
	}
	p.count++
	l := &life{p: p, id: uint32(p.index+1)<<lifeBits | p.count&lifeMask}
	for way := range l.ways {
		l.ways[way].of, l.ways[way].last = id{l.id, byte(way)}, -1
	}
	l.ends[0], e.l, p.cur = e, l, e
	if p.secret && e.flow.Info().Cipher == 0 {
		e.violate(promiseClear, "the flow is to be encrypted and is not")
	}
	p.r.lives[l.id] = l
	p.r.res.Lives++
	e.begin()
}

// ended takes the end of a flow at one of its ends.
func (p *pair) ended(e *end) {
	p.r.fail("flow", e.err)
	if p.cur == e {
		p.cur = nil
		if !p.stopped {
			p.retry.Reset(again)
		}
	}
}

// killed notes that a node has ended.
func (p *pair) killed(s *node.System) {
	if s == p.from {
		p.life++
		p.asking, p.cancel = false, nil
		if p.cur != nil {
			p.cur.kill()
			p.cur = nil
		}
		for _, l := range p.r.ends {
			if l.p == p && l.which == 0 && !l.dead {
				l.kill()
			}
		}
	}
	if s == p.to {
		p.hush = nil
		for _, e := range p.tos {
			if !e.dead {
				e.kill()
			}
		}
	}
}

// revived starts the program of a node again.
func (p *pair) revived(s *node.System) {
	if p.stopped {
		return
	}
	if s == p.to {
		p.listen()
	}
	if s == p.from {
		p.arm(max(p.r.now(), core.Time(p.Start)))
	}
}

// stop ends the program at from.
func (p *pair) stop() {
	if p.stopped {
		return
	}
	p.r.finalCheck(p)
	p.stopped = true
	if p.cancel != nil && p.from.Alive() {
		p.cancel()
	}
	p.asking = false
	p.retry.Stop()
	if p.cur != nil {
		p.cur.close()
	}
}

// hushed ends the program at to.
func (p *pair) hushed() {
	if p.hush != nil && p.to.Alive() {
		p.hush()
	}
	for _, e := range p.tos {
		if e.told == clock.Never && !e.dead {
			e.close()
		}
	}
}
