package report

import (
	"fmt"

	"ouroboros/scenarios/result"
)

// summaryData is summary.csv: the estimates, one in a row.
func summaryData(runs []result.Run) table {
	cols := []string{
		"scenario", "parameters", "mode", "of", "subject", "metric", "unit",
		"n", "mean", "ci95_half", "no_variance", "min", "max",
	}
	t := table{name: "summary"}
	for _, c := range cols {
		t.cols = append(t.cols, column{name: c})
	}
	for _, e := range Summarise(runs) {
		t.rows = append(t.rows, []value{
			text(e.Scenario), text(e.Parameters), text(e.Mode), text(e.Of), text(e.Subject), text(e.Metric), optText(e.Unit),
			count(uint64(e.N)), num(e.Mean), optNum(e.HalfWidth), yesNo(e.NoVariance), num(e.Min), num(e.Max),
		})
	}
	return t
}

// printSummary are the printed tables of means over replications, one for each kind of thing.
func printSummary(reps []*result.Run) []table {
	if len(reps) < 2 {
		return nil
	}
	flows := "flow"
	if grouped(reps) {
		flows = "workload"
	}
	es := summarise(reps)
	var out []table
	for _, of := range []string{flows, "link", "layer", "fairness", "fault"} {
		t := pivot(es, of, reps)
		if of == "link" {
			t.keepLinks(reps)
		}
		if of == flows {
			t.pooled(reps, flows)
		}
		if len(t.rows) > 0 {
			out = append(out, t)
		}
	}
	last := &out[len(out)-1]
	last.notes = append(last.notes,
		"Mean ± half width of the 95 % Student-t confidence interval over the seeds; \"no variance\": every seed gave this value.",
		"What single links and layers did in each run is in the CSV and JSON output.")
	return out
}

// pivot puts the metrics of one kind of thing side by side.
func pivot(es []Estimate, of string, reps []*result.Run) table {
	t := table{
		name: "summary-" + of, title: fmt.Sprintf("Mean over %d seeds: %s", len(reps), plurals(of)),
		cols: []column{{name: of, head: of}},
	}
	colOf, rowOf := map[string]int{}, map[string]int{}
	for _, e := range es {
		if _, ok := colOf[e.Metric]; e.Of == of && !ok {
			colOf[e.Metric] = len(t.cols)
			t.cols = append(t.cols, metricColumn(e))
		}
	}
	for _, e := range es {
		if e.Of != of {
			continue
		}
		i, ok := rowOf[e.Subject]
		if !ok {
			i = len(t.rows)
			rowOf[e.Subject] = i
			t.rows = append(t.rows, make([]value, len(t.cols)))
			t.rows[i][0] = text(e.Subject)
		}
		t.rows[i][colOf[e.Metric]] = estimated(e)
	}
	return t
}

func plurals(of string) string {
	if of == "fairness" {
		return of
	}
	return of + "s"
}

func metricColumn(e Estimate) column {
	c := column{name: e.Metric, head: e.Metric, unit: unitOf(e.Unit)}
	if e.Unit == "packets" && e.Metric != "queue.mean" {
		c.unit = whole
	}
	return c
}

// keepLinks leaves the links that the table of links shows.
func (t *table) keepLinks(reps []*result.Run) {
	keep := map[string]bool{}
	for _, i := range busiest(reps) {
		keep[linkName(&reps[0].Links[i])] = true
	}
	all := len(t.rows)
	rows := t.rows[:0]
	for _, r := range t.rows {
		if keep[r[0].s] {
			rows = append(rows, r)
		}
	}
	t.rows = rows
	if len(rows) < all {
		t.notes = append(t.notes, fmt.Sprintf("The %d busiest of %d link directions.", len(rows), all))
	}
}

// pooled adds the percentiles over the samples of all replications. They are read from the merged
// histograms: a mean of percentiles is not a percentile.
func (t *table) pooled(reps []*result.Run, of string) {
	parts := map[string][]*result.Dist{}
	for _, r := range reps {
		rows := flowRows(r)
		if of == "workload" {
			rows = workloadRows(r)
		}
		for i := range rows {
			parts[rows[i].Name] = append(parts[rows[i].Name], &rows[i].Delay)
		}
	}
	t.cols = append(t.cols,
		column{name: "delay.p50", head: "pooled p50", unit: second, family: "pooled"},
		column{name: "delay.p99", head: "pooled p99", unit: second, family: "pooled"},
		column{name: "delay.max", head: "pooled max", unit: second, family: "pooled"})
	for i, r := range t.rows {
		d := mergeDist(parts[r[0].s])
		t.rows[i] = append(r, optSeconds(d.P50), optSeconds(d.P99), optSeconds(d.Max))
	}
	t.notes = append(t.notes, "Pooled: delay percentiles of the packets of all seeds together.")
}
