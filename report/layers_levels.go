package report

import (
	"slices"
	"time"

	"ouroboros/scenarios/result"
)

// levelRow is what the flows of one workload cost in one layer, and how that compares with a ping over the layer
// below.
type levelRow struct {
	layer    *result.Layer
	workload string
	flows    int
	failed   int
	have     int // flows that were allocated
	mean     result.Opt[time.Duration]
	max      result.Opt[time.Duration]
	rtt      result.Opt[time.Duration] // smallest
	size     result.Opt[float64]       // bytes of a message
	below    string                    // workload of the same messages between the same nodes
	extra    result.Opt[time.Duration] // that the smallest round trip takes longer
}

// levelsOf lists the workloads by layer, in the order in which the run has both.
func levelsOf(r *result.Run) (out []levelRow) {
	for i := range r.Layers {
		l := &r.Layers[i]
		for k := range r.Flows {
			f := &r.Flows[k]
			if f.Layer == l.Name && !slices.ContainsFunc(out, func(x levelRow) bool { return x.layer == l && x.workload == f.Workload }) {
				out = append(out, levelOf(r, l, f.Workload))
			}
		}
	}
	return out
}

func levelOf(r *result.Run, l *result.Layer, workload string) levelRow {
	x := levelRow{layer: l, workload: workload}
	sum := time.Duration(0)
	for i := range r.Flows {
		f := &r.Flows[i]
		if f.Workload != workload || f.Layer != l.Name {
			continue
		}
		x.flows++
		if f.Failure != "" {
			x.failed++
		}
		if d, ok := f.Allocated.Get(); ok {
			x.have++
			sum += d
			x.max = result.Some(max(d, x.max.Or(0)))
		}
		if d, ok := f.RTT.Min.Get(); ok && d < x.rtt.Or(d+1) {
			x.rtt, x.size = result.Some(d), messageSize(f)
			x.below, x.extra = overBelow(r, l, f)
		}
	}
	if x.have > 0 {
		x.mean = result.Some(sum / time.Duration(x.have))
	}
	return x
}

// messageSize is the length of the messages of a flow; all of a ping are alike.
func messageSize(f *result.Flow) result.Opt[float64] {
	return result.Ratio(float64(f.OfferedBytes), float64(f.OfferedPackets))
}

// overBelow compares the smallest round trip of a flow with that of equal messages between the same nodes in
// the next layer below, of those that have any.
func overBelow(r *result.Run, l *result.Layer, f *result.Flow) (workload string, extra result.Opt[time.Duration]) {
	for todo := l.Over; len(todo) > 0; todo = todo[1:] {
		for i := range r.Flows {
			g := &r.Flows[i]
			d, ok := g.RTT.Min.Get()
			if ok && g.Layer == todo[0] && g.From == f.From && g.To == f.To && messageSize(g) == messageSize(f) {
				return g.Workload, result.Some(f.RTT.Min.Or(0) - d)
			}
		}
		if k := slices.IndexFunc(r.Layers, func(x result.Layer) bool { return x.Name == todo[0] }); k >= 0 && len(todo) <= len(r.Layers) {
			todo = append(slices.Clone(todo), r.Layers[k].Over...)
		}
	}
	return "", result.None[time.Duration]()
}

func levelFields() []field[levelRow] {
	return []field[levelRow]{
		{column{name: "layer", head: "layer"}, func(x *levelRow) value { return text(x.layer.Name) }},
		{column{name: "workload", head: "workload"}, func(x *levelRow) value { return text(x.workload) }},
		{column{name: "header_bytes", head: "header", unit: octets}, func(x *levelRow) value { return optCount(x.layer.Load.Header) }},
		{column{name: "flows", head: "flows", unit: whole}, func(x *levelRow) value { return count(uint64(x.flows)) }},
		{column{name: "failed_flows", head: "failed", unit: whole}, func(x *levelRow) value { return count(uint64(x.failed)) }},
		{column{name: "allocation_mean_s", head: "allocation mean", unit: second, family: "allocation"}, func(x *levelRow) value { return optSeconds(x.mean) }},
		{column{name: "allocation_max_s", head: "max", unit: second, family: "allocation"}, func(x *levelRow) value { return optSeconds(x.max) }},
		{column{name: "message_bytes"}, func(x *levelRow) value { return optNum(x.size) }},
		{column{name: "rtt_min_s", head: "RTT min", unit: second, spare: true, apart: true}, func(x *levelRow) value { return optSeconds(x.rtt) }},
		{column{name: "below", head: "compared with", spare: true}, func(x *levelRow) value { return optText(x.below) }},
		{column{name: "rtt_extra_s", head: "RTT more", unit: second, spare: true}, func(x *levelRow) value { return optSeconds(x.extra) }},
	}
}

// levelsData is levels.csv.
func levelsData(runs []*result.Run) table {
	return build("levels", "What each layer costs", gather(runs, levelsOf), levelFields())
}

// printLevels is the printed table of what flows cost in each layer. It has no rows where there is only one.
func printLevels(runs []*result.Run) table {
	if loaded(runs) < 2 {
		return table{}
	}
	t := build("levels", "What each layer costs", interleave(runs, levelsOf), levelFields()).printed(len(runs))
	t.notes = []string{
		"Allocation: from asking for a flow to having it, over the flows that came. RTT min: smallest round trip of the workload.",
		"Compared with: pings of the same size between the same nodes, in the next layer below that has any.",
	}
	return t
}
