package report

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/plot/plotter"

	"ouroboros/scenarios/result"
)

// Half widths of 95 % intervals, from tables of Student's distribution: t(0.975) is 12.7062 for 1 degree
// of freedom, 4.30265 for 2 and 2.26216 for 9.
func TestConfidenceInterval(t *testing.T) {
	for _, c := range []struct {
		xs         []float64
		mean, half float64
	}{
		{[]float64{1, 3}, 2, 12.7062 * math.Sqrt2 / math.Sqrt2},
		{[]float64{1, 2, 3}, 2, 4.30265 / math.Sqrt(3)},
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 5.5, 2.26216 * 3.02765 / math.Sqrt(10)},
	} {
		e := estimate(c.xs)
		half, ok := e.HalfWidth.Get()
		if !ok || e.NoVariance || e.N != len(c.xs) || e.Mean != c.mean || math.Abs(half-c.half) > 1e-4*c.half {
			t.Errorf("%v: %+v, want half width %v", c.xs, e, c.half)
		}
	}
}

// Replications that cannot differ have no interval, and one replication has none either.
func TestNoVarianceIsNotAnInterval(t *testing.T) {
	e := estimate([]float64{0.1, 0.1, 0.1})
	if !e.NoVariance || e.HalfWidth.OK() || e.Mean != 0.1 {
		t.Errorf("%+v", e)
	}
	if got := newStyle(plain, []value{estimated(e)}).print(estimated(e)); got != "0.1000 (no variance)" {
		t.Errorf("prints %q", got)
	}
	e = estimate([]float64{5})
	if e.NoVariance || e.HalfWidth.OK() || e.N != 1 {
		t.Errorf("%+v", e)
	}
	if got := newStyle(plain, []value{estimated(e)}).print(estimated(e)); got != "5.000 ± –" {
		t.Errorf("prints %q", got)
	}
	tiny := estimate([]float64{1e9, 1e9 + 1e-6, 1e9 + 2e-6})
	if got := newStyle(bitrate, []value{estimated(tiny)}).print(estimated(tiny)); !strings.Contains(got, "± <0.0") {
		t.Errorf("prints %q", got)
	}
}

// The summary has the mean of each metric over the seeds; a metric that some seeds lack counts the others.
func TestSummaryOverSeeds(t *testing.T) {
	runs := []result.Run{dumbbell(1), dumbbell(2), dumbbell(3)}
	runs[2].Flows[3].Goodput = result.None[float64]()
	seen := map[string]Estimate{}
	for _, e := range Summarise(runs) {
		seen[e.Of+" "+e.Subject+" "+e.Metric] = e
	}
	if e := seen["flow cbr/1 goodput"]; e.N != 3 || math.Abs(e.Mean-45.3e6) > 1 || !e.HalfWidth.OK() || e.Unit != "bit/s" {
		t.Errorf("%+v", e)
	}
	if e := seen["flow bulk goodput"]; e.N != 2 || !e.NoVariance || e.Mean != 812_345.6 {
		t.Errorf("%+v", e)
	}
	if e := seen["workload cbr goodput"]; math.Abs(e.Mean-90.2e6) > 1 {
		t.Errorf("%+v", e)
	}
	if e := seen["fault net: link r-server down convergence"]; e.N != 3 || math.Abs(e.Mean-0.04235) > 1e-12 || e.Unit != "s" {
		t.Errorf("%+v", e)
	}
	if _, ok := seen["flow late goodput"]; ok {
		t.Error("a flow that measured nothing has an estimate")
	}
	if es := Summarise(runs[:1]); es != nil {
		t.Errorf("one seed gives %v", es)
	}
	out := string(render(t, runs, Text))
	for _, want := range []string{"Mean over 3 seeds: flows", "45.3000 ± 0.2484", "0.2900 (no variance)"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "± 0 ") || strings.Contains(out, "± 0.0000 ") {
		t.Error("an interval of width 0")
	}
}

// A fault that happens twice in a run is two subjects with one sample for each seed.
func TestRepeatedFaultsStayApart(t *testing.T) {
	runs := []result.Run{dumbbell(1), dumbbell(2)}
	for i := range runs {
		c := runs[i].Layers[0].Convergence
		c[0].Outages = c[0].Outages[:2] // those that have ended
		runs[i].Layers[0].Convergence = append(slices.Clip(c), c[0])
	}
	n := 0
	for _, e := range Summarise(runs) {
		if e.Of == "fault" && strings.HasPrefix(e.Subject, "net: link r-server down") {
			n++
			if e.N != 2 {
				t.Errorf("%+v", e)
			}
		}
	}
	if n != 4 { // convergence and outage, each twice
		t.Errorf("%d estimates", n)
	}
}

