package sim

import (
	"errors"
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

	frame  int   // largest frame in bytes; -1: the node has another life
	astray tally // datagrams to an address that is not the other end

	id      uint64      // order of its arrivals
	roomID  uint64      // order of its Writable
	ref     uint32      // in the kernel's table
	pending clock.Time  // time of the valid arrival event, Never when there is none
	roomAt  clock.Time  // time of the valid event of Writable, while blocked
	blocked bool        // the user waits for Writable
	notice  clock.Timer // the user learns of the state of the wire; nil until it is first needed
}

// Info describes this end.
func (l *end) Info() core.LinkInfo { return l.info }

// Queued returns how many packets wait to be sent.
func (l *end) Queued() int { return l.line.Queued(l.k.time()) }

// Attach sets the user of this end.
func (l *end) Attach(u core.LinkUser) { l.user = u }

// Send puts a packet on the line. One that is larger than the MTU allows is dropped with a core.SizeError.
func (l *end) Send(p *pkt.Buf, _ core.Addr) error {
	if p.Len() > l.frame {
		return l.refuse(p)
	}
	now := l.k.time()
	if tap := l.k.tap; tap != nil && !l.line.Blocks(now, p.Len()) {
		tap(l.wire, l.dir, now, p)
	}
	if err := l.line.Send(now, p); err != nil {
		if errors.Is(err, core.ErrWouldBlock) && !l.blocked {
			l.blocked = true
			l.awaitRoom(now)
		}
		if l.info.Up && l.line.Spec().Detect > 0 && errors.Is(err, core.ErrFlowDown) {
			return nil // nobody knows yet that the wire is down
		}
		return err
	}
	if next := l.line.Next(); next < l.pending {
		l.expect(next)
	}
	return nil
}

// refuse drops a packet that the line does not take.
func (l *end) refuse(p *pkt.Buf) error {
	defer p.Release()
	if l.frame < 0 {
		return core.ErrFlowDown
	}
	return core.SizeError{Len: p.Len(), MTU: l.frame}
}

// expect enters the event of the next arrival and makes it the valid one. A void event that stands at the
// same time does no harm: whichever comes first takes the packet.
func (l *end) expect(next clock.Time) {
	l.pending = next
	if next != clock.Never {
		l.k.schedule(next, l.id, evLink, l.ref)
	}
}

// awaitRoom enters the event of the Writable of a blocked user and makes it the valid one.
func (l *end) awaitRoom(now clock.Time) {
	l.roomAt = l.line.Room(now)
	l.k.schedule(l.roomAt, l.roomID, evRoom, l.ref)
}

// changed brings the events up to date after the line was changed.
func (l *end) changed(now clock.Time) {
	if next := l.line.Next(); next != l.pending {
		l.expect(next)
	}
	if l.blocked {
		l.awaitRoom(now)
	}
}

// arrive hands the packet that is due to the other end. The next arrival is entered first, because the
// receiver may send.
func (l *end) arrive(now clock.Time) {
	if now != l.pending {
		return
	}
	to := l.peer
	if to.user == nil || to.node.dead {
		l.line.Discard(now)
		l.expect(l.line.Next())
		return
	}
	p := l.line.Pop(now)
	l.expect(l.line.Next())
	if p != nil {
		to.user.Receive(p, l.info.Addr)
	}
}

// room tells a blocked user that there is room again.
func (l *end) room(now clock.Time) {
	if !l.blocked || now != l.roomAt {
		return
	}
	l.blocked = false
	if l.user != nil && !l.node.dead {
		l.user.Writable()
	}
}

// Tap sees every frame that a node sends and the line takes, before it decides what becomes of it. It must
// not keep p.
type Tap func(w core.Wire, dir int, now clock.Time, p *pkt.Buf)

// wire is a link between two nodes.
type wire struct {
	w    *World
	name string
	ends [2]*end
	up   bool
	cut  bool // by SetUp
}

// Ends returns the link as each node sees it.
func (w *wire) Ends() (a, b core.Link) { return w.ends[0].link(), w.ends[1].link() }

// Name returns the name of the wire.
func (w *wire) Name() string { return w.name }

// Spec returns the spec of one direction.
func (w *wire) Spec(dir int) core.LinkSpec { return w.ends[dir].line.Spec() }

// Stats returns the counters of one direction.
func (w *wire) Stats(dir int) core.LinkStats {
	e := w.ends[dir]
	st := e.line.Stats(w.w.k.time())
	st.SentPackets += e.astray.packets
	st.SentBytes += e.astray.bytes
	st.DropLoss += e.astray.packets
	return st
}

