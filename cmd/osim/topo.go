package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"ouroboros/cmd/osim/internal/source"
	"ouroboros/cmd/osim/internal/table"
	"ouroboros/topologies"
)

func newTopo() *cobra.Command {
	return group(&cobra.Command{
		Use:   "topo",
		Short: "List, show, convert and generate network maps",
		Long: `List, show, convert and generate network maps. In a scenario, "topology" takes an
embedded map, a file of any format that can be read, or a generator.`,
		Example: examples(`
			osim topo list
			osim topo show abilene
			osim topo convert Geant2012.graphml geant.map
			osim topo generate waxman nodes=50 beta=0.2 --seed 3 --format dot`),
	}, newTopoList(), newTopoShow(), newTopoConvert(), newTopoGenerate())
}

func newTopoList() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the embedded maps, the generators and the file formats",
		Example: examples("osim topo list\nosim topo list --format json"),
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t := table.Table{Heads: []string{"kind", "name", "description"}}
			for _, m := range topologies.Maps() {
				t.Add("map", m.Name, fmt.Sprintf("%s; %d nodes, %d links", m.Doc, m.Nodes, m.Links))
			}
			for _, g := range topologies.Generators() {
				t.Add("generator", g.Name, g.Doc)
			}
			for _, f := range topologies.Formats() {
				t.Add("format", f.Name, fmt.Sprintf("%s; %s", f.Doc, strings.Join(f.Extensions, " ")))
			}
			return printTable(cmd, &t, format)
		},
	}
	tableFormat(cmd, &format)
	return cmd
}

func newTopoConvert() *cobra.Command {
	return &cobra.Command{
		Use:   "convert IN OUT",
		Short: "Convert a map from one file format to another",
		Long: `Convert a map, an embedded one or a file, to another format. The formats follow
from the extensions (osim topo list); what the loader changed or left open goes
to the standard error.`,
		Example: examples("osim topo convert Geant2012.graphml geant.map\nosim topo convert abilene abilene.dot"),
		Args:    takes(2, 2, "an input and an output"),
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := topologies.FormatOf(args[1])
			if err == nil && to.Write == nil {
				err = fmt.Errorf("file %q: format %s can only be read", args[1], to.Name)
			}
			if err != nil {
				return badInput(err)
			}
			g, err := openMap(args[0])
			if err != nil {
				return badInput(err)
			}
			printNotes(cmd.ErrOrStderr(), g)
			var b bytes.Buffer
			if err := to.Write(&b, g); err != nil {
				return badInput(err)
			}
			return internal(os.WriteFile(args[1], b.Bytes(), 0o666))
		},
	}
}

func newTopoGenerate() *cobra.Command {
	var format string
	var seed uint64
	cmd := &cobra.Command{
		Use:   "generate NAME [KEY=VALUE...]",
		Short: "Generate a map and print it",
		Long: `Generate a map and print it. The same parameters and seed give the same map.
"osim topo show NAME" lists the parameters of a generator.`,
		Example: examples(`
			osim topo generate dumbbell left=4 right=4 bottleneck=100Mbps
			osim topo generate erdos-renyi nodes=100 degree=4 --seed 7 --format graphml`),
		Args: takes(1, -1, "a generator"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := topologies.FormatNamed(format)
			if err == nil && f.Write == nil {
				err = fmt.Errorf("format %s can only be read; accepted are %s", f.Name, strings.Join(writable(), ", "))
			}
			if err != nil {
				return badInput(err)
			}
			g, err := generate(args[0], args[1:], seed)
			if err != nil {
				return badInput(err)
			}
			printNotes(cmd.ErrOrStderr(), g)
			w := bufio.NewWriter(cmd.OutOrStdout())
			if err := f.Write(w, g); err != nil {
				return internal(err)
			}
			return internal(w.Flush())
		},
	}
	cmd.Flags().StringVar(&format, "format", "map", "format of the map: "+strings.Join(writable(), ", "))
	cmd.Flags().Uint64Var(&seed, "seed", 1, "seed of a random map; 1 is the map of a scenario")
	complete(cmd, "format", writable())
	return cmd
}

// writable returns the names of the formats that maps can be written in.
func writable() []string {
	var out []string
	for _, f := range topologies.Formats() {
		if f.Write != nil {
			out = append(out, f.Name)
		}
	}
	return out
}

// generate makes a map. Its parameters are read as those of a scenario are.
func generate(name string, params []string, seed uint64) (*topologies.Graph, error) {
	gen, err := topologies.GeneratorNamed(name)
	if err != nil {
		return nil, err
	}
	cfg, err := generatorConfig(gen, params)
	if err != nil {
		return nil, err
	}
	// The stream that a scenario's generator has under the same seed.
	return gen.Build(cfg, rand.New(rand.NewPCG(seed, seed)))
}

// isMap tells whether an argument names an embedded map.
func isMap(arg string) bool {
	for _, m := range topologies.Maps() {
		if m.Name == arg {
			return true
		}
	}
	return false
}

// openMap loads an embedded map or a file. An argument without separator or extension is a name.
func openMap(arg string) (*topologies.Graph, error) {
	if isMap(arg) {
		return topologies.Map(arg)
	}
	if !strings.ContainsAny(arg, `/\.`) {
		_, err := topologies.Map(arg)
		return nil, fmt.Errorf("%w; a file needs an extension", err)
	}
	data, err := source.ReadFile(arg, int64(topologies.MaxBytes))
	if err != nil {
		return nil, err
	}
	return topologies.Load(arg, bytes.NewReader(data))
}

// printNotes writes what a loader or generator has to say about a map.
func printNotes(w io.Writer, g *topologies.Graph) {
	for _, n := range g.Notes {
		fmt.Fprintln(w, "note: "+n)
	}
}
