package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"ouroboros/cmd/osim/internal/campaign"
	"ouroboros/cmd/osim/internal/table"
	"ouroboros/scenarios"
	"ouroboros/scenarios/soak"
)

// soakFlags are the flags of osim soak.
type soakFlags struct {
	seeds    string
	hours    float64
	jobs     int
	keep     int
	plan     string
	print    bool
	scenario bool
	shrink   bool
	format   string
	quiet    bool
}

func newSoak() *cobra.Command {
	var f soakFlags
	cmd := &cobra.Command{
		Use:   "soak",
		Short: "Search for a counterexample to the promises of the protocols",
		Long: `Draw random networks, layers, flows and faults from seeds, run them in simulated
time with programs that check every byte, and look for a promise that does not
hold: docs/campaign.md lists the promises, and what is drawn.

A violation is printed with its seed, its time and the last events of the flow.
The same seed gives the same run, bit for bit: with --shrink a smaller plan is
searched that breaks the same promise, and printed; --print prints the plan of a
seed, and --plan runs one from a file. --scenario prints the network of a plan
with its layers and faults alone, as osim run takes it.`,
		Example: examples(`
			osim soak --seeds 1..20
			osim soak --seeds 1000..1000000 --hours 8 -j 2
			osim soak --seeds 17 --print > plan.yaml
			osim soak --plan plan.yaml --shrink > smaller.yaml
			osim soak --seeds 17 --scenario > network.yaml && osim run ./network.yaml`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.seeds, "seeds", "1..100", "seed or range of `seeds`, such as 17 or 1..1000")
	fl.StringVar(&f.seeds, "seed", "1..100", "the same as --seeds")
	fl.Float64Var(&f.hours, "hours", 0, "`hours` after which no seed begins any more; 0: no limit. Without --seeds: from 1 on, without an end")
	fl.IntVarP(&f.jobs, "jobs", "j", 0, "seeds at a time; 0: one per core. Results do not depend on it")
	fl.IntVar(&f.keep, "keep", 3, "violations after which the campaign ends; 0: never")
	fl.StringVar(&f.plan, "plan", "", "`file` with a plan to run instead of seeds, - for the standard input")
	fl.BoolVar(&f.print, "print", false, "print the plan of the seed, and do not run it")
	fl.BoolVar(&f.scenario, "scenario", false, "print the scenario of the plan, and do not run it")
	fl.BoolVar(&f.shrink, "shrink", false, "search for a smaller plan that breaks the same promise, and print it")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no progress, the report alone")
	tableFormat(cmd, &f.format)
	return cmd
}

func (f *soakFlags) run(cmd *cobra.Command) error {
	if err := table.Check(f.format); err != nil {
		return badInput(err)
	}
	first, last, err := f.span(cmd)
	if err != nil {
		return badInput(err)
	}
	if f.plan == "" && !f.print && !f.scenario && !f.shrink {
		return f.campaign(cmd, first, last)
	}
	if f.plan == "" && first != last {
		return badInput(fmt.Errorf("--print, --scenario and --shrink want one seed, such as --seeds %d", first))
	}
	p, err := f.open(first)
	if err != nil {
		return badInput(err)
	}
	switch {
	case f.print:
		return write(cmd, p)
	case f.scenario:
		text, err := scenarios.Marshal(&p.Scenario)
		if err == nil {
			_, err = cmd.OutOrStdout().Write(text)
		}
		return internal(err)
	case f.shrink:
		return f.smaller(cmd, p)
	}
	return f.one(cmd, p)
}

// span returns the seeds.
func (f *soakFlags) span(cmd *cobra.Command) (first, last uint64, err error) {
	if f.hours < 0 || f.jobs < 0 || f.keep < 0 {
		return 0, 0, fmt.Errorf("--hours %v, --jobs %d, --keep %d: accepted are 0 and more", f.hours, f.jobs, f.keep)
	}
	if f.hours > 0 && !cmd.Flags().Changed("seeds") && !cmd.Flags().Changed("seed") {
		return 1, math.MaxUint64, nil
	}
	first, last, ok := seedRange(f.seeds)
	if !ok {
		return 0, 0, fmt.Errorf("--seeds %s: is not a seed; accepted are whole numbers from 0 to 2^64-1 and ranges such as 1..1000", f.seeds)
	}
	return first, last, nil
}

// open reads or draws a plan.
func (f *soakFlags) open(seed uint64) (*soak.Plan, error) {
	if f.plan == "" {
		return soak.Draw(seed)
	}
	read := func() ([]byte, error) { return os.ReadFile(f.plan) }
	if f.plan == "-" {
		read = func() ([]byte, error) { return io.ReadAll(os.Stdin) }
	}
	data, err := read()
	if err != nil {
		return nil, err
	}
	return soak.Parse(f.plan, data)
}

func write(cmd *cobra.Command, p *soak.Plan) error {
	text, err := p.Text()
	if err == nil {
		_, err = cmd.OutOrStdout().Write(text)
	}
	return internal(err)
}

// campaign runs seeds.
func (f *soakFlags) campaign(cmd *cobra.Command, first, last uint64) error {
	c := campaign.Campaign{First: first, Last: last, Jobs: f.jobs, Keep: f.keep}
	if f.jobs == 0 {
		c.Jobs = runtime.GOMAXPROCS(0)
	}
	began := time.Now()
	if f.hours > 0 {
		c.Until = began.Add(time.Duration(f.hours * float64(time.Hour)))
	}
	r := campaign.New(c)
	defer onSignal(r.Stop, cmd.ErrOrStderr())()
	shown := began
	sum, err := r.Run(func(s *campaign.Summary) {
		if now := time.Now(); !f.quiet && now.Sub(shown) > 10*time.Second {
			shown = now
			fmt.Fprintf(cmd.ErrOrStderr(), "osim: %d seeds, %.1f simulated hours, %d violations, %v\n", s.Seeds, s.Simulated.Hours(), s.Broken, now.Sub(began).Round(time.Second))
		}
	})
	if err != nil {
		return internal(err)
	}
	if err := summary(cmd.OutOrStdout(), sum, f.format); err != nil {
		return internal(err)
	}
	return f.verdict(cmd, &sum.Result, "--seeds %d")
}

// one runs a plan.
func (f *soakFlags) one(cmd *cobra.Command, p *soak.Plan) error {
	r, err := soak.Run(p)
	if err != nil {
		return internal(err)
	}
	sum := &campaign.Summary{Seeds: 1, First: p.Seed, Last: p.Seed}
	sum.Add(&r)
	sum.Fingerprint = r.Fingerprint
	if err := summary(cmd.OutOrStdout(), sum, f.format); err != nil {
		return internal(err)
	}
	return f.verdict(cmd, &r, "--plan "+f.plan)
}

// verdict prints the violations.
func (f *soakFlags) verdict(cmd *cobra.Command, r *soak.Result, replay string) error {
	for i := range r.Violations {
		v := &r.Violations[i]
		how := replay
		if f.plan == "" {
			how = fmt.Sprintf(replay, v.Seed)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "\n%sreplay: osim soak %s; smaller: osim soak %s --shrink\n", v, how, how)
	}
	if r.Broken > 0 {
		return failed(fmt.Errorf("%d violations", r.Broken))
	}
	return nil
}

// smaller shrinks a plan and prints it.
func (f *soakFlags) smaller(cmd *cobra.Command, p *soak.Plan) error {
	small, r, err := soak.Shrink(p, func(p *soak.Plan, runs int) {
		if !f.quiet {
			fmt.Fprintf(cmd.ErrOrStderr(), "osim: run %d: %d nodes, %d layers, %d flows, %d faults\n",
				runs, len(p.Scenario.Topology.Nodes), len(p.Scenario.Layers), len(p.Flows), len(p.Scenario.Faults))
		}
	})
	if err != nil {
		return internal(err)
	}
	if len(r.Violations) == 0 {
		return failed(fmt.Errorf("the plan breaks no promise, there is nothing to shrink"))
	}
	fmt.Fprint(cmd.ErrOrStderr(), &r.Violations[0])
	return write(cmd, small)
}
