package topologies

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

const mapTextAccepted = `accepted: name NAME; source TEXT; node NAME LAT LON [LABEL]; link A B [RATE [DELAY]]`

// LoadMapText reads the project's own text form, which holds all that a [Graph]
// does but its notes:
//
//	# comment
//	name   Abilene
//	source "who published it"
//	node   NAME LAT LON [LABEL]    # degrees north and east, "-" for unknown
//	link   A B [RATE [DELAY]]      # 10Gbps, 2.5ms, "-" for unknown
//
// Names with blanks stand in Go's double quotes; a link names nodes that some
// line of the file declares. The error is an [*Error].
func LoadMapText(r io.Reader, name string, opts ...Option) (*Graph, error) {
	d := newDraft(name, opts)
	lines := newLineReader(d, r)
	for {
		f, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := lines.directive(f[0].text, f[1:]); err != nil {
			return nil, err
		}
	}
	return d.finish()
}

func (l *lineReader) directive(word string, f []field) error {
	switch {
	case word == "name" && len(f) == 1:
		l.name = cleanName(f[0].text)
	case word == "source" && len(f) == 1:
		l.source = cleanName(f[0].text)
	case word == "node" && (len(f) == 3 || len(f) == 4):
		return l.mapNode(f)
	case word == "link" && len(f) >= 2 && len(f) <= 4:
		return l.mapLink(f)
	default:
		return l.errorf(l.line, "line", word, mapTextAccepted)
	}
	return nil
}

func (l *lineReader) mapNode(f []field) error {
	n := draftNode{id: f[0].text, name: f[0].text, label: f[0].text}
	if len(f) == 4 {
		n.label = f[3].text
	}
	if !f[1].unknown() || !f[2].unknown() {
		var okLat, okLon bool
		n.lat, okLat = number(f[1].text)
		n.lon, okLon = number(f[2].text)
		if !okLat || !okLon || !validPos(n.lat, n.lon) {
			return l.errorf(l.line, "position", f[1].text+" "+f[2].text,
				`accepted: latitude -90..90 and longitude -180..180, or "- -" for unknown`)
		}
		n.hasPos = true
	}
	return l.addNode(l.line, n)
}

func (l *lineReader) mapLink(f []field) (err error) {
	link := draftLink{a: f[0].text, b: f[1].text, line: l.line}
	if len(f) > 2 {
		if link.rate, err = l.rate(f[2]); err != nil {
			return err
		}
	}
	if len(f) > 3 {
		if link.delay, link.hasDelay, err = l.delay(f[3]); err != nil {
			return err
		}
	}
	return l.addLink(link)
}

// WriteMapText writes g in the form that [LoadMapText] reads.
func WriteMapText(w io.Writer, g *Graph) error {
	if err := g.Validate(); err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	if name := cleanName(g.Name); name != "" {
		fmt.Fprintf(b, "name %s\n", quote(name))
	}
	if source := cleanName(g.Source); source != "" {
		fmt.Fprintf(b, "source %s\n", quote(source))
	}
	for _, n := range g.Nodes {
		lat, lon, label := "-", "-", ""
		if n.HasPos {
			lat, lon = formatFloat(n.Lat), formatFloat(n.Lon)
		}
		if n.Label != n.Name {
			label = " " + quote(n.Label)
		}
		fmt.Fprintf(b, "node %s %s %s%s\n", quote(n.Name), lat, lon, label)
	}
	for _, l := range g.Links {
		fmt.Fprintf(b, "link %s %s", quote(g.Nodes[l.A].Name), quote(g.Nodes[l.B].Name))
		if l.Rate > 0 || l.HasDelay {
			fmt.Fprintf(b, " %s", formatRateOr(l.Rate))
		}
		if l.HasDelay {
			fmt.Fprintf(b, " %s", formatDelay(l))
		}
		fmt.Fprintln(b)
	}
	return b.Flush()
}
