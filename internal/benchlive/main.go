// Command benchlive measures what real mode costs, on this machine and in one run: the programs of this project between
// two network namespaces, beside the same work done by bare programs in Go and by the usual tools. It needs root.
//
//	benchlive                 prints the tables (make bench-live)
//	benchlive -write FILE     puts them into a document too, between "<!-- table -->" and "<!-- end -->"
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
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "role" {
		exit(role(os.Args[2:]))
	}
	runs := flag.Int("runs", 5, "runs whose median is taken")
	document := flag.String("write", "", "`file` to put the tables into")
	flag.Parse()
	exit(run(*runs, *document, flag.Args()))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchlive:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run measures the groups of those names, all without any, and prints their tables.
func run(runs int, document string, names []string) error {
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
	var all bytes.Buffer
	w := io.MultiWriter(os.Stdout, &all)
	if err := machine(w); err != nil {
		return err
	}
	for _, g := range groups {
		if len(names) > 0 && !slices.Contains(names, g.name) {
			continue
		}
		if err := g.measure(l, w, runs); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
	}
	if document != "" {
		return put(document, all.Bytes())
	}
	return nil
}

// machine says on what the figures were taken.
func machine(w io.Writer) error {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return err
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s, %d cores, Linux %s, load before (1, 5, 15 minutes) %s\n",
		runtime.GOARCH, runtime.NumCPU(), bytes.TrimSpace(release), bytes.Join(bytes.Fields(load)[:3], []byte(" ")))
	return err
}

// The lines of a document that the tables stand between.
const (
	tableBegins = "<!-- table -->\n"
	tableEnds   = "<!-- end -->\n"
)

// put replaces what stands between the marks of a document.
func put(document string, tables []byte) error {
	b, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(b, []byte(tableBegins))
	_, after, ends := bytes.Cut(rest, []byte(tableEnds))
	if !ok || !ends {
		return fmt.Errorf("%s has no lines %q and %q", document, tableBegins, tableEnds)
	}
	return os.WriteFile(document, slices.Concat(before, []byte(tableBegins), tables, []byte(tableEnds), after), 0o644)
}

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }
