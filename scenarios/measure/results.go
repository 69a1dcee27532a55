package measure

import (
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/scenarios/result"
)

// Results returns what was measured up to now. Settle completes it once nothing is under way any more.
func (r *Recorder) Results(now core.Time) result.Run {
	sc := r.cfg.Scenario
	run := result.Run{
		Scenario: sc.Name, Description: sc.Description, Duration: sc.Duration.D(), SimulatedTime: time.Duration(now),
		Warmup: sc.Warmup.D(), Nodes: len(r.cfg.Network.Systems),
	}
	for _, o := range sc.Overrides {
		run.Parameters = append(run.Parameters, result.Parameter{Path: o.Path, Value: o.Value, Origin: o.Origin})
	}
	for i, f := range r.cfg.Flows {
		run.Flows = append(run.Flows, r.flow(f, r.label(i), now))
	}
	hops := uint64(0)
	for i, w := range r.cfg.Network.Wires {
		for dir := range 2 {
			l := r.link(w, i, dir, now)
			hops += l.DeliveredPackets
			run.Links = append(run.Links, l)
		}
	}
	for _, l := range r.cfg.Network.Layers {
		run.Layers = append(run.Layers, r.layer(l, &run, now))
	}
	r.keep(&run)
	run.Totals.PacketHops = result.Some(hops)
	if r.series != nil {
		run.Series = r.series.take(r.whole)
	}
	run.Notes = append(run.Notes, r.early(&run)...)
	for _, l := range r.cfg.Network.Layers {
		run.Notes = append(run.Notes, uneven(l.Name, r.limits(l, everywhere))...)
	}
	run.Notes = append(run.Notes, r.failed()...)
	run.Notes = append(run.Notes, absent(&run)...)
	return run
}

// wants reports whether the scenario wants something measured.
func (r *Recorder) wants(what string) bool { return slices.Contains(r.cfg.Scenario.Measure, what) }

// keep leaves out what the scenario does not want measured.
func (r *Recorder) keep(run *result.Run) {
	none := result.None[float64]()
	for i := range run.Flows {
		f := &run.Flows[i]
		if !r.wants("goodput") {
			f.Goodput = none
		}
		if !r.wants("delay") {
			f.Delay, f.RTT, f.Theory = result.Dist{}, result.Dist{}, nil
		}
	}
	for i := range run.Links {
		l := &run.Links[i]
		if !r.wants("queue") {
			l.QueueMean = none
		}
		if !r.wants("utilisation") {
			l.Utilisation, l.Throughput = none, none
		}
	}
	for i := range run.Layers {
		l := &run.Layers[i]
		if !r.wants("fairness") {
			l.Fairness = nil
		}
		if !r.wants("control") {
			l.Control = nil
		}
		if !r.wants("queue") {
			l.Queues = nil
		}
		if !r.wants("convergence") {
			l.Convergence = nil
		}
	}
}

// label returns the name of the QoS that flow i asked for, as the scenario writes it.
func (r *Recorder) label(i int) string {
	for k := range r.cfg.Scenario.Workload {
		if w := &r.cfg.Scenario.Workload[k]; w.Name == r.cfg.Flows[i].Workload {
			return w.QoS.Label()
		}
	}
	return ""
}

// Settle fills in what only shows when nothing is under way any more: what arrived after the end was in
// flight, the rest is lost.
func (r *Recorder) Settle(run *result.Run) {
	for i, f := range r.cfg.Flows {
		x := &run.Flows[i]
		late := f.Stats.Delivered - x.DeliveredPackets
		x.InFlightPackets = late
		x.LostPackets = x.SentPackets - min(x.SentPackets, x.DeliveredPackets+late)
		if x.SentPackets > 0 && r.wants("loss") {
			x.Loss = result.Some(float64(x.LostPackets) / float64(x.SentPackets))
		}
		x.Wishes = r.wishes(f, x)
	}
}
