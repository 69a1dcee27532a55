package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ouroboros/cmd/osim/internal/fleet"
	"ouroboros/cmd/osim/internal/grid"
	"ouroboros/cmd/osim/internal/source"
	"ouroboros/report"
	"ouroboros/scenarios"
	"ouroboros/scenarios/result"
)

// compareInput is the command line of osim compare, read and checked.
type compareInput struct {
	axes      []report.Axis
	variants  []grid.Variant
	seeds     []uint64
	selection grid.Selection
	shard     grid.Shard
	format    report.Format
	hosts     *fleet.Hosts
}

// read reads the flags and makes the variants: every one is loaded and checked before any runs.
func (f *compareFlags) read(arg string) (in compareInput, err error) {
	if in.format, err = report.ParseFormat(f.format); err != nil {
		return in, err
	}
	if f.jobs < 0 {
		return in, fmt.Errorf("--jobs %d: accepted are 0 and more", f.jobs)
	}
	if f.shard != "" {
		if in.shard, err = grid.ParseShard(f.shard); err != nil {
			return in, err
		}
		if f.out == "" {
			return in, errors.New("--shard: needs --out, the folder that the shards share")
		}
	}
	if f.hosts != "" {
		if in.hosts, err = fleet.LoadHosts(f.hosts); err != nil {
			return in, err
		}
	}
	if in.selection, err = grid.ParseMetrics(f.metrics); err != nil {
		return in, err
	}
	if in.axes, err = grid.ParseVary(f.vary); err != nil {
		return in, err
	}
	if in.variants, err = f.variants(arg, in.axes); err != nil {
		return in, err
	}
	if err := in.selection.Check(in.variants); err != nil {
		return in, err
	}
	in.seeds = in.variants[0].Seeds
	if len(f.seeds) > 0 {
		if in.seeds, err = parseSeeds("--seeds", f.seeds); err != nil {
			return in, err
		}
	}
	return in, nil
}

// variants loads the scenario once for each combination of values, from one reading of its text.
func (f *compareFlags) variants(arg string, axes []report.Axis) ([]grid.Variant, error) {
	set := slices.Clone(f.set)
	if f.duration != "" {
		set = append(set, "duration="+f.duration)
	}
	if err := checkAxes(axes, set); err != nil {
		return nil, err
	}
	combinations, err := grid.Product(axes)
	if err != nil {
		return nil, err
	}
	if len(combinations) < 2 {
		return nil, errors.New("--vary: a comparison needs at least two values, for instance --vary layers.net.policies.congestion=none,mb-ecn")
	}
	text, err := source.Read(arg)
	if err != nil {
		return nil, err
	}
	var out []grid.Variant
	found := faultList{flags: map[string]string{"--set duration=" + f.duration: "--duration " + f.duration}, variants: len(combinations)}
	for _, values := range combinations {
		edits := make([]string, len(axes))
		for i, a := range axes {
			edits[i] = a.Path + "=" + values[i]
			found.flags["--set "+edits[i]] = "--vary " + edits[i]
		}
		sc, err := source.Parse(arg, text, append(slices.Clone(set), edits...))
		if err != nil {
			list := mistakes(err)
			if len(list) == 0 {
				return nil, err
			}
			found.add(list, edits)
			continue
		}
		// The edits of --vary are the last.
		for i := range axes {
			sc.Overrides[len(sc.Overrides)-len(axes)+i].Origin = "sweep"
		}
		out = append(out, grid.Variant{Values: values, Scenario: sc})
	}
	return out, found.err()
}

// checkAxes refuses paths that cannot vary.
func checkAxes(axes []report.Axis, set []string) error {
	for _, a := range axes {
		if a.Path == "seeds" {
			return errors.New("--vary seeds: every variant runs with the same seeds; choose them with --seeds")
		}
		for _, s := range set {
			if path, _, _ := strings.Cut(s, "="); path == a.Path {
				return fmt.Errorf("--vary %s: --set %s sets the same value", a.Path, s)
			}
		}
	}
	return nil
}

// faultList collects the mistakes of all variants, each once.
type faultList struct {
	flags    map[string]string // the flag that a --set stands for
	variants int
	list     []*scenarios.Error
	seen     map[string]int
	first    map[string][]string // the edits of the first variant with the mistake
}

func (f *faultList) add(list []*scenarios.Error, edits []string) {
	if f.seen == nil {
		f.seen, f.first = map[string]int{}, map[string][]string{}
	}
	for _, e := range list {
		if name, ok := f.flags[e.File]; ok {
			e.File = name
		}
		key := e.Error()
		if f.seen[key]++; f.seen[key] == 1 {
			f.list = append(f.list, e)
			f.first[key] = edits
		}
	}
}

// err returns the mistakes. One that only some variants have, and that no flag is named for, says which.
func (f *faultList) err() error {
	var out []error
	for _, e := range f.list {
		key := e.Error()
		if f.seen[key] < f.variants && !strings.HasPrefix(e.File, "--") {
			e.Msg += " (with --vary " + strings.Join(f.first[key], " --vary ") + ")"
		}
		out = append(out, e)
	}
	return errors.Join(out...)
}

// comparison makes what is reported of the runs that are there.
func (in *compareInput) comparison(g *grid.Grid, version string) *report.Comparison {
	first := in.variants[0].Scenario
	c := &report.Comparison{
		Scenario: first.Name, Description: first.Description, Version: version,
		Mode: alike(in.variants, func(s *source.Scenario) string { return s.Mode.World }), Axes: in.axes, Seeds: in.seeds,
		Duration: alike(in.variants, func(s *source.Scenario) time.Duration { return s.Duration.D() }),
		Warmup:   alike(in.variants, func(s *source.Scenario) time.Duration { return s.Warmup.D() }),
	}
	for _, o := range first.Overrides[:len(first.Overrides)-len(in.axes)] {
		c.Set = append(c.Set, result.Parameter{Path: o.Path, Value: o.Value, Origin: o.Origin})
	}
	for _, v := range in.variants {
		c.Variants = append(c.Variants, v.Values)
	}
	results := g.Results()
	c.Metrics, c.Notes = in.selection.Choose(results)
	for _, r := range results {
		x := report.ComparedRun{ID: r.ID, Variant: r.Variant, Seed: r.Seed}
		for _, m := range c.Metrics {
			x.Values = append(x.Values, r.Values[m.Name])
			x.Unended = append(x.Unended, r.Unended(m.Name))
		}
		c.Runs = append(c.Runs, x)
	}
	for _, x := range g.Failures() {
		c.Notes = append(c.Notes, fmt.Sprintf("Variant %s: %d of %d runs failed, the first with: %v", x.Variant, x.Runs, len(in.seeds), x.First))
	}
	if len(first.Expect) > 0 {
		c.Notes = append(c.Notes, "The expectations of the scenario are not judged in a comparison.")
	}
	return c
}

// alike returns what all variants have in common, the zero value if they differ.
func alike[T comparable](variants []grid.Variant, get func(*source.Scenario) T) T {
	x := get(variants[0].Scenario)
	for _, v := range variants {
		if get(v.Scenario) != x {
			var zero T
			return zero
		}
	}
	return x
}
