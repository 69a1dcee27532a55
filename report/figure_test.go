package report

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ouroboros/scenarios/result"
)

// With REPORT_PNG=DIR the figures of the fixtures are drawn as PNG files, to be looked at.
func TestFiguresAsPNG(t *testing.T) {
	dir := os.Getenv("REPORT_PNG")
	if dir == "" {
		t.Skip("REPORT_PNG is not set")
	}
	a, b := dumbbell(1), crowd(12)
	b.Scenario = "crowd"
	for _, r := range []*result.Run{&a, &b} {
		for _, f := range figures(r) {
			var b bytes.Buffer
			if err := f.write(&b, "png"); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, r.Scenario+"-"+f.name+".png"), b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// crowd has more series of one kind than a figure can show.
func crowd(n int) result.Run {
	r := mesh(1, 40)
	for k := range n {
		s := result.Series{Name: fmt.Sprintf("link.e%d.queue", k), Unit: "packets"}
		for i := range 3000 {
			t := float64(i) / 300
			s.Add(t, math.Abs(float64(10*k)+5*math.Sin(t*float64(k+3))))
		}
		r.Series = append(r.Series, s)
	}
	return r
}

// Of many series a figure shows the largest, and its title says so.
func TestFigureShowsTheLargest(t *testing.T) {
	r := crowd(12)
	f := figures(&r)[0]
	if len(f.curves) != maxCurves || f.curves[0].name != "e11" || f.curves[maxCurves-1].name != "e5" {
		t.Errorf("%d curves, the first %s", len(f.curves), f.curves[0].name)
	}
	if !strings.Contains(f.title, "the 7 largest of 12") {
		t.Errorf("title %q", f.title)
	}
	for _, c := range f.curves {
		if len(c.xy) > 2*pixelColumns {
			t.Errorf("%s has %d points", c.name, len(c.xy))
		}
	}
}

// The delays of many flows are shown by workload.
func TestDelayFigureOfManyFlows(t *testing.T) {
	r := mesh(1, 40)
	f, ok := delayFigure(&r)
	if !ok || len(f.curves) != 1 || f.curves[0].name != "matrix" {
		t.Fatalf("%v %+v", ok, f)
	}
	xy := f.curves[0].xy
	if last := xy[len(xy)-1]; last.Y != 1 || math.Abs(last.X-121.6) > 1e-9 {
		t.Errorf("the distribution ends at %v", last)
	}
}

// Poor data gives a poor figure, not an error.
func TestFiguresOfPoorData(t *testing.T) {
	for name, s := range map[string]result.Series{
		"one sample":  {Name: "a.b.c", T: []float64{1}, V: []float64{5}},
		"zeros":       {Name: "c", Unit: "bit/s", T: []float64{1, 2}, V: []float64{0, 0}},
		"no number":   {Name: "a.c", T: []float64{1, 2}, V: []float64{math.NaN(), math.Inf(1)}},
		"negative":    {Name: "a.b.c", Unit: "ns", T: []float64{1, 2}, V: []float64{-1, -2}},
		"short of v":  {Name: "a.b.c", Unit: "ratio", T: []float64{1, 2}, V: []float64{1}},
		"odd letters": {Name: "l\x00/../é.ü.q|", Unit: "%", T: []float64{1, 2}, V: []float64{1, 2}},
	} {
		r := oneFlow()
		r.Series = []result.Series{s}
		r.Flows[0].Delay = result.Dist{N: 1, Buckets: []result.Bucket{{UpTo: time.Millisecond, Count: 1}}}
		figs := figures(&r)
		if len(figs) != 2 {
			t.Errorf("%s: %d figures", name, len(figs))
		}
		for _, f := range figs {
			var b bytes.Buffer
			if err := f.write(&b, "svg"); err != nil || b.Len() == 0 {
				t.Errorf("%s: %v", name, err)
			}
			if strings.ContainsAny(f.name, "/.|\x00") {
				t.Errorf("%s: file name %q", name, f.name)
			}
		}
	}
}
