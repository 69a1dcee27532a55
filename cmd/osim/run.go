package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ouroboros/cmd/osim/internal/fleet"
	"ouroboros/cmd/osim/internal/progress"
	"ouroboros/cmd/osim/internal/runner"
	"ouroboros/cmd/osim/internal/source"
	"ouroboros/report"
	"ouroboros/scenarios"
	"ouroboros/scenarios/result"
)

// runFlags are the flags of osim run.
type runFlags struct {
	seeds    []string
	set      []string
	duration string
	mode     string
	format   string
	out      string
	pcap     string
	rib      string
	quiet    bool
	jobs     int
	hosts    string
}

func newRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run SCENARIO|FILE",
		Short: "Run a scenario and report what was measured",
		Long: `Run a scenario, once for each of its seeds, and report what was measured.

The scenario is the name of one that comes with the program (osim list), the path
of a file (with a slash, or with the extension .yaml), or - for the standard
input. Environment variables such as OUROBOROS_DURATION are laid over the file,
and flags over both.

The same scenario with the same seed gives the same results, bit for bit, in the
simulator. With --mode live the same nodes run over loopback sockets in real
time, all in this process. With --mode emulate every node is a process of its
own, in a network namespace of this machine, over virtual Ethernet; that needs
root. With --mode lab the processes are on the machines that --hosts names, and
are reached over SSH.

Ctrl-C ends the run with the results so far, marked as partial; a second one
kills it.`,
		Example: examples(`
			osim run abilene
			osim run abilene --seed 1..10 --out results/abilene
			osim run mb-ecn --set layers.net.policies.congestion=none --format markdown
			osim run ./my.yaml --seed 7 --duration 5s --pcap my.pcapng
			osim run abilene --seed 1 --rib rib
			osim run two-hosts --mode live --seed 1
			osim run link-failure --mode emulate --seed 1
			osim run two-hosts --mode lab --hosts hosts.yaml`),
		Args: takes(1, 1, "a scenario or a file"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return scenarioNames(), cobra.ShellCompDirectiveDefault
		},
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&f.seeds, "seed", nil, "seed, list or range of seeds such as 1,3 or 1..5, instead of those of the scenario; repeatable")
	fl.StringArrayVar(&f.set, "set", nil, "`path=value` to set in the scenario, such as layers.net.policies.congestion=none; repeatable")
	fl.StringVar(&f.duration, "duration", "", "length of the run, such as 10s; the same as --set duration=10s")
	fl.StringVar(&f.mode, "mode", "", "world to run in: sim, live, emulate or lab; the same as --set mode.world=live")
	fl.StringVar(&f.hosts, "hosts", "", "`file` with the machines of mode lab, and which node runs on which")
	fl.StringVar(&f.format, "format", string(report.Text), "form of the report: "+formatNames())
	fl.StringVar(&f.out, "out", "", "`folder` to write reports, tables, series and plots into")
	fl.StringVar(&f.pcap, "pcap", "", "`file` to capture all links into, as pcapng; needs one seed and --mode sim")
	fl.IntVar(&f.jobs, "jobs", 0, "runs at a time in the simulator; 0: one per core. Results do not depend on it")
	fl.StringVar(&f.rib, "rib", "", "`folder` to write the management trees of all IPCPs into, as they stand at the end of each run")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no progress and no remarks, the report alone")
	complete(cmd, "format", strings.Split(formatNames(), ", "))
	complete(cmd, "mode", result.Modes())
	return cmd
}

func formatNames() string {
	var names []string
	for _, f := range report.Formats() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// complete offers the values of a flag to the shell.
func complete(cmd *cobra.Command, flag string, values []string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // the flag does not exist
	}
}

// run is osim run. What can be wrong with the input or the output is found out before time passes.
func (f *runFlags) run(cmd *cobra.Command, arg string) error {
	format, err := report.ParseFormat(f.format)
	if err == nil && f.jobs < 0 {
		err = fmt.Errorf("--jobs %d: accepted are 0 and more", f.jobs)
	}
	if err != nil {
		return badInput(err)
	}
	sc, err := f.load(arg)
	if err != nil {
		return badInput(err)
	}
	seeds := sc.Seeds
	if len(f.seeds) > 0 {
		if seeds, err = parseSeeds("--seed", f.seeds); err != nil {
			return badInput(err)
		}
	}
	version, err := executableVersion()
	if err != nil {
		return internal(err)
	}
	plan := runner.Plan{Scenario: sc.Scenario, Graph: sc.Graph, Seeds: seeds, Version: version, Jobs: f.parallel(sc.Mode.World), File: sc.File}
	if f.hosts != "" {
		if plan.Hosts, err = fleet.LoadHosts(f.hosts); err != nil {
			return badInput(err)
		}
	}
	var out *folder
	if f.out != "" {
		if out, err = openFolder(f.out); err != nil {
			return badInput(err)
		}
	}
	if f.rib != "" {
		trees, err := openRIB(f.rib)
		if err != nil {
			return badInput(err)
		}
		plan.RIB = trees.write
	}
	runs, err := f.carryOut(cmd, plan)
	if err != nil && len(runs) == 0 {
		return err
	}
	if e := f.report(cmd, runs, format, out); e != nil {
		return e
	}
	if err != nil {
		return err
	}
	return failed(verdict(runs, len(seeds)))
}

