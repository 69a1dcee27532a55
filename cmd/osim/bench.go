package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"strings"

	"github.com/spf13/cobra"

	"ouroboros/cmd/osim/internal/bench"
	"ouroboros/cmd/osim/internal/table"
)

// benchFlags are the flags of osim bench.
type benchFlags struct {
	cases      []string
	set        []string
	cpuprofile string
	format     string
	quiet      bool
}

func newBench() *cobra.Command {
	var f benchFlags
	var names []string
	for _, c := range bench.Cases() {
		names = append(names, c.Name)
	}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast the simulator runs",
		Long: `Run the reference scenarios and print what they cost on this machine: wall-clock
time, events, packet hops, the largest resident memory, and the heap objects made
per packet hop once flows are up. The scenarios are bench-line, bench-dumbbell and
bench-er1000; "osim show" prints them and "osim run" runs them.`,
		Example: examples(`
			osim bench
			osim bench --case line --cpuprofile cpu.prof
			osim bench --case er1000 --set topology.params.nodes=200 --format json`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fl := cmd.Flags()
	fl.StringSliceVar(&f.cases, "case", nil, "case to run: "+strings.Join(names, ", ")+"; repeatable (default all)")
	fl.StringArrayVar(&f.set, "set", nil, "`path=value` to set in the scenarios; repeatable")
	fl.StringVar(&f.cpuprofile, "cpuprofile", "", "`file` to write a CPU profile to, for go tool pprof")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no remarks, the table alone")
	tableFormat(cmd, &f.format)
	complete(cmd, "case", names)
	return cmd
}

func (f *benchFlags) run(cmd *cobra.Command) error {
	if err := table.Check(f.format); err != nil {
		return badInput(err)
	}
	cases := bench.Cases()
	if len(f.cases) > 0 {
		cases = cases[:0:0]
		for _, name := range f.cases {
			c, err := bench.CaseNamed(name)
			if err != nil {
				return badInput(err)
			}
			cases = append(cases, c)
		}
	}
	if f.cpuprofile != "" {
		file, err := os.Create(f.cpuprofile)
		if err != nil {
			return badInput(err)
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return internal(err)
		}
		defer pprof.StopCPUProfile()
	}
	var out []*bench.Outcome
	for _, c := range cases {
		if !f.quiet {
			fmt.Fprintf(cmd.ErrOrStderr(), "osim: running %s\n", c.Scenario)
		}
		o, err := bench.Measure(c, f.set)
		if len(mistakes(err)) > 0 {
			return badInput(err)
		}
		if err != nil {
			return internal(fmt.Errorf("%s: %w", c.Name, err))
		}
		out = append(out, o)
	}
	if err := printOutcomes(cmd.OutOrStdout(), out, f.format); err != nil {
		return internal(err)
	}
	return benchVerdict(out)
}

// benchVerdict is the error of a benchmark whose work was not done properly: its speed says nothing.
func benchVerdict(out []*bench.Outcome) error {
	var errs []error
	for _, o := range out {
		for _, x := range o.Failed {
			errs = append(errs, fmt.Errorf("%s: not as expected: %s", o.Case, x))
		}
	}
	return failed(errors.Join(errs...))
}

// printOutcomes writes a table, or as JSON everything.
func printOutcomes(w io.Writer, out []*bench.Outcome, format string) error {
	if format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(out)
	}
	t := table.Table{
		Heads: []string{"case", "simulated s", "wall s", "events", "events/s", "packet hops", "packet hops/s", "peak MiB", "allocs/hop", "allocs/packet"},
		Right: []bool{false, true, true, true, true, true, true, true, true, true},
	}
	for _, o := range out {
		mem, hop, packet := "–", "–", "–"
		if v, ok := o.PeakMemory.Get(); ok {
			mem = fmt.Sprintf("%.0f", float64(v)/(1<<20))
		}
		if v, ok := o.Allocs.Get(); ok {
			hop = fmt.Sprintf("%.4f", v)
		}
		if v, ok := o.AllocsPacket.Get(); ok {
			packet = fmt.Sprintf("%.4f", v)
		}
		t.Add(
			o.Case, fmt.Sprintf("%.0f", o.Simulated.Seconds()), fmt.Sprintf("%.2f", o.Wall.Seconds()),
			fmt.Sprint(o.Events), fmt.Sprintf("%.3g M", o.EventsPerSecond()/1e6),
			fmt.Sprint(o.Hops), fmt.Sprintf("%.3g M", o.HopsPerSecond()/1e6), mem, hop, packet,
		)
	}
	return t.Write(w, format)
}
