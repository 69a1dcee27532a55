package experiment_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ouroboros/scenarios/result"
)

// square is four nodes in a ring, n0 to n3; n0 and n2 have two ways to each other. What %s stands for follows.
const square = `schema: 1
name: square
duration: 12s
topology: {generator: ring, params: {nodes: 4, rate: 100Mbps, delay: 1ms}}
links: [{link: "*", detect: 10ms}]
`

// outagesIn returns the outages of the flows of a workload in one fault.
func outagesIn(t *testing.T, run *result.Run, layer, fault, workload string) []result.Outage {
	t.Helper()
	of := map[int]bool{}
	for i := range run.Flows {
		of[run.Flows[i].ID] = run.Flows[i].Workload == workload
	}
	var out []result.Outage
	for _, o := range faultIn(t, run, layer, fault).Outages {
		if of[o.Flow] {
			out = append(out, o)
		}
	}
	return out
}

func faultIn(t *testing.T, run *result.Run, layer, fault string) *result.Convergence {
	t.Helper()
	for i := range run.Layers {
		l := &run.Layers[i]
		for k := range l.Convergence {
			if l.Name == layer && l.Convergence[k].Fault == fault {
				return &l.Convergence[k]
			}
		}
	}
	t.Fatalf("layer %s has no fault %s", layer, fault)
	return nil
}

func squared(t *testing.T, rest ...string) result.Run {
	t.Helper()
	return simulate(t, load(t, "square.yaml", []byte(square+strings.Join(rest, "\n"))), 1)
}

// Without another path a flow does not come back: its outage has not ended, it lasts at least until the end
// of the run, everything sent since is lost, and no mean is made of it.
func TestAFlowThatDoesNotComeBack(t *testing.T) {
	run := squared(t, `
layers: [{name: net, kind: unicast, policies: {routing: static}}]
workload: [{name: cbr, kind: cbr, from: n0, to: n1, size: 100B, interval: 10ms, start: 3s}]
faults: [{name: cut, at: 6s, link: n0-n1, down: forever}, {name: noise, at: 8s, link: n2-n3, set: {loss: 0.1}}]
expect: [{metric: outage.max, op: "<", value: 1h}, {metric: outage.unended, op: "==", value: 1}]`)
	o := outagesIn(t, &run, "net", "cut", "cbr")
	if len(o) != 1 || o[0].Duration.OK() || o[0].AtLeast.Or(0) < 5990*time.Millisecond || o[0].Lost < 598 || o[0].Lost > 601 {
		t.Errorf("%+v", o)
	}
	if e := run.Expectations; e[0].OK || !e[1].OK {
		t.Errorf("%+v", e)
	}
	// The policy computes nothing, so nothing of the kind is reported.
	if c := faultIn(t, &run, "net", "cut"); c.Flooding.OK() || c.Computation.OK() || c.Total.OK() {
		t.Errorf("%+v", c)
	}
}

// A repair or another fault meanwhile is not the end of an outage: what has waited for the repair was
// out until then.
func TestAnOutageOutlivesOtherEvents(t *testing.T) {
	run := squared(t, `
layers: [{name: net, kind: unicast, policies: {routing: static}}]
workload: [{name: cbr, kind: cbr, from: n0, to: n1, size: 100B, interval: 10ms, start: 3s, stop: 11s}]
faults:
  - {name: cut, at: 6s, link: n0-n1, down: 2s}
  - {name: noise, at: 6500ms, link: n2-n3, set: {loss: 0.1}}
  - {name: other, at: 7s, link: n2-n3, down: 500ms}`)
	o := outagesIn(t, &run, "net", "cut", "cbr")
	if len(o) != 1 || o[0].Duration.Or(0) < 1990*time.Millisecond || o[0].Duration.Or(0) > 3*time.Second || o[0].Protected {
		t.Errorf("%+v", o)
	}
	if o := outagesIn(t, &run, "net", "other", "cbr"); len(o) != 0 {
		t.Errorf("a fault elsewhere has hit the flow: %+v", o)
	}
}

// A flow of an upper layer is hit through the layers below, and so is one by the way back of its answers.
func TestFlowsAreHitThroughLayersAndOnTheWayBack(t *testing.T) {
	run := squared(t, `
layers:
  - {name: low, kind: unicast, policies: {routing: {name: link-state, params: {spf_delay: 200ms}}}}
  - {name: top, kind: unicast, over: low, members: [n0, n1], connect: [[n0, n1]]}
workload:
  - {name: up, kind: cbr, layer: top, from: n0, to: n1, size: 100B, interval: 1ms, start: 5s, stop: 11s}
  - {name: ask, kind: ping, layer: low, from: n1, to: n0, size: 100B, interval: 1ms, start: 5s, stop: 11s}
  - {name: side, kind: cbr, layer: low, from: n2, to: n3, size: 100B, interval: 1ms, start: 5s, stop: 11s}
faults: [{name: cut, at: 8s, link: n0-n1, down: forever}]`)
	for workload, layer := range map[string]string{"up": "top", "ask": "low"} {
		o := outagesIn(t, &run, layer, "cut", workload)
		if len(o) != 1 || o[0].Duration.Or(0) < 200*time.Millisecond || o[0].Duration.Or(0) > 250*time.Millisecond {
			t.Errorf("%s: %+v", workload, o)
			continue
		}
		if o[0].Detection.Or(0) != 10*time.Millisecond || o[0].Switch.Or(0) != 200*time.Millisecond || o[0].Protected {
			t.Errorf("%s: %+v", workload, o)
		}
	}
	if o := outagesIn(t, &run, "low", "cut", "side"); len(o) != 0 {
		t.Errorf("a flow elsewhere is hit: %+v", o)
	}
}

