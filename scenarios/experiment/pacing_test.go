package experiment_test

import (
	"fmt"
	"testing"

	"ouroboros/scenarios"
	"ouroboros/scenarios/measure"
	"ouroboros/scenarios/result"
)

// metric returns the value of a metric of a run.
func metric(t *testing.T, run result.Run, name string) float64 {
	t.Helper()
	m, ok := scenarios.MetricByName(name)
	v, has := measure.Evaluate(m, nil, &run).Get()
	if !ok || !has {
		t.Fatalf("no %s", name)
	}
	return v
}

// Pacing takes the queue of the layer at the sources away, in clear and encrypted, and costs no goodput.
func TestPacingShortensTheQueueAtTheSource(t *testing.T) {
	for _, congestion := range []string{"dctcp", "lgc", "mb-ecn"} {
		for _, encrypt := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s-%v", congestion, encrypt), func(t *testing.T) {
				t.Parallel()
				values := map[string][2]float64{}
				for i, pacing := range []string{"off", "rate"} {
					run := simulate(t, embedded(t, "pacing", "layers.net.policies.congestion="+congestion, "frcp.pacing="+pacing,
						fmt.Sprintf("workload.greedy.encrypt=%v", encrypt), "expect=[]"), 1)
					for _, name := range []string{"goodput.sum", "queue.source.mean", "queue.source.max"} {
						v := values[name]
						v[i] = metric(t, run, name)
						values[name] = v
					}
				}
				if v := values["goodput.sum"]; v[1] < 0.95*v[0] {
					t.Errorf("goodput %v without pacing, %v with", v[0], v[1])
				}
				if v := values["queue.source.mean"]; v[0] < 10*v[1] {
					t.Errorf("queue %v without pacing, %v with", v[0], v[1])
				}
				if v := values["queue.source.max"]; v[1] > 64 {
					t.Errorf("up to %v packets in the layer", v[1])
				}
			})
		}
	}
}
