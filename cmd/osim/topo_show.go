package main

import (
	"bufio"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"ouroboros/cmd/osim/internal/table"
	"ouroboros/topologies"
)

func newTopoShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show MAP|FILE|GENERATOR",
		Short: "Show the nodes and links of a map, or the parameters of a generator",
		Long: `Show the figures, nodes and links of an embedded map or of a file, or the
parameters of a generator. Delays marked with * follow from the positions.`,
		Example: examples("osim topo show geant\nosim topo show Geant2012.graphml\nosim topo show waxman"),
		Args:    takes(1, 1, "a map, file or generator"),
		RunE: func(cmd *cobra.Command, args []string) error {
			w := bufio.NewWriter(cmd.OutOrStdout())
			if g, err := topologies.GeneratorNamed(args[0]); err == nil {
				if err := showGenerator(w, g); err != nil {
					return internal(err)
				}
				return internal(w.Flush())
			}
			g, err := openMap(args[0])
			if err != nil {
				return badInput(err)
			}
			if err := showMap(w, g); err != nil {
				return internal(err)
			}
			return internal(w.Flush())
		},
	}
}

func showGenerator(w io.Writer, g topologies.Generator) error {
	fmt.Fprintf(w, "generator %s: %s\n", g.Name, g.Doc)
	if g.Random {
		fmt.Fprintln(w, "random: another seed gives another map")
	}
	fmt.Fprintln(w)
	t := table.Table{Heads: []string{"parameter", "type", "default", "description"}}
	for _, p := range g.Params() {
		t.Add(p.Key, p.Type, p.Default, p.Doc)
	}
	return t.Write(w, "text")
}

func showMap(w io.Writer, g *topologies.Graph) error {
	s := g.Stats()
	fmt.Fprintln(w, g.Name)
	if g.Source != "" {
		fmt.Fprintf(w, "source: %s\n", g.Source)
	}
	fmt.Fprintf(w, "%d nodes (%d with a position), %d links (%d with a delay, %d with a rate)\n", s.Nodes, s.Positions, s.Links, s.Delays, s.Rates)
	fmt.Fprintf(w, "degree %d to %d, mean %.2f; diameter %d hops, mean path %.2f hops; %d component(s)\n",
		s.MinDegree, s.MaxDegree, s.MeanDegree, s.Diameter, s.MeanHops, s.Components)
	printNotes(w, g)
	nodes := table.Table{Heads: []string{"node", "latitude", "longitude", "degree"}, Right: []bool{false, true, true, true}}
	for i, d := range g.Degrees() {
		n := g.Nodes[i]
		lat, lon := "", ""
		if n.HasPos {
			lat, lon = fmt.Sprintf("%.4f", n.Lat), fmt.Sprintf("%.4f", n.Lon)
		}
		nodes.Add(n.Name, lat, lon, fmt.Sprint(d))
	}
	links := table.Table{Heads: []string{"link", "from", "to", "rate", "delay"}, Right: []bool{false, false, false, true, true}}
	for _, l := range g.Links {
		rate := ""
		if l.Rate > 0 {
			rate = topologies.FormatRate(l.Rate)
		}
		links.Add(l.Name, g.Nodes[l.A].Name, g.Nodes[l.B].Name, rate, delayOf(g, l))
	}
	for _, t := range []*table.Table{&nodes, &links} {
		fmt.Fprintln(w)
		if err := t.Write(w, "text"); err != nil {
			return err
		}
	}
	return nil
}

// delayOf is the delay that a link has in a scenario: its own, or with a mark the one that follows from
// the positions of its ends.
func delayOf(g *topologies.Graph, l topologies.Link) string {
	if l.HasDelay {
		return l.Delay.String()
	}
	if d, ok := topologies.GeoDelay(g.Nodes[l.A], g.Nodes[l.B]); ok {
		return d.String() + "*"
	}
	return ""
}
