package report

import (
	"fmt"
	"time"

	"ouroboros/scenarios/result"
)

// workloadRows takes the flows of each workload together: rates, counters and samples are summed, so that
// a mean is that over all packets and a percentile that of the merged histograms.
func workloadRows(r *result.Run) []flowRow {
	var order []string
	members := map[string][]*result.Flow{}
	for i := range r.Flows {
		w := r.Flows[i].Workload
		if members[w] == nil {
			order = append(order, w)
		}
		members[w] = append(members[w], &r.Flows[i])
	}
	out := make([]flowRow, 0, len(order))
	for _, w := range order {
		out = append(out, merge(w, members[w]))
	}
	return out
}

// merge sums flows into one row.
func merge(name string, flows []*result.Flow) flowRow {
	row := flowRow{flows: len(flows)}
	row.Name, row.Workload, row.Kind = name, name, flows[0].Kind
	delays, rtts := make([]*result.Dist, 0, len(flows)), make([]*result.Dist, 0, len(flows))
	for _, f := range flows {
		row.OfferedRate = sum(row.OfferedRate, f.OfferedRate)
		row.Goodput = sum(row.Goodput, f.Goodput)
		row.Retransmissions = sum(row.Retransmissions, f.Retransmissions)
		row.Timeouts = sum(row.Timeouts, f.Timeouts)
		row.SentPackets += f.SentPackets
		row.LostPackets += f.LostPackets
		row.DeliveredPackets += f.DeliveredPackets
		row.Duplicates += f.Duplicates
		row.Reordered += f.Reordered
		if c, ok := f.Completion.Get(); ok {
			row.Completion = result.Some(max(c, row.Completion.Or(0)))
		}
		switch f.Met() {
		case "yes":
			row.met++
			row.asked++
		case "no":
			row.asked++
		}
		delays, rtts = append(delays, &f.Delay), append(rtts, &f.RTT)
	}
	row.Loss = result.Ratio(row.LostPackets, row.SentPackets)
	row.Delay, row.RTT = mergeDist(delays), mergeDist(rtts)
	return row
}

// sum adds what is there; it is missing if neither is.
func sum[T result.Number](a, b result.Opt[T]) result.Opt[T] {
	if !a.OK() {
		return b
	}
	if !b.OK() {
		return a
	}
	return result.Some(a.Or(0) + b.Or(0))
}

// mergeDist is the distribution of all samples together. Percentiles are the upper bounds of the
// histogram buckets in which they lie, and missing unless every part brought its histogram. The jitter of
// a mixture means nothing and is missing.
func mergeDist(parts []*result.Dist) result.Dist {
	var out result.Dist
	var total float64
	means, buckets := true, true
	for _, p := range parts {
		if p.N == 0 {
			continue
		}
		lo, ok := p.Min.Get()
		if cur, has := out.Min.Get(); ok && (!has || lo < cur) {
			out.Min = p.Min
		}
		hi, ok := p.Max.Get()
		if cur, has := out.Max.Get(); ok && (!has || hi > cur) {
			out.Max = p.Max
		}
		m, ok := p.Mean.Get()
		means = means && ok
		total += float64(m) * float64(p.N)
		buckets = buckets && len(p.Buckets) > 0
		out.N += p.N
		out.Buckets = mergeBuckets(out.Buckets, p.Buckets)
	}
	if out.N == 0 {
		return result.Dist{}
	}
	if means {
		out.Mean = result.Some(time.Duration(total / float64(out.N)))
	}
	if !buckets {
		out.Buckets = nil
		return out
	}
	out.P50, out.P99 = percentile(&out, 0.5), percentile(&out, 0.99)
	return out
}

