package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ouroboros/scenarios/result"
)

// comparison is a grid of two by two variants with four seeds and metrics of every kind: one that differs,
// one that differs by the same in every run, one that never differs, one that is missing in places.
func comparison() *Comparison {
	c := &Comparison{
		Scenario: "bottle_neck", Description: "a made-up | grid", Mode: result.ModeSim, Version: "0123456789ab",
		Duration: 10 * time.Second, Warmup: time.Second,
		Set:  []result.Parameter{{Path: "frcp.window", Value: "512", Origin: "flag"}},
		Axes: []Axis{{"layers.net.policies.congestion.name", []string{"none", "mb-ecn"}}, {"layers.net.params.queue", []string{"10", "20"}}},
		Variants: [][]string{
			{"none", "10"},
			{"none", "20"},
			{"mb-ecn", "10"},
			{"mb-ecn", "20"},
		},
		Seeds:   []uint64{1, 2, 3, 4},
		Metrics: []Metric{{"goodput.sum", "bit/s"}, {"goodput.jain of raw", "ratio"}, {"delay.p99", "ns"}, {"loss", "ratio"}, {"drops", "packets"}},
		Notes:   []string{"A note."},
	}
	noise := []float64{0.1, -0.3, 0.25, 0.7}
	for v := range c.Variants {
		for i, seed := range c.Seeds {
			n, x := noise[i], float64(v)
			values := []result.Opt[float64]{
				result.Some(80e6 + 1e6*n + 3e6*x + 1e5*n*n*x*x),
				result.Some(0.9 + 0.01*n + 0.002*x*noise[3-i]),
				result.Some(2e6 + 1024*x),
				result.Some(0.01 + 0.001*n*x),
				result.Some(5.0),
			}
			if v == 2 && i > 0 {
				values[3] = result.None[float64]()
			}
			if v == 3 && i == 2 {
				values[3] = result.None[float64]()
			}
			c.Runs = append(c.Runs, ComparedRun{fmt.Sprintf("%016x", 100*v+i), v, seed, values, nil})
		}
	}
	return c
}

func renderComparison(t *testing.T, c *Comparison, f Format) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteComparison(&b, c, f); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Every format is as reviewed, of a whole grid, of one that was interrupted, and of a single seed.
func TestGoldenComparison(t *testing.T) {
	partial := comparison()
	partial.Runs = partial.Runs[:len(partial.Runs)-5]
	single := comparison()
	single.Seeds, single.Runs = single.Seeds[:1], nil
	for _, r := range comparison().Runs {
		if r.Seed == 1 {
			single.Runs = append(single.Runs, r)
		}
	}
	for name, c := range map[string]*Comparison{"comparison": comparison(), "comparison-partial": partial, "comparison-single": single} {
		for _, f := range Formats() {
			if name != "comparison" && f != Text {
				continue
			}
			t.Run(name+"/"+string(f), func(t *testing.T) { golden(t, name+"."+extension[f], renderComparison(t, c, f)) })
		}
	}
}

// rowOf finds the row of a metric and variant.
func rowOf(t *testing.T, c *Comparison, metric string, variant int) ComparedRow {
	t.Helper()
	for _, r := range c.Rows() {
		if r.Metric == metric && r.Variant == variant {
			return r
		}
	}
	t.Fatalf("no row %s of variant %d", metric, variant)
	return ComparedRow{}
}

// Student's example as two variants: the values of a patient are paired, whatever the order of the runs.
func TestDifferencesArePairedBySeed(t *testing.T) {
	c := &Comparison{
		Axes: []Axis{{"drug", []string{"a", "b"}}}, Variants: [][]string{{"a"}, {"b"}}, Metrics: []Metric{{"sleep", ""}},
	}
	base := func(i int) float64 { return float64(7 * i % 5) }
	for i := range sleep {
		last := len(sleep) - 1 - i // the second variant comes in the other order
		c.Seeds = append(c.Seeds, uint64(i))
		c.Runs = append(
			c.Runs,
			ComparedRun{"", 0, uint64(i), []result.Opt[float64]{result.Some(base(i))}, nil},
			ComparedRun{"", 1, uint64(last), []result.Opt[float64]{result.Some(base(last) + sleep[last])}, nil},
		)
	}
	r := rowOf(t, c, "sleep", 1)
	if !near(r.Difference.Mean.Or(0), 1.58, 1e-12) || !near(r.P.Or(0), 0.002832890197, 1e-6) || r.Verdict != Significant || r.Difference.N != 10 {
		t.Errorf("%+v", r)
	}
}

