package frcp

import (
	"ouroboros/core/clock"
	"ouroboros/core/wire"
)

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
	case r.inLoss && !e.lost && e.resends > 0 && now.Sub(e.last.at) > c.rtt.srtt+max(c.rtt.srtt/4, 2*c.rtt.mdev):
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
		if !e.waits || e.lost || e.resends > 0 && now.Sub(e.last.at) < c.rtt.srtt*5/4 {
			continue // has arrived, or is on its way again
		}
		c.markLost(q)
		n--
	}
}
