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

	// The latest transmission that is known to have arrived (RFC 8985: RACK.xmit_ts, .rtt).
	xmit  moment
	rtt   time.Duration
	valid bool
	// The second and third latest. What was sent before the third is lost on a path that has lost before and
	// on which nothing was ever seen to overtake (RFC 8985 §6.2; the threshold of RFC 5681). On a path that
	// has lost nothing yet only time tells: it may be one that does not keep the order.
	second, third    moment
	lossy, reordered bool
	no               uint32 // number of the next transmission
	probed           moment // the latest probe

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
	seq  uint32
	sent moment
}

func (r *recovery) newRun(seq uint32) {
	r.valid, r.inLoss, r.scan, r.probes, r.dupacks = false, false, seq, 0, 0
	r.second, r.third = moment{at: -1}, moment{at: -1}
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
	xmit moment
}

// recvAck takes an ack with its extensions; x is nil on data packets. Acks of what was acknowledged or
// never sent are ignored (spec 10 §10.20, rule 2).
func (c *Conn) recvAck(now clock.Time, h wire.FRCPHeader, x *extensions) {
	s := &c.snd
	if !s.started || c.cfg.Mode != core.ModeReliable {
		return
	}
	ev := ackEvent{xmit: c.rec.xmit}
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
			c.arrived(now, e, ev)
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
				c.arrived(now, e, ev)
			}
		}
	}
}

// arrived notes that the peer has a packet and forgets the copy.
func (c *Conn) arrived(now clock.Time, e *sent, ev *ackEvent) {
	r := &c.rec
	ev.newly++
	age := now.Sub(e.last.at)
	switch {
	case e.resends == 0:
		ev.sample, ev.sampled = age, true
		if r.valid && e.last.before(ev.xmit) {
			r.reo, r.reordered = max(r.reo, age-r.rtt), true // overtaken, not lost
		}
		c.rackUpdate(now, e.last)
	case c.rtt.tooSoon(age):
		// Too soon for the latest transmission: the one before has arrived (Eifel, RFC 3522, by time).
		c.stats.Spurious++
		ev.spurious = !c.cfg.NoUndo
		if e.resends > 1 || c.cfg.NoUndo { // whose time is forgotten
			ev.resent = true
			break
		}
		if !r.ranged && now.Sub(e.first) > c.rtt.rto {
			// The ack of what has arrived behind a hole is late because of the hole: that is no round trip, and as
			// one would make the next time-out longer, and the acks behind the next hole later.
			ev.resent = true
			break
		}
		ev.sample, ev.sampled = now.Sub(e.first), true
		r.reo, r.reordered = max(r.reo, ev.sample-r.rtt), true
	default:
		ev.resent, r.lossy = true, true
		c.rackUpdate(now, e.last)
	}
	c.snd.bytes -= e.len()
	e.forget()
}

// ackMayWait returns how long the peer may have waited before it acknowledged so many packets: what a
// retransmission fills a gap with is acknowledged at once, and must not look as if it came too soon.
func (c *Conn) ackMayWait(newly int) time.Duration {
	switch {
	case newly >= c.cfg.AckEvery:
		return 0
	case c.rtt.prompt == 0:
		return max(c.cfg.AckDelay, c.cfg.FirstAckDelay)
	}
	return c.cfg.AckDelay
}

// progress updates the estimators and restarts the timer.
func (c *Conn) progress(now clock.Time, ev *ackEvent) {
	r, s := &c.rec, &c.snd
	r.probes, r.asked = 0, false
	if c.cfg.Recovery == RecoveryPrototype {
		return
	}
	if ev.sampled && !ev.resent { // Karn: with a retransmission among them it is unclear what was acknowledged
		c.rtt.answered(ev.sample, c.ackMayWait(ev.newly))
	} else {
		c.rtt.reset()
		if ev.sampled {
			c.rtt.atMost(ev.sample)
		}
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
	c.rtt.answered(now.Sub(at), 0)
	if s.lwe == s.seq || c.cfg.Recovery == RecoveryPrototype {
		return
	}
	c.armTimer(now)
	if known {
		m := moment{at: at, no: r.no - 1<<30} // before all else of its instant, unless it is the latest
		if at == r.probed.at {
			m = r.probed
		}
		c.rackUpdate(now, m)
	} else if e := s.ring.at(s.lwe); e.last.at < at {
		c.markLost(s.lwe)
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
		if !c.maySend(now) {
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
	e.last, e.lost = c.rec.mark(now), false
	if e.resends < 255 {
		e.resends++
	}
	c.stats.Retransmitted++
	c.charge(now, p.Len(), c.backlog())
	c.snd.act = now
	if c.cfg.Recovery == RecoveryRACK {
		c.rec.resent.push(resend{seq: q, sent: e.last})
		c.armTimer(now)
	}
	return p
}
