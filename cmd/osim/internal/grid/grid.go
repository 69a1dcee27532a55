package grid

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"ouroboros/cmd/osim/internal/fleet"
	"ouroboros/cmd/osim/internal/runner"
	"ouroboros/core"
	"ouroboros/scenarios/result"
)

// Plan says what is run.
type Plan struct {
	Variants []Variant
	Seeds    []uint64 // of every variant
	Version  string   // identity of the executable
	Jobs     int      // how many runs may be at work at a time; less than 1 counts as 1
	Shard    Shard
	Store    *Store
	// Keep tells which metrics stay in memory; the store gets all.
	Keep func(metric string) bool
	// Hosts are the machines of mode lab.
	Hosts *fleet.Hosts
}

// job is one run of the grid.
type job struct {
	id      string
	variant int
	seed    uint64
	record  *Record // nil while it is not there
	err     error   // why the run gave no results
}

// Grid carries a plan out. Stop may be called from any goroutine.
type Grid struct {
	plan   Plan
	jobs   []job // those of the shard: seed by seed, so that what is done is done for all variants
	before int   // jobs that an earlier call did
	notes  []string

	telling sync.Mutex // held while progress is told

	mu      sync.Mutex
	next    int
	stopped bool
	active  map[*runner.Runner]bool
	at      []runner.Progress // of the jobs
	all     runner.Progress   // of all together; Now and End are of the runs that this call makes
	err     error             // that ended the grid
}

// New returns a Grid with the runs that the store has. The error is that of the file system.
func New(p Plan) (*Grid, error) {
	g := &Grid{plan: p, active: map[*runner.Runner]bool{}}
	wanted, n := map[string]bool{}, 0
	for _, seed := range p.Seeds {
		for v := range p.Variants {
			id, err := p.Variants[v].ID(seed, p.Version)
			if err != nil {
				return nil, err
			}
			wanted[id] = true
			if p.Shard.has(n) {
				g.jobs = append(g.jobs, job{id: id, variant: v, seed: seed})
			}
			n++
		}
	}
	for i := range g.jobs {
		j := &g.jobs[i]
		r, err := p.Store.Load(j.id, j.seed)
		switch {
		case err != nil:
			g.notes = append(g.notes, err.Error()+"; the run is made again")
		case r != nil:
			r.keep(p.Keep)
			j.record = r
			g.before++
			continue
		}
		g.all.End += core.Time(p.Variants[j.variant].Duration)
	}
	g.at, g.all.Runs, g.all.Over = make([]runner.Progress, len(g.jobs)), len(g.jobs), g.before
	strangers, err := p.Store.Strangers(wanted, p.Version)
	g.notes = append(g.notes, strangers.Notes()...)
	return g, err
}

// Size returns how many runs there are in the shard, and how many of them an earlier call did.
func (g *Grid) Size() (all, before int) { return len(g.jobs), g.before }

// Notes says what was found in the store and not used.
func (g *Grid) Notes() []string { return g.notes }

// Stop ends the runs that are going on; they do not count. Those that are over are kept.
func (g *Grid) Stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped = true
	for r := range g.active {
		r.Stop()
	}
}

// Run makes the runs that are missing, several at a time if the plan says so: runs share nothing, and what
// they give does not depend on the order. progress may be nil; it is not called twice at a time. The error
// says that a run cannot be stored, or that a world refuses a scenario; it ends the grid. A run that fails
// by itself does not: see [Grid.Failures].
func (g *Grid) Run(progress func(runner.Progress)) error {
	var workers sync.WaitGroup
	for range min(max(g.plan.Jobs, 1), len(g.jobs)-g.before) {
		workers.Go(func() {
			for g.runNext(progress) {
			}
		})
	}
	workers.Wait()
	return g.err
}

// runNext makes the next run; it reports false if there is none.
func (g *Grid) runNext(progress func(runner.Progress)) bool {
	g.mu.Lock()
	for g.next < len(g.jobs) && g.jobs[g.next].record != nil {
		g.next++
	}
	if g.stopped || g.next == len(g.jobs) {
		g.mu.Unlock()
		return false
	}
	i := g.next
	g.next++
	j := &g.jobs[i]
	v := &g.plan.Variants[j.variant]
	r, err := runner.New(runner.Plan{Scenario: v.Scenario.Scenario, Graph: v.Graph, Seeds: []uint64{j.seed}, Version: g.plan.Version, File: v.File, Hosts: g.plan.Hosts})
	if err == nil {
		g.active[r] = true
	}
	g.mu.Unlock()

	var told func(runner.Progress)
	if progress != nil {
		told = func(p runner.Progress) { g.tell(i, p, progress) }
	}
	var done []result.Run
	if err == nil {
		done, err = r.Run(told)
	}

	g.mu.Lock()
	delete(g.active, r)
	stopped := g.stopped // a run that was stopped is cut short, or at least not drained
	g.mu.Unlock()
	if stopped {
		return false
	}
	g.finish(j, r, done, err)
	return true
}

// finish keeps what came of a run.
func (g *Grid) finish(j *job, r *runner.Runner, done []result.Run, err error) {
	var record *Record
	var bad *runner.ScenarioError
	var fatal error
	switch {
	case errors.As(err, &bad):
		fatal = fmt.Errorf("variant %s: %w", g.plan.Variants[j.variant].name(), err)
	case err == nil:
		var network []string
		for _, e := range r.Unsound() {
			network = append(network, e.Error())
		}
		record = newRecord(j.id, &done[0], network)
		fatal = g.plan.Store.Save(record)
		record.keep(g.plan.Keep)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	j.record, j.err = record, err
	g.all.Over++
	if fatal != nil && g.err == nil {
		g.err, g.stopped = fatal, true
	}
}

// tell passes on how far all runs have come.
func (g *Grid) tell(i int, p runner.Progress, progress func(runner.Progress)) {
	g.telling.Lock()
	defer g.telling.Unlock()
	g.mu.Lock()
	g.all.Now += p.Now - g.at[i].Now
	g.all.Events += p.Events - g.at[i].Events
	g.at[i] = p
	all := g.all
	g.mu.Unlock()
	progress(all)
}

// Result is a run that is there.
type Result struct {
	Variant int
	*Record
}

// Results returns the runs that are there, variant by variant, in the order of the seeds.
func (g *Grid) Results() []Result {
	var out []Result
	for i := range g.jobs {
		if r := g.jobs[i].record; r != nil {
			out = append(out, Result{g.jobs[i].variant, r})
		}
	}
	slices.SortStableFunc(out, func(a, b Result) int { return a.Variant - b.Variant })
	return out
}

// Failure is what went wrong in runs of a variant.
type Failure struct {
	Variant string
	Runs    int   // in which something went wrong
	Lost    int   // of them, those without results
	First   error // one of the reasons
}

// Failures returns what went wrong, variant by variant.
func (g *Grid) Failures() []Failure {
	out := make([]Failure, len(g.plan.Variants))
	for i := range g.jobs {
		j := &g.jobs[i]
		f := &out[j.variant]
		err := j.err
		if j.record != nil && len(j.record.Network) > 0 {
			err = fmt.Errorf("the network did not come up whole: %s", j.record.Network[0])
		}
		if err == nil {
			continue
		}
		f.Variant = g.plan.Variants[j.variant].name()
		f.Runs++
		if j.record == nil {
			f.Lost++
		}
		if f.First == nil {
			f.First = err
		}
	}
	return slices.DeleteFunc(out, func(f Failure) bool { return f.Runs == 0 })
}
