package experiment

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
	"ouroboros/scenarios"
	"ouroboros/scenarios/faults"
	"ouroboros/scenarios/measure"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
	"ouroboros/scenarios/traffic"
	"ouroboros/topologies"
)

// World is what an experiment needs of a world beyond core.World.
type World interface {
	core.World
	Now() core.Time
	Stopped() bool
	Pool() *pkt.Pool
	Observe(trace.Observer)
	Fingerprint() uint64
}

// controlNode is the node on which faults and measurements run. It has no links; it is made last, so
// that it does not move the random numbers of the others.
const controlNode = "~experiment"

// Experiment is a scenario in a world.
type Experiment struct {
	World   World
	Network *node.Network
	Flows   []*traffic.Flow

	sc     *scenarios.Scenario
	seed   uint64
	rec    *measure.Recorder
	failed []error

	control core.Env
	events  []faults.Event
}

// New builds the network of a scenario and arms its workload and faults. The world must be fresh.
func New(w World, sc *scenarios.Scenario, g *topologies.Graph, seed uint64) (*Experiment, error) {
	e, err := build(w, sc, g, seed, config{})
	if err != nil {
		return nil, err
	}
	e.begin()
	return e, nil
}

// config says which part of an experiment is built.
type config struct {
	part   *node.Part // nil: all of it
	pieces bool       // it will be taken apart
}

// build assembles what there is before time passes.
func build(w World, sc *scenarios.Scenario, g *topologies.Graph, seed uint64, c config) (*Experiment, error) {
	n, err := node.BuildPart(w, sc, g, c.part)
	if err != nil {
		return nil, err
	}
	e := &Experiment{World: w, Network: n, sc: sc, seed: seed}
	if err := extraNames(n, sc.Names); err != nil {
		return nil, err
	}
	specs, err := flows(n, sc)
	if err != nil {
		return nil, err
	}
	for _, s := range specs {
		f := traffic.New(s)
		if err := f.Listen(); err != nil {
			return nil, fmt.Errorf("workload %s: %w", s.Workload, err)
		}
		f.Begin()
		e.Flows = append(e.Flows, f)
	}
	e.control = w.Node(controlNode)
	if e.events, err = faults.Plan(n, sc.Faults); err != nil {
		return nil, err
	}
	e.rec = measure.New(e.control, measure.Config{Scenario: sc, Network: n, Flows: e.Flows, Start: w.Now(), Pieces: c.pieces})
	return e, nil
}

// begin arms the faults and the measurement.
func (e *Experiment) begin() {
	e.World.Observe(e.rec.Observe)
	e.schedule(e.rec.Happened)
	e.rec.Begin()
}

// schedule arms the faults; after is called with each that has happened.
func (e *Experiment) schedule(after func(*faults.Event)) {
	faults.Schedule(e.control, e.events, e.rec.Fault, after, func(err error) { e.failed = append(e.failed, err) })
}

// End returns the time at which the run ends.
func (e *Experiment) End() core.Time { return core.Time(e.sc.Duration) }

// Run lets time pass until the end of the run. progress, if not nil, is called about steps times on the
// way; the result does not depend on it. A run that is stopped ends early, with what it has.
func (e *Experiment) Run(steps int, progress func(now core.Time)) error {
	end := e.End()
	if progress == nil || steps < 1 {
		return e.World.Run(end)
	}
	step := max(end/core.Time(steps), 1)
	for t := e.World.Now(); t < end && !e.World.Stopped(); {
		t = min(t+step, end)
		if err := e.World.Run(t); err != nil {
			return err
		}
		progress(e.World.Now())
	}
	return nil
}

// Drain times: how long after the end what is under way may still arrive, to tell it from what is lost,
// and then how long a network that is taken down may take to return its buffers.
const (
	drainSim   = 10 * time.Second
	drainLive  = 300 * time.Millisecond
	drainSteps = 100 // how often within it the run looks whether something is still under way
)

// Finish returns the results, takes the network down, and reports how many packet buffers were not
// returned. A world that was stopped is not drained: what was under way then counts as such.
func (e *Experiment) Finish() (result.Run, error) {
	now := e.World.Now()
	run := e.rec.Results(now)
	run.Seed = e.seed
	run.Mode = e.sc.Mode.World
	run.Fingerprint = fmt.Sprintf("%016x", e.World.Fingerprint())
	run.Partial = now < e.End()
	for _, f := range e.Flows {
		f.Halt()
	}
	if e.World.Stopped() {
		e.rec.Settle(&run)
		measure.Judge(e.sc, &run)
		return run, errors.Join(append(e.failed, e.Network.Failed()...)...)
	}
	drain := drainSim
	if run.Mode == result.ModeLive {
		drain = drainLive
	}
	err := e.drain(drain)
	e.rec.Settle(&run)
	for _, f := range e.Flows {
		f.Close()
	}
	e.Network.Close()
	err = errors.Join(err, e.World.Run(e.World.Now().Add(drain)))
	run.Totals.BuffersPeak = result.Some(uint64(e.World.Pool().Peak()))
	run.Totals.BuffersLeft = result.Some(uint64(max(e.World.Pool().Live(), 0)))
	measure.Judge(e.sc, &run)
	return run, errors.Join(append(append(e.failed, e.Network.Failed()...), err)...)
}

// drain lets time pass until nothing of the workload is under way, at most d.
func (e *Experiment) drain(d time.Duration) error {
	for end := e.World.Now().Add(d); e.World.Now() < end && e.underWay(); {
		if err := e.World.Run(min(end, e.World.Now().Add(d/drainSteps))); err != nil {
			return err
		}
		if e.World.Stopped() {
			return nil
		}
	}
	return nil
}

// underWay reports whether a message of the workload may still arrive: not if all have, nor if no packet
// is anywhere. A network that is still coming up may do so, or fail and say why.
func (e *Experiment) underWay() bool {
	if e.Network.Connecting() > 0 {
		return true
	}
	if e.World.Pool().Live() == 0 {
		return false
	}
	return slices.ContainsFunc(e.Flows, func(f *traffic.Flow) bool {
		return f.Stats.Delivered < f.Stats.Sent
	})
}
