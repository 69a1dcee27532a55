package report

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// pairedT returns the p of the two-sided t-test that the mean of paired differences is 0 (Student 1908). It
// needs two or more differences that are not all the same.
func pairedT(diff []float64) float64 {
	n := float64(len(diff))
	t := stat.Mean(diff, nil) / stat.StdErr(stat.StdDev(diff, nil), n)
	// The lower tail: 1 less the upper one would lose the digits of a small p.
	return min(1, 2*distuv.StudentsT{Sigma: 1, Nu: n - 1}.CDF(-math.Abs(t)))
}

// Interval returns the mean of replications and half the width of its confidence interval of 95 %, NaN
// without one: of a single value, or of values that are all the same.
func Interval(xs []float64) (mean, half float64) {
	e := estimate(xs)
	return e.Mean, e.HalfWidth.Or(math.NaN())
}

// holm corrects p values for being several (Holm 1979): a hypothesis whose corrected p is at most the level
// can be rejected, and the chance to reject any true one is then at most the level.
func holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	out := make([]float64, len(ps))
	worst := 0.0
	for rank, i := range order {
		worst = max(worst, min(1, float64(len(ps)-rank)*ps[i]))
		out[i] = worst
	}
	return out
}
