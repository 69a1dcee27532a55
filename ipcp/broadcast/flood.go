package broadcast

import (
	"slices"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
)

// maxPorts bounds the flows that are attached to a member (PROG_MAX_FLOWS, spec 13 §13.10).
const maxPorts = 4096

// Stats are the counters of an attached flow, or of all together.
type Stats struct {
	Sent, Received Counter
	DropQueue      Counter // the flow was slow, and its queue full
	DropWrite      Counter // the N-1 flow is down, or takes only shorter packets
	DropSize       Counter // longer than MTU
	DropBlocked    Counter // on a connection that is not part of the tree
	DropGuard      Counter // more than an unprotected connection may bring
}

func (s *Stats) add(t *Stats) {
	s.Sent.sum(t.Sent)
	s.Received.sum(t.Received)
	s.DropQueue.sum(t.DropQueue)
	s.DropWrite.sum(t.DropWrite)
	s.DropSize.sum(t.DropSize)
	s.DropBlocked.sum(t.DropBlocked)
	s.DropGuard.sum(t.DropGuard)
}

// port is an attached flow: a connection to another member, or the flow of a user who joined.
type port interface {
	// open reports whether packets pass.
	open() bool
	// room reports whether the next packet would find a place.
	room() bool
	// need returns the headroom of a packet in bytes.
	need() int
	// push takes a packet, and drops it where there is no room.
	push(p *pkt.Buf)
	// settle has what waits looked at again: the tree, or the other ports have changed.
	settle()
	// end gives the flow up, for the reason that its user is told.
	end(err error)
	// id and stats are what the management tree shows.
	id() uint64
	stats() *Stats
}

// limits are what the N-1 flows leave and need.
type limits struct{ mtu, headroom, tailroom int }

// flood hands a packet to every attached flow but the one it came from. It makes as many copies as there
// are receivers but one. No user is called on this stack.
func (i *IPCP) flood(from port, p *pkt.Buf) {
	var last port
	for _, to := range i.ports {
		if to == from || !to.open() {
			continue
		}
		if last != nil {
			last.push(i.copyOf(p, last.need()))
		}
		last = to
	}
	if last == nil {
		i.alone.Add(p.Len())
		p.Release()
		return
	}
	if p.Headroom() < last.need() {
		c := i.copyOf(p, last.need())
		p.Release()
		p = c
	}
	last.push(p)
}

// copyOf returns a copy with its own headroom, whatever that of p is.
func (i *IPCP) copyOf(p *pkt.Buf, headroom int) *pkt.Buf {
	c := i.env.Pool.GetPhantom(headroom, p.Stored(), p.Phantom())
	copy(c.Front(), p.Front())
	return c
}

// full reports whether a packet from a port would find no place anywhere although there are receivers. Who
// writes faster than all of them take is made to wait; as long as one has room, the others lose packets.
func (i *IPCP) full(from port) bool {
	others := false
	for _, to := range i.ports {
		if to == from || !to.open() {
			continue
		}
		if to.room() {
			return false
		}
		others = true
	}
	return others
}

// drop counts a packet out.
func (i *IPCP) drop(c *Counter, p *pkt.Buf) {
	c.Add(p.Len())
	i.env.Trace.Note(i.env.Now(), trace.PacketDropped, uint64(p.Len()), 0)
	p.Release()
}

// attach takes a port into the flood.
func (i *IPCP) attach(p port) {
	i.ports = append(i.ports, p)
	i.measure()
}

// detach takes it out.
func (i *IPCP) detach(p port) {
	k := slices.Index(i.ports, p)
	if k < 0 {
		return
	}
	i.ports = slices.Delete(i.ports, k, k+1)
	i.gone.add(p.stats())
	i.left.add(p)
	i.measure()
	i.settle()
}

// settle has all ports look whether they wait for something that has come.
func (i *IPCP) settle() {
	for _, p := range i.ports {
		p.settle()
	}
}

// measure computes the limits anew.
func (i *IPCP) measure() {
	l := limits{mtu: MTU}
	for _, p := range i.ports {
		if c, ok := p.(*connection); ok {
			info := c.flow.Info()
			c.headroom = info.Headroom
			l.mtu = min(l.mtu, info.MTU)
			l.headroom, l.tailroom = max(l.headroom, info.Headroom), max(l.tailroom, info.Tailroom)
		}
	}
	i.limits = l
}

// Stats returns the sums of the counters of all flows that are or were attached, and what users wrote
// while nobody else was there.
func (i *IPCP) Stats() (sum Stats, alone Counter) {
	sum = i.gone
	for _, p := range i.ports {
		sum.add(p.stats())
	}
	return sum, i.alone
}

// Carried is what users gave to a member, and what it gave to its N-1 flows.
type Carried struct{ In, Below Counter }

func (c *Carried) add(p port) {
	if _, joined := p.(*user); joined {
		c.In.sum(p.stats().Received)
		return
	}
	c.Below.sum(p.stats().Sent)
}

// Carried returns the sums over all flows that are or were attached, without messages of management.
func (i *IPCP) Carried() Carried {
	sum := i.left
	for _, p := range i.ports {
		sum.add(p)
	}
	return sum
}

// Control counts one kind of management message.
type Control struct {
	Kind string
	Counter
}

// Control returns what this IPCP has sent to manage its layer, by kind.
func (i *IPCP) Control() []Control {
	return []Control{{"connection", i.exchanges}, {"tree", i.trees}, {"enrollment", i.enrollments}}
}

// Ports calls yield for every attached flow, in the order in which they came.
func (i *IPCP) Ports(yield func(id uint64, joined, open bool, st Stats)) {
	for _, p := range i.ports {
		_, joined := p.(*user)
		yield(p.id(), joined, p.open(), *p.stats())
	}
}

// nextID numbers the ports of this IPCP from 64, as flows are in the other layers.
func (i *IPCP) nextID() uint64 {
	i.number++
	return 63 + i.number
}

// down is the error of who writes to a flow that has ended.
const down = core.ErrFlowDown
