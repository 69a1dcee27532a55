package frcp

import (
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
)

const (
	resendBurst  = 16 // packets sent again at once; more with the next ack or a moment later
	resendPause  = 2 * time.Millisecond
	maxHoles     = 6                    // logarithm of the packets that one partial ack sends again
	dupThreshold = 3                    // duplicate acks that tell of a loss (RFC 5681)
	probeTries   = 2                    // unanswered probes after which an unknown peer is not asked again
	maxDeferral  = 30 * time.Second     // longest wait for a queue on this system
	minReorder   = 1 * time.Millisecond // least difference in sending time that tells of a loss
)

// peerKind is what is known of the other end.
type peerKind uint8

const (
	peerUnknown peerKind = iota
	peerOwn              // it sends extensions
	peerPlain            // it answered a probe with a window only
)

// recovery finds lost packets.
type recovery struct {
	timer  clock.Time // silence of acks ends here
	probes int        // expiries since the last progress
	ask    bool       // a probe is due
	asked  bool       // a probe is unanswered
	peer   peerKind
	ranged bool // its acks tell what has arrived out of order

	// The latest transmission that is known to have arrived (RFC 8985: RACK.xmit_ts, .end_seq, .rtt).
	xmit  clock.Time
	edge  uint32
	rtt   time.Duration
	valid bool

	scan    uint32 // first transmissions before it were judged
	reoAt   clock.Time
	reo     time.Duration // reordering seen, as a difference in time
	dupacks int
	inLoss  bool   // until recover is acknowledged
	recover uint32 // next sequence number when the loss was found
	holes   int    // without ranges: partial acks since then, or half after a time-out
	late    int    // duplicate acks after the retransmission should have arrived

	lost     fifo[uint32] // to be sent again
	resent   fifo[resend] // retransmissions in order of time
	credit   int          // of them, so many may go now
	resendAt clock.Time

	timing   bool // RecoveryPrototype: the one measurement
	timedSeq uint32
	timedAt  clock.Time
}

type resend struct {
	seq uint32
	at  clock.Time
}

func (r *recovery) newRun(seq uint32) {
	r.valid, r.inLoss, r.scan, r.probes, r.dupacks = false, false, seq, 0, 0
	r.timing = false
	r.timedSeq = seq - 1
	r.lost.clear()
	r.resent.clear()
}

// ackEvent collects what one packet from the peer acknowledges.
type ackEvent struct {
	newly    int
	sample   time.Duration // of the latest packet that was sent once
	sampled  bool
	resent   bool // one of them had been sent again
	spurious bool // and needlessly so
	// The latest arrival before this event, against which reordering shows.
	xmit clock.Time
	edge uint32
}

// recvAck takes an ack with its extensions; x is nil on data packets. Acks of what was acknowledged or
// never sent are ignored (spec 10 §10.20, rule 2).
func (c *Conn) recvAck(now clock.Time, h wire.FRCPHeader, x *extensions) {
	s := &c.snd
	if !s.started || c.cfg.Mode != core.ModeReliable {
		return
	}
	ev := ackEvent{xmit: c.rec.xmit, edge: c.rec.edge}
	acks := h.Flags&wire.FRCPAck != 0
	if acks {
		c.ackUpTo(now, h, x, &ev)
	}
	if x != nil && acks && c.cfg.Recovery == RecoveryRACK {
		c.ackRanges(now, x.ranges, &ev)
	}
	if x != nil && x.hasEcho {
		c.recvEcho(now, x.echo, acks)
	}
	if ev.newly > 0 {
		c.progress(now, &ev)
	}
	if s.lwe == s.seq {
		c.rec.timer, c.rec.reoAt = clock.Never, clock.Never
		return
	}
	if c.cfg.Recovery == RecoveryRACK {
		c.rec.credit = max(c.rec.credit, min(resendBurst, 2*ev.newly+2))
		c.detectLoss(now)
	}
}

