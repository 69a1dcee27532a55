package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ouroboros/cmd/osim/internal/coverage"
	"ouroboros/cmd/osim/internal/table"
	"ouroboros/topologies"
)

func newCoverage() *cobra.Command {
	var policy, format string
	cmd := &cobra.Command{
		Use:   "coverage [MAP|FILE|GENERATOR[:KEY=VALUE,...]...]",
		Short: "Measure how many pairs of nodes have alternate next hops",
		Long: `Run link-state routing on maps until it has converged, with hop counts as
metric, and measure the forwarding tables that it has installed:

  coverage   share of ordered pairs of nodes with a loop-free alternate (lfa)
  multipath  share of ordered pairs with several next hops of equal cost (ecmp)
  diameter   longest path, in links
  mean_hops  mean path, in links

Coverage is taken from the tables of lfa and multipath from those of ecmp,
always; the paths are followed along the first next hops in the tables of
--policy, which must agree on their lengths. Of a map the largest component is
used; parallel links count once. Without maps, all embedded ones are measured.`,
		Example: examples(`
			osim coverage abilene geant
			osim coverage Geant2012.graphml --policy ecmp --format csv
			osim coverage ring:nodes=5 ring:nodes=6 mesh:nodes=7`),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(coverage.Policies(), policy) {
				return badInput(fmt.Errorf("--policy %q: accepted are %s", policy, strings.Join(coverage.Policies(), ", ")))
			}
			if err := table.Check(format); err != nil {
				return badInput(err)
			}
			if len(args) == 0 {
				for _, m := range topologies.Maps() {
					args = append(args, m.Name)
				}
			}
			t := table.Table{
				Heads: []string{"map", "nodes", "links", "coverage", "multipath", "diameter", "mean_hops"},
				Right: []bool{false, true, true, true, true, true, true},
			}
			for _, arg := range args {
				g, err := openGraph(arg)
				if err != nil {
					return badInput(err)
				}
				f, err := coverage.Of(g, policy)
				if err != nil {
					return badInput(err)
				}
				share := func(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) }
				t.Add(filepath.Base(arg), strconv.Itoa(f.Nodes), strconv.Itoa(f.Links), share(f.Coverage), share(f.Multipath), strconv.Itoa(f.Diameter), share(f.MeanHops))
			}
			return internal(t.Write(cmd.OutOrStdout(), format))
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, m := range topologies.Maps() {
				names = append(names, m.Name)
			}
			return names, cobra.ShellCompDirectiveDefault
		},
	}
	cmd.Flags().StringVar(&policy, "policy", coverage.Policies()[0], "policy whose tables paths are followed in: "+strings.Join(coverage.Policies(), ", "))
	complete(cmd, "policy", coverage.Policies())
	tableFormat(cmd, &format)
	return cmd
}

// openGraph loads a map, or makes one by a generator with its parameters behind a colon.
func openGraph(arg string) (*topologies.Graph, error) {
	name, params, given := strings.Cut(arg, ":")
	_, err := topologies.GeneratorNamed(name)
	switch {
	case isMap(arg):
		return openMap(arg)
	case err != nil && strings.ContainsAny(arg, `/\.`):
		return openMap(arg)
	case err != nil && given:
		return nil, err
	case err != nil:
		_, noMap := openMap(arg)
		return nil, fmt.Errorf("%w; or %w", noMap, err)
	}
	var list []string
	if given {
		list = strings.Split(params, ",")
	}
	return generate(name, list, 1)
}