func TestVerdicts(t *testing.T) {
	c := comparison()
	for _, x := range []struct {
		metric  string
		variant int
		want    Verdict
		tested  bool
	}{
		{"goodput.sum", 0, Untested, false},
		{"goodput.sum", 1, Significant, true},
		{"goodput.jain of raw", 1, NotSignificant, true},
		{"delay.p99", 1, Constant, false},
		{"drops", 3, Same, false},
		{"loss", 2, Untested, false}, // one pair
		{"loss", 3, NotSignificant, true},
	} {
		r := rowOf(t, c, x.metric, x.variant)
		if r.Verdict != x.want || r.P.OK() != x.tested || r.PHolm.OK() != x.tested {
			t.Errorf("%s of variant %d: %q, p %v, want %q", x.metric, x.variant, r.Verdict, r.P, x.want)
		}
	}
	// A metric without variance has no interval, and never one of width 0.
	if r := rowOf(t, c, "drops", 1); !r.Value.NoVariance || r.Value.HalfWidth.OK() || !r.Difference.NoVariance || r.Difference.HalfWidth.OK() {
		t.Errorf("%+v", r)
	}
	// Missing values count as missing.
	if r := rowOf(t, c, "loss", 3); r.Value.N != 3 || r.Of != 4 || r.Difference.N != 3 {
		t.Errorf("%+v", r)
	}
}

// outages is a comparison of a policy whose flows come back with one under which they do so in one run only, and the other way round.
func outages(swap bool) *Comparison {
	c := &Comparison{
		Scenario: "cut", Axes: []Axis{{"forwarding", []string{"lfa", "none"}}}, Variants: [][]string{{"lfa"}, {"none"}},
		Seeds: []uint64{1, 2, 3}, Metrics: []Metric{{"outage.mean", "ns"}, {"outage.unended", ""}},
	}
	for v := range 2 {
		for _, seed := range c.Seeds {
			r := ComparedRun{"", v, seed, []result.Opt[float64]{result.Some(200e6 + float64(seed)), result.Some(0.0)}, []uint64{0, 0}}
			if (v == 1) != swap && seed > 1 {
				r.Values = []result.Opt[float64]{result.None[float64](), result.Some(3.0)}
				r.Unended = []uint64{3, 0}
			}
			c.Runs = append(c.Runs, r)
		}
	}
	return c
}

// A policy under which flows do not come back never looks good: the runs in which they do are no sample of it. It
// has no mean, and no other variant is tested against it.
func TestWhatDoesNotEndHasNoMean(t *testing.T) {
	for _, swap := range []bool{false, true} {
		c := outages(swap)
		bad, good := 1, 0
		if swap {
			bad, good = 0, 1
		}
		r := rowOf(t, c, "outage.mean", bad)
		if r.Value.Mean.OK() || r.Value.N != 1 || r.Unended != 6 || r.UnendedRuns != 2 {
			t.Errorf("%+v", r)
		}
		if r := rowOf(t, c, "outage.mean", good); !r.Value.Mean.OK() || r.Unended != 0 {
			t.Errorf("%+v", r)
		}
		if r := rowOf(t, c, "outage.mean", 1); r.Verdict != NotEnded || r.P.OK() || r.Difference.N != 0 || r.Relative.OK() {
			t.Errorf("%+v", r)
		}
		if r := rowOf(t, c, "outage.unended", 1); r.Verdict == NotEnded || r.Difference.N != 3 {
			t.Errorf("%+v", r)
		}
		text := string(renderComparison(t, c, Text))
		for _, want := range []string{"not ended in 2 of 3", c.Variants[bad][0] + ": 6 outages in 2 of 3 runs had not ended when last seen (outage.mean)."} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
	}
}

