// Package runner runs a scenario once for each seed, in the simulator or in the live world.
package runner

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"ouroboros/cmd/osim/internal/fleet"
	"ouroboros/core"
	"ouroboros/ipcp/rib"
	"ouroboros/scenarios"
	"ouroboros/scenarios/experiment"
	"ouroboros/scenarios/result"
	"ouroboros/shim/host"
	"ouroboros/sim"
	"ouroboros/topologies"
)

// Plan says what is run.
type Plan struct {
	Scenario *scenarios.Scenario
	Graph    *topologies.Graph
	Seeds    []uint64 // one run for each, in this order
	Version  string   // identity of the executable, for the results
	Jobs     int      // how many runs may be at work at a time; less than 1 counts as 1
	// Capture receives a pcapng file of all links; nil for none. It goes with one seed in the simulator.
	Capture io.Writer
	// RIB receives the management trees of each run at its end; nil for none. Runs of several seeds call it
	// at the same time.
	RIB func(seed uint64, root rib.Node) error
	// File is the topology file, if the scenario names one: nodes that are processes of their own need it.
	File []byte
	// Hosts are the machines of mode lab.
	Hosts *fleet.Hosts
}

// Progress is how far the runs have come.
type Progress struct {
	Over, Runs int       // runs that are over, of how many
	Now, End   core.Time // time that has passed in all runs together, of how much
	Events     uint64    // executed by all runs so far; 0 in the live world
}

// ScenarioError wraps an error that a world or the assembly of the network has found in a scenario
// before time passed: the scenario is to blame, not the run.
type ScenarioError struct{ Err error }

// Error returns the text of the cause.
func (e *ScenarioError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *ScenarioError) Unwrap() error { return e.Err }

// world is what both worlds offer beyond an experiment's needs.
type world interface {
	experiment.World
	Close()
}

// Runner carries a plan out. Stop may be called from any goroutine.
type Runner struct {
	plan    Plan
	telling sync.Mutex // held while progress is told, so that it may call Stop

	mu      sync.Mutex
	next    int             // index of the seed that is run next
	stopped bool            // no run begins any more
	worlds  map[world]bool  // those at work
	fleets  []chan struct{} // those at work end when theirs is closed
	states  []state         // of the runs, by index of the seed
	over    int             // runs that are over
}

// state is where one run stands.
type state struct {
	now     core.Time
	events  uint64
	run     *result.Run // nil while it has no results
	err     error
	network []error // what kept its network from coming up
}

// New returns a Runner of the plan. The error says that a capture does not go with the rest.
func New(p Plan) (*Runner, error) {
	if p.Capture != nil && len(p.Seeds) != 1 {
		return nil, fmt.Errorf("a capture holds one run, and there are %d seeds: choose one", len(p.Seeds))
	}
	if world := p.Scenario.Mode.World; p.RIB != nil && result.Apart(world) {
		return nil, fmt.Errorf("the management trees are those of nodes in one process, and the mode is %s: look at them with irm rib on a node", world)
	}
	if p.Scenario.Mode.World == result.ModeLab && p.Hosts == nil {
		return nil, errors.New("mode lab: there are no machines: name them in a file and give it with --hosts")
	}
	if p.Capture != nil && p.Scenario.Mode.World != result.ModeSim {
		return nil, fmt.Errorf("a capture is made in the simulator only, and the mode is %s", p.Scenario.Mode.World)
	}
	return &Runner{plan: p, worlds: map[world]bool{}, states: make([]state, len(p.Seeds))}, nil
}

// Stop ends the runs that are going on after their current event, and starts no other. The results so
// far are kept.
func (r *Runner) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	for w := range r.worlds {
		w.Stop()
	}
	for _, c := range r.fleets {
		close(c)
	}
	r.fleets = nil
}

// Run runs all seeds, or as many as there are until Stop, several at a time if the plan says so: runs
// share nothing, and their results are returned in the order of the seeds. progress may be nil; it is
// not called twice at a time, and results do not depend on it. With an error it returns the runs before
// the one that failed; no further ones begin then.
func (r *Runner) Run(progress func(Progress)) ([]result.Run, error) {
	var workers sync.WaitGroup
	for range min(max(r.plan.Jobs, 1), len(r.plan.Seeds)) {
		workers.Go(func() {
			for r.runNext(progress) {
			}
		})
	}
	workers.Wait()
	var out []result.Run
	for i := range r.states {
		st := &r.states[i]
		if st.run != nil {
			out = append(out, *st.run)
		}
		if st.err != nil {
			return out, fmt.Errorf("seed %d: %w", r.plan.Seeds[i], st.err)
		}
	}
	return out, nil
}

