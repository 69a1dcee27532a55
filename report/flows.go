package report

import (
	"fmt"
	"strings"

	"ouroboros/scenarios/result"
)

// maxFlows is how many flows a printed table shows one by one; larger sets are summarised by workload.
const maxFlows = 30

// flowRow is a flow, or a workload whose flows are taken together.
type flowRow struct {
	result.Flow
	flows int // how many
	met   int // how many of them got what they asked for
	asked int // how many of them asked for something; 0 in the row of a single flow
}

func flowRows(r *result.Run) []flowRow {
	out := make([]flowRow, len(r.Flows))
	for i := range r.Flows {
		out[i] = flowRow{Flow: r.Flows[i], flows: 1}
	}
	return out
}

// flowFields are the columns of flows.csv; those with a heading make the printed table.
func flowFields() []field[flowRow] {
	return append([]field[flowRow]{
		{column{name: "flow", head: "flow"}, func(f *flowRow) value { return text(f.Name) }},
		{column{name: "flow_id"}, func(f *flowRow) value { return count(uint64(f.ID)) }},
		{column{name: "workload"}, func(f *flowRow) value { return text(f.Workload) }},
		{column{name: "kind"}, func(f *flowRow) value { return text(f.Kind) }},
		{column{name: "from", head: "from"}, func(f *flowRow) value { return text(f.From) }},
		{column{name: "to", head: "to"}, func(f *flowRow) value { return text(f.To) }},
		{column{name: "layer"}, func(f *flowRow) value { return text(f.Layer) }},
		{column{name: "qos"}, func(f *flowRow) value { return text(f.QoS.Name) }},
		{column{name: "qos_mode"}, func(f *flowRow) value { return text(f.QoS.Mode) }},
		{column{name: "failure"}, func(f *flowRow) value { return optText(f.Failure) }},
		{column{name: "start_s"}, func(f *flowRow) value { return seconds(f.Start) }},
		{column{name: "allocated_s"}, func(f *flowRow) value { return optSeconds(f.Allocated) }},
		{column{name: "first_byte_s"}, func(f *flowRow) value { return optSeconds(f.FirstByte) }},
		{column{name: "path_rtt_s"}, func(f *flowRow) value { return optSeconds(f.PathRTT) }},
		{column{name: "stop_s"}, func(f *flowRow) value { return optSeconds(f.Stop) }},
	}, append(trafficFields(), append(delayFields(), fateFields()...)...)...)
}

// trafficFields are what the flow carried; the grouped table shows them too.
func trafficFields() []field[flowRow] {
	return []field[flowRow]{
		{column{name: "offered_bps", head: "offered", unit: bitrate, family: "rate"}, func(f *flowRow) value { return optNum(f.OfferedRate) }},
		{column{name: "offered_packets"}, func(f *flowRow) value { return count(f.OfferedPackets) }},
		{column{name: "offered_bytes"}, func(f *flowRow) value { return count(f.OfferedBytes) }},
		{column{name: "sent_packets"}, func(f *flowRow) value { return count(f.SentPackets) }},
		{column{name: "sent_bytes"}, func(f *flowRow) value { return count(f.SentBytes) }},
		{column{name: "blocked_s"}, func(f *flowRow) value { return seconds(f.Blocked) }},
		{column{name: "delivered_packets"}, func(f *flowRow) value { return count(f.DeliveredPackets) }},
		{column{name: "delivered_bytes"}, func(f *flowRow) value { return count(f.DeliveredBytes) }},
		{column{name: "goodput_bps", head: "goodput", unit: bitrate, family: "rate"}, func(f *flowRow) value { return optNum(f.Goodput) }},
		{column{name: "loss_ratio", head: "loss", unit: share}, func(f *flowRow) value { return optNum(f.Loss) }},
		{column{name: "lost_packets"}, func(f *flowRow) value { return count(f.LostPackets) }},
		{column{name: "in_flight_packets"}, func(f *flowRow) value { return count(f.InFlightPackets) }},
		{column{name: "duplicate_packets", head: "dup", unit: whole}, func(f *flowRow) value { return count(f.Duplicates) }},
		{column{name: "reordered_packets", head: "reord", unit: whole}, func(f *flowRow) value { return count(f.Reordered) }},
	}
}

// delayFields are the one-way delay, printed, and the round trip, which has a table of its own.
func delayFields() []field[flowRow] {
	d := func(f *flowRow) *result.Dist { return &f.Delay }
	rtt := func(f *flowRow) *result.Dist { return &f.RTT }
	return append(distFields("delay", "delay ", d), unprinted(distFields("rtt", "", rtt))...)
}

// distFields are the columns of a distribution of times.
func distFields[T any](name, head string, of func(*T) *result.Dist) []field[T] {
	col := func(stat, short string) column {
		return column{name: name + "_" + stat + "_s", head: head + short, unit: second, family: name}
	}
	jitter := col("jitter", "jitter")
	if head != "" {
		jitter.head = ""
	}
	return []field[T]{
		{column{name: name + "_samples"}, func(t *T) value { return count(of(t).N) }},
		{col("min", "min"), func(t *T) value { return optSeconds(of(t).Min) }},
		{col("mean", "mean"), func(t *T) value { return optSeconds(of(t).Mean) }},
		{col("p50", "p50"), func(t *T) value { return optSeconds(of(t).P50) }},
		{col("p99", "p99"), func(t *T) value { return optSeconds(of(t).P99) }},
		{col("max", "max"), func(t *T) value { return optSeconds(of(t).Max) }},
		{jitter, func(t *T) value { return optSeconds(of(t).Jitter) }},
	}
}