// A change relative to next to nothing is not spelled out, and p has three decimals throughout.
func TestNumbersForReaders(t *testing.T) {
	for x, want := range map[float64]string{0.5: "+50.0 %", -0.25: "-25.0 %", 10: "+1000.0 %", 10.01: "above +1000 %", -2e6: "below -1000 %", 1e-5: "<0.1 %"} {
		if got := (&ComparedRow{Relative: result.Some(x)}).relative().s; got != want {
			t.Errorf("%v: %q, want %q", x, got, want)
		}
	}
	for p, want := range map[float64]string{1: "1.000", 0.04: "0.040", 0.0005: "0.001", 0.0004: "<0.001", 0: "<0.001"} {
		if got := (&ComparedRow{PHolm: result.Some(p)}).corrected().s; got != want {
			t.Errorf("%v: %q, want %q", p, got, want)
		}
	}
}

// The family of the correction is every test of the table: each p is corrected for the others.
func TestFamilyIsTheWholeTable(t *testing.T) {
	rows := comparison().Rows()
	var ps []float64
	for _, r := range rows {
		if p, ok := r.P.Get(); ok {
			ps = append(ps, p)
		}
	}
	if len(ps) != 3+3+0+2+0 {
		t.Fatalf("%d tests", len(ps))
	}
	want := holm(ps)
	for _, r := range rows {
		if r.P.OK() {
			if r.PHolm.Or(0) != want[0] {
				t.Errorf("%s: %v, want %v", r.Metric, r.PHolm, want[0])
			}
			want = want[1:]
		}
	}
	if text := string(renderComparison(t, comparison(), Text)); !strings.Contains(text, "the family of all 8 differences tested") {
		t.Error("the family is not named")
	}
}

