package frcp

import (
	"time"

	"ouroboros/core/clock"
)

const (
	growStart    = 256 // packets: a window that grows begins with the prototype's
	plainWindow  = 256 // largest that is granted to a peer that may be a prototype (decision 15)
	minTune      = time.Millisecond
	growFactor   = 2
	minMemory    = 1 << 16 // bytes
	defaultLimit = 64 << 20
)

// tuner grows the receive window by what arrives (and the reader takes, or nothing would arrive): to twice as
// much as in the last round trip, so that a sender that the window alone holds back doubles what is under way in
// each (M. Fisk, W. Feng, "Dynamic Right-Sizing in TCP", 2001; as in Linux). A sender that something else holds
// back, its application, the congestion policy or the path, leaves the window at twice of what it uses: a path
// without congestion control has at most as much again in its queues as it has under way.
type tuner struct {
	marked bool
	mark   uint32     // an edge that the peer was told
	markAt clock.Time // when; a packet that needed it is a round trip later here, or more
	rtt    time.Duration
	since  clock.Time // begin of the period
	end    clock.Time // and its end
	begin  uint64     // arrivals by then
}

// tune looks at the window after data has arrived in order.
func (c *Conn) tune(now clock.Time) {
	t, r := &c.tuner, &c.rcv
	switch {
	case !t.marked:
		if r.advAt != clock.Never { // what a sender allows itself at first takes no round trip
			t.marked, t.mark, t.markAt = true, r.adv, r.advAt
		}
		return
	case !before(r.next, t.mark):
		m := now.Sub(t.markAt)
		if t.rtt == 0 || m < t.rtt {
			t.rtt = m // one that followed the queue that it makes would grow the window without end
		}
		if x := c.rtt.min; x > 0 {
			t.rtt = min(t.rtt, x)
		}
		t.mark, t.markAt = r.adv, r.advAt
		if !before(r.next, t.mark) {
			t.mark = r.next + 1
		}
	}
	if t.rtt == 0 || now < t.end {
		return
	}
	if took := now.Sub(t.since); t.since > 0 { // longer, if there was a gap or little to send
		n := growFactor * (r.fresh - t.begin) * uint64(t.rtt) / uint64(max(took, t.rtt))
		r.win = max(r.win, int(min(n, uint64(c.windowLimit()))))
		c.slideWindow()
	}
	t.begin, t.since, t.end = r.fresh, now, now.Add(max(t.rtt, minTune))
}

// windowLimit returns how far the window may grow: what was set, what a prototype copes with, and what fits the
// memory if all messages are as long as the longest so far.
func (c *Conn) windowLimit() int {
	n := c.cfg.MaxWindow
	if c.rec.peer != peerOwn {
		n = min(n, plainWindow)
	}
	return min(n, c.cfg.Memory/max(c.rcv.longest, 1))
}