// parallel returns how many runs may be at work at a time. Live runs would disturb each other's timing.
func (f *runFlags) parallel(world string) int {
	switch {
	case result.Timed(world):
		return 1
	case f.jobs > 0:
		return f.jobs
	}
	return runtime.GOMAXPROCS(0)
}

// load loads the scenario with the flags that change it. Mistakes in their values are reported under
// the names of the flags.
func (f *runFlags) load(arg string) (*source.Scenario, error) {
	set := append([]string(nil), f.set...)
	names := map[string]string{}
	for _, x := range []struct{ flag, path, value string }{
		{"--duration", "duration", f.duration}, {"--mode", "mode.world", f.mode},
	} {
		if x.value != "" {
			edit := x.path + "=" + x.value
			set = append(set, edit)
			names["--set "+edit] = x.flag + " " + x.value
		}
	}
	sc, err := source.Load(arg, set)
	for _, e := range mistakes(err) {
		if name, ok := names[e.File]; ok {
			e.File = name
		}
	}
	if err != nil {
		return nil, err
	}
	// The world is no parameter of the experiment: results name it by itself.
	sc.Overrides = slices.DeleteFunc(sc.Overrides, func(o scenarios.Override) bool { return o.Path == "mode.world" || o.Path == "mode" })
	return sc, nil
}

// carryOut runs the plan, with a capture if one is wanted, and ends it on a signal.
func (f *runFlags) carryOut(cmd *cobra.Command, plan runner.Plan) ([]result.Run, error) {
	var file *os.File
	if f.pcap != "" {
		// The plan is checked before a file is overwritten.
		plan.Capture = io.Discard
		if _, err := runner.New(plan); err != nil {
			return nil, badInput(fmt.Errorf("--pcap: %w", err))
		}
		var err error
		if file, err = os.Create(f.pcap); err != nil {
			return nil, badInput(fmt.Errorf("--pcap: %w", err))
		}
		defer file.Close()
		plan.Capture = file
	}
	r, err := runner.New(plan)
	if err != nil {
		return nil, badInput(err)
	}
	defer onSignal(r.Stop, cmd.ErrOrStderr())()
	var show func(runner.Progress)
	if bar := progress.New(cmd.ErrOrStderr()); bar != nil && !f.quiet {
		defer bar.Done()
		show = bar.Show
	}
	runs, err := r.Run(show)
	if err == nil && file != nil {
		err = file.Close()
	}
	if unsound := r.Unsound(); err == nil && len(unsound) > 0 {
		return runs, failed(fmt.Errorf("the network did not come up whole: %w", errors.Join(unsound...)))
	}
	return runs, classify(err)
}

// report writes the runs to the terminal and into the folder.
func (f *runFlags) report(cmd *cobra.Command, runs []result.Run, format report.Format, out *folder) error {
	if len(runs) == 0 {
		return nil
	}
	w := bufio.NewWriter(cmd.OutOrStdout())
	if err := report.Write(w, runs, format); err != nil {
		return internal(err)
	}
	if err := w.Flush(); err != nil {
		return internal(err)
	}
	if out == nil {
		return nil
	}
	if err := report.Folder(out, runs); err != nil {
		return internal(err)
	}
	if !f.quiet {
		fmt.Fprintf(cmd.ErrOrStderr(), "osim: results are in %s\n", out.path)
	}
	return nil
}

// verdict says what is not as it should be with runs of which so many were wanted.
func verdict(runs []result.Run, wanted int) error {
	missed, judged := 0, 0
	for i := range runs {
		if runs[i].Partial {
			return fmt.Errorf("interrupted in run %d of %d; the results are partial", i+1, wanted)
		}
		for _, e := range runs[i].Expectations {
			if e.Published {
				continue
			}
			judged++
			if !e.OK {
				missed++
			}
		}
	}
	switch {
	case len(runs) < wanted:
		return fmt.Errorf("interrupted after %d of %d runs; the results are those of them", len(runs), wanted)
	case missed > 0:
		return fmt.Errorf("%d of %d expectations were not met", missed, judged)
	}
	return nil
}