// mergeBuckets merges two ascending lists.
func mergeBuckets(a, b []result.Bucket) []result.Bucket {
	out := make([]result.Bucket, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].UpTo < b[0].UpTo:
			out, a = append(out, a[0]), a[1:]
		case a[0].UpTo > b[0].UpTo:
			out, b = append(out, b[0]), b[1:]
		default:
			out = append(out, result.Bucket{UpTo: a[0].UpTo, Count: a[0].Count + b[0].Count})
			a, b = a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// percentile reads the p-quantile (0 < p <= 1) from the histogram, not above the largest sample.
func percentile(d *result.Dist, p float64) result.Opt[time.Duration] {
	var n, all uint64
	for _, b := range d.Buckets {
		all += b.Count
	}
	for _, b := range d.Buckets {
		if n += b.Count; float64(n) >= p*float64(all) {
			return result.Some(min(b.UpTo, d.Max.Or(b.UpTo)))
		}
	}
	return result.None[time.Duration]()
}

// printWorkloads is the table of flows of a run that has many: one row for each workload.
func printWorkloads(runs []*result.Run) table {
	fields := []field[flowRow]{
		{column{name: "workload", head: "workload"}, func(f *flowRow) value { return text(f.Workload) }},
		{column{name: "flows", head: "flows", unit: whole}, func(f *flowRow) value { return count(uint64(f.flows)) }},
	}
	fields = append(fields, trafficFields()...)
	d := func(f *flowRow) *result.Dist { return &f.Delay }
	fields = append(fields, distFields("delay", "delay ", d)...)
	fields = append(fields,
		field[flowRow]{column{name: "retransmissions", head: "retx", unit: whole}, func(f *flowRow) value { return optCount(f.Retransmissions) }},
		field[flowRow]{column{name: "completion_s", head: "completion", unit: second, spare: true}, func(f *flowRow) value { return optSeconds(f.Completion) }},
		field[flowRow]{column{name: "met", head: "met"}, metCell},
	)
	t := build("flows", "Flows by workload", interleave(runs, workloadRows), fields).printed(len(runs))
	t.notes = append([]string{
		"Rates and counters are sums over the flows, delays those of all packets; the single flows are in the CSV and JSON output.",
	}, failures(runs)...)
	return t
}

// printSpread is the distribution of goodput, loss and mean delay over the flows of each workload.
func printSpread(runs []*result.Run) table {
	var rows []row[spread]
	for _, r := range runs {
		for _, w := range workloadRows(r) {
			rows = append(rows, row[spread]{r, spreadOf(r, w.Workload)})
		}
	}
	fields := []field[spread]{
		{column{name: "workload", head: "workload"}, func(s *spread) value { return text(s.workload) }},
	}
	for i, m := range []struct {
		name string
		unit unit
	}{{"goodput", bitrate}, {"loss", share}, {"mean delay", second}} {
		for k, stat := range []string{"min", "mean", "max"} {
			fields = append(fields, field[spread]{
				column{name: fmt.Sprint(m.name, stat), head: m.name + " " + stat, unit: m.unit, family: m.name},
				func(s *spread) value { return optNum(s.stats[i][k]) },
			})
		}
	}
	t := build("spread", "Spread over the flows of a workload", rows, fields).printed(len(runs))
	t.notes = []string{"Smallest, mean and largest value of a flow."}
	return t
}

// spread holds min, mean and max over flows of goodput (bit/s), loss (share) and mean delay (s).
type spread struct {
	workload string
	stats    [3][3]result.Opt[float64]
}

func spreadOf(r *result.Run, workload string) spread {
	var samples [3][]float64
	add := func(i int, o result.Opt[float64]) {
		if v, ok := o.Get(); ok {
			samples[i] = append(samples[i], v)
		}
	}
	for i := range r.Flows {
		if f := &r.Flows[i]; f.Workload == workload {
			add(0, f.Goodput)
			add(1, f.Loss)
			add(2, inSeconds(f.Delay.Mean))
		}
	}
	s := spread{workload: workload}
	for i, xs := range samples {
		if len(xs) == 0 {
			continue
		}
		e := estimate(xs)
		s.stats[i] = [3]result.Opt[float64]{result.Some(e.Min), result.Some(e.Mean), result.Some(e.Max)}
	}
	return s
}

func inSeconds(o result.Opt[time.Duration]) result.Opt[float64] {
	if d, ok := o.Get(); ok {
		return result.Some(d.Seconds())
	}
	return result.None[float64]()
}