// unprinted takes the headings off.
func unprinted[T any](fields []field[T]) []field[T] {
	for i := range fields {
		fields[i].head = ""
	}
	return fields
}

// fateFields are what recovery did, and whether the wishes came true.
func fateFields() []field[flowRow] {
	out := []field[flowRow]{
		{column{name: "retransmissions", head: "retx", unit: whole}, func(f *flowRow) value { return optCount(f.Retransmissions) }},
		{column{name: "timeouts"}, func(f *flowRow) value { return optCount(f.Timeouts) }},
		{column{name: "cipher", head: "cipher", spare: true}, func(f *flowRow) value { return optText(f.Cipher) }},
		{column{name: "rejected_packets", head: "rejected", unit: whole, spare: true}, func(f *flowRow) value { return optCount(f.Rejected) }},
		{column{name: "source_queue_mean_packets"}, func(f *flowRow) value { return optNum(f.SourceQueueMean) }},
		{column{name: "source_queue_max_packets"}, func(f *flowRow) value { return optCount(f.SourceQueueMax) }},
		{column{name: "completion_s", head: "completion", unit: second, spare: true}, func(f *flowRow) value { return optSeconds(f.Completion) }},
	}
	for _, w := range []struct{ what, suffix string }{
		{"delay", "_s"},
		{"bandwidth", "_bps"},
		{"loss", "_ratio"},
		{"order", "_packets"},
		{"gap", "_s"},
		{"availability", ""},
	} {
		out = append(out, wishFields(w.what, w.suffix)...)
	}
	return append(out, field[flowRow]{
		column{name: "met", head: "met"}, metCell,
	})
}

// wishFields are the columns asked, got and met of one kind of wish.
func wishFields(what, suffix string) []field[flowRow] {
	return []field[flowRow]{
		{column{name: "asked_" + what + suffix}, func(f *flowRow) value {
			if w := findWish(&f.Flow, what); w != nil {
				return inUnit(result.Some(w.Asked), w.Unit)
			}
			return value{}
		}},
		{column{name: "got_" + what + suffix}, func(f *flowRow) value {
			if w := findWish(&f.Flow, what); w != nil {
				return inUnit(w.Got, w.Unit)
			}
			return value{}
		}},
		{column{name: "met_" + what}, func(f *flowRow) value {
			if w := findWish(&f.Flow, what); w != nil {
				return yesNo(w.Met)
			}
			return value{}
		}},
	}
}

func findWish(f *result.Flow, what string) *result.Wish {
	for i := range f.Wishes {
		if f.Wishes[i].What == what {
			return &f.Wishes[i]
		}
	}
	return nil
}

// metCell says whether a flow got what it asked for, or how many flows of a workload did.
func metCell(f *flowRow) value {
	if f.asked > 0 {
		return text(fmt.Sprintf("%d of %d", f.met, f.asked))
	}
	if m := f.Flow.Met(); m != result.Missing {
		return text(m)
	}
	return value{}
}

// flowsData is flows.csv.
func flowsData(runs []*result.Run) table {
	return build("flows", "Flows", gather(runs, flowRows), flowFields())
}

// printFlows are the printed tables of flows: what they carried, and round trips where there are any.
func printFlows(runs []*result.Run) []table {
	var out []table
	if grouped(runs) {
		out = append(out, printWorkloads(runs))
	} else {
		t := build("flows", "Flows", interleave(runs, flowRows), flowFields()).printed(len(runs))
		t.notes = failures(runs)
		out = append(out, t)
	}
	rtt := build("rtt", "Round trips", interleave(runs, pingRows(grouped(runs))), rttFields()).printed(len(runs))
	if len(rtt.rows) > 0 {
		out = append(out, rtt)
	}
	return out
}

// grouped tells whether the runs have too many flows to show one by one.
func grouped(runs []*result.Run) bool {
	for _, r := range runs {
		if len(r.Flows) > maxFlows {
			return true
		}
	}
	return false
}

func pingRows(byWorkload bool) func(*result.Run) []flowRow {
	return func(r *result.Run) []flowRow {
		rows := flowRows(r)
		if byWorkload {
			rows = workloadRows(r)
		}
		var out []flowRow
		for _, f := range rows {
			if f.RTT.N > 0 {
				out = append(out, f)
			}
		}
		return out
	}
}

func rttFields() []field[flowRow] {
	f := []field[flowRow]{
		{column{name: "flow", head: "flow"}, func(f *flowRow) value { return text(f.Name) }},
		{column{name: "samples", head: "samples", unit: whole}, func(f *flowRow) value { return count(f.RTT.N) }},
	}
	rtt := func(f *flowRow) *result.Dist { return &f.RTT }
	d := distFields("rtt", "", rtt)
	for i := range d {
		d[i].apart = d[i].name == "rtt_min_s" // on idle paths it is exact
	}
	return append(f, d...)
}

// maxFailures is how many failed flows the line under the table names.
const maxFailures = 5

// failures says which flows failed, and why.
func failures(runs []*result.Run) []string {
	var lines []string
	total := 0
	for _, r := range runs {
		for i := range r.Flows {
			f := &r.Flows[i]
			if f.Failure == "" {
				continue
			}
			if total++; total > maxFailures {
				continue
			}
			where := ""
			if len(runs) > 1 {
				where = fmt.Sprintf(" (seed %d)", r.Seed)
			}
			lines = append(lines, fmt.Sprintf("%s%s failed: %s", f.Name, where, strings.TrimSpace(f.Failure)))
		}
	}
	if total > maxFailures {
		lines = append(lines, fmt.Sprintf("%d more flows failed; all are in the CSV and JSON output.", total-maxFailures))
	}
	return lines
}

func optText(s string) value {
	if s == "" {
		return value{}
	}
	return text(s)
}
