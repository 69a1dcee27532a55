package topologies

import (
	"errors"
	"io"
	"math"
	"strconv"
	"time"
)

// LoadRepetita reads a topology of the Repetita collection (Gay, Schaus,
// Vissicchio, 2017): a NODES section with label, x (longitude) and y (latitude),
// and an EDGES section with label, source and destination (node numbers), weight,
// bandwidth in kbit/s and delay in µs. Edges are directed; both directions become
// one link. Weights are not kept. Coordinates outside longitude and latitude mean
// a drawing, and are left out. The error is an [*Error].
func LoadRepetita(r io.Reader, name string, opts ...Option) (*Graph, error) {
	d := newDraft(name, opts)
	lines := newLineReader(d, r)
	if err := lines.section("NODES", d.opts.limits.Nodes, "label x y", lines.repetitaNode); err != nil {
		return nil, err
	}
	if err := lines.section("EDGES", d.opts.limits.Links, "label src dest weight bw delay", lines.repetitaEdge); err != nil {
		return nil, err
	}
	f, err := lines.next()
	if err == nil {
		return nil, d.errorf(lines.line, "line", f[0].text, "accepted: nothing after the EDGES section")
	}
	if !errors.Is(err, io.EOF) {
		return nil, err
	}
	d.dropDrawing()
	if len(d.links) > 0 {
		d.notef("link weights are not used")
	}
	return d.finish()
}

// section reads "TITLE count", the line of column names, and count rows.
func (l *lineReader) section(title string, most int, columns string, row func([]field) error) error {
	f, err := l.need(title + " section")
	if err != nil {
		return err
	}
	if len(f) != 2 || f[0].text != title {
		return l.errorf(l.line, "line", f[0].text, "accepted: %s COUNT", title)
	}
	n, err := strconv.Atoi(f[1].text)
	if err != nil || n < 0 || n > most {
		return l.errorf(l.line, title, f[1].text, "accepted: a count from 0 to %d", most)
	}
	want, _ := l.split(columns)
	head, err := l.need("column names")
	if err != nil {
		return err
	}
	if len(head) != len(want) || head[0].text != want[0].text {
		return l.errorf(l.line, "column names", head[0].text, "accepted: %s", columns)
	}
	for i := range n {
		f, err := l.need("row " + strconv.Itoa(i) + " of " + title)
		if err != nil {
			return err
		}
		if len(f) != len(want) {
			return l.errorf(l.line, title, f[0].text, "%d columns: accepted: %s", len(f), columns)
		}
		if err := row(f); err != nil {
			return err
		}
	}
	return nil
}

// need is next for a line that must be there.
func (l *lineReader) need(what string) ([]field, error) {
	f, err := l.next()
	if errors.Is(err, io.EOF) {
		return nil, l.errorf(l.line+1, "", "", "file ends where %s should stand", what)
	}
	return f, err
}

func (l *lineReader) repetitaNode(f []field) error {
	x, okX := number(f[1].text)
	y, okY := number(f[2].text)
	if !okX || !okY {
		return l.errorf(l.line, "x y", f[1].text+" "+f[2].text, "accepted: two numbers")
	}
	id := strconv.Itoa(len(l.nodes))
	return l.addNode(l.line, draftNode{id: id, label: f[0].text, lat: y, lon: x, hasPos: true})
}

func (l *lineReader) repetitaEdge(f []field) error {
	bw, err := l.scaled("bw", f[4], "kbit/s", 1e3)
	if err != nil {
		return err
	}
	delay, err := l.scaled("delay", f[5], "µs", 1e3)
	if err != nil {
		return err
	}
	return l.addLink(draftLink{
		a: f[1].text, b: f[2].text, line: l.line, directed: true,
		rate: bw, delay: time.Duration(delay), hasDelay: true,
	})
}

// scaled reads a number of some unit and returns it times scale, rounded.
func (l *lineReader) scaled(key string, f field, unit string, scale float64) (int64, error) {
	v, ok := number(f.text)
	if !ok || v < 0 || v*scale > 1e18 {
		return 0, l.errorf(l.line, key, f.text, "accepted: a number of %s from 0 to %g", unit, 1e18/scale)
	}
	return int64(math.Round(v * scale)), nil
}

// dropDrawing leaves out all coordinates if one of them cannot be latitude and
// longitude, or if all are the same: then they place nodes on paper, not on Earth.
func (d *draft) dropDrawing() {
	drawing, same := false, len(d.nodes) > 1
	for _, n := range d.nodes {
		drawing = drawing || (n.hasPos && !validPos(n.lat, n.lon))
		same = same && n.hasPos && n.lat == d.nodes[0].lat && n.lon == d.nodes[0].lon
	}
	if !drawing && !same {
		return
	}
	for i := range d.nodes {
		n := &d.nodes[i]
		n.lat, n.lon, n.hasPos = 0, 0, false
	}
	d.notef("coordinates are not latitude and longitude: left out")
}
