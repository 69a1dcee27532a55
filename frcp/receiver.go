package frcp

import (
	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
)

// receiver is the receiving direction (spec 10 §10.5). Unlike the prototype it acknowledges on arrival
// and lets the window express how far the reader is (§10.21), so ackno is next, not the reader's
// position.
type receiver struct {
	started bool       // a run was received
	closed  bool       // the user is gone: acknowledge and discard
	inact   int64      // s
	act     clock.Time // last data of this run, or rendez-vous
	next    uint32     // next expected
	rwe     uint32     // right window edge
	adv     uint32     // edge that the peer was told last
	advSize uint32     // what the peer could send then
	advAt   clock.Time // when; Never in a run as long as it is what a sender allows itself
	win     int        // packets that may wait for the reader
	bytes   int        // that wait, in order or not
	fresh   uint64     // messages that have arrived, each once
	longest int        // message of the run, in bytes
	acked   uint32     // value of next that the peer was told last

	ready  fifo[*pkt.Buf]  // in order, waiting for the user
	ring   recvRing        // out of order
	ranges []wire.SeqRange // what is in ring, ascending from next
	recent int             // index in ranges of the latest arrival
	// lately are the latest arrivals out of order, of which there were so many.
	lately   [16]uint32
	arrivals int

	held   fifo[heldPacket] // early packets of an unknown run
	holdAt clock.Time

	pending int        // packets in order since the last ack
	ackAt   clock.Time // when the delayed ack is due
	ackNow  bool
	fcNow   bool
	final   bool
	acker   bool // an ack was sent, alone or with data
	stuck   bool // rendez-vous since the last data
	strange bool // data of another run since the last data
	echo    wire.FRCPProbe
	echoNow bool
}

// heldPacket is a data packet whose run is not known yet, without PCI.
type heldPacket struct {
	p   *pkt.Buf
	seq uint32
	at  clock.Time
}

// active reports whether a run is known.
func (r *receiver) active(now clock.Time) bool {
	return r.started && wholeSeconds(now)-wholeSeconds(r.act) <= r.inact
}

// recvData takes a data packet whose PCI has been pulled.
func (c *Conn) recvData(now clock.Time, h wire.FRCPHeader, p *pkt.Buf) {
	r := &c.rcv
	if p.Len() == 0 {
		c.stats.Malformed++
		p.Release()
		return
	}
	if !r.active(now) {
		if h.Flags&wire.FRCPDRF == 0 {
			c.hold(now, h.Seqno, p)
			return
		}
		c.startRecvRun(now, h.Seqno)
		c.accept(now, h.Seqno, p)
		c.acceptHeld(now)
		return
	}
	c.accept(now, h.Seqno, p)
}

// accept takes a data packet of the run. Only packets that can be of it keep it alive, so that strays
// of an old one cannot keep out a new one.
func (c *Conn) accept(now clock.Time, seq uint32, p *pkt.Buf) {
	r := &c.rcv
	off := int32(seq - r.next)
	if off < -MaxWindow || off > 2*MaxWindow {
		r.strange = true
		c.stats.OutOfWindow++
		p.Release()
		return
	}
	r.act, r.strange = now, false
	r.longest = max(r.longest, p.Len())
	if c.cfg.Mode == core.ModeOrdered {
		c.acceptOrdered(now, seq, off, p)
		return
	}
	switch {
	case off < 0:
		c.stats.Duplicates++
		r.ackNow = true
		p.Release()
	case !before(seq, r.rwe):
		c.stats.OutOfWindow++
		r.ackNow = true
		p.Release()
	case r.bytes+p.Len() > c.cfg.Memory, off > 0 && r.bytes+p.Len() > c.cfg.Memory/2: // what is next has room
		c.stats.Refused++
		p.Release()
	case off == 0:
		c.acceptNext(now, p)
	default:
		c.acceptEarly(seq, p)
	}
}

// acceptOrdered skips gaps and drops what comes late (spec 10 §10.12).
func (c *Conn) acceptOrdered(now clock.Time, seq uint32, off int32, p *pkt.Buf) {
	r := &c.rcv
	switch {
	case off < 0:
		c.stats.Late++
		p.Release()
		return
	case r.ready.len() >= r.win || r.bytes+p.Len() > c.cfg.Memory:
		c.stats.OutOfWindow++
		p.Release()
		return
	}
	r.next, r.stuck = seq+1, false
	r.fresh++
	c.keep(p)
	if c.cfg.GrowWindow {
		c.tune(now)
	}
}

// keep queues a message that is in order.
func (c *Conn) keep(p *pkt.Buf) {
	if c.rcv.closed {
		p.Release()
		c.slideWindow()
		return
	}
	c.rcv.bytes += p.Len()
	c.rcv.ready.push(p)
}

func (c *Conn) acceptNext(now clock.Time, p *pkt.Buf) {
	r := &c.rcv
	r.next++
	r.fresh++
	c.keep(p)
	if c.cfg.GrowWindow {
		c.tune(now)
	}
	if len(r.ranges) == 0 {
		r.pending++
		if r.pending >= c.cfg.AckEvery {
			r.ackNow = true
		} else if r.ackAt == clock.Never {
			r.ackAt = now.Add(c.ackDelay())
		}
		return
	}
	// A gap got smaller or is filled: the sender wants to know at once.
	r.ackNow = true
	if r.ranges[0].Start != r.next {
		return
	}
	for ; r.next != r.ranges[0].End; r.next++ {
		slot := r.ring.at(r.next)
		r.bytes -= (*slot).Len()
		c.keep(*slot)
		*slot = nil
	}
	r.ranges = append(r.ranges[:0], r.ranges[1:]...)
	r.recent = max(0, r.recent-1)
}

