package sim

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/line"
	"ouroboros/core/pkt"
)

// end is one end of a wire: the link that its node sends on, with the line to the other end.
type end struct {
	k    *kernel
	node *node
	peer *end
	user core.LinkUser
	line *line.Line
	info core.LinkInfo
	wire *wire
	dir  int

	id      uint64     // order of its arrivals
	roomID  uint64     // order of its Writable
	ref     uint32     // in the kernel's table
	pending clock.Time // time of the valid arrival event, Never when there is none
	blocked bool       // the user waits for Writable
}

// Info describes this end.
func (l *end) Info() core.LinkInfo { return l.info }

// Queued returns how many packets wait to be sent.
func (l *end) Queued() int { return l.line.Queued(l.k.time()) }

// Attach sets the user of this end.
func (l *end) Attach(u core.LinkUser) { l.user = u }

// Send puts a packet on the line.
func (l *end) Send(p *pkt.Buf, _ core.Addr) error {
	now := l.k.time()
	if tap := l.wire.tap; tap != nil {
		tap(l.wire, l.dir, now, p)
	}
	if err := l.line.Send(now, p); err != nil {
		if err == core.ErrWouldBlock && !l.blocked {
			l.blocked = true
			l.k.schedule(l.line.Room(now), l.roomID, evRoom, l.ref)
		}
		return err
	}
	if next := l.line.Next(); next < l.pending {
		l.pending = next
		l.k.schedule(next, l.id, evLink, l.ref)
	}
	return nil
}

// arrive hands the packet that is due to the other end. The next arrival is entered first, because the
// receiver may send.
func (l *end) arrive(at int64) {
	if clock.Time(at) != l.pending {
		return
	}
	p := l.line.Pop(clock.Time(at))
	l.pending = l.line.Next()
	if l.pending != clock.Never {
		l.k.schedule(l.pending, l.id, evLink, l.ref)
	}
	if p == nil {
		return
	}
	to := l.peer
	if to.user == nil || to.node.dead {
		l.line.Drop(clock.Time(at), p)
		return
	}
	to.user.Receive(p, l.info.Addr)
}

// room tells a blocked user that there is room again.
func (l *end) room(int64) {
	if !l.blocked {
		return
	}
	l.blocked = false
	if l.user != nil && !l.node.dead {
		l.user.Writable()
	}
}

// Tap sees every frame that a node sends, before the line decides about it. It must not keep p.
type Tap func(w core.Wire, dir int, now clock.Time, p *pkt.Buf)

// wire is a link between two nodes.
type wire struct {
	w    *World
	name string
	ends [2]*end
	tap  func(w *wire, dir int, now clock.Time, p *pkt.Buf)
	up   bool
}

// Ends returns the link as each node sees it.
func (w *wire) Ends() (a, b core.Link) { return w.ends[0], w.ends[1] }

// Name returns the name of the wire.
func (w *wire) Name() string { return w.name }

// Spec returns the spec of one direction.
func (w *wire) Spec(dir int) core.LinkSpec { return w.ends[dir].line.Spec() }

// Stats returns the counters of one direction.
func (w *wire) Stats(dir int) core.LinkStats { return w.ends[dir].line.Stats(w.w.k.time()) }

// Set changes one direction.
func (w *wire) Set(dir int, s core.LinkSpec) error {
	e := w.ends[dir]
	now := w.w.k.time()
	old := e.line.Spec()
	s.Name, s.Kind, s.MTU = old.Name, old.Kind, old.MTU
	if err := e.line.Set(now, s); err != nil {
		return err
	}
	e.info.Rate = s.Rate
	if next := e.line.Next(); next != e.pending {
		e.pending = next
		if next != clock.Never {
			w.w.k.schedule(next, e.id, evLink, e.ref)
		}
	}
	e.wakeNow(now)
	return nil
}

// wakeNow lets a blocked user try again at this instant: the queue has changed under it.
func (l *end) wakeNow(now clock.Time) {
	if l.blocked {
		l.k.schedule(now, l.roomID, evRoom, l.ref)
	}
}

// SetUp takes both directions down or up and tells the users, each in a call of its own.
func (w *wire) SetUp(up bool) {
	if w.up == up {
		return
	}
	w.up = up
	now := w.w.k.time()
	for _, e := range w.ends {
		e.line.SetUp(now, up && !w.ends[0].node.dead && !w.ends[1].node.dead)
		e.info.Up = up
		if next := e.line.Next(); next != e.pending {
			e.pending = next
			if next != clock.Never {
				w.w.k.schedule(next, e.id, evLink, e.ref)
			}
		}
		e.wakeNow(now)
		if e.node.dead {
			continue
		}
		e.node.x.Post(func() {
			if e.user != nil {
				e.user.LinkState(up)
			}
		})
	}
}

// mtuOf returns the MTU of a spec with its default.
func mtuOf(s core.LinkSpec) int {
	switch {
	case s.MTU > 0:
		return s.MTU
	case s.Kind == core.LinkDirect:
		return 65535
	}
	return 1500
}

// Link wires two nodes of this world.
func (w *World) Link(spec core.LinkSpec, a, b core.Env) (core.Wire, error) {
	na, nb := w.nodes[nodeOf(a.Path)], w.nodes[nodeOf(b.Path)]
	if na == nil || nb == nil {
		return nil, fmt.Errorf("link %q: nodes %q and %q: both must be nodes of this world", spec.Name, a.Path, b.Path)
	}
	if spec.Kind == core.LinkDatagram {
		return nil, fmt.Errorf("link %q: kind datagram: the simulator has Ethernet and direct links", spec.Name)
	}
	wi := &wire{w: w, name: spec.Name, up: true}
	for dir, n := range []*node{na, nb} {
		env := n.env.Derive("link:" + spec.Name)
		ln, err := line.New(spec, env.Rand, env.Trace)
		if err != nil {
			return nil, err
		}
		e := &end{k: w.k, node: n, line: ln, wire: wi, dir: dir, ref: uint32(len(w.k.links)), pending: clock.Never}
		e.id, e.roomID = n.nextID(), n.nextID()
		n.ports++
		e.info = core.LinkInfo{
			Kind: spec.Kind, MTU: mtuOf(spec), Rate: spec.Rate, Up: true,
			Addr: core.MACAddr([6]byte{0x02, byte(n.index >> 16), byte(n.index >> 8), byte(n.index), byte(n.ports >> 8), byte(n.ports)}),
		}
		wi.ends[dir] = e
		w.k.links = append(w.k.links, e)
	}
	wi.ends[0].peer, wi.ends[1].peer = wi.ends[1], wi.ends[0]
	w.wires = append(w.wires, wi)
	if w.tap != nil {
		wi.tap = w.tapWire
	}
	return wi, nil
}

// delayOf is the time a frame of n bytes takes on an empty wire, for expectations.
func delayOf(s core.LinkSpec, n int) time.Duration {
	if s.Rate == 0 {
		return s.Delay
	}
	return s.Delay + time.Duration(uint64(n+s.Overhead)*8*1e9/uint64(s.Rate))
}
