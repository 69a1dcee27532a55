package node

import (
	"fmt"

	"ouroboros/core"
)

// pair is an adjacency of a layer: a connects to b over the layer lower.
type pair struct {
	a, b  *Member
	lower core.Name
	below *Layer // that provides lower, nil over a wire
	asked bool   // a was told to connect to b, in the present life of both
	busy  bool   // and has not answered yet
	life  uint32 // counts these attempts and the ends of either life, to know late answers
	err   error  // of the first attempt; a goes on all the same
}

// Pairs calls yield for each adjacency of the layer, be it there now or not, once for each of its two ends.
// Nodes that share several wires are adjacent several times.
func (l *Layer) Pairs(yield func(from, to *System)) {
	for _, p := range l.pairs {
		yield(p.a.System, p.b.System)
		yield(p.b.System, p.a.System)
	}
}

// other returns the other end.
func (p *pair) other(m *Member) *Member {
	if p.a == m {
		return p.b
	}
	return p.a
}

// usable reports whether both ends have the layer below.
func (p *pair) usable() bool {
	for _, m := range []*Member{p.a, p.b} {
		if !m.System.alive {
			return false
		}
		if p.below != nil && !p.below.has(m.System) {
			return false
		}
	}
	return true
}

// attend connects the pairs whose ends are both in the layer, and has the end that is not enroll with the
// other. It is called when something has changed at one end.
func (l *Layer) attend(pairs []*pair) {
	for _, p := range pairs {
		if !p.usable() {
			continue
		}
		switch {
		case p.a.In() && p.b.In():
			p.connect()
		case p.a.state == seeking && p.b.In():
			p.a.System.Env.Post(p.a.seek)
		case p.b.state == seeking && p.a.In():
			p.b.System.Env.Post(p.b.seek)
		}
	}
}

// whole tells the routing policy static that its map is: all pairs have been told to connect. Where members come
// and go it never is, and members go on to look at it.
func (l *Layer) whole() {
	if l.net.changing {
		return
	}
	for _, p := range l.pairs {
		if !p.asked {
			return
		}
	}
	l.offline.Complete()
}

// connect has a connect to b. What a keeps of an earlier life of b goes first.
func (p *pair) connect() {
	if p.asked {
		return
	}
	p.asked, p.err = true, nil
	l, a, ipcp := p.a.Layer, p.a, p.a.ipcp
	if l.offline != nil {
		l.offline.Link(p.a.Address(), p.b.Address(), 1)
		l.whole()
	}
	if !a.here() {
		return
	}
	l.net.connecting++
	p.life++
	life := p.life
	p.busy = true
	a.System.Env.Post(func() {
		if p.life != life {
			return
		}
		ipcp.disconnect(p.b.ipcpName())
		ipcp.connect(p.b.ipcpName(), p.lower, l.dataQoS(p), func(err error) {
			if p.life == life {
				p.err = err
				p.settle()
			}
		})
	})
}

// settle notes that a is not connecting to b any more.
func (p *pair) settle() {
	if p.busy {
		p.busy = false
		p.a.Layer.net.connecting--
	}
}

// reset notes that one end, or the layer below it, has gone.
func (p *pair) reset() {
	p.asked, p.err = false, nil
	p.life++
	p.settle()
}

// tidy has a give up its connection to b, which has left, unless it is back soon.
func (p *pair) tidy(left *Member) {
	if left != p.b || !p.a.In() || !p.a.here() {
		return
	}
	life, ipcp := p.life, p.a.ipcp
	p.a.System.Env.NewTimer(func() {
		if p.life == life {
			ipcp.disconnect(p.b.ipcpName())
		}
	}).Reset(tidyAfter)
}

// why says why a is not connected to b, nil if it is or if there is no reason that it should be.
func (p *pair) why() error {
	if p.err == nil || !p.a.here() || !p.usable() || p.a.ipcp.connected(p.b) {
		return nil
	}
	return fmt.Errorf("layer %s: %w", p.a.Layer.Name, p.err)
}

// dataQoS returns what a member asks of the flow to a neighbour. A direct link tells of every loss of its
// peer itself, so keepalives over it would show nothing.
func (l *Layer) dataQoS(p *pair) core.QoS {
	q := l.qos
	if w := l.net.Wire(string(p.lower)); !l.given && p.below == nil && w != nil && w.Shim == shimDirect {
		q.Timeout = 0
	}
	return q
}
