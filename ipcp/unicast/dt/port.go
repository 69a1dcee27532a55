package dt

import (
	"errors"
	"slices"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/ipcp/unicast/ca"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/ipcp/unicast/sched"
)

// PortUser is told what happens to a port.
type PortUser interface {
	// PortState tells that the N-1 flow of a port went down or came up.
	PortState(p pff.Port, up bool)
	// PortClosed tells that the N-1 flow has ended. The port is gone by then.
	PortClosed(p pff.Port, peer uint64, err error)
}

// port is an N-1 flow of the data transfer component. It is the user of that flow.
type port struct {
	d        *DT
	index    pff.Port
	peer     uint64
	flow     core.Flow
	headroom int       // that the N-1 flow needs
	down     bool      // the N-1 flow is
	blocked  bool      // the N-1 flow has refused a packet and has not called Writable since
	marker   ca.Marker // nil if the congestion policy does not mark
	queue    sched.Scheduler
	waits    gauge // packets in queue
	st       PerCube
	rate     int64 // of the N-1 flow as the marker knows it, bit/s
	since    core.Time
	user     PortUser
	order    sched.Ordering // the queue, nil if packets leave in the order of their arrival
	passed   *pkt.Buf       // the N-1 flow has it, and the queue still lists it; nil for none
	held     []*Sender      // flows of this member with a packet in the queue; only under another order
	waiters  []*Sender      // flows of this member that were refused, in order
	spare    []*Sender      // the slice that waiters came from, for use again
}

// AddPort takes over an N-1 flow to the member with address peer.
func (d *DT) AddPort(peer uint64, f core.Flow, user PortUser) (pff.Port, error) {
	q, err := d.cfg.Scheduler()
	if err != nil {
		return pff.None, err
	}
	rate := f.Info().Rate
	p := &port{d: d, peer: peer, flow: f, user: user, queue: q, since: d.env.Now(), rate: rate}
	p.marker = d.cfg.Avoidance.NewPort(rate)
	p.order, _ = q.(sched.Ordering)
	if b, ok := f.(interface{ GiveBack() }); ok && p.order != nil {
		b.GiveBack() // none that it refuses is to go before one that is the head by then
	}
	if n := len(d.free); n > 0 {
		p.index = d.free[n-1]
		d.free = d.free[:n-1]
		d.ports[p.index] = p
	} else {
		p.index = pff.Port(len(d.ports))
		d.ports = append(d.ports, p)
	}
	d.measure()
	f.Attach(p)
	return p.index, nil
}

// RemovePort gives up a port; close tells whether its flow is closed too. What waits in it is dropped;
// the flows that wait for it try again, and are not called on this stack.
func (d *DT) RemovePort(i pff.Port, closeFlow bool) {
	if i < 0 || int(i) >= len(d.ports) || d.ports[i] == nil {
		return
	}
	p := d.ports[i]
	d.ports[i] = nil
	d.free = append(d.free, i)
	d.measure()
	p.clear()
	p.measure()
	d.waited.fold(&p.waits)
	for c := range p.st {
		d.gone[c].Add(&p.st[c])
	}
	if closeFlow {
		p.flow.Close(0)
	}
	p.blocked = false
	if len(p.waiters) > 0 {
		d.env.Post(p.wake)
	}
}

// SetPeer tells that the member behind a port has another address now.
func (d *DT) SetPeer(i pff.Port, peer uint64) {
	if i >= 0 && int(i) < len(d.ports) && d.ports[i] != nil {
		d.ports[i].peer = peer
	}
}

// Deliver takes a packet from the N-1 flow.
func (p *port) Deliver(b *pkt.Buf) { p.d.receive(p, b) }

// queued returns the number of packets that the next packet would wait behind.
func (p *port) queued() int {
	n := p.flow.Queued()
	if p.blocked {
		n += p.queue.Len()
	}
	if p.passed != nil {
		n-- // the N-1 flow counts it
	}
	return n
}

// count returns the counters of a port for a packet that waits in it.
func (d *DT) count(p *port, b *pkt.Buf) *Stats {
	return p.st.of(core.Cube(d.cfg.Layout.Cube(b.Front())))
}

