package soak

import (
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// watch looks every second whether something has stood still for too long, or grown too large.
func (r *run) watch() {
	now := r.now()
	if n := r.w.Pool().Live(); n > r.bound {
		r.violate(promiseMemory, nil, nil, "%d packet buffers are in use, more than the %d that queues and windows can hold", n, r.bound)
	}
	for _, p := range r.pairs {
		if p.asking && now.Sub(p.asked) > allocTimeout+patience {
			r.violate(promiseStuck, p, nil, "a request of %v has no answer", p.asked)
		}
	}
	for _, e := range r.ends {
		if e.dead || e.told != clock.Never || e.spy.closed != clock.Never {
			continue
		}
		if e.closed != clock.Never {
			if now.Sub(e.closed) > e.lingers() {
				e.violate(promiseStuck, "the flow was closed at %v and is still there", e.closed)
			}
			continue
		}
		if e.spy.gone != clock.Never {
			// The layer has ended the flow; the program is told when it has read what came before.
			if e.paused == 0 && now.Sub(max(e.spy.gone, e.readable)) > patience {
				e.violate(promiseStuck, "the layer has ended the flow at %v and the program was not told", e.spy.gone)
			}
			continue
		}
		e.watchPeer(now)
		e.watchBlocked(now)
		e.watchAcks(now)
	}
}

// lingers is how long a closed flow may take to be given back: until the last message is acknowledged or R is
// over, which the sender notices when its time-out expires next, and as long again until the peer knows.
func (e *end) lingers() time.Duration {
	if e.p.mode() == core.ModeRaw {
		return e.stalls() + patience
	}
	return 2*e.retransmits() + e.stalls() + patience
}

// retransmits is how long a message is retransmitted at most.
func (e *end) retransmits() time.Duration {
	r := e.p.params.R
	if r == 0 {
		r = defaultR
	}
	return r + longestRTO
}

// stalls is how long the flow of the layer may refuse packets: its congestion policy may have it wait.
func (e *end) stalls() time.Duration { return 60 * time.Second }

// watchPeer: a program learns that the other end is gone when the time of the flow is over.
func (e *end) watchPeer(now core.Time) {
	t := e.p.QoS.Spec().PeerTimeout()
	if t > 0 && now.Sub(e.spy.heard) > t+patience && e.spy.closed == clock.Never {
		e.violate(promiseStuck, "the peer was heard last at %v, its time-out is %v, and the program was not told", e.spy.heard, t)
	}
}

// watchBlocked: a writer that waits is unblocked or told.
func (e *end) watchBlocked(now core.Time) {
	if e.blocked == clock.Never {
		return
	}
	since := e.blocked
	if o := e.other(); o != nil && !o.over() {
		if o.paused > 0 {
			return
		}
		since = max(since, o.readable)
	}
	limit := e.retransmits()
	if e.p.mode() != core.ModeReliable {
		limit = max(e.p.QoS.Spec().PeerTimeout(), 30*time.Second) + 60*time.Second
	}
	if e.p.r.dirty && !e.p.protected {
		return
	}
	if now.Sub(since) > limit+e.stalls()+patience {
		e.violate(promiseStuck, "the writer has waited since %v", e.blocked)
	}
}

// watchAcks: what is acknowledged was delivered, and what is not in time is reported.
func (e *end) watchAcks(now core.Time) {
	if e.p.mode() != core.ModeReliable || e.l == nil || e.p.r.dirty && !e.p.protected {
		return
	}
	w := e.out()
	st := e.flow.Stats()
	acked := len(w.times) - st.Outstanding - st.Kept
	if acked < len(w.times) && now.Sub(w.times[acked]) > e.retransmits()+e.stalls()+patience {
		e.violate(promiseReliable, "message %d was written at %v, is not acknowledged, and the writer was not told", acked, w.times[acked])
	}
	o := e.other()
	if o == nil || o.dead || o.over() || o.paused > 0 || now.Sub(o.readable) < 2*time.Second {
		return
	}
	if w.next < acked {
		e.violate(promiseReliable, "message %d is acknowledged and was not delivered to a program that reads", w.next)
	}
}
