package report

import (
	"encoding/json"
	"fmt"
	"io"

	"ouroboros/scenarios/result"
)

// ComparisonDocument is the JSON output of a comparison.
type ComparisonDocument struct {
	Schema int `json:"schema"`
	*Comparison
	IsPartial bool          `json:"partial"`
	Rows      []ComparedRow `json:"rows"`    // Variant is an index into variants
	Samples   []Sample      `json:"samples"` // every metric of every run
}

// Sample is the value of one metric in one run.
type Sample struct {
	Run        string              `json:"run"`        // its ID
	Parameters map[string]string   `json:"parameters"` // the value of each axis by its path
	Seed       uint64              `json:"seed"`
	Metric     string              `json:"metric"`
	Unit       string              `json:"unit"` // s, bit/s, ratio, packets, bytes, ""
	Value      result.Opt[float64] `json:"value"`
}

func (c *Comparison) writeJSON(w io.Writer) error {
	doc := ComparisonDocument{Schema: Schema, Comparison: c, IsPartial: c.Partial(), Rows: c.Rows()}
	for i := range c.Runs {
		r := &c.Runs[i]
		params := map[string]string{}
		for k, a := range c.Axes {
			params[a.Path] = c.Variants[r.Variant][k]
		}
		for m, metric := range c.Metrics {
			doc.Samples = append(doc.Samples, Sample{
				Run: r.ID, Parameters: params, Seed: r.Seed, Metric: metric.Name, Unit: siName(metric.Unit),
				Value: inRows(r.Values[m], metric.Unit),
			})
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(doc)
}

// writeCSV writes the table and the samples, each after a line with its name.
func (c *Comparison) writeCSV(w io.Writer) error {
	for i, t := range []table{c.rowsData(), c.samplesData()} {
		sep := "\n"
		if i == 0 {
			sep = ""
		}
		if _, err := fmt.Fprintf(w, "%s# %s\n", sep, t.name); err != nil {
			return err
		}
		if err := writeTable(w, t); err != nil {
			return err
		}
	}
	return nil
}

// addColumns adds columns to a data table.
func addColumns(t *table, names ...string) {
	for _, n := range names {
		t.cols = append(t.cols, column{name: n})
	}
}

// rowsData is comparison.csv.
func (c *Comparison) rowsData() table {
	t := table{name: "comparison"}
	addColumns(&t, "metric", "unit")
	for _, a := range c.Axes {
		addColumns(&t, a.Path)
	}
	addColumns(&t, "of", "n", "mean", "ci95_half", "no_variance", "min", "max",
		"pairs", "difference", "difference_ci95_half", "difference_no_variance", "difference_ratio", "p", "p_holm", "significant", "unended", "unended_runs")
	for _, r := range c.Rows() {
		line := []value{text(r.Metric), optText(r.Unit)}
		for _, v := range c.Variants[r.Variant] {
			line = append(line, text(v))
		}
		s, d := r.Value, r.Difference
		line = append(line, count(uint64(r.Of)), count(uint64(s.N)), optNum(s.Mean), optNum(s.HalfWidth), yesNo(s.NoVariance), optNum(s.Min), optNum(s.Max))
		if r.Variant == 0 {
			line = append(line, make([]value, 8)...)
		} else {
			line = append(line, count(uint64(d.N)), optNum(d.Mean), optNum(d.HalfWidth), yesNo(d.NoVariance), optNum(r.Relative), optNum(r.P), optNum(r.PHolm), r.verdict())
		}
		t.rows = append(t.rows, append(line, count(r.Unended), count(uint64(r.UnendedRuns))))
	}
	return t
}

// samplesData is samples.csv: one line for each metric of each run.
func (c *Comparison) samplesData() table {
	t := table{name: "samples"}
	addColumns(&t, "run")
	for _, a := range c.Axes {
		addColumns(&t, a.Path)
	}
	addColumns(&t, "seed", "metric", "unit", "value")
	for i := range c.Runs {
		r := &c.Runs[i]
		for m, metric := range c.Metrics {
			line := []value{text(r.ID)}
			for _, v := range c.Variants[r.Variant] {
				line = append(line, text(v))
			}
			t.rows = append(t.rows, append(line, count(r.Seed), text(metric.Name), optText(siName(metric.Unit)), inUnit(r.Values[m], metric.Unit)))
		}
	}
	return t
}
