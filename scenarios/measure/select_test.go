package measure

import (
	"testing"
	"time"

	"ouroboros/scenarios"
	"ouroboros/scenarios/result"
)

// An expectation that names a world is judged there and nowhere else.
func TestExpectationOfOneWorld(t *testing.T) {
	sc := &scenarios.Scenario{Expect: []scenarios.Expect{
		{Metric: "lost", Op: "==", World: "sim"},
		{Metric: "sent", Op: ">=", Want: 1},
	}}
	for mode, want := range map[string]int{result.ModeSim: 2, result.ModeLive: 1} {
		run := result.Run{Mode: mode, Flows: []result.Flow{{SentPackets: 3}}}
		Judge(sc, &run)
		if len(run.Expectations) != want || !run.OK() {
			t.Errorf("%s: %d expectations, want %d: %+v", mode, len(run.Expectations), want, run.Expectations)
		}
	}
}

// A published value is compared and does not decide the run; the note says why it differs.
func TestPublishedValueDoesNotDecide(t *testing.T) {
	sc := &scenarios.Scenario{Expect: []scenarios.Expect{
		{Metric: "sent", Op: "==", Want: 4, Published: true, Note: "because"},
	}}
	run := result.Run{Flows: []result.Flow{{SentPackets: 3}}}
	Judge(sc, &run)
	if e := run.Expectations[0]; e.OK || e.Reason != "because" || !run.OK() {
		t.Fatalf("%+v, run ok %v", e, run.OK())
	}
}

// What a scenario does not want measured is missing from the results, and no wish is held against it.
func TestMeasureLeavesOut(t *testing.T) {
	full := func() result.Run {
		return result.Run{
			Flows: []result.Flow{{
				Goodput: result.Some(1.0), Delay: result.Dist{N: 1, Mean: result.Some(time.Second)},
				QoS: result.QoS{Delay: result.Some(time.Second), NoLoss: true, InOrder: true},
			}},
			Links:  []result.Link{{QueueMean: result.Some(1.0), Utilisation: result.Some(0.5)}},
			Layers: []result.Layer{{Control: []result.Control{{Kind: "link-state"}}, Fairness: []result.Fairness{{}}, Convergence: []result.Convergence{{}}}},
		}
	}
	r := &Recorder{cfg: Config{Scenario: &scenarios.Scenario{Measure: []string{"goodput", "control"}}}}
	run := full()
	r.keep(&run)
	f, l, y := run.Flows[0], run.Links[0], run.Layers[0]
	if !f.Goodput.OK() || f.Delay.N != 0 || l.QueueMean.OK() || l.Utilisation.OK() || len(y.Control) != 1 || y.Fairness != nil || y.Convergence != nil {
		t.Fatalf("kept %+v %+v %+v", f, l, y)
	}
	r.cfg.Scenario.Measure = []string{"delay", "queue", "utilisation", "fairness", "convergence"}
	run = full()
	r.keep(&run)
	f, l, y = run.Flows[0], run.Links[0], run.Layers[0]
	if f.Goodput.OK() || f.Delay.N != 1 || !l.QueueMean.OK() || !l.Utilisation.OK() || y.Control != nil || len(y.Fairness) != 1 || len(y.Convergence) != 1 {
		t.Fatalf("kept %+v %+v %+v", f, l, y)
	}
}