// The samples read back: one line for each metric of each run, with its variant, in base units.
func TestSamplesAreTidy(t *testing.T) {
	c := comparison()
	_, data, _ := strings.Cut(string(renderComparison(t, c, CSV)), "# samples\n")
	lines, err := csv.NewReader(strings.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := "run,layers.net.policies.congestion.name,layers.net.params.queue,seed,metric,unit,value"; strings.Join(lines[0], ",") != want {
		t.Errorf("columns %v", lines[0])
	}
	if len(lines) != 1+16*5 {
		t.Fatalf("%d lines", len(lines))
	}
	if got := strings.Join(lines[1+5*4+2], ","); got != "0000000000000064,none,20,1,delay.p99,s,0.002001024" {
		t.Error(got)
	}
	var doc struct {
		Samples []Sample
		Rows    []ComparedRow
		Partial bool
	}
	if err := json.Unmarshal(renderComparison(t, c, JSON), &doc); err != nil {
		t.Fatal(err)
	}
	s := doc.Samples[5*4+2]
	if len(doc.Samples) != 80 || s.Parameters["layers.net.params.queue"] != "20" || s.Value.Or(0) != 0.002001024 || len(doc.Rows) != 20 || doc.Partial {
		t.Errorf("%d samples, %+v, %d rows, partial %v", len(doc.Samples), s, len(doc.Rows), doc.Partial)
	}
}

func TestComparisonThatCannotBePrinted(t *testing.T) {
	for name, spoil := range map[string]func(*Comparison){
		"no runs":       func(c *Comparison) { c.Runs = nil },
		"variant":       func(c *Comparison) { c.Runs[0].Variant = 4 },
		"values":        func(c *Comparison) { c.Runs[0].Values = nil },
		"unended":       func(c *Comparison) { c.Runs[0].Unended = []uint64{1} },
		"seed":          func(c *Comparison) { c.Runs[0].Seed = 99 },
		"no axes":       func(c *Comparison) { c.Axes = nil },
		"short variant": func(c *Comparison) { c.Variants[1] = nil },
	} {
		c := comparison()
		spoil(c)
		if err := WriteComparison(&bytes.Buffer{}, c, Text); err == nil {
			t.Errorf("%s: no error", name)
		}
		if err := ComparisonFolder(&memory{files: map[string]*bytes.Buffer{}}, c); err == nil {
			t.Errorf("%s: no error of the folder", name)
		}
	}
	if err := WriteComparison(&bytes.Buffer{}, comparison(), "html"); err == nil {
		t.Error("format html is accepted")
	}
}

// Axes are called by the ends of their paths, as long as they need to be.
func TestAxisNames(t *testing.T) {
	for _, x := range []struct{ paths, want string }{
		{"layers.net.policies.congestion.name", "congestion"},
		{"duration", "duration"},
		{"layers.a.policies.congestion.name layers.b.policies.congestion", "a.policies.congestion b.policies.congestion"},
		{"x.name x", "x.name x"},
	} {
		c := &Comparison{}
		for p := range strings.FieldsSeq(x.paths) {
			c.Axes = append(c.Axes, Axis{Path: p})
		}
		if got := strings.Join(c.axisNames(), " "); got != x.want {
			t.Errorf("%s: %s, want %s", x.paths, got, x.want)
		}
	}
}

// The folder holds every form and a plot for each metric, and ends with the manifest.
func TestComparisonFolder(t *testing.T) {
	c := comparison()
	c.Metrics[4].Name = "delay-p99" // the same file name as delay.p99
	d := &memory{files: map[string]*bytes.Buffer{}}
	if err := ComparisonFolder(d, c); err != nil {
		t.Fatal(err)
	}
	var m ComparisonManifest
	if err := json.Unmarshal(d.files["manifest.json"].Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	want := "comparison.txt comparison.md comparison.tex comparison.json comparison.csv samples.csv plot-goodput-sum.svg plot-goodput-jain-of-raw.svg plot-delay-p99.svg plot-loss.svg plot-delay-p99-2.svg"
	if got := strings.Join(m.Files, " "); got != want || m.Kind != ComparisonKind || m.Partial || m.Runs != 16 {
		t.Errorf("%+v", m)
	}
	if got := strings.Join(d.order, " "); got != want+" manifest.json" {
		t.Errorf("written: %s", got)
	}
	if !bytes.Equal(d.files["comparison.txt"].Bytes(), renderComparison(t, c, Text)) {
		t.Error("comparison.txt is not the text")
	}
	svg := d.files["plot-goodput-sum.svg"].String()
	for _, part := range []string{"<svg", "none, 10", "mb-ecn, 20", "goodput.sum (Mbit/s)"} {
		if !strings.Contains(svg, part) {
			t.Errorf("%q is not in the plot", part)
		}
	}
}

// An error bar is as long as the interval, in the unit of the axis; what has no interval has no bar.
func TestErrorBars(t *testing.T) {
	c := comparison()
	rows := c.Rows()
	f, ok := c.dotPlot(rows[:4])
	if !ok || len(f.bars.XYs) != 4 || f.bars.XYs[1].Y != rows[1].Value.Mean.Or(0)*1e-6 || f.bars.YErrors[1].High != rows[1].Value.HalfWidth.Or(0)*1e-6 {
		t.Errorf("%+v", f)
	}
	if lo, hi := f.span(); lo <= 70 || hi <= 90 {
		t.Errorf("the axis reaches from %v to %v", lo, hi)
	}
	f, _ = c.dotPlot(rows[16:])
	if lo, hi := f.span(); lo >= 5 || hi <= 5 {
		t.Errorf("equal values: the axis reaches from %v to %v", lo, hi)
	}
	f, _ = c.dotPlot(rows[12:16])
	if f.bars.YErrors[2].Low != 0 || f.bars.YErrors[3].Low == 0 {
		t.Errorf("one run and three: bars %v", f.bars.YErrors)
	}
}

// An error of the writer comes back, wherever it happens.
func TestComparisonWriterErrorsComeBack(t *testing.T) {
	for _, f := range Formats() {
		n := len(renderComparison(t, comparison(), f))
		for _, left := range []int{0, n / 2, n - 1} {
			if err := WriteComparison(&failing{left}, comparison(), f); !errors.Is(err, errFull) {
				t.Errorf("%s, %d of %d bytes: error %v", f, left, n, err)
			}
		}
	}
	m := &memory{files: map[string]*bytes.Buffer{}, fail: "samples.csv"}
	if err := ComparisonFolder(m, comparison()); !errors.Is(err, errFull) || m.files["manifest.json"] != nil {
		t.Errorf("folder: %v", err)
	}
}
