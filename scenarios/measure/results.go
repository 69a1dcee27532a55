package measure

import (
	"fmt"
	"math"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/fa"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
	"ouroboros/scenarios/traffic"
)

// Results returns what was measured up to now. Settle completes it once nothing is under way any more.
func (r *Recorder) Results(now core.Time) result.Run {
	r.closeWindow()
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
			hops += w.Stats(dir).DeliveredPackets
			run.Links = append(run.Links, l)
		}
	}
	for _, l := range r.cfg.Network.Layers {
		run.Layers = append(run.Layers, r.layer(l, &run))
	}
	r.keep(&run)
	run.Totals.PacketHops = result.Some(hops)
	if r.series != nil {
		run.Series = r.series.take()
	}
	run.Notes = append(run.Notes, r.early(&run)...)
	for _, e := range r.cfg.Network.Failed() {
		run.Notes = append(run.Notes, e.Error())
	}
	return run
}

// early tells of flows that failed because they were asked for before their layer was up.
func (r *Recorder) early(run *result.Run) (notes []string) {
	for i := range run.Layers {
		l := &run.Layers[i]
		up, ok := l.Up.Get()
		n := 0
		for k := range run.Flows {
			if f := &run.Flows[k]; f.Layer == l.Name && f.Failure != "" && f.Start < up {
				n++
			}
		}
		if ok && n > 0 {
			notes = append(notes, fmt.Sprintf("%d flows failed that were asked for before layer %s was up, at %v", n, l.Name, up))
		}
	}
	return notes
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

var kindNames = [...]string{traffic.CBR: "cbr", traffic.Poisson: "poisson", traffic.OnOff: "onoff", traffic.Bulk: "bulk", traffic.Ping: "ping", traffic.Group: "group"}

func (r *Recorder) flow(f *traffic.Flow, label string, now core.Time) result.Flow {
	st := f.Stats
	x := result.Flow{
		ID: f.ID, Name: f.Name, Workload: f.Workload, Kind: kindNames[f.Kind], From: f.From.Name, To: f.To.Name,
		Layer: f.Layer, QoS: qos(f.QoS, label), Start: time.Duration(f.Start),
		OfferedPackets: st.Offered, OfferedBytes: st.OfferedBytes, SentPackets: st.Sent, SentBytes: st.SentBytes,
		Blocked: st.Blocked, DeliveredPackets: st.Delivered, DeliveredBytes: st.Bytes,
		Duplicates: st.Duplicates, Reordered: st.Reordered, Delay: f.Delay.Dist(), RTT: f.RTT.Dist(),
	}
	if st.Failure != nil {
		x.Failure = st.Failure.Error()
	}
	if st.Allocated > 0 {
		x.Allocated = result.Some(st.Allocated.Sub(st.Asked))
	}
	if st.Ended != clock.Never {
		x.Stop = result.Some(time.Duration(st.Ended))
	}
	end := min(st.Ended, now)
	switch {
	case f.Kind != traffic.Bulk:
	case st.Completed != clock.Never:
		end = st.Completed
		x.Completion = result.Some(st.Completed.Sub(f.Start))
	case st.SentBytes >= f.Bytes: // all is written and not yet there
		end = now
	}
	if st.Sent > 0 {
		active := end.Sub(st.First).Seconds()
		measured := end.Sub(max(st.First, f.Warmup)).Seconds()
		if active > 0 && f.Kind != traffic.Bulk {
			x.OfferedRate = result.Some(float64(st.OfferedBytes) * 8 / active)
		}
		if measured > 0 {
			x.Goodput = result.Some(float64(st.MeasuredBytes) * 8 / measured)
		}
	}
	if t, ok := f.Transport(); ok && f.QoS.Mode() == core.ModeReliable {
		x.Retransmissions = result.Some(t.Retransmitted)
		x.Timeouts = result.Some(t.Expiries)
	}
	x.Theory = r.theory(f, &x)
	return x
}

func qos(q core.QoS, label string) result.QoS {
	x := result.QoS{Name: label, Mode: q.Mode().String(), NoLoss: q.Loss == 0, NoError: q.BER == 0, InOrder: q.InOrder != 0}
	if q.Delay != core.DontCare {
		x.Delay = result.Some(time.Duration(q.Delay) * time.Millisecond)
	}
	if q.Bandwidth != 0 && q.Bandwidth != math.MaxUint64 {
		x.Bandwidth = result.Some(q.Bandwidth)
	}
	if q.Availability != 0 {
		x.Nines = result.Some(uint64(q.Availability))
	}
	if q.MaxGap != core.DontCare {
		x.MaxGap = result.Some(time.Duration(q.MaxGap) * time.Millisecond)
	}
	return x
}

// wishes compares what the QoS asked for with what the flow got, as far as it was measured. The delay
// that 99 of 100 messages kept is held against the wish.
func (r *Recorder) wishes(f *traffic.Flow, x *result.Flow) (out []result.Wish) {
	q := x.QoS
	add := func(what, unit string, asked float64, got result.Opt[float64], met bool) {
		out = append(out, result.Wish{What: what, Unit: unit, Asked: asked, Got: got, Met: got.OK() && met})
	}
	if d, ok := q.Delay.Get(); ok && r.wants("delay") {
		p99, has := x.Delay.P99.Get()
		got := result.None[float64]()
		if has {
			got = result.Some(float64(p99))
		}
		add("delay", "ns", float64(d), got, p99 <= d)
	}
	if b, ok := q.Bandwidth.Get(); ok && r.wants("goodput") {
		// Who offers less than it asked for gets what it offered.
		want := min(float64(b), x.OfferedRate.Or(float64(b)))
		add("bandwidth", "bit/s", float64(b), x.Goodput, x.Goodput.Or(0) >= 0.99*want)
	}
	if q.NoLoss && q.InOrder && r.wants("loss") {
		add("loss", "ratio", 0, x.Loss, x.Loss.Or(1) == 0)
	}
	if q.InOrder && f.Stats.Delivered > 0 {
		add("order", "packets", 0, result.Some(float64(x.Reordered)), x.Reordered == 0)
	}
	return out
}

func (r *Recorder) link(w *node.Wire, i, dir int, now core.Time) result.Link {
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

func (r *Recorder) layer(l *node.Layer, run *result.Run) result.Layer {
	x := result.Layer{Name: l.Name, Kind: l.Kind, Members: len(l.Members)}
	x.Fairness = r.fairness(l, run)
	control := map[string]*result.Control{}
	var kinds []string
	var drops dt.Stats
	unknown := uint64(0)
	for _, s := range l.Members {
		if m := s.Member(l.Name); m != nil && m.In() {
			x.Joined++
			x.Up = result.Some(max(x.Up.Or(0), time.Duration(m.Since)))
		}
		p := s.IPCP(l.Name)
		if p == nil {
			continue
		}
		for _, c := range p.Control() {
			if control[c.Kind] == nil {
				control[c.Kind] = &result.Control{Kind: c.Kind}
				kinds = append(kinds, c.Kind)
			}
			control[c.Kind].Packets += c.Packets
			control[c.Kind].Bytes += c.Bytes
		}
		if p.DT() == nil { // it has never been in the layer
			continue
		}
		origin := p.DT().Origin()
		origin.Sent = dt.Counter{} // to components of the member itself
		tally(&drops, origin)
		tally(&drops, p.DT().Gone())
		p.DT().Ports(func(_ pff.Port, _ uint64, st dt.Stats, _ int) { tally(&drops, st) })
		load(&x.Load, p)
		unknown += p.FA().Stats().UnknownFlow
	}
	for _, k := range kinds {
		x.Control = append(x.Control, *control[k])
	}
	if l.Kind == "unicast" {
		x.Drops = []result.Count{
			{Name: "ttl", Value: drops.DropTTL.Packets},
			{Name: "no-route", Value: drops.DropNoRoute.Packets},
			{Name: "write", Value: drops.DropWrite.Packets},
			{Name: "short", Value: drops.DropShort.Packets},
			{Name: "unknown-component", Value: drops.DropUnknown.Packets},
			{Name: "unknown-flow", Value: unknown},
		}
	}
	x.Load.HopPackets, x.Load.HopBytes = drops.Sent.Packets, drops.Sent.Bytes
	x.Convergence = r.convergence(l.Name)
	return x
}

// load adds what the users of one member wrote.
func load(x *result.Load, p *unicast.IPCP) {
	x.Header = result.Some(uint64(p.DT().HeaderLen()))
	p.FA().Flows(func(f fa.FlowInfo) {
		x.Packets += f.Stats.Sent
		x.Bytes += f.Stats.SentBytes
	})
}

func tally(sum *dt.Stats, st dt.Stats) {
	sum.Sent.Packets += st.Sent.Packets
	sum.Sent.Bytes += st.Sent.Bytes
	sum.DropTTL.Packets += st.DropTTL.Packets
	sum.DropNoRoute.Packets += st.DropNoRoute.Packets
	sum.DropWrite.Packets += st.DropWrite.Packets
	sum.DropShort.Packets += st.DropShort.Packets
	sum.DropUnknown.Packets += st.DropUnknown.Packets
}

// fairness returns Jain's index for each workload with at least two flows in the layer.
func (r *Recorder) fairness(l *node.Layer, run *result.Run) (out []result.Fairness) {
	groups := map[string][]float64{}
	var names []string
	for i, f := range r.cfg.Flows {
		g, ok := run.Flows[i].Goodput.Get()
		if !ok || f.Layer != l.Name {
			continue
		}
		if groups[f.Workload] == nil {
			names = append(names, f.Workload)
		}
		groups[f.Workload] = append(groups[f.Workload], g)
	}
	for _, n := range names {
		if len(groups[n]) > 1 {
			out = append(out, result.Fairness{Group: n, Flows: len(groups[n]), Jain: Jain(groups[n])})
		}
	}
	return out
}

// Jain returns Jain's fairness index (sum x)^2 / (n sum x^2), missing when all are 0 or there are none.
func Jain(x []float64) result.Opt[float64] {
	var sum, squares float64
	for _, v := range x {
		sum += v
		squares += v * v
	}
	return result.Ratio(sum*sum, float64(len(x))*squares)
}
