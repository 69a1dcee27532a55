package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// ComparisonKind is the Kind of a [ComparisonManifest].
const ComparisonKind = "comparison"

// ComparisonManifest says what the results folder of a comparison holds beside the runs.
type ComparisonManifest struct {
	Schema   int      `json:"schema"`
	Kind     string   `json:"kind"` // ComparisonKind
	Scenario string   `json:"scenario"`
	Version  string   `json:"version"`
	Partial  bool     `json:"partial"`
	Variants int      `json:"variants"`
	Seeds    int      `json:"seeds"`
	Runs     int      `json:"runs"`  // that the figures come from
	Files    []string `json:"files"` // all others in the folder that the report wrote
}

// maxFigures bounds the plots of a comparison: more are a sign of a wide pattern, and nobody looks at them.
const maxFigures = 60

// ComparisonFolder writes comparison.txt, .md and .tex for reading, comparison.json with everything,
// comparison.csv with the table, samples.csv with the value of every metric in every run, plot-*.svg, one
// for each metric up to 60, and last manifest.json. It stops at the first error.
func ComparisonFolder(dir Creator, c *Comparison) error {
	if err := c.check(); err != nil {
		return err
	}
	var files []file
	for _, f := range []struct {
		name   string
		format Format
	}{{"comparison.txt", Text}, {"comparison.md", Markdown}, {"comparison.tex", LaTeX}, {"comparison.json", JSON}} {
		files = append(files, file{f.name, func(w io.Writer) error { return WriteComparison(w, c, f.format) }})
	}
	files = append(files,
		file{"comparison.csv", func(w io.Writer) error { return writeTable(w, c.rowsData()) }},
		file{"samples.csv", func(w io.Writer) error { return writeTable(w, c.samplesData()) }})
	files = append(files, c.plots()...)
	m := ComparisonManifest{
		Schema: Schema, Kind: ComparisonKind, Scenario: c.Scenario, Version: c.Version, Partial: c.Partial(),
		Variants: len(c.Variants), Seeds: len(c.Seeds), Runs: len(c.Runs),
	}
	for _, f := range files {
		m.Files = append(m.Files, f.name)
	}
	files = append(files, file{"manifest.json", func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(m)
	}})
	for _, f := range files {
		if err := create(dir, f); err != nil {
			return fmt.Errorf("results folder: %s: %w", f.name, err)
		}
	}
	return nil
}

// plots are the figures of the metrics.
func (c *Comparison) plots() []file {
	var out []file
	rows, taken := c.Rows(), map[string]bool{}
	for per := len(c.Variants); len(rows) > 0 && len(out) < maxFigures; rows = rows[per:] {
		f, ok := c.dotPlot(rows[:per])
		if !ok {
			continue
		}
		name := "plot-" + fileName(rows[0].Metric)
		// Names that differ in other characters than letters and digits are told apart by numbers.
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("plot-%s-%d", fileName(rows[0].Metric), n)
		}
		taken[name] = true
		out = append(out, file{name + ".svg", f.write})
	}
	return out
}
