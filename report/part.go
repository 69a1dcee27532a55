package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ouroboros/scenarios/result"
)

// part is what is printed about one scenario: a heading, tables, and what the reader must know.
type part struct {
	title  string
	lines  []string // under the title
	tables []table
	notes  []string // at the end
}

// newPart collects what is printed about replications, as part n (from 1) of the output.
func newPart(reps []*result.Run, n int) part {
	r := reps[0]
	p := part{title: r.Scenario, lines: heading(reps), notes: closing(reps)}
	if r.Description != "" {
		p.title += ": " + r.Description
	}
	p.tables = append(p.tables, printSummary(reps)...)
	p.tables = append(p.tables, printFlows(reps)...)
	if grouped(reps) {
		p.tables = append(p.tables, printSpread(reps))
	}
	p.tables = append(p.tables, printWishes(reps), printTheory(reps), printLevels(reps))
	if len(reps) == 1 {
		p.tables = append(p.tables, printLinks(reps))
		p.tables = append(p.tables, printLayers(reps)...)
	}
	p.tables = append(p.tables, printConvergence(reps), printExpectations(reps))
	p.tables = slices.DeleteFunc(p.tables, func(t table) bool { return len(t.rows) == 0 })
	for i := range p.tables {
		p.tables[i].label = fmt.Sprint(fileName(r.Scenario), "-", n, "-", p.tables[i].name)
	}
	return p
}

// heading says which runs these are.
func heading(reps []*result.Run) []string {
	r := reps[0]
	facts := []string{seedList(reps), r.Mode, span(reps)}
	if r.Warmup > 0 {
		facts = append(facts, "warm-up "+exactSeconds(r.Warmup)+" s left out")
	}
	if r.Nodes > 0 {
		facts = append(facts, plural(r.Nodes, "node"))
	}
	lines := []string{strings.Join(facts, ", ")}
	if p := fingerprints(reps); p != "" {
		lines = append(lines, p)
	}
	if p := parameters(r); p != "" {
		lines = append(lines, "set: "+p)
	}
	for _, x := range reps {
		if x.Partial {
			lines = append(lines, partialMark(x))
		}
	}
	return lines
}

// seedList names the seeds of the runs.
func seedList(reps []*result.Run) string {
	seeds := make([]uint64, 0, len(reps))
	for _, x := range reps {
		seeds = append(seeds, x.Seed)
	}
	return seedNames(seeds)
}

// seedNames names seeds; a long row of successive ones by its ends.
func seedNames(seeds []uint64) string {
	first := seeds[0]
	if len(seeds) == 1 {
		return fmt.Sprint("seed ", first)
	}
	names := make([]string, 0, len(seeds))
	successive := true
	for i, x := range seeds {
		names = append(names, strconv.FormatUint(x, 10))
		successive = successive && x == first+uint64(i)
	}
	if successive && len(seeds) > 4 {
		return fmt.Sprintf("%d seeds %d to %d", len(seeds), first, seeds[len(seeds)-1])
	}
	return "seeds " + strings.Join(names, ", ")
}

// span says how much time the runs cover.
func span(reps []*result.Run) string {
	lo, hi := reps[0].SimulatedTime, reps[0].SimulatedTime
	for _, r := range reps {
		lo, hi = min(lo, r.SimulatedTime), max(hi, r.SimulatedTime)
	}
	word := " s simulated"
	if result.Timed(reps[0].Mode) {
		word = " s of real time"
	}
	if lo != hi {
		return exactSeconds(lo) + " to " + exactSeconds(hi) + word
	}
	return exactSeconds(lo) + word
}

func fingerprints(reps []*result.Run) string {
	var prints []string
	for _, r := range reps {
		if r.Fingerprint != "" {
			prints = append(prints, r.Fingerprint)
		}
	}
	switch len(prints) {
	case 0:
		return ""
	case 1:
		return "fingerprint " + prints[0]
	}
	if len(prints) > 4 {
		return fmt.Sprintf("fingerprints %s, ... (all %d in the CSV and JSON output)", strings.Join(prints[:2], ", "), len(prints))
	}
	return "fingerprints " + strings.Join(prints, ", ")
}

func partialMark(r *result.Run) string {
	return fmt.Sprintf("PARTIAL: seed %d was interrupted at %s s of %s s; its figures cover that time only and its expectations are not judged",
		r.Seed, exactSeconds(r.SimulatedTime), exactSeconds(r.Duration))
}

// closing says what else a reader must know, once for all replications.
func closing(reps []*result.Run) []string {
	var out []string
	for _, r := range reps {
		for _, n := range r.Notes {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
		if n := r.Totals.BuffersLeft.Or(0); n > 0 {
			out = append(out, fmt.Sprintf("DEFECT: seed %d ended with %s not returned.", r.Seed, plural(int(n), "packet buffer")))
		}
	}
	return out
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
