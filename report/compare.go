package report

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"ouroboros/scenarios/result"
)

// Comparison is a grid of runs: variants of one scenario, each run with the same seeds. The first variant
// is the one that the others are held against, seed by seed.
type Comparison struct {
	Scenario    string        `json:"scenario"`
	Description string        `json:"description"`
	Mode        string        `json:"mode"`        // result.ModeSim or ModeLive; "" if the variants differ in it
	Version     string        `json:"version"`     // identity of the executable
	Duration    time.Duration `json:"duration_ns"` // 0 if the variants differ in it
	Warmup      time.Duration `json:"warmup_ns"`   // of the first variant

	Set      []result.Parameter `json:"set"`      // what was set from outside in all variants alike
	Axes     []Axis             `json:"axes"`     // what varies, at least one
	Variants [][]string         `json:"variants"` // one value for each axis
	Seeds    []uint64           `json:"seeds"`    // of every variant
	Metrics  []Metric           `json:"metrics"`  // the rows of the table, in order
	Runs     []ComparedRun      `json:"-"`        // those that are over: at most one for each variant and seed
	Notes    []string           `json:"notes"`    // what a reader must know to read the figures rightly
}

// Axis is a value of the scenario that varies.
type Axis struct {
	Path   string   `json:"path"` // as for --set
	Values []string `json:"values"`
}

// Metric is what one row of a comparison is about.
type Metric struct {
	Name string `json:"name"` // as expectations name it, with "of NAME" if it is of one thing: delay.p99 of raw
	Unit string `json:"unit"` // as in result.Expectation: ns, bit/s, ratio, packets, bytes, ""
}

// ComparedRun is what is kept of one run.
type ComparedRun struct {
	ID      string // of the run, 16 hex digits
	Variant int    // index into Variants
	Seed    uint64
	Values  []result.Opt[float64] // one for each metric, in its unit
	// Unended has for each metric without a value the number of outages that had not ended and would have been
	// part of it. Nil: none in any metric.
	Unended []uint64
}

// Partial reports whether runs are missing.
func (c *Comparison) Partial() bool { return len(c.Runs) < len(c.Variants)*len(c.Seeds) }

// check returns an error for what cannot be printed.
func (c *Comparison) check() error {
	if len(c.Runs) == 0 {
		return errNoRuns
	}
	for _, r := range c.Runs {
		if r.Unended != nil && len(r.Unended) != len(c.Metrics) || r.Variant < 0 || r.Variant >= len(c.Variants) || len(r.Values) != len(c.Metrics) || !slices.Contains(c.Seeds, r.Seed) {
			return fmt.Errorf("report: run %s is of no variant, metric or seed of the comparison", r.ID)
		}
	}
	if len(c.Axes) == 0 || slices.ContainsFunc(c.Variants, func(v []string) bool { return len(v) != len(c.Axes) }) {
		return errors.New("report: a variant needs one value for each axis")
	}
	return nil
}

// Verdict is what a comparison says about a difference to the first variant.
type Verdict string

// The verdicts. Untested is the one of the first variant itself, and of differences that fewer than two
// pairs of runs are there for. NotEnded is that of differences between values one of which is known only
// from below.
const (
	Untested       Verdict = ""
	NotEnded       Verdict = "not ended" // outages that had not ended are part of one of the variants
	Significant    Verdict = "yes"
	NotSignificant Verdict = "no"
	Same           Verdict = "same"     // both variants gave the same value with every seed
	Constant       Verdict = "constant" // the difference is the same with every seed, and not 0
)

// Sampled is what the runs of one variant say about one metric, or pairs of runs about a difference.
type Sampled struct {
	N    int                 `json:"n"` // values; runs in which the metric was not measured have none
	Mean result.Opt[float64] `json:"mean"`
	// HalfWidth is that of the two-sided 95 % Student-t interval of the mean; missing with less than two
	// values, and without variance.
	HalfWidth  result.Opt[float64] `json:"ci95_half"`
	NoVariance bool                `json:"no_variance"` // two or more values, all the same
	Min        result.Opt[float64] `json:"min"`
	Max        result.Opt[float64] `json:"max"`
}

// sampled computes the statistics of any number of values.
func sampled(xs []float64) Sampled {
	if len(xs) == 0 {
		return Sampled{}
	}
	e := estimate(xs)
	return Sampled{
		N: e.N, Mean: result.Some(e.Mean), HalfWidth: e.HalfWidth, NoVariance: e.NoVariance,
		Min: result.Some(e.Min), Max: result.Some(e.Max),
	}
}

// in converts from the unit of a metric to that of the rows.
func (s Sampled) in(unit string) Sampled {
	for _, o := range []*result.Opt[float64]{&s.Mean, &s.HalfWidth, &s.Min, &s.Max} {
		*o = inRows(*o, unit)
	}
	return s
}

// inRows converts a value from the unit of its metric to that of the rows: seconds instead of nanoseconds.
func inRows(o result.Opt[float64], unit string) result.Opt[float64] {
	if v, ok := o.Get(); ok && unit == "ns" {
		return result.Some(v / 1e9)
	}
	return o
}

