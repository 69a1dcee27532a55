package soak_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ouroboros/core"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/soak"
)

func draw(t *testing.T, seed uint64) *soak.Plan {
	t.Helper()
	p, err := soak.Draw(seed)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPlansAreAsPromised: every plan takes at least ten minutes, and every flow is open and silent for longer than
// the 131 s after which delta-t forgets a run; what is printed is read back as the same plan.
func TestPlansAreAsPromised(t *testing.T) {
	for seed := range uint64(150) {
		p := draw(t, seed)
		if p.End() < core.Time(10*time.Minute) {
			t.Errorf("seed %d takes %v", seed, p.End())
		}
		for i := range p.Flows {
			if f := &p.Flows[i]; silence(f) <= 131*time.Second {
				t.Errorf("seed %d, flow %s: its longest silence is %v", seed, f.Name, silence(f))
			}
		}
		text, err := p.Text()
		if err != nil {
			t.Fatal(err)
		}
		again, err := soak.Parse("again", text)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if d := cmp.Diff(p, again); d != "" {
			t.Errorf("seed %d: %s", seed, d)
		}
	}
}

// silence returns the longest time between two bursts of a flow.
func silence(f *soak.Flow) (longest time.Duration) {
	all := append(slices.Clone(f.There), f.Back...)
	slices.SortFunc(all, func(a, b soak.Burst) int { return int(a.From - b.From) })
	end := all[0].Until
	for _, b := range all {
		longest = max(longest, (b.From - end).D())
		end = max(end, b.Until)
	}
	return longest
}

// TestEveryPolicyHasItsTurn: whatever is registered is drawn.
func TestEveryPolicyHasItsTurn(t *testing.T) {
	drawn := map[string]bool{}
	for seed := range uint64(300) {
		p := draw(t, seed)
		for i := range p.Scenario.Layers {
			for _, k := range p.Scenario.Layers[i].Policies.Kinds() {
				drawn[k.Kind+" "+k.Policy.Name] = true
			}
		}
	}
	for _, d := range node.Docs() {
		if !drawn[d.Kind+" "+d.Name] {
			t.Errorf("%s policy %s was not drawn in 300 seeds", d.Kind, d.Name)
		}
	}
}

// TestSameSeedSameRun: bit for bit.
func TestSameSeedSameRun(t *testing.T) {
	a, err := soak.Run(draw(t, 8))
	if err != nil {
		t.Fatal(err)
	}
	b, err := soak.Run(draw(t, 8))
	if err != nil {
		t.Fatal(err)
	}
	if a.Fingerprint != b.Fingerprint || a.Delivered != b.Delivered || a.Frames != b.Frames {
		t.Errorf("%x, %d messages, %d frames; then %x, %d, %d", a.Fingerprint, a.Delivered, a.Frames, b.Fingerprint, b.Delivered, b.Frames)
	}
}

// stuck is a plan of three nodes in a row whose wire w1 stays down, with other things that do not matter.
const stuck = `seed: 1
settle: 30s
flows:
  - {name: f0, layer: net, from: n0, to: n1, qos: data, start: 3s, stop: 190s, there: [{from: 5s, until: 150s, interval: 1s, count: 1, min: 20B, max: 100B}]}
  - {name: f1, layer: net, from: n0, to: n2, qos: {preset: data, timeout: 10s}, start: 3s, stop: 190s, there: [{from: 5s, until: 150s, interval: 1s, count: 1, min: 20B, max: 100B}]}
clocks: [{node: n1, at: 20s, by: 5}]
scenario:
  schema: 1
  name: stuck
  duration: 200s
  topology: {nodes: [n0, n1, n2, n3], wires: [{name: w0, ends: [n0, n1]}, {name: w1, ends: [n1, n2]}, {name: w3, ends: [n1, n3]}]}
  layers: [{name: net, policies: {congestion: none}}]
  faults:
    - {name: loss-0, at: 15s, link: w0, set: {loss: 0.1}, for: 5s}
    - {name: down-1, at: 30s, link: w1, down: forever}
    - {name: jitter-2, at: 40s, link: w0, set: {jitter: 1ms}, for: 5s}
`

// TestShrink: what does not matter goes, what does stays, and the small plan breaks the same promise.
func TestShrink(t *testing.T) {
	p, err := soak.Parse("stuck", []byte(stuck))
	if err != nil {
		t.Fatal(err)
	}
	small, r, err := soak.Shrink(p, nil)
	if err != nil || len(r.Violations) == 0 {
		t.Fatalf("%v, %d violations", err, len(r.Violations))
	}
	text, err := small.Text()
	if err != nil {
		t.Fatal(err)
	}
	if len(small.Flows) != 1 || small.Flows[0].Name != "f1" || len(small.Clocks) != 0 || len(small.Scenario.Faults) != 1 ||
		small.Scenario.Faults[0].Name != "down-1" || len(small.Scenario.Topology.Nodes) != 3 {
		t.Errorf("it came down to\n%s", text)
	}
	if v := r.Violations[0].String(); !strings.Contains(v, "no flow, long after the last fault") || !strings.Contains(v, "told") {
		t.Errorf("it says %s", v)
	}
	again, err := soak.Run(small)
	if err != nil || len(again.Violations) == 0 || again.Violations[0].String() != r.Violations[0].String() {
		t.Errorf("once more: %v, %v", again.Violations, err)
	}
}

// TestBadPlans: mistakes are named.
func TestBadPlans(t *testing.T) {
	for what, c := range map[string]struct{ old, with, want string }{
		"no scenario":   {"scenario:", "scene:", "scenario: is missing"},
		"unknown key":   {"settle: 30s", "settled: 30s", "settled"},
		"unknown node":  {"from: n0, to: n1", "from: n0, to: n9", `node "n9": is no member`},
		"own node":      {"from: n0, to: n1", "from: n0, to: n0", "from and to are both"},
		"unknown layer": {"f0, layer: net", "f0, layer: nut", `layer "nut"`},
		"no interval":   {"interval: 1s", "interval: 0s", "interval above 0"},
		"stop":          {"stop: 190s, there", "stop: 1s, there", "stop 1s: accepted is after start"},
		"pieces":        {", {name: w3, ends: [n1, n3]}", "", "in pieces"},
		"name twice":    {"name: f1", "name: f0", "stands twice"},
		"clock":         {"clocks: [{node: n1", "clocks: [{node: n7", `node "n7"`},
		"scenario":      {"duration: 200s", "duration: soon", "duration"},
		"left":          {"jitter-2, at: 40s, link: w0, set: {jitter: 1ms}, for: 5s", "leave-2, at: 40s, node: n0, leave: net", "stays out of layer"},
		"frcp":          {"qos: data,", "qos: data, frcp: {window: 7},", "window 7"},
	} {
		_, err := soak.Parse("bad", []byte(strings.Replace(stuck, c.old, c.with, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}

// FuzzParse: whatever a file holds, it is read or refused.
func FuzzParse(f *testing.F) {
	f.Add([]byte(stuck))
	f.Add([]byte("scenario: 1"))
	f.Add([]byte("flows: {}\nscenario: {}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := soak.Parse("fuzz", data)
		if err != nil {
			return
		}
		if _, err := p.Text(); err != nil {
			t.Error(err)
		}
	})
}