// ackUpTo handles the cumulative part.
func (c *Conn) ackUpTo(now clock.Time, h wire.FRCPHeader, x *extensions, ev *ackEvent) {
	s := &c.snd
	n := int32(h.Ackno - s.lwe)
	switch {
	case n == 0:
		c.duplicateAck(now, h, x)
		return
	case n < 0:
		return
	case before(s.seq, h.Ackno):
		c.stats.BadAcks++
		return
	}
	s.acked = true
	c.timedAck(now, h.Ackno)
	for ; s.lwe != h.Ackno; s.lwe++ {
		if e := s.ring.at(s.lwe); e.waits {
			c.arrived(now, s.lwe, e, ev)
		}
	}
	c.rec.dupacks = 0
}

// ackRanges handles what arrived out of order.
func (c *Conn) ackRanges(now clock.Time, ranges wire.FRCPRanges, ev *ackEvent) {
	s := &c.snd
	n := s.seq - s.lwe
	for i := range ranges.Len() {
		g := ranges.At(i)
		if before(g.Start, s.lwe) || g.End-s.lwe > n || !before(g.Start, g.End) {
			continue // stale or nonsense
		}
		s.acked = true
		for q := g.Start; q != g.End; q++ {
			if e := s.ring.at(q); e.waits {
				c.arrived(now, q, e, ev)
			}
		}
	}
}

// arrived notes that the peer has a packet and forgets the copy.
func (c *Conn) arrived(now clock.Time, q uint32, e *sent, ev *ackEvent) {
	r := &c.rec
	ev.newly++
	age := now.Sub(e.last)
	switch {
	case e.resends == 0:
		ev.sample, ev.sampled = age, true
		if r.valid && sentBefore(e.last, q, ev.xmit, ev.edge) {
			r.reo = max(r.reo, age-r.rtt) // overtaken, not lost
		}
		c.rackUpdate(now, e.last, q)
	case c.rtt.min > 0 && age < c.rtt.min*3/4:
		// Too soon for the latest transmission: the one before has arrived (Eifel, RFC 3522, by time).
		c.stats.Spurious++
		ev.spurious = !c.cfg.NoUndo
		if e.resends > 1 || c.cfg.NoUndo { // whose time is forgotten
			ev.resent = true
			break
		}
		ev.sample, ev.sampled = now.Sub(e.first), true
		r.reo = max(r.reo, ev.sample-r.rtt)
	default:
		ev.resent = true
		c.rackUpdate(now, e.last, q)
	}
	e.forget()
}

// sentBefore reports whether the transmission of q at a time came before that of another packet.
func sentBefore(at clock.Time, q uint32, thanAt clock.Time, than uint32) bool {
	return at < thanAt || at == thanAt && before(q, than)
}

// overtaken reports whether a transmission came before the latest one that is known to have arrived.
func (r *recovery) overtaken(at clock.Time, q uint32) bool {
	return sentBefore(at, q, r.xmit, r.edge)
}

func (c *Conn) rackUpdate(now, at clock.Time, q uint32) {
	if r := &c.rec; !r.valid || !c.rec.overtaken(at, q) {
		r.valid, r.xmit, r.edge, r.rtt = true, at, q, now.Sub(at)
	}
}

// progress updates the estimators and restarts the timer.
func (c *Conn) progress(now clock.Time, ev *ackEvent) {
	r, s := &c.rec, &c.snd
	r.probes, r.asked = 0, false
	if c.cfg.Recovery == RecoveryPrototype {
		return
	}
	if ev.sampled && !ev.resent { // Karn: with a retransmission among them it is unclear what was acknowledged
		c.rtt.sample(ev.sample)
	} else {
		c.rtt.reset()
	}
	if ev.spurious && (r.ranged || r.holes == 0) { // one sent again on suspicion says nothing of the hole
		c.undo()
	}
	if s.lwe != s.seq {
		c.armTimer(now)
	}
	switch {
	case !r.inLoss:
	case !before(s.lwe, r.recover):
		r.inLoss, r.holes = false, 0
	case !r.ranged:
		c.markHoles(now)
	}
}

