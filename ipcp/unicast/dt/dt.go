// Package dt is the data transfer component of a unicast IPCP (spec 02): it forwards packets between
// N-1 flows by destination address and hands those for this member to its components.
//
// On the way only the TTL and the ECN byte of a packet change, in place.
package dt

import (
	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
	"ouroboros/core/wire"
	"ouroboros/ipcp/unicast/ca"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/ipcp/unicast/sched"
)

// FirstFlow is the first endpoint id that belongs to a flow; those below name components (spec 02 §4.1).
const FirstFlow = 64

// DefaultTTL is the TTL of a fresh packet.
const DefaultTTL = 60

// Component is a part of the IPCP that gets packets by its own endpoint id: the flow allocator (0), the
// directory (1).
type Component func(p *pkt.Buf)

// Flows takes the packets of flows. It owns p.
type Flows func(eid uint64, ecn uint8, p *pkt.Buf)

// Config are the parts and parameters of a data transfer component.
type Config struct {
	Layout wire.PCI
	MaxTTL uint8
	// Prompt has what starts at this member, messages of components and packets of flows, reach a neighbour to which
	// the forwarding function has no way.
	Prompt    bool
	PFF       pff.PFF
	Avoidance ca.Avoidance
	Scheduler func() (sched.Scheduler, error)
}

// DT is a data transfer component. It belongs to the actor of its IPCP.
type DT struct {
	// What every packet needs stands together, in few cache lines.
	cfg   Config
	hdr   int
	self  uint64
	ports []*port

	env    core.Env
	free   []pff.Port
	comps  [FirstFlow]component
	flows  Flows
	origin PerCube // packets of flows that start here and belong to no port
	gone   PerCube // of ports that have been removed
	waited gauge   // in ports that have been removed
	limits limits  // of the N-1 flows together
}

// component is a part of the IPCP and its counters: what was delivered to it is sent, what it sent is
// local received (spec 02 §10.3).
type component struct {
	take Component
	st   *PerCube
}

// limits are what the N-1 flows of all ports leave and need, kept because every packet asks for them.
type limits struct {
	mtu, headroom, tailroom int
	rate                    int64 // bit/s
}

// New returns a component without an address and without ports.
func New(env core.Env, cfg Config) *DT {
	if cfg.MaxTTL == 0 {
		cfg.MaxTTL = DefaultTTL
	}
	return &DT{env: env, cfg: cfg, hdr: cfg.Layout.Len()}
}

// SetAddress sets the address of this member.
func (d *DT) SetAddress(addr uint64) { d.self = addr }

// Address returns the address of this member, 0 before SetAddress.
func (d *DT) Address() uint64 { return d.self }

// HeaderLen returns the length of the header in bytes.
func (d *DT) HeaderLen() int { return d.hdr }

// EIDLen returns the length of an endpoint id in the header in bytes.
func (d *DT) EIDLen() int { return d.cfg.Layout.EID }

// Handle sets the component with the given endpoint id, below FirstFlow.
func (d *DT) Handle(eid int, c Component) { d.comps[eid] = component{c, new(PerCube)} }

// HandleFlows sets who gets the packets of flows.
func (d *DT) HandleFlows(f Flows) { d.flows = f }

// Limits returns what the N-1 flows leave for a packet of a flow: the smallest MTU without the header,
// the largest head- and tailroom with it. Without ports the MTU is 0.
func (d *DT) Limits() (mtu, headroom, tailroom int) {
	return d.limits.mtu, d.limits.headroom + d.hdr, d.limits.tailroom
}

// Rate returns the smallest rate of the N-1 flows in bit/s, 0 if one of them does not know its own or there is
// none. It bounds what a flow of the layer can get; other members may bound it further.
func (d *DT) Rate() int64 { return d.limits.rate }

// measure computes the limits anew: a port has come, gone or changed.
func (d *DT) measure() {
	l, first := limits{}, true
	for _, p := range d.ports {
		if p == nil {
			continue
		}
		i := p.flow.Info()
		p.headroom = i.Headroom
		if p.rate != i.Rate && p.marker != nil {
			p.rate = i.Rate
			p.marker.SetRate(i.Rate)
		}
		if first || i.Rate == 0 || l.rate > 0 && i.Rate < l.rate {
			l.rate = i.Rate
		}
		if m := max(i.MTU-d.hdr, 0); first || m < l.mtu {
			l.mtu, first = m, false
		}
		l.headroom, l.tailroom = max(l.headroom, i.Headroom), max(l.tailroom, i.Tailroom)
	}
	d.limits = l
}

