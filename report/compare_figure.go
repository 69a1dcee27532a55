package report

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// errorBars are the means of one metric with their intervals, one for each variant that has a mean.
type errorBars struct {
	plotter.XYs
	plotter.YErrors
}

// dotPlot is the figure of one metric: a dot for each variant, with the interval as an error bar.
type dotPlot struct {
	title, yLabel string
	names         []string // of the variants, from the left
	bars          errorBars
}

// dotPlot makes the figure from the rows of a metric. There is none if no variant has a mean.
func (c *Comparison) dotPlot(rows []ComparedRow) (dotPlot, bool) {
	st, _ := stylesOf(rows)
	f := dotPlot{
		title:  fmt.Sprintf("%s, %s, mean and 95 %% interval over %s", clean(rows[0].Metric), clean(c.Scenario), plural(len(c.Seeds), "seed")),
		yLabel: withUnit(clean(rows[0].Metric), st.name),
	}
	for i := range rows {
		r := &rows[i]
		f.names = append(f.names, shorten(clean(strings.Join(c.Variants[r.Variant], ", "))))
		m, ok := r.Value.Mean.Get()
		if !ok {
			continue
		}
		half := r.Value.HalfWidth.Or(0) * st.factor
		f.bars.XYs = append(f.bars.XYs, plotter.XY{X: float64(r.Variant), Y: m * st.factor})
		f.bars.YErrors = append(f.bars.YErrors, struct{ Low, High float64 }{half, half})
	}
	return f, len(f.bars.XYs) > 0
}

func (f *dotPlot) write(w io.Writer) error {
	p, err := f.plot()
	if err != nil {
		return fmt.Errorf("report: figure %s: %w", f.title, err)
	}
	c, err := draw.NewFormattedCanvas(figureWidth, figureHeight, "svg")
	if err != nil {
		return fmt.Errorf("report: figure %s: %w", f.title, err)
	}
	pad := vg.Points(6)
	p.Draw(draw.Crop(draw.New(c), pad, -3*pad, pad, -pad))
	_, err = c.WriteTo(w)
	return err
}

func (f *dotPlot) plot() (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.Title.Padding = f.title, vg.Points(12)
	p.Title.TextStyle.Font = sans(11)
	p.Y.Label.Text, p.Y.Label.TextStyle.Font = f.yLabel, sans(10)
	p.X.Tick.Label.Font, p.Y.Tick.Label.Font = sans(9), sans(9)
	p.Y.Tick.Marker = plot.TickerFunc(ticks)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = nil, color.Gray{0xE0}
	bars, err := plotter.NewYErrorBars(f.bars)
	if err != nil {
		return nil, err
	}
	bars.Color, bars.Width, bars.CapWidth = palette(0), vg.Points(1.4), vg.Points(10)
	dots, err := plotter.NewScatter(f.bars.XYs)
	if err != nil {
		return nil, err
	}
	dots.GlyphStyle = draw.GlyphStyle{Color: palette(0), Radius: vg.Points(3.2), Shape: draw.CircleGlyph{}}
	p.Add(grid, bars, dots)
	p.NominalX(f.names...)
	p.X.Min, p.X.Max = -0.5, float64(len(f.names))-0.5
	p.Y.Min, p.Y.Max = f.span()
	return p, nil
}

// span is the range of the axis. Dots need no zero line: it is there if it does not squeeze the data.
func (f *dotPlot) span() (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for i, xy := range f.bars.XYs {
		lo, hi = min(lo, xy.Y-f.bars.YErrors[i].Low), max(hi, xy.Y+f.bars.YErrors[i].High)
	}
	margin := 0.1 * (hi - lo)
	if lo == hi {
		margin = max(0.1*math.Abs(hi), 1e-9)
	}
	if lo >= 0 && lo <= hi/2 {
		return 0, hi + margin
	}
	return lo - margin, hi + margin
}
