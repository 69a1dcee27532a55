package report

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Size of a figure.
const (
	figureWidth  = 20 * vg.Centimeter
	figureHeight = 10 * vg.Centimeter
)

// palette is that of Okabe and Ito (2008), which colour-blind readers can tell apart, without its yellow,
// which is hard to see on white.
func palette(i int) color.Color {
	return []color.RGBA{
		{0x00, 0x72, 0xB2, 0xFF},
		{0xD5, 0x5E, 0x00, 0xFF},
		{0x00, 0x9E, 0x73, 0xFF},
		{0xCC, 0x79, 0xA7, 0xFF},
		{0xE6, 0x9F, 0x00, 0xFF},
		{0x56, 0xB4, 0xE9, 0xFF},
		{0x00, 0x00, 0x00, 0xFF},
	}[i%maxCurves]
}

// write draws the figure; format is svg, or another that package plot knows.
func (f *figure) write(w io.Writer, format string) error {
	p, err := f.plot()
	if err != nil {
		return fmt.Errorf("report: figure %s: %w", f.name, err)
	}
	c, err := draw.NewFormattedCanvas(figureWidth, figureHeight, format)
	if err != nil {
		return fmt.Errorf("report: figure %s: %w", f.name, err)
	}
	dc := draw.New(c)
	legend, err := f.legend()
	if err != nil {
		return fmt.Errorf("report: figure %s: %w", f.name, err)
	}
	// The legend stands beside the plot: inside it would hide data.
	// A viewer of the SVG that lacks the font takes another, which may be wider.
	width := legend.Rectangle(dc).Size().X * 5 / 4
	pad := vg.Points(6)
	p.Draw(draw.Crop(dc, pad, -width-3*pad, pad, -pad))
	legend.Draw(draw.Crop(dc, figureWidth-width-pad, 0, pad, -4*pad))
	_, err = c.WriteTo(w)
	return err
}

func (f *figure) lines() ([]*plotter.Line, error) {
	out := make([]*plotter.Line, 0, len(f.curves))
	for i, c := range f.curves {
		l, err := plotter.NewLine(c.xy)
		if err != nil {
			return nil, err
		}
		// Later lines are thinner, so that one below another still shows; the lines of distributions, which
		// often coincide, are dashed in turns as well.
		l.Width, l.Color = vg.Points(1.9-0.15*float64(i)), palette(i)
		if f.steps && i%2 == 1 {
			l.Dashes = []vg.Length{vg.Points(5), vg.Points(4)}
		}
		if f.steps {
			l.StepStyle = plotter.PostStep
		}
		out = append(out, l)
	}
	return out, nil
}

func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// legend names the curves.
func (f *figure) legend() (*plot.Legend, error) {
	l := plot.NewLegend()
	l.Top, l.Left = true, true
	l.TextStyle.Font = sans(9)
	l.Padding, l.ThumbnailWidth = vg.Points(2), vg.Points(14)
	lines, err := f.lines()
	if err != nil {
		return nil, err
	}
	for i, line := range lines {
		l.Add(shorten(clean(f.curves[i].name)), line)
	}
	return &l, nil
}

// shorten keeps the legend from squeezing the plot.
func shorten(s string) string {
	const most = 24
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-1]) + "…"
}

func (f *figure) plot() (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.Title.Padding = f.title, vg.Points(18)
	p.X.Label.Text, p.Y.Label.Text = f.xLabel, f.yLabel
	p.Title.TextStyle.Font = sans(11)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font, a.Tick.Label.Font = sans(10), sans(9)
		a.Tick.Marker = plot.TickerFunc(ticks)
	}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{0xE0}, color.Gray{0xE0}
	p.Add(grid)
	lines, err := f.lines()
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		p.Add(l)
	}
	f.axes(p)
	return p, f.drawMarks(p)
}

// axes lets amounts begin at 0, where their size can be seen.
func (f *figure) axes(p *plot.Plot) {
	if p.Y.Min >= 0 {
		p.Y.Min = 0
	}
	switch {
	case f.yMax > 0:
		p.Y.Max = f.yMax
	case p.Y.Max <= p.Y.Min:
		p.Y.Max = p.Y.Min + 1
	default:
		p.Y.Max += 0.05 * (p.Y.Max - p.Y.Min)
	}
	if f.logX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
}

// ticks places at most eight labels at multiples of 1, 2 or 5 times a power of ten.
func ticks(lo, hi float64) []plot.Tick {
	raw := (hi - lo) / 7
	if !(raw > 0) || math.IsInf(raw, 0) {
		return []plot.Tick{{Value: lo, Label: strconv.FormatFloat(lo, 'g', 4, 64)}}
	}
	step := math.Pow10(exponent(raw))
	for _, m := range []float64{2, 2.5, 2} { // 1, 2, 5, 10
		if step >= raw {
			break
		}
		step *= m
	}
	decimals := max(0, -exponent(step*(1+1e-9)))
	var out []plot.Tick
	for k := math.Ceil(lo / step); k*step <= hi*(1+1e-12); k++ {
		v := k*step + 0 // no negative zero
		out = append(out, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'f', decimals, 64)})
	}
	return out
}

// drawMarks adds a dashed line and a label for each fault. Labels stand in two rows above the plot; one
// that has room in neither is left out.
func (f *figure) drawMarks(p *plot.Plot) error {
	const perRune = 1.0 / 110 // width of a letter as a share of the axis
	free := [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, m := range f.marks {
		l, err := plotter.NewLine(plotter.XYs{{X: m.x, Y: p.Y.Min}, {X: m.x, Y: p.Y.Max}})
		if err != nil {
			return err
		}
		l.Color, l.Width, l.Dashes = color.Gray{0x80}, vg.Points(0.8), []vg.Length{vg.Points(4), vg.Points(3)}
		p.Add(l)
		name := shorten(m.text)
		for row := range free {
			if m.x < free[row] {
				continue
			}
			free[row] = m.x + float64(len([]rune(name))+2)*perRune*(p.X.Max-p.X.Min)
			if err := addLabel(p, m.x, name, row); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

func addLabel(p *plot.Plot, x float64, name string, row int) error {
	label, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: x, Y: p.Y.Max}}, Labels: []string{name}})
	if err != nil {
		return err
	}
	label.TextStyle[0].Font, label.TextStyle[0].Color = sans(8), color.Gray{0x60}
	label.Offset = vg.Point{X: vg.Points(2), Y: vg.Points(2 + 9*float64(row))}
	p.Add(label)
	return nil
}