// Send sends a packet of this member (spec 02 §5). It takes p, except with core.ErrWouldBlock: then the
// port on which it would leave is full, and s is woken once it may try again. Under a scheduler that orders
// packets one packet of s waits there before that happens, so that its turn is what the policy says.
// Without a sender the packet waits in the scheduler, or is dropped there. hash tells apart flows to one
// destination.
func (d *DT) Send(dst uint64, cube core.Cube, eid uint64, hash uint32, p *pkt.Buf, s *Sender) error {
	n := p.Len()
	out := d.route(dst, hash)
	if out == nil && d.cfg.Prompt {
		out = d.neighbour(dst)
	}
	if out == nil {
		d.sender(eid).of(cube).DropNoRoute.Add(n)
		d.drop(p)
		return core.ErrIPCP
	}
	if s != nil && s.waits(out) {
		return core.ErrWouldBlock
	}
	p = d.roomy(p, out.headroom+d.hdr)
	d.cfg.Layout.Put(p.Push(d.hdr), dst, uint8(cube), d.cfg.MaxTTL, out.mark(0, n+d.hdr), eid)
	err := out.send(p, cube, s)
	if err == nil && eid < FirstFlow {
		d.sender(eid).of(cube).LocalReceived.Add(n)
		out.st.of(cube).LocalSent.Add(n + d.hdr)
	}
	return err
}

// sender returns the counters for what is sent to an endpoint id and belongs to no port: those of the
// component of that id here, whose peer it is for, else those of flows.
func (d *DT) sender(eid uint64) *PerCube {
	if eid < FirstFlow && d.comps[eid].st != nil {
		return d.comps[eid].st
	}
	return &d.origin
}

// roomy returns p with at least the given headroom: p itself, or a copy where N-1 flows of different
// needs meet, as when one of them runs the end-to-end protocol and the one p came from does not.
func (d *DT) roomy(p *pkt.Buf, headroom int) *pkt.Buf {
	if p.Headroom() >= headroom {
		return p
	}
	c := d.env.Pool.GetPhantom(headroom, p.Stored(), p.Phantom())
	copy(c.Front(), p.Front())
	p.Release()
	return c
}

// route returns the port towards a destination, nil if there is none.
func (d *DT) route(dst uint64, hash uint32) *port {
	i := d.cfg.PFF.Next(dst, hash)
	if i < 0 || int(i) >= len(d.ports) {
		return nil
	}
	return d.ports[i]
}

// neighbour returns a port to a neighbour whose N-1 flow is up, nil if there is none.
func (d *DT) neighbour(dst uint64) *port {
	for _, p := range d.ports {
		if p != nil && p.peer == dst && !p.down {
			return p
		}
	}
	return nil
}

// FlowHash returns what tells the packets of a flow apart from those of others between the same members:
// the halves of its endpoint id, one of which is random and the other a number (spec 02 §4.2).
func FlowHash(eid uint64) uint32 { return uint32(eid>>32) ^ uint32(eid) }

// receive takes a packet from an N-1 flow (spec 02 §6).
func (d *DT) receive(in *port, p *pkt.Buf) {
	n := p.Len()
	if n == 0 {
		p.Release()
		return
	}
	h := p.Front()
	if len(h) < d.hdr {
		if h = p.Bytes(); len(h) < d.hdr {
			in.st[core.CubeBestEffort].DropShort.Add(n)
			d.drop(p)
			return
		}
	}
	l := d.cfg.Layout
	cube := core.Cube(l.Cube(h))
	st := in.st.of(cube)
	st.Received.Add(n)
	ttl := l.TTL(h)
	if *ttl > 0 {
		*ttl--
	}
	dst := l.Dst(h)
	if dst == d.self {
		d.deliver(st, h, p)
		return
	}
	if *ttl == 0 {
		st.DropTTL.Add(n)
		d.drop(p)
		return
	}
	out := d.route(dst, FlowHash(l.EndpointID(h)))
	if out == nil {
		st.DropNoRoute.Add(n)
		d.drop(p)
		return
	}
	ecn := l.ECN(h)
	*ecn = out.mark(*ecn, n)
	_ = out.send(d.roomy(p, out.headroom), cube, nil) // the port has counted it
}

// deliver hands a packet for this member to its component or flow. in are the counters of the port and
// cube on which it came.
func (d *DT) deliver(in *Stats, h []byte, p *pkt.Buf) {
	n := p.Len()
	l := d.cfg.Layout
	eid, ecn, cube := l.EndpointID(h), *l.ECN(h), core.Cube(l.Cube(h))
	p.Pull(d.hdr)
	if eid >= FirstFlow {
		if d.flows == nil {
			in.DropUnknown.Add(n)
			d.drop(p)
			return
		}
		d.flows(eid, ecn, p)
		return
	}
	c := &d.comps[eid]
	if c.take == nil {
		in.DropUnknown.Add(n)
		d.drop(p)
		return
	}
	in.LocalReceived.Add(n)
	c.st.of(cube).Sent.Add(n)
	c.take(p)
}

func (d *DT) drop(p *pkt.Buf) {
	d.env.Trace.Note(d.env.Now(), trace.PacketDropped, uint64(p.Len()), 0)
	p.Release()
}
