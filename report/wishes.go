package report

import (
	"fmt"
	"math"
	"strings"

	"ouroboros/scenarios/result"
)

// wishRow is one wish of one flow.
type wishRow struct {
	flow *result.Flow
	wish *result.Wish
}

// wishesData is wishes.csv.
func wishesData(runs []*result.Run) table {
	rows := gather(runs, func(r *result.Run) []wishRow {
		var out []wishRow
		for i := range r.Flows {
			for k := range r.Flows[i].Wishes {
				out = append(out, wishRow{&r.Flows[i], &r.Flows[i].Wishes[k]})
			}
		}
		return out
	})
	return build("wishes", "Wishes", rows, []field[wishRow]{
		{column{name: "flow"}, func(w *wishRow) value { return text(w.flow.Name) }},
		{column{name: "wish"}, func(w *wishRow) value { return text(w.wish.What) }},
		{column{name: "unit"}, func(w *wishRow) value { return optText(siName(w.wish.Unit)) }},
		{column{name: "asked"}, func(w *wishRow) value { return inUnit(result.Some(w.wish.Asked), w.wish.Unit) }},
		{column{name: "got"}, func(w *wishRow) value { return inUnit(w.wish.Got, w.wish.Unit) }},
		{column{name: "met"}, func(w *wishRow) value { return yesNo(w.wish.Met) }},
	})
}

// siName is the unit in which data files give a value of that unit.
func siName(unit string) string {
	if unit == "ns" {
		return "s"
	}
	return unit
}

// wishSet is what one flow, or the flows of one workload, asked for and got: of a workload the most
// demanding wish and the worst that any flow got.
type wishSet struct {
	name, qos string
	wishes    []result.Wish
	met       value
}

// printWishes is the printed table of what was asked and what was got: one row for each flow that asked
// for something. It has no rows if none did.
func printWishes(runs []*result.Run) table {
	byWorkload := grouped(runs)
	rows := interleave(runs, func(r *result.Run) []wishSet { return wishSets(r, byWorkload) })
	head, got := "flow", "got"
	if byWorkload {
		head, got = "workload", "worst"
	}
	fields := []field[wishSet]{
		{column{name: "flow", head: head}, func(s *wishSet) value { return text(s.name) }},
		{column{name: "qos", head: "QoS"}, func(s *wishSet) value { return text(s.qos) }},
	}
	for _, w := range kinds(rows) {
		fields = append(fields, wishPair(w, got)...)
	}
	fields = append(fields, field[wishSet]{column{name: "met", head: "met"}, func(s *wishSet) value { return s.met }})
	t := build("wishes", "Asked and got", rows, fields).printed(len(runs))
	if byWorkload {
		t.notes = []string{"The worst that any flow of the workload got; the single flows are in the CSV and JSON output."}
	}
	return t
}

func wishSets(r *result.Run, byWorkload bool) []wishSet {
	var out []wishSet
	if byWorkload {
		for _, w := range workloadRows(r) {
			if s := worst(r, &w); len(s.wishes) > 0 {
				out = append(out, s)
			}
		}
		return out
	}
	for i := range r.Flows {
		if f := &r.Flows[i]; len(f.Wishes) > 0 {
			out = append(out, wishSet{f.Name, qosName(f.QoS), f.Wishes, text(metWhy(f))})
		}
	}
	return out
}

func qosName(q result.QoS) string {
	if q.Mode == "" || q.Mode == q.Name {
		return q.Name
	}
	return strings.TrimSpace(q.Name + " (" + q.Mode + ")")
}

// metWhy names the wishes that were not met.
func metWhy(f *result.Flow) string {
	if f.Failure != "" {
		return "no: failed"
	}
	var bad []string
	for _, w := range f.Wishes {
		if !w.Met {
			bad = append(bad, w.What)
		}
	}
	if len(bad) == 0 {
		return "yes"
	}
	return "no: " + strings.Join(bad, ", ")
}

// worst merges the wishes of the flows of a workload.
func worst(r *result.Run, w *flowRow) wishSet {
	s := wishSet{name: w.Workload, met: text(fmt.Sprintf("%d of %d", w.met, w.asked))}
	for i := range r.Flows {
		f := &r.Flows[i]
		if f.Workload != w.Workload {
			continue
		}
		s.qos = qosName(f.QoS)
		for _, wish := range f.Wishes {
			s.add(wish)
		}
	}
	return s
}

// add takes the worse of two outcomes. A bandwidth or an availability is bad when small, everything else
// when large.
func (s *wishSet) add(w result.Wish) {
	pick := math.Max
	if atLeast(w.What) {
		pick = math.Min
	}
	for i := range s.wishes {
		have := &s.wishes[i]
		if have.What != w.What {
			continue
		}
		if atLeast(w.What) {
			have.Asked = math.Max(have.Asked, w.Asked)
		} else {
			have.Asked = math.Min(have.Asked, w.Asked)
		}
		switch got, ok := w.Got.Get(); {
		case !ok:
		case have.Got.OK():
			have.Got = result.Some(pick(have.Got.Or(0), got))
		default:
			have.Got = w.Got
		}
		return
	}
	s.wishes = append(s.wishes, w)
}

func atLeast(what string) bool { return what == "bandwidth" || what == "availability" }

// kinds lists the kinds of wishes that occur, in order of appearance.
func kinds(rows []row[wishSet]) []result.Wish {
	var out []result.Wish
	seen := map[string]bool{}
	for _, r := range rows {
		for _, w := range r.item.wishes {
			if !seen[w.What] {
				seen[w.What] = true
				out = append(out, w)
			}
		}
	}
	return out
}

// wishPair are the two columns of a kind of wish. Asked bounds are printed with their direction.
func wishPair(kind result.Wish, got string) []field[wishSet] {
	bound := "≤"
	if atLeast(kind.What) {
		bound = "≥"
	}
	find := func(s *wishSet) *result.Wish {
		for i := range s.wishes {
			if s.wishes[i].What == kind.What {
				return &s.wishes[i]
			}
		}
		return nil
	}
	u := unitOf(kind.Unit)
	return []field[wishSet]{
		{column{name: "asked_" + kind.What, head: kind.What + " asked " + bound, unit: u, family: kind.What}, func(s *wishSet) value {
			if w := find(s); w != nil {
				return inUnit(result.Some(w.Asked), w.Unit)
			}
			return value{}
		}},
		{column{name: "got_" + kind.What, head: kind.What + " " + got, unit: u, family: kind.What}, func(s *wishSet) value {
			if w := find(s); w != nil {
				return inUnit(w.Got, w.Unit)
			}
			return value{}
		}},
	}
}
