package experiment_test

import (
	"runtime"
	"testing"

	"ouroboros/core"
	"ouroboros/scenarios"
)

// short is what is laid over embedded scenarios that take long, so that they can be run three times: the
// same events in less time.
var short = map[string][]string{
	"abilene": {
		"duration=7s", "warmup=1s", "workload.reliable.start=1s", "workload.reliable.stop=6s", "workload.raw.start=1s",
		"workload.raw.stop=6s", "workload.reliable.total=20Mbps", "workload.raw.total=10Mbps", "faults.cut.at=3s", "faults.cut.down=2s",
	},
	"abilene-lfa": {
		"duration=4s", "workload.probe.interval=20ms", "workload.probe.start=1s", "workload.probe.stop=3s", "faults.cut.at=2s", "faults.cut.down=1s",
	},
	"bring-up": {"duration=4s", "topology.params.nodes=16", "workload.probe.start=1s"},
	"congestion": {
		"duration=4s", "workload.two.start=500ms", "workload.two.stop=1500ms", "workload.rtt.start=1s", "workload.rtt.stop=2s",
		"workload.stays.start=2s", "workload.stays.stop=3500ms", "workload.comes.start=2500ms", "workload.comes.stop=3s",
		"workload.probe.start=500ms", "workload.probe.stop=3500ms", "expect=[]",
	},
	"dumbbell": {"duration=5s", "warmup=3s"},
	"membership": {
		"duration=12s", "names.printer.at=1s", "names.printer.until=9s", "workload.through.start=1s", "workload.through.stop=11s",
		"workload.early.start=1s", "workload.early.stop=2s", "workload.crashed.start=4500ms", "workload.crashed.stop=5s",
		"workload.late.start=9s", "workload.late.stop=11s", "faults.joins.at=2s", "faults.crash.at=4s", "faults.crash.for=2s", "faults.leaves.at=8s",
	},
	"multi-bottleneck": {"duration=1200ms", "warmup=1100ms"},
	"qos":              {"duration=5s"},
	"mb-ecn": {
		"duration=6s", "workload.alone.start=1s", "workload.alone.stop=3s", "workload.together.start=4s", "workload.together.stop=5s",
	},
	"mb-ecn-greedy": {
		"duration=4s", "workload.alone.start=1s", "workload.alone.stop=2s", "workload.together.start=2500ms", "workload.together.stop=3500ms",
	},
	"mb-ecn-staggered": {
		"duration=8s", "workload.flow1.start=1s", "workload.flow1.stop=7s", "workload.flow2.start=2s", "workload.flow2.stop=3s",
		"workload.flow3.start=4s", "workload.flow3.stop=5s", "workload.flow4.start=6s",
	},
}

// TestRunsAreBitIdentical: every embedded scenario gives the same results and fingerprint twice in one
// process and across GOMAXPROCS 1 and 2, and another seed another fingerprint.
func TestRunsAreBitIdentical(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, info := range scenarios.Embedded() {
		t.Run(info.Name, func(t *testing.T) {
			sc := embedded(t, info.Name, short[info.Name]...)
			runtime.GOMAXPROCS(2)
			first := string(render(simulate(t, sc, 7)))
			if again := string(render(simulate(t, sc, 7))); again != first {
				t.Errorf("twice in one process:\n%s", difference([]byte(first), []byte(again)))
			}
			runtime.GOMAXPROCS(1)
			if again := string(render(simulate(t, sc, 7))); again != first {
				t.Errorf("with GOMAXPROCS 1:\n%s", difference([]byte(first), []byte(again)))
			}
			if other := simulate(t, sc, 8); string(render(other)) == first {
				t.Error("another seed gives the same run")
			}
		})
	}
}

// TestProgressDoesNotChangeTheRun: watching a run, in however many steps, leaves it as it is.
func TestProgressDoesNotChangeTheRun(t *testing.T) {
	want := simulate(t, embedded(t, "line"), 1).Fingerprint
	for _, steps := range []int{1, 7, 1000} {
		e, w := build(t, embedded(t, "line"), 1)
		calls := 0
		if err := e.Run(steps, func(core.Time) { calls++ }); err != nil {
			t.Fatal(err)
		}
		run, err := e.Finish()
		if err != nil || run.Fingerprint != want || run.Partial || calls < steps {
			t.Errorf("%d steps, %d calls: fingerprint %s, want %s, %v", steps, calls, run.Fingerprint, want, err)
		}
		w.Close()
	}
}

// TestInterruptedRunIsPartial: it ends with what it has, covers the time that it came to, and its
// expectations are not judged.
func TestInterruptedRunIsPartial(t *testing.T) {
	sc := embedded(t, "line")
	e, w := build(t, sc, 1)
	defer w.Close()
	if err := e.Run(10, func(now core.Time) {
		if now >= core.Time(5e9) {
			w.Stop()
		}
	}); err != nil {
		t.Fatal(err)
	}
	run, err := e.Finish()
	if err != nil || !run.Partial || run.OK() || run.SimulatedTime != 5e9 {
		t.Errorf("partial %v after %v, %v", run.Partial, run.SimulatedTime, err)
	}
	if len(run.Expectations) != len(sc.Expect) {
		t.Errorf("%d expectations, want %d", len(run.Expectations), len(sc.Expect))
	}
	for _, x := range run.Expectations {
		if x.OK || x.Reason == "" {
			t.Errorf("%s was judged: %+v", x.Metric, x)
		}
	}
	if run.Flows[0].DeliveredPackets == 0 {
		t.Error("nothing was delivered by then")
	}
}