// runNext runs the next seed; it reports false if there is none.
func (r *Runner) runNext(progress func(Progress)) bool {
	r.mu.Lock()
	i := r.next
	if r.stopped || i == len(r.plan.Seeds) {
		r.mu.Unlock()
		return false
	}
	r.next++
	if result.Apart(r.plan.Scenario.Mode.World) {
		stop := make(chan struct{})
		r.fleets = append(r.fleets, stop)
		r.mu.Unlock()
		r.done(i, r.apart(i, stop, progress), func() { r.fleets = slices.DeleteFunc(r.fleets, func(c chan struct{}) bool { return c == stop }) })
		return true
	}
	w := r.fresh(r.plan.Seeds[i])
	r.worlds[w] = true
	r.mu.Unlock()

	r.done(i, r.one(w, i, progress), func() {
		delete(r.worlds, w)
		w.Close()
	})
	return true
}

// done takes down what came of run i; tidy is called before.
func (r *Runner) done(i int, st state, tidy func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	tidy()
	r.states[i] = st
	r.over++
	r.stopped = r.stopped || st.err != nil
}

// tell passes on how far run i has come.
func (r *Runner) tell(i int, now core.Time, events uint64, progress func(Progress)) {
	r.telling.Lock()
	defer r.telling.Unlock()
	progress(r.reached(i, now, events))
}

// reached notes where run i stands and returns where all of them do.
func (r *Runner) reached(i int, now core.Time, events uint64) Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states[i].now, r.states[i].events = now, events
	p := Progress{Over: r.over, Runs: len(r.states), End: core.Time(r.plan.Scenario.Duration) * core.Time(len(r.states))}
	for _, st := range r.states {
		p.Now += st.now
		p.Events += st.events
	}
	return p
}

// fresh makes the world of the scenario's mode.
func (r *Runner) fresh(seed uint64) world {
	if r.plan.Scenario.Mode.World == result.ModeLive {
		return host.New(seed)
	}
	return sim.New(seed)
}

// eventsOf returns the number of events of a simulated world.
func eventsOf(w world) uint64 {
	if s, ok := w.(*sim.World); ok {
		return s.Events()
	}
	return 0
}

// steps is how often progress is told of a run.
const steps = 500

// one runs the seed with index i.
func (r *Runner) one(w world, i int, progress func(Progress)) (st state) {
	began := time.Now()
	seed := r.plan.Seeds[i]
	e, err := experiment.New(w, r.plan.Scenario, r.plan.Graph, seed)
	if err != nil {
		return state{err: &ScenarioError{err}}
	}
	var tap *tap
	if s, ok := w.(*sim.World); ok && r.plan.Capture != nil {
		if tap, err = attach(s, e.Network, r.plan.Capture, r.plan.comment(seed)); err != nil {
			return state{err: &ScenarioError{err}}
		}
	}
	var told func(core.Time)
	if progress != nil {
		told = func(now core.Time) { r.tell(i, now, eventsOf(w), progress) }
	}
	st.err = e.Run(steps, told)
	st.now, st.events = w.Now(), eventsOf(w)
	if tap != nil && st.err == nil {
		st.err = tap.close() // the capture ends with the run, before the network is taken down
	}
	if st.err == nil && r.plan.RIB != nil {
		st.err = r.plan.RIB(seed, e.Network.RIB())
	}
	if st.err != nil {
		return st
	}
	run, err := e.Finish()
	st.network = e.Network.Failed()
	st.err = without(err, st.network)
	run.Version = r.plan.Version
	run.Wall = time.Since(began)
	if run.Mode == result.ModeLive {
		run.Fingerprint = "" // it would differ from run to run
	} else {
		run.Totals.Events = result.Some(st.events)
	}
	st.run = &run
	return st
}

// without takes the errors of a network from those of its run. That members of a layer could not connect
// is a result of what the scenario does to its links, and neither the program's fault nor a reason to
// stop.
func without(err error, network []error) error {
	all, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var rest []error
	for _, e := range all.Unwrap() {
		if !slices.Contains(network, e) {
			rest = append(rest, e)
		}
	}
	return errors.Join(rest...)
}

// Unsound returns what kept the networks of the runs from coming up as the scenario wants them.
func (r *Runner) Unsound() (out []error) {
	for i := range r.states {
		for _, e := range r.states[i].network {
			out = append(out, fmt.Errorf("seed %d: %w", r.plan.Seeds[i], e))
		}
	}
	return out
}

func (p *Plan) comment(seed uint64) string {
	return fmt.Sprintf("scenario %s, seed %d", p.Scenario.Name, seed)
}
