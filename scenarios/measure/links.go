package measure

import (
	"ouroboros/core"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
)

// link returns what one direction of a wire did.
func (r *Recorder) link(w *node.Wire, i, dir int, now core.Time) result.Link {
	if r.whole != nil {
		return *r.whole.links[linkKey{w.Name, dir}]
	}
	st, base, spec := w.Stats(dir), r.base[i][dir], w.Spec(dir)
	from, to := w.A, w.B
	if dir == 1 {
		from, to = w.B, w.A
	}
	x := result.Link{
		Name: w.Name, From: from.Name, To: to.Name, Delay: spec.Delay,
		SentPackets: st.SentPackets, SentBytes: st.SentBytes, DeliveredPackets: st.DeliveredPackets, DeliveredBytes: st.DeliveredBytes,
		Drops:      result.Drops{Queue: st.DropQueue, Loss: st.DropLoss, Error: st.DropError, Down: st.DropDown},
		Duplicated: st.Duplicated, QueueMax: uint64(st.QueueMax), Down: r.downFor[w],
	}
	if since, down := r.down[w]; down {
		x.Down += now.Sub(since)
	}
	if spec.Rate > 0 {
		x.Rate = result.Some(uint64(spec.Rate))
	}
	if t := now.Sub(max(r.cfg.Start, core.Time(r.cfg.Scenario.Warmup))).Seconds(); t > 0 {
		x.Utilisation = result.Some((st.Busy - base.Busy).Seconds() / t)
		x.Throughput = result.Some(float64(st.DeliveredBytes-base.DeliveredBytes) * 8 / t)
		// Little's law: the time that packets wait, over the time that passes.
		x.QueueMean = result.Some((st.QueueTime - base.QueueTime).Seconds() / t)
	}
	return x
}
