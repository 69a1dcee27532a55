package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// part is the comparison for print.
func (c *Comparison) part() part {
	p := part{title: c.Scenario, lines: c.heading(), notes: c.Notes}
	if c.Description != "" {
		p.title += ": " + c.Description
	}
	t := c.table(c.Rows())
	t.label = fileName(c.Scenario) + "-comparison"
	p.tables = []table{t}
	return p
}

// heading says what is compared.
func (c *Comparison) heading() []string {
	facts := []string{plural(len(c.Variants), "variant"), seedNames(c.Seeds)}
	if c.Mode != "" {
		facts = append(facts, c.Mode)
	}
	if c.Duration > 0 {
		facts = append(facts, exactSeconds(c.Duration)+" s each")
	}
	if c.Warmup > 0 {
		facts = append(facts, "warm-up "+exactSeconds(c.Warmup)+" s left out")
	}
	lines := []string{strings.Join(facts, ", ")}
	for _, a := range c.Axes {
		lines = append(lines, "vary: "+a.Path+"="+strings.Join(a.Values, ","))
	}
	if len(c.Set) > 0 {
		var set []string
		for _, p := range c.Set {
			set = append(set, p.Path+"="+p.Value)
		}
		lines = append(lines, "set: "+strings.Join(set, " "))
	}
	if c.Partial() {
		lines = append(lines, fmt.Sprintf("PARTIAL: %d of %d runs are there; the figures are those of them", len(c.Runs), len(c.Variants)*len(c.Seeds)))
	}
	return lines
}

// axisNames shortens the paths of the axes to their ends, as far as they stay different. The key name,
// which many paths end in, says nothing.
func (c *Comparison) axisNames() []string {
	short := func(path string, keep int) string {
		parts := strings.Split(path, ".")
		if n := len(parts); n > 1 && parts[n-1] == "name" {
			parts = parts[:n-1]
		}
		return strings.Join(parts[max(0, len(parts)-keep):], ".")
	}
	out := make([]string, len(c.Axes))
	for keep := 1; keep < 20; keep++ {
		for i, a := range c.Axes {
			out[i] = short(a.Path, keep)
		}
		if len(slices.Compact(slices.Sorted(slices.Values(out)))) == len(out) {
			return out
		}
	}
	for i, a := range c.Axes {
		out[i] = a.Path
	}
	return out
}

// table is the printed table. Its rows differ in unit, so each metric says its own.
func (c *Comparison) table(rows []ComparedRow) table {
	t := table{name: "comparison", title: "Comparison with the first variant", cols: []column{{head: "metric"}, {head: "unit"}}}
	for _, a := range c.axisNames() {
		t.cols = append(t.cols, column{head: a})
	}
	// The texts of these columns are numbers with words: they stand at the right.
	for _, h := range []string{"n", "mean", "difference", "relative", "p"} {
		t.cols = append(t.cols, column{head: h, unit: plain})
	}
	t.cols = append(t.cols, column{head: "significant"})
	per := len(c.Variants)
	for i := 0; i < len(rows); i += per {
		mean, diff := stylesOf(rows[i : i+per])
		for k := range rows[i : i+per] {
			t.rows = append(t.rows, c.cells(&rows[i+k], mean, diff))
		}
	}
	t.notes = c.legend(rows)
	return t
}

// printUnit is the unit in which a metric is printed: a fairness index is no percentage.
func printUnit(r *ComparedRow) unit {
	if strings.HasPrefix(r.Metric, "goodput.jain") {
		return plain
	}
	return unitOf(r.Unit)
}

// stylesOf chooses the unit for all the numbers of one metric, and decimals for the means and for the
// differences, which may be far smaller.
func stylesOf(rows []ComparedRow) (means, diffs style) {
	var ms, ds []value
	for i := range rows {
		ms = append(ms, optNum(rows[i].Value.Mean), optNum(rows[i].Value.HalfWidth))
		ds = append(ds, optNum(rows[i].Difference.Mean), optNum(rows[i].Difference.HalfWidth))
	}
	u := printUnit(&rows[0])
	means = newStyle(u, notable(ms))
	diffs = style{means.scale, decimalsOf(means.factor, ds)}
	if u == plain && allWhole(ms) {
		means.decimals = 0 // a counter that never varies
	}
	if means.name == "" && u == unitOf(rows[0].Unit) {
		means.name = rows[0].Unit
	}
	return means, diffs
}

// allWhole tells whether all values are whole numbers.
func allWhole(vs []value) bool {
	return !slices.ContainsFunc(vs, func(v value) bool { return v.f != math.Trunc(v.f) })
}

// decimalsOf gives the largest of some numbers four significant digits and the smallest notable one two.
func decimalsOf(factor float64, vs []value) int {
	for i := range vs {
		vs[i].f *= factor
	}
	return newStyle(plain, notable(vs)).decimals
}

// notable drops values that are tiny beside the largest: their digits would make every number of a metric
// long. The data files have them in full.
func notable(vs []value) (out []value) {
	hi := 0.0
	for _, v := range vs {
		hi = max(hi, math.Abs(v.f))
	}
	for _, v := range vs {
		if math.Abs(v.f) >= hi*1e-4 {
			out = append(out, v)
		}
	}
	return out
}