// With an alternate a flow is out for the detection and what the paths differ in, and counts as protected;
// with a table that has to be computed it waits for that.
func TestProtectedFlows(t *testing.T) {
	for policy, protected := range map[string]bool{"lfa": true, "simple": false} {
		run := squared(t, fmt.Sprintf(`
layers: [{name: net, kind: unicast, policies: {routing: {name: link-state, params: {spf_delay: 200ms}}, forwarding: %s}}]
workload: [{name: cbr, kind: cbr, from: n0, to: n2, size: 100B, interval: 1ms, start: 5s, stop: 11s}]
faults: [{name: cut, at: 8s, link: [n0-n1, n0-n3], down: forever}]
`, policy))
		// Both links of n0 fail: there is nothing to switch to.
		if o := outagesIn(t, &run, "net", "cut", "cbr"); len(o) != 1 || o[0].Duration.OK() || o[0].Protected {
			t.Errorf("%s, both links: %+v", policy, o)
		}
		for _, link := range []string{"n0-n1", "n0-n3"} {
			run := squared(t, fmt.Sprintf(`
layers: [{name: net, kind: unicast, policies: {routing: {name: link-state, params: {spf_delay: 200ms}}, forwarding: %s}}]
workload: [{name: cbr, kind: cbr, from: n0, to: n2, size: 100B, interval: 1ms, start: 5s, stop: 11s}]
faults: [{name: cut, at: 8s, link: %s, down: forever}]
`, policy, link))
			o := outagesIn(t, &run, "net", "cut", "cbr")
			if len(o) == 0 {
				continue // the flow took the other way
			}
			if o[0].Protected != protected || o[0].Detection.Or(0) != 10*time.Millisecond || (o[0].Switch.Or(-1) == 0) != protected {
				t.Errorf("%s, %s: %+v", policy, link, o)
			}
		}
	}
}

// Members that leave and nodes that are killed are faults with rows: the flows through them are hit, those that
// end there are not.
func TestLeavingAndKilledMembersHitTheFlowsThroughThem(t *testing.T) {
	for name, x := range map[string]struct{ routing, fault string }{
		"leaves": {"link-state", "{name: gone, at: 8s, node: [n1], leave: net}"},
		"killed": {"path-vector", "{name: gone, at: 8s, node: [n1], kill: true, for: 2s}"},
	} {
		run := simulate(t, load(t, "line.yaml", []byte(`schema: 1
name: line
duration: 12s
topology:
  nodes: [n0, n1, n2, n3]
  wires: [{ends: [n0, n1]}, {ends: [n1, n2]}, {ends: [n0, n3], delay: 3ms}, {ends: [n3, n2], delay: 3ms}]
  defaults: {rate: 100Mbps, delay: 1ms, detect: 10ms}
layers: [{name: net, kind: unicast, policies: {routing: `+x.routing+`}}]
workload:
  - {name: through, kind: cbr, from: [n0, n2], to: [n0, n2], size: 100B, interval: 1ms, start: 5s, stop: 11s}
  - {name: there, kind: cbr, from: n0, to: n1, size: 100B, interval: 1ms, start: 5s, stop: 11s}
faults: [`+x.fault+`]
`)), 1)
		c := faultIn(t, &run, "net", "gone")
		if !c.Detection.OK() || !c.Total.OK() {
			t.Errorf("%s: %+v", name, c)
		}
		through, there := outagesIn(t, &run, "net", "gone", "through"), outagesIn(t, &run, "net", "gone", "there")
		if len(through)+len(there) != len(c.Outages) || len(there) != 0 || len(through) == 0 {
			t.Errorf("%s: hit are %+v", name, c.Outages)
		}
	}
}

// In a broadcast layer those are hit whose messages go over the failed link along the tree, however far it is.
func TestBroadcastIsHitAlongItsTree(t *testing.T) {
	run := simulate(t, load(t, "line.yaml", []byte(`schema: 1
name: line
duration: 8s
topology: {generator: line, params: {nodes: 4, rate: 100Mbps, delay: 1ms}}
layers: [{name: news, kind: broadcast}]
workload: [{name: all, kind: group, from: n0, to: all, size: 100B, interval: 10ms, start: 3s}]
faults: [{name: cut, at: 6s, link: n1-n2, down: forever}]
`)), 1)
	o := outagesIn(t, &run, "news", "cut", "all")
	if len(o) != 2 || o[0].Duration.OK() || o[1].Duration.OK() {
		t.Errorf("n2 and n3 are cut off: %+v", o)
	}
	if c := faultIn(t, &run, "news", "cut"); c.Computation.OK() || c.Total.OK() {
		t.Errorf("%+v", c)
	}
}
