package host

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/line"
)

const (
	etherHeader = 14    // bytes of an Ethernet header, which the MTU does not count
	maxDatagram = 65507 // bytes of payload of the largest UDP datagram over IPv4
	defaultMTU  = 1500
)

// wire is a link between two nodes: two UDP sockets on the loopback interface, connected to each other.
type wire struct {
	w    *World
	ends [2]*end
	up   bool
	cut  bool // by SetUp
}

// Link wires two nodes of this world. An Ethernet link carries whole frames as the payload of
// datagrams: a wire in a socket. A direct link exists in the simulator only, because a packet's
// metadata does not pass a socket.
func (w *World) Link(spec core.LinkSpec, a, b core.Env) (core.Wire, error) {
	na, nb := w.nodeOf(a), w.nodeOf(b)
	if na == nil || nb == nil {
		return nil, fmt.Errorf("link %q: nodes %q and %q: both must be nodes of this world", spec.Name, a.Path, b.Path)
	}
	info, err := infoOf(spec)
	if err != nil {
		return nil, err
	}
	socks, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("link %q: %w", spec.Name, err)
	}
	wi := &wire{w: w, up: true}
	for dir, env := range [2]core.Env{a, b} {
		n := w.nodeOf(env)
		n.ports++
		info.Addr = core.MACAddr([6]byte{0x02, byte(n.index >> 16), byte(n.index >> 8), byte(n.index), byte(n.ports >> 8), byte(n.ports)})
		if spec.Kind == core.LinkDatagram {
			info.Addr = socks[dir].addr
		}
		part := w.component(n, w.unique(n.name+"/link:"+spec.Name))
		ln, err := line.New(spec, part.Rand, part.Trace)
		if err == nil {
			wi.ends[dir], err = newEnd(w, n, info, ln, socks[dir])
		}
		if err != nil {
			socks[0].close()
			socks[1].close()
			return nil, err
		}
	}
	wi.ends[0].peer, wi.ends[1].peer = wi.ends[1], wi.ends[0]
	w.wires = append(w.wires, wi)
	wi.update()
	return wi, nil
}

// infoOf returns what both ends of a wire have in common.
func infoOf(spec core.LinkSpec) (core.LinkInfo, error) {
	info := core.LinkInfo{Kind: spec.Kind, MTU: spec.MTU, Rate: spec.Rate, Delay: spec.Delay, Up: true}
	if info.MTU == 0 {
		info.MTU = defaultMTU
	}
	largest := maxDatagram
	switch spec.Kind {
	case core.LinkEthernet:
		largest -= etherHeader
	case core.LinkDatagram:
	default:
		return info, fmt.Errorf("link %q: kind direct: accepted in live mode are ethernet and datagram", spec.Name)
	}
	if spec.IPv6 {
		return info, fmt.Errorf("link %q: ipv6: accepted in live mode are IPv4 datagrams", spec.Name)
	}
	if info.MTU < 0 || info.MTU > largest {
		return info, fmt.Errorf("link %q: mtu: %d: accepted in live mode is 1 to %d", spec.Name, info.MTU, largest)
	}
	return info, nil
}

// Ends returns the link as each node sees it.
func (wi *wire) Ends() (a, b core.Link) { return wi.ends[0].port, wi.ends[1].port }

// Spec returns the spec of one direction.
func (wi *wire) Spec(dir int) core.LinkSpec { return wi.ends[dir].line.Spec() }

// Stats returns the counters of one direction.
func (wi *wire) Stats(dir int) core.LinkStats { return wi.ends[dir].stats() }

// Set changes one direction.
func (wi *wire) Set(dir int, s core.LinkSpec) error {
	e := wi.ends[dir]
	old := e.line.Spec()
	s.Name, s.Kind, s.MTU, s.IPv6 = old.Name, old.Kind, old.MTU, old.IPv6
	now := wi.w.Now()
	if err := e.line.Set(now, s); err != nil {
		return err
	}
	e.info.Rate = s.Rate
	e.changed(now)
	return nil
}

// SetUp takes both directions down or up and tells the users, each in a call of its own. A wire to a
// node that was killed comes up when the node is revived.
func (wi *wire) SetUp(up bool) {
	wi.cut = !up
	wi.update()
}

// update takes the wire down or up if it is not as it should be.
func (wi *wire) update() {
	up := !wi.cut && !wi.ends[0].node.dead && !wi.ends[1].node.dead
	if wi.up == up {
		return
	}
	wi.up = up
	now := wi.w.Now()
	for _, e := range wi.ends {
		e.line.SetUp(now, up)
		e.changed(now)
		if d := e.line.Spec().Detect; d > 0 {
			wi.noticeIn(e, d)
			continue
		}
		wi.w.post(e.node, func() { e.tell(up) })
	}
}

// noticeIn has the user of an end told after a while, if the wire is not back by then to what it knows.
func (wi *wire) noticeIn(e *end, d time.Duration) {
	if e.notice == nil {
		e.notice = wi.w.newTimer(e.node, func() { e.tell(wi.up) })
	}
	e.notice.Reset(d)
}

// revive gives the ends at a killed node to its next life, which finds the wire as it is.
func (wi *wire) revive(old, next *node) {
	mine := [2]bool{wi.ends[0].node == old, wi.ends[1].node == old}
	for i, e := range wi.ends {
		if mine[i] {
			e.revive(next)
		}
	}
	wi.update()
	for i, e := range wi.ends {
		if mine[i] {
			e.info.Up = wi.up
		}
	}
}