// The mean outage over seeds is none if outages of one of them had not ended: the others are the good ones.
func TestSeedsWithOpenOutagesHaveNoMean(t *testing.T) {
	for open, want := range map[bool]int{true: 0, false: 1} {
		runs := []result.Run{dumbbell(1), dumbbell(2), dumbbell(3)}
		for i := range runs {
			if c := runs[i].Layers[0].Convergence; !open || i != 1 {
				c[0].Outages = c[0].Outages[:2] // those that have ended
			}
		}
		n := 0
		for _, e := range Summarise(runs) {
			if e.Of == "fault" && e.Metric == "outage" {
				n++
			}
		}
		if n != want {
			t.Errorf("outages that had not ended %v: %d estimates, want %d", open, n, want)
		}
	}
}

// Rows that no seed changes are printed once.
func TestEqualRowsOfSeedsFold(t *testing.T) {
	runs := []*result.Run{ptr(dumbbell(1)), ptr(dumbbell(2))}
	tab := printTheory(runs)
	if len(tab.rows) != 3 || tab.rows[0][seedColumn].s != "all" {
		t.Errorf("%v", tab.rows)
	}
	runs[1].Flows[0].Theory = []result.Theory{{What: "delay.min", Unit: "ns", Value: 1, Measured: bps(2)}}
	if tab = printTheory(runs); len(tab.rows) != 4 || tab.rows[1][seedColumn].s != "2" {
		t.Errorf("%v", tab.rows)
	}
}

// Percentiles of several flows are those of the merged histograms, not means of percentiles.
func TestPercentilesOfMergedHistograms(t *testing.T) {
	a := result.Dist{
		N: 99, Min: ms(1), Mean: ms(1), P99: ms(1), Max: ms(1),
		Buckets: []result.Bucket{{UpTo: time.Millisecond, Count: 99}},
	}
	b := result.Dist{
		N: 1, Min: ms(101), Mean: ms(101), P99: ms(101), Max: ms(101),
		Buckets: []result.Bucket{{UpTo: 102 * time.Millisecond, Count: 1}},
	}
	got := mergeDist([]*result.Dist{&a, &b, {}})
	if got.N != 100 || got.Min != ms(1) || got.Max != ms(101) || got.Mean != ms(2) || got.P50 != ms(1) || got.P99 != ms(1) {
		t.Errorf("%+v", got)
	}
	if p := percentile(&got, 1); p != ms(101) {
		t.Errorf("the largest sample is %v, not above the maximum", p)
	}
	b.Buckets = nil
	if got = mergeDist([]*result.Dist{&a, &b}); got.P99.OK() || got.Max != ms(101) {
		t.Errorf("a percentile without the histogram of all parts: %+v", got)
	}
	if got = mergeDist(nil); got.N != 0 || got.Min.OK() {
		t.Errorf("%+v", got)
	}
}

// A workload's row sums its flows, and its loss is that of all packets.
func TestWorkloadRowsSum(t *testing.T) {
	r := dumbbell(1)
	r.Flows[1].SentPackets, r.Flows[1].LostPackets = 1000, 1000
	w := workloadRows(&r)
	if len(w) != 4 || w[0].flows != 2 || w[0].asked != 2 || w[0].met != 0 {
		t.Fatalf("%+v", w)
	}
	if loss := w[0].Loss.Or(0); loss != 1960.0/332_000 {
		t.Errorf("loss %v", loss)
	}
	if g := w[0].Goodput.Or(0); math.Abs(g-90.2e6) > 1 {
		t.Errorf("goodput %v", g)
	}
	if w[3].Goodput.OK() || w[3].asked != 1 {
		t.Errorf("a failed flow: %+v", w[3])
	}
}

// Thinning a long line keeps its ends in order and its peaks.
func TestThinKeepsPeaks(t *testing.T) {
	xy := make(plotter.XYs, 100_000)
	for i := range xy {
		xy[i].X = float64(i)
	}
	xy[77_777].Y, xy[5].Y = 1000, -1000
	got := thin(xy)
	if len(got) > 2*pixelColumns {
		t.Errorf("%d points", len(got))
	}
	lo, hi := 0.0, 0.0
	for i, p := range got {
		lo, hi = min(lo, p.Y), max(hi, p.Y)
		if i > 0 && p.X <= got[i-1].X {
			t.Fatalf("point %d goes back", i)
		}
	}
	if lo != -1000 || hi != 1000 {
		t.Errorf("range %v to %v", lo, hi)
	}
}

// Ticks are round numbers inside the axis, for any range.
func TestTicksAreRound(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{
		{0, 60, "0 10 20 30 40 50 60"},
		{0, 1, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{0, 84, "0 20 40 60 80"},
		{3, 3, "3"},
		{-0.5, 700, "0 200 400 600"},
		{-1, 1, "-1.0 -0.5 0.0 0.5 1.0"},
	} {
		var got []string
		for _, k := range ticks(c.lo, c.hi) {
			got = append(got, k.Label)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%v to %v: %s", c.lo, c.hi, s)
		}
	}
}
