package experiment_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"ouroboros/scenarios"
	"ouroboros/scenarios/result"
)

var update = flag.Bool("update", false, "rewrite testdata/golden")

// TestGolden runs every embedded scenario with seed 1 and compares what came out with
// testdata/golden/<scenario>.txt, fingerprint included. A scenario has to meet its own expectations, whatever
// its golden file says; values that are published elsewhere are for comparison only. After a change that is meant:
//
//	go test ./scenarios/experiment -run TestGolden -update
//
// The tables here are the test's own, so that a change of the report does not touch them.
//
// Under the race detector it is left out: TestRunsAreBitIdentical runs the same scenarios shortened.
func TestGolden(t *testing.T) {
	if raced {
		t.Skip("whole scenarios take too long under the race detector")
	}
	for _, info := range scenarios.Embedded() {
		t.Run(info.Name, func(t *testing.T) {
			t.Parallel()
			sc := embedded(t, info.Name)
			run := simulate(t, sc, 1)
			for _, e := range run.Expectations {
				if !e.OK && !e.Published {
					t.Errorf("%s %s %s: measured %s", e.Metric, e.Op, cell(e.Value), cell(e.Measured))
				}
			}
			got := render(run)
			file := filepath.Join("testdata", "golden", info.Name+".txt")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("the run differs from %s (-update rewrites it):\n%s", file, difference(want, got))
			}
		})
	}
}

// TestGoldenFilesHaveAScenario: none is left over.
func TestGoldenFilesHaveAScenario(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join("testdata", "golden"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(scenarios.Embedded()); len(entries) != n {
		t.Errorf("%d golden files for %d scenarios", len(entries), n)
	}
	for _, e := range entries {
		if _, err := scenarios.Open(strings.TrimSuffix(e.Name(), ".txt")); err != nil {
			t.Error(err)
		}
	}
}

// difference lists the lines that differ, at most 40.
func difference(want, got []byte) string {
	w, g := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	var b strings.Builder
	shown := 0
	for i := range max(len(w), len(g)) {
		var x, y string
		if i < len(w) {
			x = w[i]
		}
		if i < len(g) {
			y = g[i]
		}
		if x == y {
			continue
		}
		if shown++; shown > 40 {
			b.WriteString("...\n")
			break
		}
		fmt.Fprintf(&b, "%d\n- %s\n+ %s\n", i+1, x, y)
	}
	return b.String()
}

// render writes the results of a run as a text that is easy to compare.
func render(run result.Run) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s, seed %d, %v of simulated time\nfingerprint %s\n", run.Scenario, run.Seed, run.SimulatedTime, run.Fingerprint)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(cells ...any) {
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, cell(c))
		}
		fmt.Fprintln(t)
	}
	section := func(head ...any) {
		_ = t.Flush()
		fmt.Fprintln(&b)
		row(head...)
	}
	section("flow", "sent", "delivered", "lost", "dup", "reord", "goodput", "min", "mean", "p50", "p99", "max", "rtt", "retrans", "met")
	for i := range run.Flows {
		f := &run.Flows[i]
		row(f.Name, f.SentPackets, f.DeliveredPackets, f.LostPackets, f.Duplicates, f.Reordered, f.Goodput,
			f.Delay.Min, f.Delay.Mean, f.Delay.P50, f.Delay.P99, f.Delay.Max, f.RTT.Mean, f.Retransmissions, f.Met())
	}
	section("link", "sent", "bytes", "delivered", "queue", "loss", "error", "down", "util", "mean", "max")
	for i := range run.Links {
		l := &run.Links[i]
		row(l.From+" > "+l.To, l.SentPackets, l.SentBytes, l.DeliveredPackets, l.Drops.Queue, l.Drops.Loss, l.Drops.Error,
			l.Drops.Down, l.Utilisation, l.QueueMean, l.QueueMax)
	}
	section("layer", "what", "value")
	for i := range run.Layers {
		l := &run.Layers[i]
		for _, c := range l.Control {
			row(l.Name, c.Kind, fmt.Sprintf("%d packets %d bytes", c.Packets, c.Bytes))
		}
		for _, d := range l.Drops {
			row(l.Name, "dropped "+d.Name, d.Value)
		}
		for _, x := range l.Fairness {
			row(l.Name, "fairness "+x.Group, x.Jain)
		}
		for k := range l.Convergence {
			c := &l.Convergence[k]
			shortest, mean, longest := c.Outage()
			unended, protected := c.Count()
			row(l.Name, c.Fault, fmt.Sprintf("detection %s flooding %s computation %s total %s, %d flows out for %s to %s, %s in the mean, %d protected, %d not ended",
				cell(c.Detection), cell(c.Flooding), cell(c.Computation), cell(c.Total), len(c.Outages), cell(shortest), cell(longest), cell(mean), protected, unended))
		}
	}
	section("expected", "", "measured", "ok")
	for i := range run.Expectations {
		x := &run.Expectations[i]
		row(x.Metric, x.Op+" "+cell(x.Value), x.Measured, x.OK)
	}
	_ = t.Flush()
	for _, n := range run.Notes {
		fmt.Fprintf(&b, "\nnote: %s\n", n)
	}
	return b.Bytes()
}

// cell prints a value with six significant digits; durations with theirs.
func cell(v any) string {
	switch v := v.(type) {
	case result.Opt[float64]:
		if x, ok := v.Get(); ok {
			return cell(x)
		}
		return result.Missing
	case result.Opt[time.Duration]:
		if x, ok := v.Get(); ok {
			return x.String()
		}
		return result.Missing
	case float64:
		return fmt.Sprintf("%.6g", v)
	}
	return fmt.Sprint(v)
}
