package measure

import (
	"fmt"
	"math"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/wire"
	"ouroboros/scenarios"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
	"ouroboros/scenarios/traffic"
)

// ideal returns what a reliable flow could reach on its path if every loss cost one round trip and nothing
// else: the 99 % quantile of the delay of periodic messages, the goodput of a transfer. It is there only where
// the path loses packets, each by itself, does nothing else to them, and has been as it is since the flow was
// asked for. Several flows on a path share what is given here for each.
func (r *Recorder) ideal(f *traffic.Flow, x *result.Flow) (out []result.Theory) {
	l := r.cfg.Network.Layer(x.Layer)
	if f.QoS.Mode() != core.ModeReliable || r.changed > f.Start || l == nil || f.Stats.Delivered == 0 ||
		!slices.Contains(l.Over, scenarios.Links) || len(l.Over) != 1 {
		return nil
	}
	there, home := f.Hash()
	path := r.cfg.Network.Path(l, f.From, f.To, there)
	back := r.cfg.Network.Path(l, f.To, f.From, home)
	p, rate := r.losses(path)
	if p == 0 || back == nil {
		return nil
	}
	size := f.Size + r.overhead(f, l)
	onward, ok := r.idle(l, path, size)
	homeward, okBack := r.idle(l, back, size-f.Size+wire.FRCPRangesLen(1))
	if !ok || !okBack {
		return nil
	}
	switch f.Kind {
	case traffic.CBR:
		rtt := onward.time + homeward.time
		m, has := x.Delay.P99.Get()
		if !has {
			return nil
		}
		return append(out, result.Theory{
			What: "delay.p99", Unit: "ns", Measured: result.Some(float64(m)),
			Value:  float64(onward.time + lossWait(0.99, p, rtt, f.Interval)),
			Source: fmt.Sprintf("one round trip of %v for each loss, in order, loss %.3g", rtt.Round(time.Microsecond), p),
		})
	case traffic.Bulk:
		if rate == 0 {
			return nil
		}
		return append(out, result.Theory{
			What: "goodput", Unit: "bit/s", Measured: x.Goodput,
			Value:  float64(rate) * float64(f.Size) / float64(onward.frame) * (1 - p),
			Source: fmt.Sprintf("each lost frame sent once more, loss %.3g", p),
		})
	}
	return nil
}

// losses returns the probability that a path loses a packet, and its smallest rate in bit/s, 0 = no limit. The
// probability is 0 if the path is not known or impairs packets in other ways.
func (r *Recorder) losses(path []*node.System) (p float64, rate int64) {
	arrives := 1.0
	for i := 1; i < len(path); i++ {
		w := r.cfg.Network.Between(path[i-1].Name, path[i].Name)
		if w == nil {
			return 0, 0
		}
		dir := 0
		if w.B == path[i-1] {
			dir = 1
		}
		s := w.Spec(dir)
		if s.Gilbert != nil || s.BER > 0 || s.Jitter > 0 || s.Reorder > 0 || s.Duplicate > 0 || len(s.Drop) > 0 {
			return 0, 0
		}
		arrives *= 1 - s.Loss
		if s.Rate > 0 && (rate == 0 || s.Rate < rate) {
			rate = s.Rate
		}
	}
	return 1 - arrives, rate
}

// lossWait returns the quantile q of how much longer than its path a message needs, if each is sent again one
// round trip after every loss, and delivered in order. Messages leave every interval T, and each transmission
// is lost with probability p, by itself.
//
// Message i arrives K_i round trips R late, with P(K_i ≥ k) = p^k, and waits for those before it: it is
// delivered max over m ≥ 0 of K_{i−m}·R − m·T late. Hence
//
//	P(late ≤ x) = Π_{m ≥ 0} (1 − p^(⌊(x + m·T)/R⌋ + 1))
func lossWait(q, p float64, rtt, interval time.Duration) time.Duration {
	if p <= 0 || p >= 1 || rtt <= 0 || interval <= 0 {
		return 0
	}
	R, T := int64(rtt), int64(interval)
	within := func(x time.Duration) float64 {
		sum := 0.0 // of logarithms; those of the m with the same floor together
		for m := int64(0); ; {
			k := (int64(x) + m*T) / R
			next := ((k+1)*R - int64(x) + T - 1) / T
			term := float64(next-m) * math.Log1p(-math.Pow(p, float64(k+1)))
			sum, m = sum+term, next
			if term > -1e-15 {
				return math.Exp(sum)
			}
		}
	}
	lo, hi := time.Duration(-1), rtt // x is in (lo, hi]
	for within(hi) < q {
		hi *= 2
	}
	for hi-lo > 1 {
		if mid := lo + (hi-lo)/2; within(mid) < q {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}
