package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"ouroboros/scenarios/result"
)

// Creator makes the files of a results folder. Names hold no separators. The writer is closed before the
// next file is created.
type Creator interface {
	Create(name string) (io.WriteCloser, error)
}

// Manifest says what a results folder holds and how to make it again.
type Manifest struct {
	Schema   int           `json:"schema"`
	Scenario string        `json:"scenario"`
	Version  string        `json:"version"` // identity of the executable
	Partial  bool          `json:"partial"` // at least one run was interrupted
	Runs     []ManifestRun `json:"runs"`
	Files    []string      `json:"files"` // all others in the folder
}

// ManifestRun is one run of the folder.
type ManifestRun struct {
	Scenario    string             `json:"scenario"`
	Description string             `json:"description"`
	Seed        uint64             `json:"seed"`
	Mode        string             `json:"mode"`
	Parameters  []result.Parameter `json:"parameters"`
	Version     string             `json:"version"`
	Fingerprint string             `json:"fingerprint"`
	Partial     bool               `json:"partial"`
	OK          bool               `json:"ok"` // whole, and every expectation met
	Duration    time.Duration      `json:"duration_ns"`
	Simulated   time.Duration      `json:"simulated_ns"`
	Warmup      time.Duration      `json:"warmup_ns"`
	Wall        time.Duration      `json:"wall_ns"` // differs from run to run
	Nodes       int                `json:"nodes"`
	Totals      result.Totals      `json:"totals"`
}

// newManifest describes the runs.
func newManifest(runs []result.Run, files []string) Manifest {
	m := Manifest{Schema: Schema, Scenario: runs[0].Scenario, Version: runs[0].Version, Files: files}
	for i := range runs {
		r := &runs[i]
		m.Partial = m.Partial || r.Partial
		m.Runs = append(m.Runs, ManifestRun{
			Scenario: r.Scenario, Description: r.Description, Seed: r.Seed, Mode: r.Mode, Parameters: r.Parameters,
			Version: r.Version, Fingerprint: r.Fingerprint, Partial: r.Partial, OK: r.OK(),
			Duration: r.Duration, Simulated: r.SimulatedTime, Warmup: r.Warmup, Wall: r.Wall,
			Nodes: r.Nodes, Totals: r.Totals,
		})
	}
	return m
}

// file is one file of a results folder.
type file struct {
	name  string
	write func(io.Writer) error
}

// Folder writes a results folder: report.txt, report.md and report.tex for reading, result.json with
// everything, NAME.csv for each of [Tables], series.jsonl, plot-*.svg, and last manifest.json, so that a
// folder with a manifest is whole. Of replications the first is plotted. It stops at the first error.
func Folder(dir Creator, runs []result.Run) error {
	if len(runs) == 0 {
		return errNoRuns
	}
	files := append(reports(runs), tables(runs)...)
	files = append(files, plots(runs)...)
	names := make([]string, 0, len(files))
	for _, f := range files {
		names = append(names, f.name)
	}
	files = append(files, file{"manifest.json", func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(newManifest(runs, names))
	}})
	for _, f := range files {
		if err := create(dir, f); err != nil {
			return fmt.Errorf("results folder: %s: %w", f.name, err)
		}
	}
	return nil
}

func create(dir Creator, f file) error {
	w, err := dir.Create(f.name)
	if err != nil {
		return err
	}
	if err := f.write(w); err != nil {
		_ = w.Close() // the first error is the one that matters
		return err
	}
	return w.Close()
}

func reports(runs []result.Run) []file {
	var out []file
	for _, f := range []struct {
		name   string
		format Format
	}{{"report.txt", Text}, {"report.md", Markdown}, {"report.tex", LaTeX}, {"result.json", JSON}} {
		out = append(out, file{f.name, func(w io.Writer) error { return Write(w, runs, f.format) }})
	}
	return out
}

func tables(runs []result.Run) []file {
	var out []file
	for _, name := range Tables() {
		out = append(out, file{name + ".csv", func(w io.Writer) error { return WriteCSV(w, name, runs) }})
	}
	return append(out, file{"series.jsonl", func(w io.Writer) error { return WriteSeries(w, runs) }})
}

// plots are the figures of the first run of each group of replications.
func plots(runs []result.Run) []file {
	var out []file
	groups := replications(runs)
	for i, reps := range groups {
		prefix := "plot-"
		if len(groups) > 1 {
			prefix = fmt.Sprintf("plot-%d-", i+1)
		}
		for _, f := range figures(reps[0]) {
			out = append(out, file{prefix + f.name + ".svg", func(w io.Writer) error { return f.write(w, "svg") }})
		}
	}
	return out
}