func (c *Conn) acceptEarly(seq uint32, p *pkt.Buf) {
	r := &c.rcv
	r.ackNow = true
	r.ring.reserve(r.next, seq)
	slot := r.ring.at(seq)
	if *slot != nil {
		c.stats.Duplicates++
		p.Release()
		return
	}
	*slot = p
	r.fresh++
	r.bytes += p.Len()
	c.stats.OutOfOrder++
	r.lately[r.arrivals&(len(r.lately)-1)] = seq
	r.arrivals++
	r.insertRange(seq)
}

// insertRange adds seq, which is in no range, looking from the end: most arrivals are the newest.
func (r *receiver) insertRange(seq uint32) {
	i := len(r.ranges) // the range at i comes after seq
	for i > 0 && before(seq, r.ranges[i-1].Start) {
		i--
	}
	left := i > 0 && r.ranges[i-1].End == seq
	right := i < len(r.ranges) && r.ranges[i].Start == seq+1
	switch {
	case left && right:
		r.ranges[i-1].End = r.ranges[i].End
		r.ranges = append(r.ranges[:i], r.ranges[i+1:]...)
		r.recent = i - 1
	case left:
		r.ranges[i-1].End++
		r.recent = i - 1
	case right:
		r.ranges[i].Start--
		r.recent = i
	default:
		r.ranges = append(r.ranges, wire.SeqRange{})
		copy(r.ranges[i+1:], r.ranges[i:])
		r.ranges[i] = wire.SeqRange{Start: seq, End: seq + 1}
		r.recent = i
	}
}

// startRecvRun forgets the run before. What was in order of it and waits for the user stays: it was
// acknowledged.
func (c *Conn) startRecvRun(now clock.Time, seq uint32) {
	r := &c.rcv
	r.dropEarly()
	r.started, r.stuck, r.advAt, r.longest = true, false, clock.Never, 0
	c.tuner = tuner{}
	r.strange = false
	r.act, r.next, r.acked = now, seq, seq
	r.rwe = seq + uint32(max(0, r.win-r.ready.len()))
	r.adv, r.advSize = seq+StartWindow, StartWindow // what a sender allows itself
	r.pending, r.ackAt, r.ackNow, r.fcNow = 0, clock.Never, false, false
}

// hold keeps an early packet of an unknown run for the packet that starts it (spec 10 §10.23). On
// ordered flows every packet starts one.
func (c *Conn) hold(now clock.Time, seq uint32, p *pkt.Buf) {
	r := &c.rcv
	if c.cfg.Mode != core.ModeReliable || r.closed || r.held.len() >= holdPackets {
		c.stats.EarlyLost++
		p.Release()
		return
	}
	c.stats.Early++
	r.held.push(heldPacket{p: p, seq: seq, at: now})
	if r.holdAt == clock.Never {
		r.holdAt = now.Add(holdTime)
	}
}

func (c *Conn) acceptHeld(now clock.Time) {
	r := &c.rcv
	for r.held.len() > 0 {
		h := r.held.pop()
		c.accept(now, h.seq, h.p)
	}
	r.holdAt = clock.Never
}

func (c *Conn) expireHeld(now clock.Time) {
	r := &c.rcv
	r.holdAt = clock.Never
	for r.held.len() > 0 {
		if at := r.held.peek().at.Add(holdTime); at > now {
			r.holdAt = at
			return
		}
		r.held.pop().p.Release()
		c.stats.EarlyLost++
	}
}

// recvRdvs answers a rendez-vous; ACK and FC of it are not evaluated (spec 10 §10.8). It keeps a known
// run alive: its sender waits for the reader. Not if there was data of another run: the sender is in that,
// and would ask for its window for ever, while the old run is kept alive by the question.
func (c *Conn) recvRdvs(now clock.Time, x *extensions) {
	r := &c.rcv
	if x.hasProbe && !c.cfg.PlainAcks {
		r.echo, r.echoNow = x.probe, true
	}
	if !r.active(now) {
		return
	}
	if r.fcNow = true; !r.strange {
		r.act = now
	}
	if c.cfg.Mode != core.ModeOrdered {
		return
	}
	// The sender is at an edge that we gave it and asks again although the reader has taken all: the
	// rest of the window was lost on the way and will not move the edge.
	if r.stuck && r.ready.len() == 0 && r.rwe-r.next <= uint32(MaxWindow-r.win) {
		r.rwe += uint32(r.win)
	}
	r.stuck = true
}

// drop releases all that was received and not delivered.
func (r *receiver) drop() {
	for r.ready.len() > 0 {
		p := r.ready.pop()
		r.bytes -= p.Len()
		p.Release()
	}
	r.ready.drop()
	r.dropStrays()
}

// dropStrays releases what was received and is not in order, and stops the timers.
func (r *receiver) dropStrays() {
	for r.held.len() > 0 {
		r.held.pop().p.Release()
	}
	r.dropEarly()
	r.held.drop()
	r.ring, r.ackAt, r.holdAt = nil, clock.Never, clock.Never
}

// dropEarly releases what waits for a gap to be filled.
func (r *receiver) dropEarly() {
	for _, g := range r.ranges {
		for s := g.Start; s != g.End; s++ {
			slot := r.ring.at(s)
			r.bytes -= (*slot).Len()
			(*slot).Release()
			*slot = nil
		}
	}
	r.ranges, r.recent = r.ranges[:0], 0
}
