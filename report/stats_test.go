package report

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance*math.Abs(b) }

// The intervals are those of the printed tables of Student's t: half width = t(0.975, n-1) s / sqrt n.
func TestIntervalsFollowStudentsTable(t *testing.T) {
	for n, quantile := range map[int]float64{2: 12.7062, 3: 4.30265, 5: 2.77645, 10: 2.26216, 30: 2.04523, 121: 1.97993} {
		xs := make([]float64, n)
		for i := range xs {
			xs[i] = float64(i)
		}
		// The variance of 0..n-1 is n(n+1)/12.
		want := quantile * math.Sqrt(float64(n*(n+1))/12/float64(n))
		got, ok := sampled(xs).HalfWidth.Get()
		if !ok || !near(got, want, 1e-5) {
			t.Errorf("n = %d: half width %v, want %v", n, got, want)
		}
	}
}

// The hours of sleep that two drugs gave ten patients, from Student (1908): t = 4.0621 with 9 degrees of
// freedom, p = 0.002833.
var sleep = []float64{1.2, 2.4, 1.3, 1.3, 0, 1.0, 1.8, 0.8, 4.6, 1.4}

func TestPairedTestGivesStudentsExample(t *testing.T) {
	if p := pairedT(sleep); !near(p, 0.002832890197, 1e-6) {
		t.Errorf("p = %v", p)
	}
	d := sampled(sleep)
	if !near(d.Mean.Or(0), 1.58, 1e-12) || !near(d.HalfWidth.Or(0), 1.58-0.7001142, 1e-6) {
		t.Errorf("%v ± %v", d.Mean, d.HalfWidth)
	}
	// The side does not matter, and a mean of 0 says nothing against 0.
	var mirrored []float64
	for _, x := range sleep {
		mirrored = append(mirrored, -x)
	}
	if pairedT(mirrored) != pairedT(sleep) {
		t.Error("p depends on the sign")
	}
	if p := pairedT([]float64{-1, 1}); p != 1 {
		t.Errorf("p of mean 0 is %v", p)
	}
	// With one degree of freedom t is Cauchy's: p = 1 - 2 atan(|t|) / pi, here with t = 3.
	if p := pairedT([]float64{1, 2}); !near(p, 1-2*math.Atan(3)/math.Pi, 1e-9) {
		t.Errorf("p with two pairs is %v", p)
	}
}

func TestHolmByHand(t *testing.T) {
	for _, c := range []struct{ in, want []float64 }{
		{nil, []float64{}},
		{[]float64{0.04}, []float64{0.04}},
		{[]float64{0.01, 0.04, 0.03, 0.005}, []float64{0.03, 0.06, 0.06, 0.02}},
		{[]float64{0.02, 0.02, 0.9}, []float64{0.06, 0.06, 0.9}},
		{[]float64{0.5, 0.6}, []float64{1, 1}},
	} {
		got := holm(c.in)
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
			t.Errorf("%v: %v, want %v", c.in, got, c.want)
		}
	}
}

// Holm's procedure as he wrote it: go through the p values from the smallest, and reject while it is at
// most the level over the number of those left.
func TestHolmIsTheStepDownProcedure(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		ps := make([]float64, 1+rng.IntN(12))
		for i := range ps {
			ps[i] = math.Pow(rng.Float64(), 3)
			if rng.IntN(4) == 0 {
				ps[i] = ps[rng.IntN(i+1)] // ties
			}
		}
		sorted := slices.Sorted(slices.Values(ps))
		limit := -1.0
		for i, p := range sorted {
			if p > level/float64(len(ps)-i) {
				break
			}
			limit = p
		}
		for i, q := range holm(ps) {
			if (q <= level) != (ps[i] <= limit) {
				t.Fatalf("%v: corrected %v of %v", ps, q, ps[i])
			}
		}
	}
}

// 95 of 100 intervals of normal samples hold the true mean, and 5 of 100 tests of a true hypothesis reject
// it; with 4000 trials and a fixed seed 3 standard deviations are 1.03 of 100.
func TestCoverageOfIntervals(t *testing.T) {
	const trials, mu = 4000, 3.0
	for _, n := range []int{2, 5, 10} {
		rng := rand.New(rand.NewPCG(7, uint64(n)))
		held, rejected := 0, 0
		for range trials {
			xs, diff := make([]float64, n), make([]float64, n)
			for i := range xs {
				common := 5 * rng.NormFloat64()
				xs[i] = mu + rng.NormFloat64()
				diff[i] = (common + rng.NormFloat64()) - (common + rng.NormFloat64())
			}
			s := sampled(xs)
			if math.Abs(s.Mean.Or(0)-mu) <= s.HalfWidth.Or(0) {
				held++
			}
			if pairedT(diff) <= level {
				rejected++
			}
		}
		if share := float64(held) / trials; math.Abs(share-confidence) > 0.0103 {
			t.Errorf("n = %d: %v of the intervals hold the mean", n, share)
		}
		if share := float64(rejected) / trials; math.Abs(share-level) > 0.0103 {
			t.Errorf("n = %d: %v of the true hypotheses are rejected", n, share)
		}
	}
}