// ComparedRow is one metric of one variant. Times are in seconds.
type ComparedRow struct {
	Metric  string  `json:"metric"`
	Unit    string  `json:"unit"` // s, bit/s, ratio, packets, bytes, ""
	Variant int     `json:"variant"`
	Of      int     `json:"of"` // seeds
	Value   Sampled `json:"value"`
	// Difference is the variant less the first one, over the seeds that have both values. It is empty in the
	// rows of the first variant.
	Difference Sampled             `json:"difference"`
	Relative   result.Opt[float64] `json:"relative"` // mean difference over the first variant's mean with these seeds
	// Unended is the number of outages of the variant that had not ended, in UnendedRuns of its runs. The other runs
	// are a selection of the good ones: Value has no statistics then, and Difference neither.
	Unended     uint64              `json:"unended"`
	UnendedRuns int                 `json:"unended_runs"`
	P           result.Opt[float64] `json:"p"`      // of the two-sided paired t-test, uncorrected
	PHolm       result.Opt[float64] `json:"p_holm"` // corrected over all P of the comparison
	Verdict     Verdict             `json:"verdict"`
}

// level is that at which differences count as significant.
const level = 0.05

// Rows computes the table: for each metric one row for each variant, the first variant first.
func (c *Comparison) Rows() []ComparedRow {
	out := make([]ComparedRow, 0, len(c.Metrics)*len(c.Variants))
	runs := make([]map[uint64]*ComparedRun, len(c.Variants))
	for i := range runs {
		runs[i] = map[uint64]*ComparedRun{}
	}
	for i := range c.Runs {
		runs[c.Runs[i].Variant][c.Runs[i].Seed] = &c.Runs[i]
	}
	for m := range c.Metrics {
		for v := range c.Variants {
			out = append(out, c.row(m, v, runs))
		}
	}
	correct(out)
	return out
}

// row computes one row, without what depends on the others.
func (c *Comparison) row(m, v int, runs []map[uint64]*ComparedRun) ComparedRow {
	var own, first, diff []float64
	for _, seed := range c.Seeds {
		x, ok := c.value(runs[v][seed], m)
		if !ok {
			continue
		}
		own = append(own, x)
		if y, ok := c.value(runs[0][seed], m); ok && v > 0 {
			first, diff = append(first, y), append(diff, x-y)
		}
	}
	r := ComparedRow{
		Metric: c.Metrics[m].Name, Unit: siName(c.Metrics[m].Unit), Variant: v, Of: len(c.Seeds),
		Value: sampled(own).in(c.Metrics[m].Unit), Difference: sampled(diff).in(c.Metrics[m].Unit),
	}
	r.Unended, r.UnendedRuns = c.unended(runs[v], m)
	if r.Unended > 0 {
		r.Value = Sampled{N: len(own)}
	}
	if n, _ := c.unended(runs[0], m); v > 0 && r.Unended+n > 0 {
		r.Difference, r.Verdict = Sampled{}, NotEnded
		return r
	}
	if len(diff) > 0 {
		r.Relative = result.Ratio(mean(diff), mean(first))
	}
	switch {
	case len(diff) < 2:
	case !r.Difference.NoVariance:
		r.P = result.Some(pairedT(diff))
	case diff[0] == 0:
		r.Verdict = Same
	default:
		r.Verdict = Constant
	}
	return r
}

// unended counts the outages that are missing in a metric of the runs of a variant, and the runs.
func (c *Comparison) unended(runs map[uint64]*ComparedRun, m int) (n uint64, of int) {
	for _, seed := range c.Seeds {
		if r := runs[seed]; r != nil && r.Unended != nil && r.Unended[m] > 0 {
			n += r.Unended[m]
			of++
		}
	}
	return n, of
}

// value returns the value of a metric in its own unit: whole nanoseconds differ by whole ones.
func (c *Comparison) value(r *ComparedRun, m int) (float64, bool) {
	if r == nil {
		return 0, false
	}
	return r.Values[m].Get()
}

// correct gives the tested rows their corrected p and their verdict.
func correct(rows []ComparedRow) {
	var ps []float64
	for i := range rows {
		if p, ok := rows[i].P.Get(); ok {
			ps = append(ps, p)
		}
	}
	ps = holm(ps)
	for i := range rows {
		r := &rows[i]
		if !r.P.OK() {
			continue
		}
		r.PHolm, ps = result.Some(ps[0]), ps[1:]
		r.Verdict = NotSignificant
		if r.PHolm.Or(1) <= level {
			r.Verdict = Significant
		}
	}
}

// WriteComparison reports the comparison to w: a table for reading, or as data the table and after it the
// value of every metric in every run. The error is that of w, or says that there are no runs or no such
// format.
func WriteComparison(w io.Writer, c *Comparison, format Format) error {
	if err := c.check(); err != nil {
		return err
	}
	switch format {
	case CSV:
		return c.writeCSV(w)
	case JSON:
		return c.writeJSON(w)
	}
	p, err := newPrinter(format)
	if err != nil {
		return err
	}
	out := &firstError{w: w}
	if err := p.part(out, c.part()); err != nil {
		return err
	}
	return out.err
}
