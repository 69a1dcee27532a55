package ca

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// Bounds of the rate parameters, in bit/s.
const (
	lowestRate  = 1_000
	highestRate = 1_000_000_000_000
)

// fixed is 1 as a fixed-point number of 16 bits behind the point, in which levels, shares and gains are
// kept: the same on every processor.
const fixed = 1 << 16

// silentPackets is how many packets a flow sends before it takes missing reports for lost ones.
const silentPackets = 32

// pace are the parameters of a sender that adjusts its rate by periodic reports. Rates are in bytes per
// second.
type pace struct {
	initial, low, high int64
	interval           time.Duration // between two reports
	silence            time.Duration // without reports, after which they count as lost
}

// paceConfig are the same parameters as they are written, in bit/s.
func paceConfig(initial, low, high int64, interval, silence time.Duration) (pace, error) {
	for _, p := range []struct {
		name          string
		v, low, limit int64
	}{
		{"min_rate", low, lowestRate, highestRate},
		{"max_rate", high, low, highestRate},
		{"initial_rate", initial, low, high},
	} {
		if p.v < p.low || p.v > p.limit {
			return pace{}, fmt.Errorf("parameter %s: %d, accepted are %d to %d", p.name, p.v, p.low, p.limit)
		}
	}
	if interval < time.Millisecond || interval > 10*time.Second {
		return pace{}, fmt.Errorf("parameter interval: %v, accepted are 1ms to 10s", interval)
	}
	if silence < 2*interval || silence > time.Minute {
		return pace{}, fmt.Errorf("parameter silence: %v, accepted are 2*interval to 1m", silence)
	}
	return pace{initial: initial / 8, low: low / 8, high: high / 8, interval: interval, silence: silence}, nil
}

// throttle is the sender of a policy whose receiver reports at intervals, also that all is well: its rate
// in a pacer, and what has happened since the last report. There are three rules beside those of the policy:
//
//   - Reports that do not come: after silence, and silentPackets packets, the rate halves, and again after
//     each further time of silence, down to the initial rate. Nor does it grow, since only a report makes it
//     grow. So losing all feedback neither stops a flow nor lets it run away.
//   - A flow that has had nothing to send for silence starts anew: its initial rate, slow start (RFC 5681
//     §4.1 has the same for windows).
//   - A rate of which less than half is used does not grow: nobody has tested it (RFC 7661 §4.3).
//
// Receivers report the first packet of a flow at once. So the time until the first report is a round trip, and
// slow start and repeated cuts can wait for what they have caused even where an interval is shorter.
type throttle struct {
	*pace
	pacer
	heard   core.Time     // last report, or last halving for want of one
	unheard uint32        // packets sent since the last report
	bytes   int64         // sent since the last report
	first   core.Time     // when the first packet went, since the flow has started anew; Never before it
	loop    time.Duration // from a packet to the report that tells of it, at least an interval; 0 = not known yet
	slow    bool          // slow start
	regime  Regime        // what the last report made the rate do
	level   uint16        // the last report
}

func newThrottle(p *pace, now core.Time) throttle {
	t := throttle{pace: p, pacer: pacer{next: now}}
	t.begin(now)
	return t
}

// begin starts a flow, or starts it anew.
func (t *throttle) begin(now core.Time) {
	t.rate, t.slow, t.regime = t.initial, true, SlowStart
	t.first, t.loop = clock.Never, 0
	t.hear(now)
}

// Send counts a packet and returns its pause.
func (t *throttle) Send(now core.Time, n int) time.Duration {
	switch quiet := now.Sub(t.heard); {
	case t.idle(now) >= t.silence:
		t.begin(now)
	case quiet >= t.silence && t.unheard >= silentPackets:
		t.set(max(t.rate/2, min(t.rate, t.initial)))
		t.heard, t.regime = now, Decrease
	}
	t.unheard++
	t.bytes += int64(n)
	if t.first == clock.Never {
		t.first = now
	}
	return t.send(now, n)
}

// report takes the time of a report and returns the time that it stands for, and whether the rate has
// been used in it. A report that comes late stands for no more than the time of silence.
func (t *throttle) report(now core.Time, level uint16) (dt time.Duration, used bool) {
	dt = min(max(now.Sub(t.heard), 0), t.silence)
	used = t.bytes >= t.rate*dt.Microseconds()/2e6
	t.level = level
	if t.loop == 0 {
		t.loop = min(max(now.Sub(t.first), t.interval), t.silence)
	}
	t.hear(now)
	return dt, used
}

// hear starts the count for the next report.
func (t *throttle) hear(now core.Time) { t.heard, t.unheard, t.bytes = now, 0, 0 }

// set changes the rate within its bounds.
func (t *throttle) set(rate int64) { t.rate = min(max(rate, t.low), t.high) }

// grow is the increase of a time dt without congestion: slow start doubles the rate in a loop, else it grows by a constant, in bytes per second and second.
func (t *throttle) grow(dt time.Duration, perSecond int64) {
	if t.slow {
		part := int64(min(dt, t.loop)) * fixed / int64(t.loop)
		t.set(t.rate + t.rate*part>>16)
		t.regime = SlowStart
		return
	}
	t.set(t.rate + perSecond*dt.Microseconds()/1e6)
	t.regime = Increase
}

// cut takes a share of the rate away, of 16 bits behind the point, and ends slow start.
func (t *throttle) cut(share int64) {
	t.set(t.rate - t.rate*share>>16)
	t.slow, t.regime = false, Decrease
}

// Rate returns the rate in force.
func (t *throttle) Rate() int64 { return t.rate }

// snapshot fills in the sender's part.
func (t *throttle) snapshot() Snapshot {
	return Snapshot{
		Rate: float64(t.rate), Window: t.interval,
		Limit: t.rate * t.interval.Microseconds() / 1e6, Bytes: t.bytes, Packets: int64(t.unheard),
		Upstream: t.level, UpPackets: t.unheard, Regime: t.regime,
	}
}