// undo takes back what a needless retransmission has set off: the packets that wait to be sent again for
// the first time, and the back-off, which the sample of the first transmission has ended. One whose
// retransmission was lost too stays: it stands in no other list and would never be judged again.
func (c *Conn) undo() {
	c.rec.inLoss, c.rec.holes = false, 0
	for n := c.rec.lost.len(); n > 0; n-- {
		q := c.rec.lost.pop()
		if !c.outstanding(q) {
			continue
		}
		if e := c.snd.ring.at(q); e.resends > 0 {
			c.rec.lost.push(q)
		} else {
			e.lost = false
		}
	}
	c.rec.scan = c.snd.lwe
}

func (c *Conn) outstanding(q uint32) bool {
	return q-c.snd.lwe < c.snd.seq-c.snd.lwe
}

// recvEcho takes the answer to a probe. The probe counts as the latest arrival: what was sent before
// it and is not there is lost. known tells whether the peer knows the run; if not, the packet that
// starts it is lost, while the others may be held.
func (c *Conn) recvEcho(now clock.Time, x wire.FRCPProbe, known bool) {
	s, r := &c.snd, &c.rec
	at := clock.Time(x.Time)
	if at < 0 || at > now || now.Sub(at) > c.cfg.R || x.Next-s.lwe > s.seq-s.lwe {
		return
	}
	r.asked, r.probes = false, 0
	c.rtt.sample(now.Sub(at))
	if s.lwe == s.seq || c.cfg.Recovery == RecoveryPrototype {
		return
	}
	c.armTimer(now)
	if known {
		c.rackUpdate(now, at, x.Next)
	} else if e := s.ring.at(s.lwe); e.last < at {
		c.markLost(s.lwe)
	}
}

// duplicateAck counts acks that do not advance, for peers without ranges (RFC 5681, 6582).
func (c *Conn) duplicateAck(now clock.Time, h wire.FRCPHeader, x *extensions) {
	r, s := &c.rec, &c.snd
	if x == nil || s.lwe == s.seq || r.ranged || c.cfg.Recovery != RecoveryRACK ||
		h.Flags&wire.FRCPFC == 0 || before(s.rwe, rebuildEdge(s.rwe, h.Window)) {
		return
	}
	r.dupacks++
	e := s.ring.at(s.lwe)
	switch {
	case !r.inLoss && r.dupacks == dupThreshold:
		c.enterLoss()
	case r.inLoss && !e.lost && e.resends > 0 && now.Sub(e.last) > c.rtt.srtt+max(c.rtt.srtt/4, 2*c.rtt.mdev):
		// What was sent after the retransmission arrives, and it does not.
		if r.late++; r.late >= dupThreshold {
			r.late = 0
			c.markLost(s.lwe)
		}
	}
}

// enterLoss begins the repair of what is outstanding, where acks without ranges tell of a loss.
func (c *Conn) enterLoss() {
	r, s := &c.rec, &c.snd
	r.inLoss, r.recover, r.late = true, s.seq, 0
	c.markLost(s.lwe)
}

// markHoles takes a partial ack without ranges: the packet that it asks for is lost as well (RFC 6582).
// Found so, each hole costs a round trip. So every further partial ack doubles how many packets behind the
// hole are sent again on suspicion, as a sender does that starts slowly after a time-out: where there are
// few losses nothing is sent twice, and many are repaired in a logarithm of their number of round trips.
// A time-out halves the logarithm.
func (c *Conn) markHoles(now clock.Time) {
	r, s := &c.rec, &c.snd
	n := 1 << r.holes
	r.holes, r.late = min(r.holes+1, maxHoles), 0
	for q := s.lwe; n > 0 && before(q, r.recover); q++ {
		e := s.ring.at(q)
		if !e.waits || e.lost || e.resends > 0 && q != s.lwe && now.Sub(e.last) < c.rtt.srtt {
			continue // has arrived, or is on its way again
		}
		c.markLost(q)
		n--
	}
}

