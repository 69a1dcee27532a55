package frcp

import (
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// armTimer restarts the retransmission timer. While the peer can be asked it expires earlier, when its
// delayed ack should have come, and backs off to a second only: a question costs 26 bytes and cannot do
// harm.
func (c *Conn) armTimer(now clock.Time) {
	d := c.rtt.rto
	if c.canAsk() {
		if c.rtt.known() {
			d = min(d, c.rtt.srtt+max(2*c.rtt.mdev, minReorder)+c.cfg.AckDelay)
		}
		d = min(d<<min(c.rec.probes, 6), max(d, rdvsMax))
	}
	c.rec.timer = min(now.Add(d), c.snd.ring.at(c.snd.lwe).first.Add(c.cfg.R))
}

// canAsk reports whether silence is met with a probe instead of a retransmission. A peer that may be a
// prototype must know the run before it sees a control packet (spec 10 §10.19, D1).
func (c *Conn) canAsk() bool {
	r := &c.rec
	return !c.cfg.PlainAcks && !c.cfg.NoTailProbe && (r.peer == peerOwn || r.peer == peerUnknown && c.snd.acked && r.probes < probeTries)
}

// expire handles the end of the retransmission timer.
func (c *Conn) expire(now clock.Time) {
	s, r := &c.snd, &c.rec
	if s.lwe == s.seq {
		r.timer = clock.Never
		return
	}
	if now.Sub(s.ring.at(s.lwe).first) >= c.cfg.R {
		c.fail(core.ErrFlowDown)
		return
	}
	if c.cfg.Recovery == RecoveryPrototype {
		c.expirePrototype(now)
		return
	}
	if c.canAsk() {
		c.stats.Expiries++
		r.ask, r.asked = true, true
		r.probes++
		c.armTimer(now)
		return
	}
	if c.mayWaitHere(now) {
		r.timer = now.Add(c.rtt.rto)
		return
	}
	c.stats.Expiries++
	r.probes++
	c.rtt.backoff()
	c.enterLoss()
	r.holes /= 2
	c.armTimer(now)
}

// mayWaitHere reports whether the oldest packet may still wait in a queue of this system. Behind it
// stands at least what this Conn has sent since; a queue that holds less than that no longer holds it.
func (c *Conn) mayWaitHere(now clock.Time) bool {
	s := &c.snd
	return c.cfg.Backlog != nil && c.cfg.Backlog() >= int(s.seq-s.lwe) &&
		now.Sub(s.ring.at(s.lwe).last.at) < maxDeferral
}

// The prototype's timers (spec 10 §10.10): one for each packet, on a wheel of slots of 2^20 ns.

func (c *Conn) trackPrototype(now clock.Time, q uint32, e *sent) {
	r := &c.rec
	if !r.timing {
		r.timing, r.timedSeq, r.timedAt = true, q, now
	}
	c.setDue(now, e)
	r.timer = min(r.timer, e.due)
}

func (c *Conn) setDue(now clock.Time, e *sent) {
	slot := int64(now)/prototypeSlot + int64(c.rtt.rto)/prototypeSlot + 2
	e.due = min(clock.Time(slot*prototypeSlot), e.first.Add(c.cfg.R))
}

// timedAck ends the one measurement.
func (c *Conn) timedAck(now clock.Time, ackno uint32) {
	r := &c.rec
	if c.cfg.Recovery == RecoveryPrototype && r.timing && before(r.timedSeq, ackno) {
		r.timing = false
		c.rtt.sample(max(now.Sub(r.timedAt), time.Nanosecond))
	}
}

// expirePrototype sends again what is due. The time-out doubles with the measured packet only, also
// after the measurement was given up (spec 10 §10.23).
func (c *Conn) expirePrototype(now clock.Time) {
	s, r := &c.snd, &c.rec
	r.timer = clock.Never
	for q := s.lwe; q != s.seq; q++ {
		e := s.ring.at(q)
		if !e.waits {
			continue
		}
		if e.due <= now {
			c.stats.Expiries++
			if q == r.timedSeq {
				c.rtt.backoff()
				r.timing = false
			}
			c.setDue(now, e)
			c.markLost(q)
		}
		r.timer = min(r.timer, e.due)
	}
	r.credit = r.lost.len()
}
