package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/plotter"

	"ouroboros/scenarios/result"
)

// figure is a plot before it is drawn.
type figure struct {
	name           string // of the file, without ending
	title          string
	xLabel, yLabel string
	logX           bool
	steps          bool
	yMax           float64 // 0: from the data
	curves         []curve
	marks          []mark
}

// curve is one line with its name in the legend.
type curve struct {
	name string
	xy   plotter.XYs
}

// mark is a vertical line at a time, with what happened then.
type mark struct {
	x    float64
	text string
}

// maxCurves is how many lines a figure shows: as many colours as can be told apart.
const maxCurves = 7

// figures are the plots of one run: each kind of series over time, and the distribution of delays.
func figures(r *result.Run) []figure {
	var out []figure
	for _, g := range seriesGroups(r) {
		out = append(out, g.figure(r))
	}
	if f, ok := delayFigure(r); ok {
		out = append(out, f)
	}
	return out
}

// seriesGroup are series of the same quantity of the same kind of thing.
type seriesGroup struct {
	of, quantity, unit string
	series             []*result.Series
}

// splitName takes link.r-server.queue apart: the kind of thing, its name, the quantity.
func splitName(name string) (of, subject, quantity string) {
	first, last := strings.Index(name, "."), strings.LastIndex(name, ".")
	switch {
	case first < 0:
		return "", "", name
	case first == last:
		return name[:first], name[:first], name[first+1:]
	}
	return name[:first], name[first+1 : last], name[last+1:]
}

// seriesGroups collects what goes into one figure, in order of first appearance.
func seriesGroups(r *result.Run) []*seriesGroup {
	var out []*seriesGroup
	for i := range r.Series {
		s := &r.Series[i]
		if min(len(s.T), len(s.V)) == 0 {
			continue
		}
		of, _, quantity := splitName(s.Name)
		k := slices.IndexFunc(out, func(g *seriesGroup) bool {
			return g.of == of && g.quantity == quantity && g.unit == s.Unit
		})
		if k < 0 {
			k = len(out)
			out = append(out, &seriesGroup{of: of, quantity: quantity, unit: s.Unit})
		}
		out[k].series = append(out[k].series, s)
	}
	return out
}

// figure draws the series with the largest means.
func (g *seriesGroup) figure(r *result.Run) figure {
	shown := slices.Clone(g.series)
	title := strings.TrimSpace(g.of + " " + g.quantity)
	if len(shown) > maxCurves {
		slices.SortStableFunc(shown, func(a, b *result.Series) int { return cmp.Compare(mean(b.V), mean(a.V)) })
		shown = shown[:maxCurves]
		title = fmt.Sprintf("%s, the %d largest of %d", title, maxCurves, len(g.series))
	}
	u := unitOf(g.unit)
	var all []value
	for _, s := range shown {
		for _, v := range s.V {
			all = append(all, inUnit(result.Some(v), g.unit))
		}
	}
	st := newStyle(u, all)
	unitName := st.name
	if u == plain {
		unitName = g.unit
	}
	f := figure{
		name: fileName(g.of + "-" + g.quantity), title: title + ", " + runTitle(r),
		xLabel: "time (s)", yLabel: withUnit(g.quantity, unitName), marks: faultMarks(r),
	}
	for _, s := range shown {
		_, subject, _ := splitName(s.Name)
		c := curve{name: subject}
		for i := range min(len(s.T), len(s.V)) {
			if v := inUnit(result.Some(s.V[i]), g.unit); v.kind == number {
				c.xy = append(c.xy, plotter.XY{X: s.T[i], Y: v.f * st.factor})
			}
		}
		if c.xy = thin(c.xy); len(c.xy) > 0 {
			f.curves = append(f.curves, c)
		}
	}
	return f
}

func mean(xs []float64) float64 {
	var sum float64
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

func withUnit(quantity, unit string) string {
	if unit == "" {
		return quantity
	}
	return quantity + " (" + unit + ")"
}

func runTitle(r *result.Run) string { return fmt.Sprintf("%s, seed %d", clean(r.Scenario), r.Seed) }

// fileName leaves letters, digits and hyphens: names of series come from scenario files.
func fileName(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, s), "-")
}

// pixelColumns is about how many points a line can use across a figure.
const pixelColumns = 700

// thin leaves of a long line the smallest and the largest point of each pixel column, so that no peak is
// lost.
func thin(xy plotter.XYs) plotter.XYs {
	if len(xy) <= 2*pixelColumns {
		return xy
	}
	out := make(plotter.XYs, 0, 2*pixelColumns)
	for k := range pixelColumns {
		part := xy[k*len(xy)/pixelColumns : (k+1)*len(xy)/pixelColumns]
		lo, hi := 0, 0
		for i := range part {
			if part[i].Y < part[lo].Y {
				lo = i
			}
			if part[i].Y > part[hi].Y {
				hi = i
			}
		}
		out = append(out, part[min(lo, hi)])
		if lo != hi {
			out = append(out, part[max(lo, hi)])
		}
	}
	return out
}

// faultMarks are the faults of the run, one for each instant.
func faultMarks(r *result.Run) []mark {
	var out []mark
	for i := range r.Layers {
		for _, c := range r.Layers[i].Convergence {
			m := mark{c.At.Seconds(), clean(c.Fault)}
			if !slices.ContainsFunc(out, func(o mark) bool { return o.x == m.x }) {
				out = append(out, m)
			}
		}
	}
	return out
}

// delayFigure is the distribution of one-way delays of the flows that kept a histogram, of workloads if
// the flows are many.
func delayFigure(r *result.Run) (figure, bool) {
	rows := flowRows(r)
	if len(rows) > maxCurves {
		rows = workloadRows(r)
	}
	rows = slices.DeleteFunc(rows, func(f flowRow) bool { return len(f.Delay.Buckets) == 0 })
	rows = rows[:min(len(rows), maxCurves)]
	if len(rows) == 0 {
		return figure{}, false
	}
	lo, hi := math.Inf(1), 0.0
	var all []value
	for i := range rows {
		b := rows[i].Delay.Buckets
		all = append(all, seconds(b[len(b)-1].UpTo))
		hi = max(hi, b[len(b)-1].UpTo.Seconds())
		lo = min(lo, firstDelay(&rows[i].Delay))
	}
	st := newStyle(second, all)
	f := figure{
		name: "delay-ecdf", title: "distribution of one-way delay, " + runTitle(r),
		xLabel: "delay (" + st.name + ")", yLabel: "share of packets", steps: true, yMax: 1,
		logX: lo > 0 && hi/lo > 50,
	}
	for i := range rows {
		f.curves = append(f.curves, curve{rows[i].Name, ecdf(&rows[i].Delay, st.factor)})
	}
	return f, true
}

func firstDelay(d *result.Dist) float64 {
	return min(d.Min.Or(d.Buckets[0].UpTo), d.Buckets[0].UpTo).Seconds()
}

// ecdf is the empirical distribution: it rises at the upper bound of each bucket.
func ecdf(d *result.Dist, factor float64) plotter.XYs {
	var n, all uint64
	for _, b := range d.Buckets {
		all += b.Count
	}
	out := plotter.XYs{{X: firstDelay(d) * factor}}
	for _, b := range d.Buckets {
		n += b.Count
		out = append(out, plotter.XY{X: b.UpTo.Seconds() * factor, Y: float64(n) / float64(all)})
	}
	return out
}