// cells are the texts of one row; those of a metric say its name once.
func (c *Comparison) cells(r *ComparedRow, mean, diff style) []value {
	name, unitName := r.Metric, mean.name
	if r.Variant > 0 {
		name, unitName = "", ""
	}
	out := []value{text(name), text(unitName)}
	for _, v := range c.Variants[r.Variant] {
		out = append(out, text(v))
	}
	n := fmt.Sprint(r.Value.N)
	if r.Value.N < r.Of {
		n = fmt.Sprintf("%d of %d", r.Value.N, r.Of)
	}
	v := r.Value.cell(mean.number)
	if r.Unended > 0 {
		v = text(fmt.Sprintf("not ended in %d of %d", r.UnendedRuns, r.Of))
	}
	out = append(out, text(n), v)
	if r.Variant == 0 {
		return append(out, text("first"), text(""), text(""), text(""))
	}
	d := r.Difference.cell(diff.signed)
	if n := r.Difference.N; n > 0 && n < r.Value.N {
		d.s += ", " + plural(n, "pair")
	}
	return append(out, d, r.relative(), r.corrected(), r.verdict())
}

// cell is a mean with its interval, or with the reason why it has none.
func (s *Sampled) cell(number func(float64) string) value {
	m, ok := s.Mean.Get()
	if !ok {
		return value{}
	}
	out := number(m)
	switch half, ok := s.HalfWidth.Get(); {
	case ok:
		out += " ± " + strings.TrimPrefix(number(half), "+")
	case s.NoVariance:
		out += " (no variance)"
	default:
		out += " (one run)"
	}
	return text(out)
}

// signed prints a difference, whose sign matters.
func (s style) signed(f float64) string {
	switch {
	case f > 0:
		return "+" + s.number(f)
	case f < 0:
		return "-" + s.number(-f)
	}
	return s.number(f)
}

// most is the largest relative change that is printed. One beyond it says that the first variant has next to
// nothing, and its digits are those of that.
const most = 10

func (r *ComparedRow) relative() value {
	x, ok := r.Relative.Get()
	if !ok {
		return value{}
	}
	if x != 0 && math.Abs(x) < 0.0005 {
		return text("<0.1 %")
	}
	if s := (style{scale{"%", 100}, 1}); math.Abs(x) <= most {
		return text(s.signed(x) + " %")
	}
	if x < 0 {
		return text("below -1000 %")
	}
	return text("above +1000 %")
}

// corrected prints p with three decimals, however large or small it is.
func (r *ComparedRow) corrected() value {
	p, ok := r.PHolm.Get()
	switch {
	case !ok:
		return value{}
	case p < 0.0005:
		return text("<0.001")
	}
	return text(strconv.FormatFloat(p, 'f', 3, 64))
}

func (r *ComparedRow) verdict() value {
	if r.Verdict == Untested {
		return value{}
	}
	return text(string(r.Verdict))
}

// legend says what the table shows, as far as it shows it.
func (c *Comparison) legend(rows []ComparedRow) []string {
	has := func(f func(*ComparedRow) bool) bool {
		return slices.ContainsFunc(rows, func(r ComparedRow) bool { return f(&r) })
	}
	tested := 0
	for i := range rows {
		if rows[i].P.OK() {
			tested++
		}
	}
	out := []string{
		"Mean ± half width of the 95 % Student-t interval over the seeds. Difference: the variant less the first one, paired by seed, with the interval of the paired differences.",
	}
	if tested > 0 {
		out = append(out, fmt.Sprintf(
			"Significant: paired t-test at the level %v, corrected after Holm over the family of all %s tested in this table; p is the corrected one. The intervals are not corrected.",
			level, plural(tested, "difference")))
	}
	if has(func(r *ComparedRow) bool { return r.Value.NoVariance || r.Difference.NoVariance }) {
		out = append(out, "No variance: every seed gave this value. Such differences are not tested: \"same\" is 0 with every seed, \"constant\" is not.")
	}
	if has(func(r *ComparedRow) bool { return r.Value.N == 1 || r.Difference.N == 1 }) {
		out = append(out, "One run: a single value has no interval and is not tested.")
	}
	out = append(out, c.unendedNotes(rows)...)
	if has(func(r *ComparedRow) bool { return r.Unended == 0 && r.Value.N < r.Of }) {
		out = append(out, fmt.Sprintf("n of %d: the other runs are missing or did not measure the metric; a pair needs both values.", len(c.Seeds)))
	}
	return out
}

// unendedNotes say which variants have outages that had not ended, and in which metrics they are missing.
func (c *Comparison) unendedNotes(rows []ComparedRow) (out []string) {
	of := map[string][]string{}
	for i := range rows {
		r := &rows[i]
		if r.Unended == 0 {
			continue
		}
		said := fmt.Sprintf("%s: %s in %d of %d runs had not ended when last seen",
			strings.Join(c.Variants[r.Variant], ", "), plural(int(r.Unended), "outage"), r.UnendedRuns, r.Of)
		if of[said] == nil {
			out = append(out, said)
		}
		of[said] = append(of[said], r.Metric)
	}
	for i, said := range out {
		out[i] = said + " (" + strings.Join(of[said], ", ") + ")."
	}
	if out != nil {
		out = append(out, "Not ended: how long such an outage is is known only from below, and a mean without it would be too good. None is shown, and nothing is tested against it; outage.unended counts them.")
	}
	return out
}
