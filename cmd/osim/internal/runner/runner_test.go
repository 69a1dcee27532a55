package runner

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"ouroboros/report"
	"ouroboros/scenarios"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
)

// plan returns the plan of an embedded scenario.
func plan(t *testing.T, name string, set ...string) Plan {
	t.Helper()
	data, err := scenarios.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	sc, err := scenarios.Load(name, data, scenarios.Options{Set: set, Catalog: node.Catalog{}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := node.Catalog{}.Graph(&sc.Topology)
	if err != nil {
		t.Fatal(err)
	}
	return Plan{Scenario: sc, Graph: g, Seeds: sc.Seeds, Version: "test"}
}

// do runs a plan and returns its results as JSON.
func do(t *testing.T, p Plan, progress func(Progress)) ([]result.Run, string) {
	t.Helper()
	r, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := r.Run(progress)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := report.Write(&b, runs, report.JSON); err != nil {
		t.Fatal(err)
	}
	return runs, b.String()
}

// Who watches a run, or captures it, does not change it.
func TestProgressAndCaptureChangeNothing(t *testing.T) {
	p := plan(t, "lossy-link")
	p.Seeds = []uint64{5}
	_, alone := do(t, p, nil)
	last := Progress{}
	_, watched := do(t, p, func(x Progress) {
		if x.Now < last.Now || x.Events < last.Events || x.Over != 0 || x.Runs != 1 {
			t.Errorf("%+v after %+v", x, last)
		}
		last = x
	})
	if last.Now != last.End || last.Events == 0 {
		t.Errorf("progress ends with %+v", last)
	}
	var file bytes.Buffer
	p.Capture = &file
	_, captured := do(t, p, nil)
	if alone != watched || alone != captured {
		t.Error("results differ")
	}
	if file.Len() == 0 {
		t.Error("the capture is empty")
	}
}

func TestResultsNameSeedVersionAndWork(t *testing.T) {
	runs, _ := do(t, plan(t, "two-hosts"), nil)
	if len(runs) != 3 {
		t.Fatalf("%d runs", len(runs))
	}
	for i, r := range runs {
		if r.Seed != uint64(i+1) || r.Version != "test" || r.Wall <= 0 || r.Totals.Events.Or(0) == 0 || len(r.Fingerprint) != 16 || !r.OK() {
			t.Errorf("seed %d: version %q, wall %v, totals %+v, fingerprint %q, ok %v", r.Seed, r.Version, r.Wall, r.Totals, r.Fingerprint, r.OK())
		}
	}
}

// A stop ends the run after the current event: what there is counts as partial, and no run follows.
func TestStopKeepsWhatThereIs(t *testing.T) {
	r, err := New(plan(t, "two-hosts"))
	if err != nil {
		t.Fatal(err)
	}
	runs, err := r.Run(func(p Progress) {
		if p.Over == 1 && p.Now > p.End/2 {
			r.Stop()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 2 || runs[0].Partial || !runs[1].Partial || runs[1].SimulatedTime > runs[1].Duration*3/4 {
		t.Errorf("%d runs, partial %v and %v", len(runs), runs[0].Partial, runs[len(runs)-1].Partial)
	}
}

func TestStopBeforeTheFirstRun(t *testing.T) {
	r, err := New(plan(t, "two-hosts"))
	if err != nil {
		t.Fatal(err)
	}
	r.Stop()
	if runs, err := r.Run(nil); len(runs) != 0 || err != nil {
		t.Errorf("%d runs after a stop, %v", len(runs), err)
	}
}

// Runs share nothing: side by side they give what they give one after the other.
func TestJobsChangeNothing(t *testing.T) {
	p := plan(t, "lossy-link")
	p.Seeds = []uint64{1, 2, 3, 4, 5}
	_, alone := do(t, p, nil)
	p.Jobs = 4
	var last Progress
	_, together := do(t, p, func(x Progress) {
		if x.Now < last.Now || x.Over < last.Over || x.Events < last.Events {
			t.Errorf("%+v after %+v", x, last)
		}
		last = x
	})
	if alone != together {
		t.Error("results differ")
	}
	if last.Now != last.End {
		t.Errorf("progress ends with %+v", last)
	}
}

// One run that fails ends the others, and what was done before it is kept.
func TestARunThatFailsIsTheLast(t *testing.T) {
	r, err := New(plan(t, "line", "layers.net.shim=direct", "mode.world=live"))
	if err != nil {
		t.Fatal(err)
	}
	if runs, err := r.Run(nil); err == nil || len(runs) != 0 || r.next != 1 {
		t.Errorf("%d runs, %d begun, %v", len(runs), r.next, err)
	}
}

func TestCaptureGoesWithOneSimulatedRunOnly(t *testing.T) {
	p := plan(t, "two-hosts")
	p.Capture = &bytes.Buffer{}
	if _, err := New(p); err == nil || !strings.Contains(err.Error(), "3 seeds") {
		t.Errorf("several seeds: %v", err)
	}
	p = plan(t, "two-hosts", "mode.world=live")
	p.Seeds = []uint64{1}
	p.Capture = &bytes.Buffer{}
	if _, err := New(p); err == nil || !strings.Contains(err.Error(), "live") {
		t.Errorf("live: %v", err)
	}
}

// A capture that cannot be written is an error of the run, and not of the scenario.
func TestCaptureThatCannotBeWritten(t *testing.T) {
	closed, err := os.Create(t.TempDir() + "/x")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	p := plan(t, "two-hosts")
	p.Seeds, p.Capture = []uint64{1}, closed
	r, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Run(nil)
	var bad *ScenarioError
	if !errors.Is(err, os.ErrClosed) || errors.As(err, &bad) {
		t.Errorf("%v", err)
	}
}

// What only a world can tell is an error of the scenario: direct links exist in the simulator only.
func TestScenarioThatAWorldRefuses(t *testing.T) {
	p := plan(t, "line", "layers.net.shim=direct", "mode.world=live")
	r, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := r.Run(nil)
	var bad *ScenarioError
	if !errors.As(err, &bad) || len(runs) != 0 {
		t.Errorf("%d runs, %v", len(runs), err)
	}
}
