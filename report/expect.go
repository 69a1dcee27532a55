package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"ouroboros/scenarios/result"
)

// expectationsData is expectations.csv.
func expectationsData(runs []*result.Run) table {
	rows := gather(runs, judgedOf)
	return build("expectations", "Expectations", rows, []field[judged]{
		{column{name: "metric"}, func(x *judged) value { return text(x.Metric) }},
		{column{name: "op"}, func(x *judged) value { return text(x.Op) }},
		{column{name: "value"}, func(x *judged) value { return inUnit(result.Some(x.Value), x.Unit) }},
		{column{name: "unit"}, func(x *judged) value { return optText(siName(x.Unit)) }},
		{column{name: "tolerance_ratio"}, func(x *judged) value { return optNum(x.Tolerance) }},
		{column{name: "measured"}, func(x *judged) value { return inUnit(x.Measured, x.Unit) }},
		{column{name: "theory"}, func(x *judged) value { return inUnit(x.Theory, x.Unit) }},
		{column{name: "published"}, func(x *judged) value { return yesNo(x.Published) }},
		{column{name: "ok"}, func(x *judged) value { return x.verdict() }},
		{column{name: "reason"}, func(x *judged) value { return optText(x.Reason) }},
		{column{name: "source"}, func(x *judged) value { return optText(x.Source) }},
	})
}

// judged is an expectation together with whether its run was judged at all.
type judged struct {
	result.Expectation
	partial bool
}

func judgedOf(r *result.Run) []judged {
	out := make([]judged, 0, len(r.Expectations))
	for _, e := range r.Expectations {
		out = append(out, judged{e, r.Partial})
	}
	return out
}

// verdict is missing in a partial run: it judges nothing.
func (j *judged) verdict() value {
	if j.partial {
		return value{}
	}
	switch {
	case j.Published && j.OK:
		return text("as published")
	case j.Published:
		return text("differs")
	}
	return yesNo(j.OK)
}

// printExpectations is the printed table of expectations. Its rows differ in unit, so each number carries
// its own.
func printExpectations(runs []*result.Run) table {
	cell := func(o result.Opt[float64], u string) value { return lone(inUnit(o, u), unitOf(u)) }
	t := build("expectations", "Expectations", interleave(runs, judgedOf), []field[judged]{
		{column{name: "metric", head: "metric"}, func(x *judged) value { return text(x.Metric) }},
		{column{name: "expected", head: "expected"}, func(x *judged) value {
			s := x.Op + " " + cell(result.Some(x.Value), x.Unit).s
			if tol, ok := x.Tolerance.Get(); ok {
				s += " ± " + strconv.FormatFloat(100*tol, 'g', 4, 64) + " %"
			}
			return text(s)
		}},
		{column{name: "measured", head: "measured"}, func(x *judged) value { return cell(x.Measured, x.Unit) }},
		{column{name: "theory", head: "theory", spare: true}, func(x *judged) value { return cell(x.Theory, x.Unit) }},
		{column{name: "ok", head: "ok"}, func(x *judged) value { return x.verdict() }},
		{column{name: "reason", head: "reason", spare: true}, func(x *judged) value { return optText(x.Reason) }},
		{column{name: "source", head: "source", spare: true}, func(x *judged) value { return optText(x.Source) }},
	}).printed(len(runs))
	return t
}

// theoryRow is one closed form of one flow.
type theoryRow struct {
	flow *result.Flow
	result.Theory
}

func theoryOf(r *result.Run) []theoryRow {
	var out []theoryRow
	for i := range r.Flows {
		for _, t := range r.Flows[i].Theory {
			out = append(out, theoryRow{&r.Flows[i], t})
		}
	}
	return out
}

// theoryData is theory.csv.
func theoryData(runs []*result.Run) table {
	return build("theory", "Theory", gather(runs, theoryOf), []field[theoryRow]{
		{column{name: "flow"}, func(x *theoryRow) value { return text(x.flow.Name) }},
		{column{name: "metric"}, func(x *theoryRow) value { return text(x.What) }},
		{column{name: "unit"}, func(x *theoryRow) value { return optText(siName(x.Unit)) }},
		{column{name: "expected"}, func(x *theoryRow) value { return inUnit(result.Some(x.Value), x.Unit) }},
		{column{name: "measured"}, func(x *theoryRow) value { return inUnit(x.Measured, x.Unit) }},
		{column{name: "idle"}, func(x *theoryRow) value { return yesNo(!x.Loaded) }},
		{column{name: "deviation_ratio"}, func(x *theoryRow) value { return optNum(x.Deviation()) }},
		{column{name: "source"}, func(x *theoryRow) value { return optText(x.Source) }},
	})
}

// maxTheory is how many closed forms are printed; of more, those that fit worst.
const maxTheory = 30

// printTheory is the printed table of closed forms beside measured values. It has no rows if no flow has
// one.
func printTheory(runs []*result.Run) table {
	rows := interleave(runs, theoryOf)
	all := len(rows)
	if all > maxTheory {
		rows = worstFits(rows, grouped(runs))
	}
	cell := func(o result.Opt[float64], u string) value { return lone(inUnit(o, u), unitOf(u)) }
	t := build("theory", "Closed form and measured value", rows, []field[theoryRow]{
		{column{name: "flow", head: "flow"}, func(x *theoryRow) value { return text(x.flow.Name) }},
		{column{name: "metric", head: "metric"}, func(x *theoryRow) value { return text(x.What) }},
		{column{name: "expected", head: "expected"}, func(x *theoryRow) value { return cell(result.Some(x.Value), x.Unit) }},
		{column{name: "measured", head: "measured"}, func(x *theoryRow) value { return cell(x.Measured, x.Unit) }},
		{column{name: "deviation", head: "deviation", unit: share}, func(x *theoryRow) value {
			if x.Loaded {
				return text("never idle")
			}
			return optNum(x.Deviation())
		}},
		{column{name: "source", head: "source", spare: true}, func(x *theoryRow) value { return optText(x.Source) }},
	}).printed(len(runs))
	switch {
	case len(rows) == all:
	case grouped(runs):
		t.notes = []string{"The flow of each workload that deviates most; all are in the CSV and JSON output."}
	default:
		t.notes = []string{fmt.Sprintf("The %d of %d that deviate most; all are in the CSV and JSON output.", len(rows), all)}
	}
	return t
}

// worstFits leaves the closed forms that deviate most, and of many flows one for each workload.
func worstFits(rows []row[theoryRow], byWorkload bool) []row[theoryRow] {
	slices.SortStableFunc(rows, func(a, b row[theoryRow]) int {
		return cmp.Compare(misfit(&b.item), misfit(&a.item))
	})
	if byWorkload {
		seen := map[string]bool{}
		rows = slices.DeleteFunc(rows, func(r row[theoryRow]) bool {
			key := fmt.Sprint(r.run.Seed, "\x00", r.item.flow.Workload, "\x00", r.item.What)
			was := seen[key]
			seen[key] = true
			return was
		})
	}
	return rows[:min(len(rows), maxTheory)]
}

// misfit is how far measurement is from theory; what was not measured fits worst, and what is no theory comes
// last.
func misfit(t *theoryRow) float64 {
	if t.Loaded {
		return -1
	}
	if d, ok := t.Deviation().Get(); ok {
		return math.Abs(d)
	}
	return math.Inf(1)
}
