// Command benchlive measures what real mode costs, on this machine and in one run: the programs of this project between
// two network namespaces, beside the same work done by bare programs in Go and by the usual tools. It needs root.
//
//	benchlive                 prints the table (make bench-live)
//	benchlive -runs 1 rtt     one run of the groups whose names are given
//
// All values are medians of several runs. What counts are the ratios: the machine's own speed is in all of them.
//
//	namespace a                                   namespace b
//	application -- local socket -- daemon == veth == daemon -- local socket -- application
//
// The honest floor of this chain are four bare programs, which copy each packet from one socket to the next and do
// nothing else.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "role" {
		exit(role(os.Args[2:]))
	}
	runs := flag.Int("runs", 5, "runs whose median is taken")
	flag.Parse()
	exit(run(*runs, flag.Args()))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchlive:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run measures the groups of those names, all without any, and prints their tables.
func run(runs int, names []string) error {
	for _, n := range names {
		if !slices.ContainsFunc(groups, func(g group) bool { return g.name == n }) {
			return fmt.Errorf("%q: accepted are %s", n, groupNames())
		}
	}
	dir, err := os.MkdirTemp("", "benchlive")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l, err := newLab(dir)
	if err != nil {
		return err
	}
	defer l.close()
	for _, g := range groups {
		if len(names) > 0 && !slices.Contains(names, g.name) {
			continue
		}
		if err := g.measure(l, runs); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
	}
	return nil
}

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }
