package measure

import (
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
)

// transfers calls yield for the data transfer component of every IPCP that a layer has or had, with the time
// up to which it ran.
func transfers(l *node.Layer, now core.Time, yield func(s *node.System, d *dt.DT, until core.Time)) {
	see := func(s *node.System, p *unicast.IPCP, until core.Time) {
		if p != nil && p.DT() != nil {
			yield(s, p.DT(), until)
		}
	}
	for _, s := range l.Members {
		m := s.Member(l.Name)
		if m == nil {
			continue
		}
		for _, p := range m.Past {
			see(s, p.Unicast, p.Until)
		}
		until := now
		if !m.In() {
			until = m.Until
		}
		see(s, m.Unicast, until)
	}
}

// warm notes what has waited in the IPCPs by the end of the warm-up.
func (r *Recorder) warm(now core.Time) {
	r.waited = map[*dt.DT][]dt.Waiting{}
	for _, l := range r.cfg.Network.Layers {
		transfers(l, now, func(_ *node.System, d *dt.DT, until core.Time) {
			d.Waiting(until, func(w dt.Waiting) { r.waited[d] = append(r.waited[d], w) })
		})
	}
}

// waitedBefore returns the part of what has waited in a port, or in those that have been removed, that lies
// before the end of the warm-up. now are all entries of the component. A port that was there then and is not any
// more counts among the removed.
func (r *Recorder) waitedBefore(d *dt.DT, now []dt.Waiting, w dt.Waiting) (sum time.Duration) {
	same := func(a, b dt.Waiting) bool { return a.Port == b.Port && a.Since == b.Since }
	for _, b := range r.waited[d] {
		is := slices.ContainsFunc(now, func(x dt.Waiting) bool { return same(x, b) })
		if same(b, w) || !is && w.Removed() {
			sum += b.Time
		}
	}
	return sum
}

// queues returns what waited in the schedulers of a layer, for every pair of neighbours, and for those who
// are neighbours no more together.
func (r *Recorder) queues(l *node.Layer, now core.Time, mine func(node string) bool) (out []result.Queue) {
	t := now.Sub(max(r.cfg.Start, core.Time(r.cfg.Scenario.Warmup))).Seconds()
	transfers(l, now, func(s *node.System, d *dt.DT, until core.Time) {
		if !mine(s.Name) {
			return
		}
		var all []dt.Waiting
		d.Waiting(until, func(w dt.Waiting) { all = append(all, w) })
		for _, w := range all {
			to := ""
			if peer := l.At(w.Peer); peer != nil && !w.Removed() {
				to = peer.Name
			}
			if to == "" && w.Most == 0 {
				continue
			}
			i := slices.IndexFunc(out, func(q result.Queue) bool { return q.From == s.Name && q.To == to })
			if i < 0 {
				i = len(out)
				out = append(out, result.Queue{From: s.Name, To: to})
			}
			q := &out[i]
			q.Max = max(q.Max, uint64(w.Most))
			if t > 0 {
				q.Mean = result.Some(q.Mean.Or(0) + (w.Time-r.waitedBefore(d, all, w)).Seconds()/t)
			}
		}
	})
	return out
}

// waitsFor returns the number of packets that wait in the scheduler of an IPCP for a neighbour; ok is false
// when they are not adjacent.
func waitsFor(l *node.Layer, from, to *node.System) (n int, ok bool) {
	p, peer := from.IPCP(l.Name), to.IPCP(l.Name)
	if p == nil || p.DT() == nil || peer == nil || !from.Member(l.Name).In() {
		return 0, false
	}
	p.DT().Waiting(0, func(w dt.Waiting) {
		if !w.Removed() && w.Peer == peer.Address() {
			n += w.Now
			ok = true
		}
	})
	return n, ok
}

// queueMetric evaluates a metric of the schedulers of layers.
func queueMetric(how string, ls []*result.Layer) result.Opt[float64] {
	var means, longest []float64
	for _, l := range ls {
		for _, q := range l.Queues {
			longest = append(longest, float64(q.Max))
			if m, ok := q.Mean.Get(); ok {
				means = append(means, m)
			}
		}
	}
	switch how {
	case "mean":
		return over("mean", means)
	case "busiest":
		return over("max", means)
	}
	return over("max", longest)
}
