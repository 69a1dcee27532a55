package remote_test

import (
	"testing"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/irm/remote"
	"ouroboros/sim"
)

// pipe is one end of a pair of queues between two actors of a world: a remote.Pipe.
type pipe struct {
	env     core.Env
	peer    *pipe
	user    remote.PipeUser
	arrived [][]byte // for this end, not received yet
	max     int
	limit   int  // messages that wait for an end before the other would block
	blocked bool // this end waits for Writable
	stuck   bool // nothing is received here
	closed  bool
	posted  bool
	log     *[][]byte // of what is received here
}

func newPipe(a, b core.Env, limit int) (x, y *pipe) {
	x, y = &pipe{env: a, max: 70_000, limit: limit}, &pipe{env: b, max: 70_000, limit: limit}
	x.peer, y.peer = y, x
	return x, y
}

func (p *pipe) Max() int { return p.max }

func (p *pipe) Attach(u remote.PipeUser) {
	p.user = u
	p.schedule()
}

func (p *pipe) Send(m []byte) error {
	switch {
	case len(m) > p.max || len(m) == 0:
		panic("a message of a length that the pipe does not take")
	case p.closed || p.peer.closed:
		return core.ErrFlowDown
	case len(p.peer.arrived) >= p.limit:
		p.blocked = true
		return core.ErrWouldBlock
	}
	p.peer.arrived = append(p.peer.arrived, append([]byte(nil), m...))
	p.peer.schedule()
	return nil
}

func (p *pipe) schedule() {
	if !p.posted {
		p.posted = true
		p.env.Post(p.receive)
	}
}

func (p *pipe) receive() {
	p.posted = false
	if p.user == nil || p.closed || p.stuck {
		return
	}
	for len(p.arrived) > 0 && !p.closed && !p.stuck {
		m := p.arrived[0]
		p.arrived = p.arrived[1:]
		if o := p.peer; o.blocked && len(p.arrived) < p.limit {
			o.blocked = false
			o.env.Post(func() {
				if !o.closed {
					o.user.Writable()
				}
			})
		}
		if p.log != nil {
			*p.log = append(*p.log, append([]byte(nil), m...))
		}
		p.user.Receive(m)
	}
	if p.peer.closed && !p.closed && len(p.arrived) == 0 {
		p.closed = true
		p.user.Closed(nil)
	}
}

func (p *pipe) Close() {
	p.closed = true
	p.peer.schedule()
}

// stick has an end receive nothing for now, and go on again.
func (p *pipe) stick(on bool) {
	p.stuck = on
	p.schedule()
}

func newWorld(*testing.T) coretest.World { return sim.New(1) }

func check(tb tester, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