// mark returns the ECN byte of a packet of n bytes, with header, that is about to leave. Four layers
// answer for the queue, so that it is asked for only if the policy wants to know.
func (p *port) mark(ecn uint8, n int) uint8 {
	if p.marker == nil {
		return ecn
	}
	return p.marker.Mark(p.d.env.Now(), ecn, p.queued(), n)
}

// send writes a packet to the N-1 flow, or lets it wait in the scheduler while that is full. It takes
// the packet in any case. s is the flow of this member that it belongs to, nil for none.
func (p *port) send(b *pkt.Buf, cube core.Cube, s *Sender) error {
	if !p.blocked {
		n := b.Len()
		err := p.flow.Write(b)
		if !errors.Is(err, core.ErrWouldBlock) {
			p.st.of(cube).written(n, err)
			return err
		}
		p.blocked = true
	}
	if s != nil && p.order != nil {
		return p.hold(b, cube, s)
	}
	if !p.queue.Push(p.d.env.Now(), b, cube) {
		p.st.of(cube).DropWrite.Add(b.Len())
		p.d.drop(b)
		return core.ErrAgain
	}
	p.measure()
	return nil
}

// drain writes what waits as far as the N-1 flow takes it, and reports whether it has taken all.
func (p *port) drain() bool {
	now := p.d.env.Now()
	for {
		b := p.queue.Head(now)
		if b == nil {
			return true
		}
		n, st, s := b.Len(), p.d.count(p, b), p.holder(b)
		err := p.flow.Write(b)
		if errors.Is(err, core.ErrWouldBlock) {
			if s != nil {
				s.note() // the N-1 flow may have written over it
			}
			return false
		}
		st.written(n, err)
		if s != nil && !p.next(s, b) {
			return true
		}
		p.queue.Pop(now)
	}
}

// next lets a flow of this member go on whose packet b has gone. Its next one is in the scheduler before b is
// removed from there, so that the policy sees a flow that has more to send as one that never stopped. It
// reports false if the flow has ended the port.
func (p *port) next(s *Sender, b *pkt.Buf) bool {
	p.release(s)
	p.passed = b
	s.wake()
	stays := p.passed != nil
	p.passed = nil
	return stays
}

// Writable continues after the N-1 flow was full. It counts as full until all that waits has gone, so that
// nothing that is sent meanwhile overtakes it.
func (p *port) Writable() {
	p.blocked = true
	done := p.drain()
	p.measure()
	if done {
		p.blocked = false
		p.wake()
	}
}

// clear drops what waits, and has the flows of this member whose packets were among it wait to be woken.
func (p *port) clear() {
	for b := p.queue.Drain(); b != nil; b = p.queue.Drain() {
		if b == p.passed {
			p.passed = nil // it is not here any more
			continue
		}
		p.d.count(p, b).DropWrite.Add(b.Len())
		p.d.drop(b)
	}
	for _, s := range p.held {
		s.held = nil
		if s.wanted {
			s.wanted = false
			p.waiters = append(p.waiters, s)
		}
	}
	p.held = nil
}

// wake lets the flows of this member that wait for the port try again, first refused first served. It
// ends when the port blocks again: who has not had a turn then stands before those refused anew, so that
// one flow with a long queue does not take all the room there is.
func (p *port) wake() {
	w := p.waiters
	p.waiters, p.spare = p.spare[:0], nil
	for i, s := range w {
		if p.blocked {
			refused := p.waiters
			p.waiters = append(slices.Delete(w, 0, i), refused...)
			p.spare = refused[:0]
			return
		}
		s.Wake()
	}
	clear(w)
	p.spare = w[:0]
}

// State passes on that the N-1 flow went down or came up.
func (p *port) State(up bool) {
	p.down = !up
	p.d.measure()
	p.user.PortState(p.index, up)
}

// Closed ends the port: its N-1 flow has ended.
func (p *port) Closed(err error) {
	if p.d.ports[p.index] != p {
		return
	}
	p.d.RemovePort(p.index, false)
	p.user.PortClosed(p.index, p.peer, err)
}
