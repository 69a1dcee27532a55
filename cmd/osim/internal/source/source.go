// Package source finds and loads scenarios: those that come with the program, by name, and files, by
// path.
package source

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ouroboros/cmd/osim/internal/bench"
	"ouroboros/scenarios"
	"ouroboros/scenarios/node"
	"ouroboros/topologies"
)

// Stdin is the argument that stands for the standard input.
const Stdin = "-"

// Scenario is a loaded scenario with its map.
type Scenario struct {
	*scenarios.Scenario
	Graph *topologies.Graph
	File  []byte // the topology file, if the scenario names one
}

// Embedded lists the scenarios that come with the program, the benchmarks last.
func Embedded() []scenarios.Info {
	out := scenarios.Embedded()
	for _, c := range bench.Cases() {
		out = append(out, scenarios.Info{Name: c.Scenario, Description: c.Doc})
	}
	return out
}

// IsPath tells whether an argument is the path of a file rather than a name: it has a separator, or the
// extension of a scenario file, or is [Stdin].
func IsPath(arg string) bool {
	return arg == Stdin || strings.ContainsAny(arg, `/\`) || slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(arg))
}

// Read returns the text of a scenario, given by name or path. The error of an unknown name lists the
// names there are and says how a path is told from a name.
func Read(arg string) ([]byte, error) {
	switch {
	case arg == Stdin:
		return limited(os.Stdin, scenarios.MaxFile)
	case IsPath(arg):
		return ReadFile(arg, scenarios.MaxFile)
	}
	if c, ok := bench.CaseOf(arg); ok {
		return c.Text, nil
	}
	data, err := scenarios.Open(arg)
	if err != nil {
		return nil, unknown(arg, err)
	}
	return data, nil
}

// unknown explains an argument that is no embedded name.
func unknown(arg string, err error) error {
	var names []string
	for _, c := range bench.Cases() {
		names = append(names, c.Scenario)
	}
	hint := "a path needs a slash or the extension .yaml"
	if _, e := os.Stat(arg); e == nil {
		hint += fmt.Sprintf(": for the file of this name write .%c%s", filepath.Separator, arg)
	}
	return fmt.Errorf("%w, %s; %s", err, strings.Join(names, ", "), hint)
}

// Load loads a scenario, given by name or path, over it the environment, over it the --set edits. A
// topology file is relative to the scenario file. Mistakes of the scenario are of type
// [*scenarios.Error], all of them joined.
func Load(arg string, set []string) (*Scenario, error) {
	data, err := Read(arg)
	if err != nil {
		return nil, err
	}
	return Parse(arg, data, set)
}

// Parse is [Load] for a text that has been read: several variants of a scenario are made of one reading.
func Parse(arg string, data []byte, set []string) (*Scenario, error) {
	name, dir := arg, "."
	switch {
	case arg == Stdin:
		name = "<stdin>"
	case IsPath(arg):
		dir = filepath.Dir(arg)
	default:
		name += ".yaml"
	}
	var read []byte
	catalog := node.Catalog{Read: func(file string) (data []byte, err error) {
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		read, err = ReadFile(file, int64(topologies.MaxBytes))
		return read, err
	}}
	sc, err := scenarios.Load(name, data, scenarios.Options{Set: set, Env: os.Getenv, Catalog: catalog})
	if err != nil {
		return nil, err
	}
	g, err := catalog.Graph(&sc.Topology)
	if err != nil {
		return nil, err
	}
	return &Scenario{sc, g, read}, nil
}

// ReadFile reads at most one byte more than limit, so that a parser sees that a file is too long.
func ReadFile(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, plainer(err)
	}
	defer f.Close()
	data, err := limited(f, limit)
	if err != nil {
		return nil, plainer(err)
	}
	return data, nil
}

func limited(r io.Reader, limit int64) ([]byte, error) { return io.ReadAll(io.LimitReader(r, limit+1)) }

// plainer drops the system call from an error of the file system: "x.yaml: no such file or directory".
func plainer(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}