// plainAnswer takes a window without extensions after a probe: the peer cannot be asked, so the timer
// that was spent on the question counts as expired.
func (c *Conn) plainAnswer(now clock.Time) {
	if r := &c.rec; r.asked && r.peer == peerUnknown {
		r.peer, r.asked = peerPlain, false
		if c.snd.lwe != c.snd.seq {
			r.timer = now
		}
	}
}

// reorderWindow is by how much later a packet must have been sent than a missing one for that to be
// lost: a quarter of the least round trip (RFC 8985), or what was seen on this path.
func (c *Conn) reorderWindow() time.Duration {
	w := max(minReorder, c.rtt.min/4)
	if c.rec.reo > w {
		w = min(c.rec.reo*5/4, max(c.rtt.srtt, w))
	}
	return w
}

// detectLoss judges what was sent before the latest arrival. First transmissions are in order of time
// and so are retransmissions, so each is looked at once. A peer without ranges has not told what it
// holds: there only the first missing packet is judged.
func (c *Conn) detectLoss(now clock.Time) {
	r, s := &c.rec, &c.snd
	r.reoAt = clock.Never
	if !r.valid || s.lwe == s.seq {
		return
	}
	limit := r.rtt + c.reorderWindow()
	if before(r.scan, s.lwe) {
		r.scan = s.lwe
	}
	for ; r.scan != s.seq; r.scan++ {
		e := s.ring.at(r.scan)
		if !e.waits || e.resends > 0 || e.lost {
			continue
		}
		if !c.rec.overtaken(e.last, r.scan) || !r.ranged && r.scan != s.lwe {
			break
		}
		if t := e.last.Add(limit); t > now {
			r.reoAt = t
			break
		}
		c.markLost(r.scan)
	}
	for r.resent.len() > 0 {
		x := *r.resent.peek()
		if e := s.ring.at(x.seq); !c.outstanding(x.seq) || !e.waits || e.last != x.at || e.lost {
			r.resent.pop()
			continue
		}
		if !c.rec.overtaken(x.at, x.seq) {
			return
		}
		if t := x.at.Add(limit); t > now {
			r.reoAt = min(r.reoAt, t)
			return
		}
		r.resent.pop()
		c.markLost(x.seq)
	}
}

// markLost queues an outstanding packet to be sent again.
func (c *Conn) markLost(q uint32) {
	e := c.snd.ring.at(q)
	if !e.waits || e.lost {
		return
	}
	e.lost = true
	c.rec.lost.push(q)
	c.rec.credit = max(c.rec.credit, 1)
}

// nextResend returns the next packet to be sent again.
func (c *Conn) nextResend(now clock.Time) *pkt.Buf {
	r, s := &c.rec, &c.snd
	for r.lost.len() > 0 {
		q := *r.lost.peek()
		if !c.outstanding(q) || !s.ring.at(q).waits || !s.ring.at(q).lost {
			r.lost.pop()
			continue
		}
		if r.credit == 0 {
			if r.resendAt == clock.Never {
				r.resendAt = now.Add(max(resendPause, c.rtt.srtt/8))
			}
			return nil
		}
		r.credit--
		r.lost.pop()
		return c.resend(now, q, s.ring.at(q))
	}
	return nil
}

// resend copies a packet once more, with the window and ack of now; it keeps DRF (spec 10 §10.10; D13).
func (c *Conn) resend(now clock.Time, q uint32, e *sent) *pkt.Buf {
	if now.Sub(e.first) >= c.cfg.R {
		c.fail(core.ErrFlowDown)
		return nil
	}
	p := e.copy(c.cfg.Pool, c.cfg.Headroom)
	b := p.Front()
	h := wire.FRCPHeader{Flags: wire.FRCPData | wire.FRCP(b).Flags()&wire.FRCPDRF, Seqno: q}
	c.piggyback(now, &h)
	h.Put(b)
	e.last, e.lost = now, false
	if e.resends < 255 {
		e.resends++
	}
	c.stats.Retransmitted++
	c.snd.act = now
	if c.cfg.Recovery == RecoveryRACK {
		c.rec.resent.push(resend{seq: q, at: now})
		c.armTimer(now)
	}
	return p
}
