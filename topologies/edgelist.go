package topologies

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// LoadEdgeList reads one link a line:
//
//	A B [DELAY [RATE]]   # comment
//
// A and B are node names, in Go's double quotes if they hold blanks; DELAY is a
// duration such as 2.5ms, RATE such as 10Gbps, "-" stands for unknown. A line
// with one name is a node without links. Nodes come into being by their first
// mention. Blemishes are treated as in [LoadGraphML]; the error is an [*Error].
func LoadEdgeList(r io.Reader, name string, opts ...Option) (*Graph, error) {
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
		if err := lines.edge(f); err != nil {
			return nil, err
		}
	}
	return d.finish()
}

func (l *lineReader) edge(f []field) error {
	if len(f) > 4 {
		return l.errorf(l.line, "column", f[4].text, "accepted: A B [DELAY [RATE]], names with blanks in double quotes")
	}
	if err := l.touchNode(l.line, f[0].text); err != nil || len(f) == 1 {
		return err
	}
	if err := l.touchNode(l.line, f[1].text); err != nil {
		return err
	}
	link := draftLink{a: f[0].text, b: f[1].text, line: l.line}
	var err error
	if len(f) > 2 {
		if link.delay, link.hasDelay, err = l.delay(f[2]); err != nil {
			return err
		}
	}
	if len(f) > 3 {
		if link.rate, err = l.rate(f[3]); err != nil {
			return err
		}
	}
	return l.addLink(link)
}

// WriteEdgeList writes g in the form that [LoadEdgeList] reads. All nodes come
// first, one a line, so that their order stays; positions and labels are lost.
func WriteEdgeList(w io.Writer, g *Graph) error {
	if err := g.Validate(); err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# %s\n", cleanName(g.Name))
	for _, n := range g.Nodes {
		fmt.Fprintln(b, quote(n.Name))
	}
	for _, l := range g.Links {
		fmt.Fprintf(b, "%s %s %s %s\n", quote(g.Nodes[l.A].Name), quote(g.Nodes[l.B].Name), formatDelay(l), formatRateOr(l.Rate))
	}
	return b.Flush()
}
