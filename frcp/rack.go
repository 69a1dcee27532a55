package frcp

import (
	"time"

	"ouroboros/core/clock"
)

// moment is when a packet was sent, with the number of its transmission, which orders those of one instant.
type moment struct {
	at clock.Time
	no uint32
}

func (m moment) before(o moment) bool { return m.at < o.at || m.at == o.at && before(m.no, o.no) }

// mark gives the transmission of now its number.
func (r *recovery) mark(now clock.Time) moment {
	r.no++
	return moment{at: now, no: r.no}
}

// rackUpdate notes that a transmission has arrived.
func (c *Conn) rackUpdate(now clock.Time, m moment) {
	r := &c.rec
	switch {
	case !r.valid:
		r.valid, r.xmit, r.rtt = true, m, now.Sub(m.at)
	case !m.before(r.xmit):
		r.xmit, r.second, r.third = m, r.xmit, r.second
		r.rtt = now.Sub(m.at)
	case r.second.before(m):
		r.second, r.third = m, r.second
	case r.third.before(m):
		r.third = m
	}
}

// passed reports whether three later transmissions have arrived on a path that loses and keeps the order.
func (r *recovery) passed(m moment) bool { return r.lossy && !r.reordered && m.before(r.third) }

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
		if !e.last.before(r.xmit) || !r.ranged && r.scan != s.lwe {
			break
		}
		if t := e.last.at.Add(limit); t > now && !r.passed(e.last) {
			r.reoAt = t
			break
		}
		c.markLost(r.scan)
	}
	for r.resent.len() > 0 {
		x := *r.resent.peek()
		if e := s.ring.at(x.seq); !c.outstanding(x.seq) || !e.waits || e.last != x.sent || e.lost {
			r.resent.pop()
			continue
		}
		if !x.sent.before(r.xmit) {
			return
		}
		if t := x.sent.at.Add(limit); t > now && !r.passed(x.sent) {
			r.reoAt = min(r.reoAt, t)
			return
		}
		r.resent.pop()
		c.markLost(x.seq)
	}
}
