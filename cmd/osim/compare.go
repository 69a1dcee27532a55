package main

import (
	"bufio"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ouroboros/cmd/osim/internal/grid"
	"ouroboros/cmd/osim/internal/progress"
	"ouroboros/cmd/osim/internal/runner"
	"ouroboros/report"
	"ouroboros/scenarios/result"
)

// compareFlags are the flags of osim compare.
type compareFlags struct {
	vary     []string
	seeds    []string
	metrics  []string
	set      []string
	duration string
	format   string
	out      string
	shard    string
	jobs     int
	hosts    string
	quiet    bool
}

func newCompare() *cobra.Command {
	var f compareFlags
	cmd := &cobra.Command{
		Use:   "compare SCENARIO|FILE --vary PATH=A,B...",
		Short: "Run variants of a scenario with the same seeds and compare them",
		Long: `Run every combination of the values of --vary with every seed, and print one
table: each metric of each variant as mean with its 95 % confidence interval over
the seeds, the difference to the first variant, paired by seed, and whether it is
significant: paired t-test, corrected after Holm for all differences of the table.

All variants run with the same seeds, and so with the same random traffic as far
as they use it alike: what the seed does to all variants cancels out in the
differences. The first value of each --vary makes the first variant, which the
others are held against.

Values are separated by commas. Commas within brackets, braces and quotes belong
to a value: --vary 'PATH={name: x, params: {k: 1}},y'. The paths are those of
--set. A --metric is the name of a metric as in the expect section of scenarios,
where * and ? may stand in it, for the run as a whole; 'loss of NAME' is that of
one workload, link, layer or fault. Without --metric the table has the usual ones.
The expectations of the scenario are not judged.

With --out every run is kept in FOLDER/runs as soon as it is over. The same
command with the same folder goes on where an earlier one ended, by Ctrl-C for
instance; runs of another scenario or another version of the program do not count.
--shard i/n makes only a part of the runs, for several machines that share the
folder; the command without it then prints the table.`,
		Example: examples(`
			osim compare dumbbell --vary layers.net.policies.congestion=none,mb-ecn --seeds 1..10
			osim compare abilene --vary frcp.recovery=rack,prototype --vary duration=30s,40s --metric 'delay.*'
			osim compare abilene --vary layers.net.policies.congestion=none,mb-ecn --seeds 1..30 --out results/cc -j 2
			osim compare dumbbell --vary topology.params.bottleneck=50Mbps,100Mbps --metric loss --metric 'goodput.*'
			osim compare two-hosts --vary mode=sim,emulate
			osim compare abilene --vary warmup=5s,10s --seeds 1..30 --out results/warm --shard 2/8`),
		Args: takes(1, 1, "a scenario or a file"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return scenarioNames(), cobra.ShellCompDirectiveDefault
		},
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&f.vary, "vary", nil, "`path=a,b`: values to compare; several --vary make all combinations, the first varies slowest; repeatable")
	fl.StringArrayVar(&f.seeds, "seeds", nil, "seeds of every variant, such as 1..30, instead of those of the scenario; repeatable")
	fl.IntVarP(&f.jobs, "jobs", "j", 0, "runs at a time; 0: one per core. Results do not depend on it")
	fl.StringArrayVar(&f.metrics, "metric", nil, "`pattern` of metrics for the table, such as goodput.sum, 'delay.*' or 'loss of raw'; repeatable")
	fl.StringArrayVar(&f.set, "set", nil, "`path=value` to set in all variants; repeatable")
	fl.StringVar(&f.duration, "duration", "", "length of each run, such as 10s; the same as --set duration=10s")
	fl.StringVar(&f.format, "format", string(report.Text), "form of the table: "+formatNames()+"; csv and json hold the values of every run too")
	fl.StringVar(&f.out, "out", "", "`folder` to keep the runs in and to write tables and plots into")
	fl.StringVar(&f.hosts, "hosts", "", "`file` with the machines of mode lab, as for osim run")
	fl.StringVar(&f.shard, "shard", "", "`i/n`: make only part i of n of the runs, without a table; needs --out")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no progress and no remarks, the table alone")
	complete(cmd, "format", strings.Split(formatNames(), ", "))
	completeCompare(cmd)
	return cmd
}

