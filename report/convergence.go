package report

import (
	"ouroboros/scenarios/result"
)

func convergenceOf(l *result.Layer) []result.Convergence { return l.Convergence }

// outageRow is the interruption of one flow by one fault.
type outageRow struct {
	fault *result.Convergence
	flow  string
	out   result.Outage
}

func convergenceFields() []field[inLayer[result.Convergence]] {
	type entry = inLayer[result.Convergence]
	col := func(name, head string) column {
		return column{name: name, head: head, unit: second, family: "phase"}
	}
	outage := func(name, head string) column {
		return column{name: name, head: head, unit: second, family: "outage"}
	}
	return []field[entry]{
		{column{name: "fault", head: "fault"}, func(x *entry) value { return text(x.it.Fault) }},
		{column{name: "layer", head: "layer"}, func(x *entry) value { return text(x.layer.Name) }},
		{column{name: "at_s", head: "at", unit: second}, func(x *entry) value { return seconds(x.it.At) }},
		{col("detection_s", "detection"), func(x *entry) value { return optSeconds(x.it.Detection) }},
		{col("flooding_s", "flooding"), func(x *entry) value { return optSeconds(x.it.Flooding) }},
		{col("computation_s", "computation"), func(x *entry) value { return optSeconds(x.it.Computation) }},
		{col("total_s", "total"), func(x *entry) value { return optSeconds(x.it.Total) }},
		{column{name: "flows_interrupted", head: "flows hit", unit: whole}, func(x *entry) value { return count(uint64(len(x.it.Outages))) }},
		{column{name: "flows_protected", head: "protected", unit: whole}, func(x *entry) value { _, n := x.it.Count(); return count(uint64(n)) }},
		{column{name: "flows_not_ended", head: "not ended", unit: whole}, func(x *entry) value { n, _ := x.it.Count(); return count(uint64(n)) }},
		{outage("outage_min_s", "outage min"), func(x *entry) value { v, _, _ := x.it.Outage(); return optSeconds(v) }},
		{outage("outage_mean_s", "outage mean"), func(x *entry) value { _, v, _ := x.it.Outage(); return optSeconds(v) }},
		{outage("outage_max_s", "outage max"), func(x *entry) value { _, _, v := x.it.Outage(); return optSeconds(v) }},
		{column{name: "lost_packets", head: "lost", unit: whole}, func(x *entry) value { return count(lostIn(&x.it)) }},
	}
}

func lostIn(c *result.Convergence) (n uint64) {
	for _, o := range c.Outages {
		n += o.Lost
	}
	return n
}

// convergenceData is convergence.csv.
func convergenceData(runs []*result.Run) table {
	return build("convergence", "Convergence", gather(runs, within(convergenceOf)), convergenceFields())
}

// outagesData is outages.csv: every interruption of every flow.
func outagesData(runs []*result.Run) table {
	rows := gather(runs, func(r *result.Run) []inLayer[outageRow] {
		return within(func(l *result.Layer) []outageRow { return outagesOf(r, l) })(r)
	})
	type entry = inLayer[outageRow]
	return build("outages", "Outages", rows, []field[entry]{
		layerColumn[outageRow](),
		{column{name: "fault"}, func(x *entry) value { return text(x.it.fault.Fault) }},
		{column{name: "at_s"}, func(x *entry) value { return seconds(x.it.fault.At) }},
		{column{name: "flow_id"}, func(x *entry) value { return count(uint64(x.it.out.Flow)) }},
		{column{name: "flow"}, func(x *entry) value { return optText(x.it.flow) }},
		{column{name: "duration_s"}, func(x *entry) value { return optSeconds(x.it.out.Duration) }},
		{column{name: "at_least_s"}, func(x *entry) value { return optSeconds(x.it.out.AtLeast) }},
		{column{name: "lost_packets"}, func(x *entry) value { return count(x.it.out.Lost) }},
		{column{name: "protected"}, func(x *entry) value { return yesNo(x.it.out.Protected) }},
		{column{name: "detection_s"}, func(x *entry) value { return optSeconds(x.it.out.Detection) }},
		{column{name: "switch_s"}, func(x *entry) value { return optSeconds(x.it.out.Switch) }},
		{column{name: "rest_s"}, func(x *entry) value { return optSeconds(x.it.out.Rest) }},
	})
}

func outagesOf(r *result.Run, l *result.Layer) []outageRow {
	var out []outageRow
	for i := range l.Convergence {
		c := &l.Convergence[i]
		for _, o := range c.Outages {
			out = append(out, outageRow{c, flowName(r, o.Flow), o})
		}
	}
	return out
}

func flowName(r *result.Run, id int) string {
	for i := range r.Flows {
		if r.Flows[i].ID == id {
			return r.Flows[i].Name
		}
	}
	return ""
}

// printConvergence is the printed table, one row for each fault and layer. It has no rows without faults.
func printConvergence(runs []*result.Run) table {
	t := build("convergence", "Convergence after faults", interleave(runs, within(convergenceOf)), convergenceFields()).
		printed(len(runs))
	t.notes = []string{
		"The phases follow on each other; total is from the fault to the last forwarding table that changed. Policies show only those that they have.",
		"Outage: from the last delivery before the fault to the first of a message that was sent after it. Protected: over before new routes were there.",
	}
	if n := unended(runs); n > 0 {
		t.notes = append(t.notes, plural(n, "outage")+" had not ended when last seen. Mean and longest of outages among which such are would be too short: they are not shown.")
	}
	return t
}

// unended counts the outages that had not ended.
func unended(runs []*result.Run) (n int) {
	for _, r := range runs {
		for i := range r.Layers {
			for k := range r.Layers[i].Convergence {
				open, _ := r.Layers[i].Convergence[k].Count()
				n += open
			}
		}
	}
	return n
}
