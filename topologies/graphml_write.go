package topologies

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
)

const graphmlHead = `<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="d0" for="graph" attr.name="label" attr.type="string"/>
  <key id="d1" for="graph" attr.name="Source" attr.type="string"/>
  <key id="d2" for="node" attr.name="label" attr.type="string"/>
  <key id="d3" for="node" attr.name="Name" attr.type="string"/>
  <key id="d4" for="node" attr.name="Latitude" attr.type="double"/>
  <key id="d5" for="node" attr.name="Longitude" attr.type="double"/>
  <key id="d6" for="edge" attr.name="LinkSpeedRaw" attr.type="long"/>
  <key id="d7" for="edge" attr.name="DelayNs" attr.type="long"/>
  <graph edgedefault="undirected">
`

// WriteGraphML writes g with the attribute names of the Internet Topology Zoo,
// and two more: Name (the unique name, where it differs from the label) and
// DelayNs (one-way delay in nanoseconds). Notes are not written.
func WriteGraphML(w io.Writer, g *Graph) error {
	if err := g.Validate(); err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	data := func(indent, key, value string) {
		fmt.Fprintf(b, `%s<data key="%s">`, indent, key)
		// The writer's error is sticky and comes out of Flush.
		_ = xml.EscapeText(b, []byte(value))
		b.WriteString("</data>\n")
	}
	b.WriteString(graphmlHead)
	data("    ", "d0", g.Name)
	if g.Source != "" {
		data("    ", "d1", g.Source)
	}
	for i, n := range g.Nodes {
		fmt.Fprintf(b, "    <node id=\"%d\">\n", i)
		data("      ", "d2", n.Label)
		if n.Name != n.Label {
			data("      ", "d3", n.Name)
		}
		if n.HasPos {
			data("      ", "d4", formatFloat(n.Lat))
			data("      ", "d5", formatFloat(n.Lon))
		}
		b.WriteString("    </node>\n")
	}
	for _, l := range g.Links {
		fmt.Fprintf(b, "    <edge source=\"%d\" target=\"%d\">\n", l.A, l.B)
		if l.Rate > 0 {
			data("      ", "d6", strconv.FormatInt(l.Rate, 10))
		}
		if l.HasDelay {
			data("      ", "d7", strconv.FormatInt(int64(l.Delay), 10))
		}
		b.WriteString("    </edge>\n")
	}
	b.WriteString("  </graph>\n</graphml>\n")
	return b.Flush()
}

func formatFloat(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