// Set changes one direction.
func (w *wire) Set(dir int, s core.LinkSpec) error {
	e := w.ends[dir]
	now := w.w.k.time()
	old := e.line.Spec()
	s.Name, s.Kind, s.MTU, s.IPv6 = old.Name, old.Kind, old.MTU, old.IPv6
	if err := e.line.Set(now, s); err != nil {
		return err
	}
	e.info.Rate, e.info.Delay = s.Rate, s.Delay
	e.changed(now)
	return nil
}

// SetUp takes both directions down or up and tells the users, each in a call of its own. A wire to a node
// that has ended comes up when the node is revived.
func (w *wire) SetUp(up bool) {
	w.cut = !up
	w.update()
}

// update takes the wire down or up if it is not as it should be.
func (w *wire) update() {
	up := !w.cut && !w.ends[0].node.dead && !w.ends[1].node.dead
	if w.up == up {
		return
	}
	w.up = up
	now := w.w.k.time()
	for _, e := range w.ends {
		e.line.SetUp(now, up)
		e.changed(now)
		if d := e.line.Spec().Detect; d > 0 {
			e.noticeIn(d)
			continue
		}
		e.node.x.Post(func() { e.tell(up) })
	}
}

// tell has the user know the state of the wire, unless it does.
func (l *end) tell(up bool) {
	if l.info.Up == up {
		return
	}
	l.info.Up = up
	if l.user != nil {
		l.user.LinkState(up)
	}
}

// revive gives the ends at a killed node to its next life.
func (w *wire) revive(old, next *node) {
	mine := [2]bool{w.ends[0].node == old, w.ends[1].node == old}
	for i, m := range mine {
		if m {
			w.ends[i] = w.ends[i].revive(next)
		}
	}
	w.ends[0].peer, w.ends[1].peer = w.ends[1], w.ends[0]
	w.update()
	for i, m := range mine {
		if m {
			w.ends[i].info.Up = w.up // the new life finds it so
		}
	}
}

// revive returns the end in the next life of its node, with the line and its events. What the old life
// holds is inert from then on.
func (l *end) revive(next *node) *end {
	e := *l
	e.node, e.user, e.blocked, e.notice = next, nil, false, nil
	l.k.links[l.ref] = &e
	l.frame, l.blocked, l.info.Up = -1, false, false
	return &e
}

// noticeIn has the user told after a while, if the wire is not back by then to what it knows.
func (l *end) noticeIn(d time.Duration) {
	if l.notice == nil {
		l.notice = l.node.x.NewTimer(func() { l.tell(l.wire.up) })
	}
	l.notice.Reset(d)
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

// frameMax returns the largest frame in bytes that a link takes.
func frameMax(s core.LinkSpec) int {
	if s.Kind == core.LinkEthernet {
		return mtuOf(s) + etherHeader
	}
	return mtuOf(s)
}

// etherHeader is the length of an Ethernet header, which the MTU does not count.
const etherHeader = 14

// Link wires two nodes of this world.
func (w *World) Link(spec core.LinkSpec, a, b core.Env) (core.Wire, error) {
	na, nb := w.nodeOf(a), w.nodeOf(b)
	if na == nil || nb == nil || na.dead || nb.dead {
		return nil, fmt.Errorf("link %q: nodes %q and %q: both must be living nodes of this world", spec.Name, a.Path, b.Path)
	}
	if err := line.Validate(spec); err != nil {
		return nil, err
	}
	wi := &wire{w: w, name: spec.Name, up: true}
	for dir, n := range []*node{na, nb} {
		e, err := w.newEnd(n, spec)
		if err != nil {
			return nil, err
		}
		e.wire, e.dir = wi, dir
		wi.ends[dir] = e
	}
	if spec.Kind == core.LinkDatagram {
		w.address(wi, spec.IPv6)
	}
	wi.ends[0].peer, wi.ends[1].peer = wi.ends[1], wi.ends[0]
	w.wires = append(w.wires, wi)
	return wi, nil
}

// newEnd makes the end of a wire at node n.
func (w *World) newEnd(n *node, spec core.LinkSpec) (*end, error) {
	env := n.env.Derive("link:" + spec.Name)
	ln, err := line.New(spec, env.Rand, env.Trace)
	if err != nil {
		return nil, err
	}
	e := &end{k: w.k, node: n, line: ln, frame: frameMax(spec), ref: uint32(len(w.k.links)), pending: clock.Never}
	e.id, e.roomID = n.nextID(), n.nextID()
	n.ports++
	e.info = core.LinkInfo{
		Kind: spec.Kind, MTU: mtuOf(spec), Rate: spec.Rate, Delay: spec.Delay, Up: true,
		Addr: core.MACAddr([6]byte{0x02, byte(n.index >> 16), byte(n.index >> 8), byte(n.index), byte(n.ports >> 8), byte(n.ports)}),
	}
	w.k.links = append(w.k.links, e)
	return e, nil
}
