package topologies

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WriteDOT writes g as an undirected graph in the DOT language of Graphviz, with
// positions for neato -n (one degree is 30 points) and with rate and delay as
// link labels.
func WriteDOT(w io.Writer, g *Graph) error {
	if err := g.Validate(); err != nil {
		return err
	}
	const pointsPerDegree = 30
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "graph %s {\n", quoteDOT(g.Name))
	for _, n := range g.Nodes {
		fmt.Fprintf(b, "  %s", quoteDOT(n.Name))
		if n.HasPos {
			fmt.Fprintf(b, " [pos=\"%.1f,%.1f\"]", n.Lon*pointsPerDegree, n.Lat*pointsPerDegree)
		}
		b.WriteString(";\n")
	}
	for _, l := range g.Links {
		fmt.Fprintf(b, "  %s -- %s", quoteDOT(g.Nodes[l.A].Name), quoteDOT(g.Nodes[l.B].Name))
		var label []string
		if l.Rate > 0 {
			label = append(label, FormatRate(l.Rate))
		}
		if l.HasDelay {
			label = append(label, l.Delay.String())
		}
		if len(label) > 0 {
			fmt.Fprintf(b, " [label=%s]", quoteDOT(strings.Join(label, " ")))
		}
		b.WriteString(";\n")
	}
	b.WriteString("}\n")
	return b.Flush()
}

// quoteDOT makes a DOT string: only the double quote is special in it, but a
// backslash before the closing quote would escape that, and others start escapes
// in labels.
func quoteDOT(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
