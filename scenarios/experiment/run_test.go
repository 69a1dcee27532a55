package experiment_test

import (
	"testing"

	"ouroboros/scenarios"
	"ouroboros/scenarios/experiment"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
	"ouroboros/sim"
)

// load reads a scenario with edits laid over it.
func load(t testing.TB, name string, data []byte, set ...string) *scenarios.Scenario {
	t.Helper()
	sc, err := scenarios.Load(name, data, scenarios.Options{Catalog: node.Catalog{}, Set: set})
	if err != nil {
		t.Fatal(err)
	}
	return sc
}

// embedded loads a scenario that comes with the program.
func embedded(t testing.TB, name string, set ...string) *scenarios.Scenario {
	t.Helper()
	data, err := scenarios.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return load(t, name, data, set...)
}

// build makes the experiment of a scenario in a simulated world.
func build(t testing.TB, sc *scenarios.Scenario, seed uint64) (*experiment.Experiment, *sim.World) {
	t.Helper()
	g, err := node.Catalog{}.Graph(&sc.Topology)
	if err != nil {
		t.Fatal(err)
	}
	w := sim.New(seed)
	e, err := experiment.New(w, sc, g, seed)
	if err != nil {
		t.Fatal(err)
	}
	return e, w
}

// simulate runs a scenario to its end.
func simulate(t testing.TB, sc *scenarios.Scenario, seed uint64) result.Run {
	t.Helper()
	e, w := build(t, sc, seed)
	defer w.Close()
	if err := e.Run(1, nil); err != nil {
		t.Fatal(err)
	}
	run, err := e.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return run
}
