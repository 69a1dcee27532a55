package measure

import (
	"testing"
	"time"

	"ouroboros/scenarios/result"
)

// TestJain: 1 when all are equal, 1/n when one has everything, missing without anything to share.
func TestJain(t *testing.T) {
	for _, tc := range []struct {
		x    []float64
		want float64
		ok   bool
	}{
		{[]float64{5, 5, 5, 5}, 1, true},
		{[]float64{9, 0, 0}, 1.0 / 3, true},
		{[]float64{1, 2, 3}, 36.0 / 42, true},
		{[]float64{0, 0}, 0, false},
		{nil, 0, false},
	} {
		if got, ok := Jain(tc.x).Get(); ok != tc.ok || got != tc.want {
			t.Errorf("%v: %v, %v, want %v", tc.x, got, ok, tc.want)
		}
	}
}

// TestOperators: below, at and above the value; ~ is within a relative tolerance, its bounds included.
func TestOperators(t *testing.T) {
	for op, want := range map[string][3]bool{
		"<": {true, false, false}, "<=": {true, true, false}, "==": {false, true, false}, "!=": {true, false, true},
		">=": {false, true, true}, ">": {false, false, true}, "~": {true, true, true}, "?": {},
	} {
		for i, v := range []float64{75, 100, 125} {
			if got := holds(v, op, 100, 0.25); got != want[i] {
				t.Errorf("%v %s 100: %v", v, op, got)
			}
		}
	}
	if holds(74.9, "~", 100, 0.25) || holds(125.1, "~", 100, 0.25) || !holds(-110, "~", -100, 0.1) {
		t.Error("~ does not keep its tolerance")
	}
}

// TestDistributionsMerge: percentiles are those of all samples together, never a mean of percentiles, and
// none is above the largest sample.
func TestDistributionsMerge(t *testing.T) {
	dist := func(n uint64, lo, mean, hi time.Duration, b ...result.Bucket) *result.Flow {
		return &result.Flow{Delay: result.Dist{N: n, Min: result.Some(lo), Mean: result.Some(mean), Max: result.Some(hi), Buckets: b}}
	}
	flows := []*result.Flow{
		dist(99, 1, 1, 1, result.Bucket{UpTo: 1, Count: 99}),
		{},
		dist(1, 1000, 1000, 1000, result.Bucket{UpTo: 1023, Count: 1}),
	}
	get := func(f *result.Flow) *result.Dist { return &f.Delay }
	for how, want := range map[string]float64{"min": 1, "max": 1000, "mean": 10.99, "p50": 1, "p99": 1} {
		if got := distMetric(how, flows, get); got.Or(-1) != want {
			t.Errorf("%s: %v, want %v", how, got, want)
		}
	}
	if got := distMetric("p99", flows[2:], get); got.Or(-1) != 1000 {
		t.Errorf("p99 of one sample of 1000: %v", got)
	}
	if got := distMetric("p50", flows[1:2], get); got.OK() {
		t.Errorf("p50 of nothing: %v", got)
	}
}

// TestLayerMetrics: control traffic is told apart by what it is for, whatever the routing policy is called, and
// is shared by the members that are in the layer; a layer is up with its last member.
func TestLayerMetrics(t *testing.T) {
	layers := []*result.Layer{
		{
			Joined: 4, Up: result.Some(3 * time.Second), Drops: []result.Count{{Name: "ttl", Value: 2}, {Name: "write", Value: 1}},
			Control: []result.Control{
				{Kind: "path-vector", Packets: 10, Bytes: 1000},
				{Kind: "connection", Packets: 2, Bytes: 40},
				{Kind: "directory", Packets: 3, Bytes: 300},
				{Kind: "enrollment", Packets: 1, Bytes: 20},
				{Kind: "flow-allocation", Packets: 1, Bytes: 50},
				{Kind: "flow-update", Packets: 5, Bytes: 30},
			},
		},
		{Joined: 1, Up: result.Some(time.Second), Control: []result.Control{{Kind: "link-state", Packets: 7, Bytes: 500}}},
	}
	for name, want := range map[string]float64{
		"up": 3e9, "joined": 5, "dropped": 3, "control.packets": 29, "control.bytes": 1940, "control.bytes.member": 388,
		"control.bytes.member.routing": 300, "control.bytes.member.connection": 8, "control.bytes.member.directory": 60,
		"control.bytes.member.enrollment": 4, "control.bytes.member.flows": 16,
	} {
		if got, ok := layerMetric(name, layers).Get(); !ok || got != want {
			t.Errorf("%s: %v, %v, want %v", name, got, ok, want)
		}
	}
	for _, name := range []string{"up", "control.bytes.member"} {
		if got := layerMetric(name, []*result.Layer{{}}); got.OK() {
			t.Errorf("%s of a layer without members: %v", name, got)
		}
	}
}
