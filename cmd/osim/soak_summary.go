package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"ouroboros/cmd/osim/internal/campaign"
	"ouroboros/cmd/osim/internal/table"
	"ouroboros/scenarios/soak"
)

// summary prints what a campaign has seen.
func summary(w io.Writer, s *campaign.Summary, format string) error {
	t := table.Table{Heads: []string{"what", "figure"}, Right: []bool{false, true}}
	seeds := "none"
	if s.Seeds > 0 {
		seeds = fmt.Sprintf("%d..%d", s.First, s.Last)
	}
	for _, x := range [][2]string{
		{"seeds", seeds},
		{"runs", fmt.Sprint(s.Seeds)},
		{"simulated hours", fmt.Sprintf("%.1f", s.Simulated.Hours())},
		{"frames sent", fmt.Sprint(s.Frames)},
		{"messages written", fmt.Sprint(s.Written)},
		{"messages delivered and checked", fmt.Sprint(s.Delivered)},
		{"of them corrupt, on flows without a check", fmt.Sprint(s.Corrupt)},
		{"flows allocated", fmt.Sprint(s.Lives)},
		{"packet buffers at a time, largest", fmt.Sprint(s.PeakBuffers)},
		{"violations", fmt.Sprint(s.Broken)},
		{"fingerprint", fmt.Sprintf("%016x", s.Fingerprint)},
	} {
		t.Add(x[0], x[1])
	}
	if err := t.Write(w, format); err != nil {
		return err
	}
	why := table.Table{Heads: []string{"failure that programs were told of", "times"}, Right: []bool{false, true}}
	for _, c := range s.Causes() {
		why.Add(c, fmt.Sprint(s.Failures[c]))
	}
	met := matrix(s.Met)
	for _, t := range []*table.Table{&why, &met} {
		if len(t.Rows) == 0 {
			continue
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
		if err := t.Write(w, format); err != nil {
			return err
		}
	}
	return nil
}

// matrix is how often each fault happened beside each policy and kind of flow.
func matrix(met map[soak.Met]uint64) table.Table {
	var faults, whats []string
	for m := range met {
		faults, whats = append(faults, m.Fault), append(whats, m.What)
	}
	unique := func(s []string) []string {
		slices.Sort(s)
		return slices.Compact(s)
	}
	faults, whats = unique(faults), unique(whats)
	slices.SortStableFunc(whats, func(a, b string) int {
		x, _, _ := strings.Cut(a, " ")
		y, _, _ := strings.Cut(b, " ")
		return cmp.Compare(x, y)
	})
	t := table.Table{Heads: append([]string{"fault met"}, faults...), Right: make([]bool, len(faults)+1)}
	for i := range faults {
		t.Right[i+1] = true
	}
	for _, what := range whats {
		row := []string{what}
		for _, f := range faults {
			row = append(row, fmt.Sprint(met[soak.Met{Fault: f, What: what}]))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
