package frcp

import "time"

// rtt estimates the round trip and the retransmission time-out (spec 10 §10.10).
type rtt struct {
	srtt, mdev, rto, min time.Duration
	slack                time.Duration // what acks may be late without anything being wrong
	floor                time.Duration
	// prompt is the least round trip with what the peer may have delayed its ack taken off; 0 = not known.
	prompt time.Duration
}

// ackSlack covers the peer's delayed ack and the tick of a prototype (decision 14).
const ackSlack = 20 * time.Millisecond

func newRTT(r Recovery) rtt {
	e := rtt{mdev: 10 * time.Millisecond, rto: initialRTO, slack: ackSlack}
	if r == RecoveryPrototype {
		e.slack, e.floor = 0, prototypeFloor
	}
	return e
}

// known reports whether there was a sample.
func (e *rtt) known() bool { return e.srtt != 0 }

// sample takes one measurement and so ends a back-off.
func (e *rtt) sample(m time.Duration) {
	m = max(m, 1)
	if e.min == 0 || m < e.min {
		e.min = m
	}
	if e.srtt == 0 {
		e.srtt, e.mdev = m, m>>1
	} else {
		d := m - e.srtt
		e.srtt += d >> 3
		dev := (max(d, -d) - e.mdev) >> 2
		if dev < 0 {
			dev >>= 3 // falls more slowly than it rises, as in Linux
		}
		e.mdev += dev
	}
	e.srtt = max(e.srtt, 1000)
	e.mdev = max(e.mdev, 100)
	e.reset()
}

// answered takes a measurement of which the peer may have waited so long before it answered.
func (e *rtt) answered(m, waited time.Duration) {
	e.sample(m)
	if m -= waited; m > 0 && (e.prompt == 0 || m < e.prompt) {
		e.prompt = m
	}
}

// tooSoon reports whether an ack cannot be that of a transmission of such an age.
func (e *rtt) tooSoon(age time.Duration) bool { return e.prompt > 0 && age < e.prompt*3/4 }

// base is the time-out without a back-off.
func (e *rtt) base() time.Duration {
	return min(max(e.floor, e.srtt+e.mdev<<2+e.slack), maxRTO)
}

// reset ends a back-off. Before the first sample it is kept: the round trip may be longer than the
// initial time-out, and then only waiting gets a sample.
func (e *rtt) reset() {
	if e.known() {
		e.rto = e.base()
	}
}

// atMost takes the age of an acknowledged packet that was sent once, of which nobody can tell how long its ack
// was held back by a hole before it: the round trip is not longer. Before the first sample this ends a back-off; or a flow
// that loses packets in each window, and whose peer says nothing of what arrives behind them, would never get a
// sample, and soon wait longer than R.
func (e *rtt) atMost(age time.Duration) {
	if !e.known() {
		e.rto = min(e.rto, max(initialRTO, 2*age))
	}
}

// backoff doubles the time-out. Once the round trip is known it stays within a few of them, or 2 s if that
// is more: each expiry sends one packet, so it is not what fills a path, and what is sent too much of is for
// the congestion policy of the layer to say. Without a bound, a path that loses a third of all packets is
// silent for most of the time.
func (e *rtt) backoff() {
	limit := maxRTO
	switch {
	case e.slack == 0: // the prototype has no bound
	case e.known():
		limit = min(max(8*e.base(), maxBackoff), maxRTO)
	default:
		limit = maxFirstBackoff
	}
	e.rto = min(2*e.rto, limit)
}