// run is osim compare. What can be wrong with the input or the output is found out before time passes.
func (f *compareFlags) run(cmd *cobra.Command, arg string) error {
	in, err := f.read(arg)
	if err != nil {
		return badInput(err)
	}
	version, err := executableVersion()
	if err != nil {
		return internal(err)
	}
	store := grid.NewStore("")
	var out *folder
	if f.out != "" {
		if out, store, err = openComparison(f.out); err != nil {
			return badInput(err)
		}
	}
	g, err := grid.New(grid.Plan{
		Variants: in.variants, Seeds: in.seeds, Version: version, Jobs: f.parallel(in.variants),
		Shard: in.shard, Store: store, Keep: in.selection.Keep, Hosts: in.hosts,
	})
	if err != nil {
		return internal(err)
	}
	all, before := g.Size()
	for _, n := range g.Notes() {
		f.remark(cmd, "%s", n)
	}
	if before > 0 {
		f.remark(cmd, "%d of %d runs are there already", before, all)
	}
	err = f.carryOut(cmd, g)
	var bad *runner.ScenarioError
	if errors.As(err, &bad) {
		return badInput(err)
	}
	results := g.Results()
	if in.shard.N > 0 {
		f.remark(cmd, "shard %s: %d of %d runs are in %s; the same command without --shard prints the table", f.shard, len(results), all, out.path)
	} else if e := f.report(cmd, in.comparison(g, version), in.format, out); e != nil {
		return e
	}
	if err != nil {
		return internal(err)
	}
	return outcome(g.Failures(), len(results), all)
}

// parallel returns how many runs may be at work at a time. Live runs would disturb each other's timing.
func (f *compareFlags) parallel(variants []grid.Variant) int {
	switch {
	case slices.ContainsFunc(variants, func(v grid.Variant) bool { return result.Timed(v.Mode.World) }):
		return 1
	case f.jobs > 0:
		return f.jobs
	}
	return runtime.GOMAXPROCS(0)
}

// carryOut makes the runs that are missing, and ends on a signal.
func (f *compareFlags) carryOut(cmd *cobra.Command, g *grid.Grid) error {
	defer onSignal(g.Stop, cmd.ErrOrStderr())()
	var show func(runner.Progress)
	if bar := progress.New(cmd.ErrOrStderr()); bar != nil && !f.quiet {
		defer bar.Done()
		show = bar.Show
	}
	return g.Run(show)
}

// remark tells the user something that is not part of the results.
func (f *compareFlags) remark(cmd *cobra.Command, format string, args ...any) {
	if !f.quiet {
		fmt.Fprintf(cmd.ErrOrStderr(), "osim: "+format+"\n", args...)
	}
}

// report writes the table to the terminal and into the folder.
func (f *compareFlags) report(cmd *cobra.Command, c *report.Comparison, format report.Format, out *folder) error {
	if len(c.Runs) == 0 {
		return nil
	}
	if len(c.Metrics) == 0 {
		return badInput(errors.New("none of the metrics was measured in any run; choose others with --metric"))
	}
	w := bufio.NewWriter(cmd.OutOrStdout())
	if err := report.WriteComparison(w, c, format); err != nil {
		return internal(err)
	}
	if err := w.Flush(); err != nil {
		return internal(err)
	}
	if out == nil {
		return nil
	}
	if err := report.ComparisonFolder(out, c); err != nil {
		return internal(err)
	}
	f.remark(cmd, "results are in %s", out.path)
	return nil
}

// outcome says what is not as it should be with a grid of which so many runs are there.
func outcome(failures []grid.Failure, done, wanted int) error {
	lost, unsound := 0, 0
	for _, x := range failures {
		lost += x.Lost
		unsound += x.Runs - x.Lost
	}
	switch {
	case lost > 0:
		return internal(fmt.Errorf("%d of %d runs gave no results: %w", lost, wanted, failures[0].First))
	case done == 0:
		return failed(fmt.Errorf("interrupted before the first of %d runs was over", wanted))
	case done < wanted:
		return failed(fmt.Errorf("interrupted after %d of %d runs; the results are those of them", done, wanted))
	case unsound > 0:
		return failed(fmt.Errorf("the network did not come up whole in %d of %d runs; see the notes", unsound, wanted))
	}
	return nil
}
