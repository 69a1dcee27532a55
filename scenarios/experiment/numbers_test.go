package experiment_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ouroboros/scenarios/result"
)

// layerNamed returns the results of a layer.
func layerNamed(t *testing.T, run *result.Run, name string) *result.Layer {
	t.Helper()
	for i := range run.Layers {
		if run.Layers[i].Name == name {
			return &run.Layers[i]
		}
	}
	t.Fatalf("no layer %s", name)
	return nil
}

// flowNamed returns the results of a flow, or of the first of a workload.
func flowNamed(t *testing.T, run *result.Run, name string) *result.Flow {
	t.Helper()
	for i := range run.Flows {
		if f := &run.Flows[i]; f.Name == name || f.Workload == name {
			return &run.Flows[i]
		}
	}
	t.Fatalf("no flow %s", name)
	return nil
}

// On an idle path the smallest delay and round trip are the closed form to the nanosecond, under every shim:
// what the shim puts in front of a packet is in the form.
func TestClosedFormHoldsUnderEveryShim(t *testing.T) {
	for shim, frame := range map[string]int{
		"eth-dix": 64 + 15 + 14 + 4, "eth-llc": 64 + 15 + 14 + 3, "udp4": 64 + 15 + 4 + 42, "udp6": 64 + 15 + 4 + 62, "direct": 64 + 15,
	} {
		for _, qos := range []string{"raw", "data"} {
			t.Run(shim+" "+qos, func(t *testing.T) {
				run := simulate(t, load(t, "idle.yaml", fmt.Appendf(nil, `
schema: 1
name: idle
duration: 4s
seeds: [1]
topology: {nodes: [a, b, c], wires: [{ends: [a, b]}, {ends: [b, c], rate: 30Mbps}], defaults: {rate: 100Mbps, delay: 1ms}}
layers: [{name: net, kind: unicast, over: links, shim: %s, policies: {congestion: none}}]
workload: [{name: ping, kind: ping, from: a, to: c, qos: %s, size: 64B, interval: 103ms, start: 2s, count: 15}]
`, shim, qos)), 1)
				f := flowNamed(t, &run, "ping")
				if len(f.Theory) != 2 {
					t.Fatalf("%+v", f.Theory)
				}
				for _, x := range f.Theory {
					if x.Loaded || x.Measured.Or(0) != x.Value || x.Deviation().Or(1) != 0 {
						t.Errorf("%s: %.0f ns, measured %v: %+v", x.What, x.Value, x.Measured, x)
					}
				}
				if want := fmt.Sprintf("serialisation of %d bytes", frame); qos == "raw" && !strings.HasPrefix(f.Theory[0].Source, want) {
					t.Errorf("%q, want %s", f.Theory[0].Source, want)
				}
			})
		}
	}
}

// crowded is a bottleneck of 10 Mb/s whose wire holds some packets that nobody sees, behind which the IPCP
// holds the rest.
const crowded = `
schema: 1
name: crowded
duration: 6s
warmup: 3s
seeds: [1]
topology:
  nodes: [a, b, c]
  wires: [{ends: [a, b], rate: 1Gbps}, {ends: [b, c], rate: 10Mbps}]
  defaults: {delay: 1ms, queue: {packets: 20, device: 20, full: block}}
layers: [{name: net, kind: unicast, policies: {congestion: none}}]
workload: [{name: flood, kind: cbr, from: a, to: c, qos: raw, size: 1000B, rate: 20Mbps, start: 2s}]
series: {interval: 100ms, record: [queue]}
`

// The series of queues show what waits: on the wire in all its places, and in the IPCP before it. So do the
// means, which are exact: in this run both are full all the time.
func TestQueuesShowWhatWaits(t *testing.T) {
	run := simulate(t, load(t, "crowded.yaml", []byte(crowded)), 1)
	at5 := map[string]float64{}
	for _, s := range run.Series {
		for i, x := range s.T {
			if x <= 5 {
				at5[s.Name] = s.V[i]
			}
		}
	}
	// Two 20 Mb/s of packets of 1033 bytes come in, one leaves.
	if got := at5["link.b>c.queue"]; got != 20 {
		t.Errorf("the wire shows %v packets, it holds 20", got)
	}
	if got := at5["layer.net.b>c.queue"]; got < 1022 || got > 1023 { // one has just left
		t.Errorf("the IPCP shows %v packets, it holds 1023", got)
	}
	if got, ok := at5["layer.net.c>b.queue"]; got != 0 || !ok {
		t.Errorf("on the way back: %v %v", got, ok)
	}
	for _, l := range run.Links {
		if l.From == "b" && l.To == "c" && (l.QueueMax != 20 || l.QueueMean.Or(0) < 19) {
			t.Errorf("%+v", l)
		}
	}
	for _, q := range layerNamed(t, &run, "net").Queues {
		want := q.From == "b" && q.To == "c"
		if want && (q.Max != 1023 || q.Mean.Or(0) < 1000 || q.Mean.Or(0) > 1023) || !want && q.Mean.Or(1) != 0 {
			t.Errorf("%+v", q)
		}
	}
	if x := flowNamed(t, &run, "flood").Theory; len(x) != 1 || !x[0].Loaded {
		t.Errorf("no packet found the path idle: %+v", x)
	}
}

// A flow that was asked for and never came has failed, at the stop of its source or at the end of the run. It
// counts in fairness and goodput as one that got nothing.
func TestFlowThatNeverComesHasFailed(t *testing.T) {
	run := simulate(t, load(t, "never.yaml", []byte(`
schema: 1
name: never
duration: 6s
seeds: [1]
topology: {nodes: [a, b, c], wires: [{ends: [a, b]}, {ends: [b, c]}], defaults: {rate: 10Mbps, delay: 1ms}}
layers: [{name: net, kind: unicast, policies: {congestion: none}}]
workload:
  - {name: some, kind: cbr, from: [a, b], to: c, qos: raw, size: 100B, rate: 100kbps, start: 3s, stop: 5s}
  - {name: open, kind: cbr, from: a, to: c, qos: raw, size: 100B, rate: 100kbps, start: 5500ms}
links: [{link: a-b, loss: 0}]
faults: [{at: 2900ms, link: a-b, set: {loss: 1}}]
expect:
  - {metric: flows.failed, op: "==", value: 2}
  - {metric: goodput.min, of: some, op: "==", value: 0bps}
  - {metric: goodput.jain, of: some, op: "==", value: 0.5}
`)), 1)
	for _, e := range run.Expectations {
		if !e.OK {
			t.Errorf("%s: %v", e.Metric, e.Measured)
		}
	}
	for name, want := range map[string]string{"some/a-c": "not allocated by the end of the source", "open": "not allocated by the end of the run", "some/b-c": ""} {
		f := flowNamed(t, &run, name)
		if f.Failure != want {
			t.Errorf("%s: failure %q, want %q", name, f.Failure, want)
		}
		if want != "" && (f.Goodput.Or(1) != 0 || f.Loss.OK() || f.Met() != "no" || f.Allocated.OK()) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f := flowNamed(t, &run, "some/a-c"); f.Stop != result.Some(5*time.Second) {
		t.Errorf("stopped at %v", f.Stop)
	}
	if len(run.Notes) == 0 || !strings.Contains(strings.Join(run.Notes, "\n"), "workload some: 1 of its flows were never allocated") {
		t.Errorf("%q", run.Notes)
	}
}

// What a member has done stays in the sums when its node crashes, or when it leaves and comes back, and so does
// what flows carried that have ended.
func TestCountersOutliveCrashAndLeave(t *testing.T) {
	const text = `
schema: 1
name: outlive
duration: 12s
seeds: [1]
topology: {nodes: [a, b, c], wires: [{ends: [a, b]}, {ends: [b, c]}], defaults: {rate: 10Mbps, delay: 1ms}}
layers: [{name: net, kind: unicast, policies: {congestion: none}}]
workload: [{name: cbr, kind: cbr, from: a, to: c, qos: raw, size: 100B, interval: 10ms, start: 2s, count: 200}]
faults: [%s]
`
	// An enrollment has three messages. Two nodes enroll at the beginning, and one comes back unless it stays away.
	for fault, least := range map[string]uint64{
		"{at: 6s, node: a, kill: true, for: 1s}":                                9,
		"{at: 6s, node: b, kill: true, for: 1s}":                                9,
		"{at: 6s, node: c, kill: true, for: 1s}":                                9,
		"{at: 6s, node: b, leave: net}, {at: 7s, node: b, join: net}":           9,
		"{at: 6s, node: c, leave: net}, {at: 7s, node: c, kill: true, for: 1s}": 6,
	} {
		run := simulate(t, load(t, "outlive.yaml", fmt.Appendf(nil, text, fault)), 1)
		l := layerNamed(t, &run, "net")
		if n := l.Load.Packets.Or(0); n != 200 {
			t.Errorf("%s: users wrote %d packets, want 200", fault, n)
		}
		if n := l.Load.HopPackets.Or(0); n < 400 {
			t.Errorf("%s: %d packets over two hops each", fault, n)
		}
		for _, c := range l.Control {
			if c.Kind == "enrollment" && c.Packets < least {
				t.Errorf("%s: %+v", fault, c)
			}
		}
	}
}

// A broadcast layer counts what its hubs send and drop, and what it multiplies: here one packet goes over three
// links.
func TestBroadcastLayerIsCounted(t *testing.T) {
	run := simulate(t, load(t, "news.yaml", []byte(`
schema: 1
name: news
duration: 8s
seeds: [1]
topology: {nodes: [a, b, c, d], wires: [{ends: [a, b]}, {ends: [b, c]}, {ends: [c, d]}, {ends: [d, a]}], defaults: {rate: 10Mbps, delay: 1ms}}
layers: [{name: news, kind: broadcast}]
workload: [{name: talk, kind: group, from: a, to: all, size: 100B, interval: 10ms, start: 5s, count: 100}]
`)), 1)
	l := layerNamed(t, &run, "news")
	kinds := map[string]uint64{}
	for _, c := range l.Control {
		kinds[c.Kind] = c.Packets
	}
	if kinds["connection"] < 12 || kinds["enrollment"] < 9 || kinds["tree"] < 12 {
		t.Errorf("control %v", kinds)
	}
	want := result.Load{
		Packets: result.Some[uint64](100), Bytes: result.Some[uint64](10000), Header: result.Some[uint64](0),
		HopPackets: result.Some[uint64](300), HopBytes: result.Some[uint64](30000),
	}
	if l.Load != want || len(l.Drops) != 5 {
		t.Errorf("load %+v, drops %+v", l.Load, l.Drops)
	}
}

// A local layer has no messages and nothing below: that is missing, and not 0.
func TestLocalLayerHasWhatThereIs(t *testing.T) {
	run := simulate(t, load(t, "local.yaml", []byte(`
schema: 1
name: local
duration: 2s
seeds: [1]
topology: {nodes: [a, b], wires: [{ends: [a, b]}]}
layers: [{name: inside, kind: local, members: [a]}]
workload: [{name: cbr, kind: cbr, from: a, to: a, qos: raw, size: 100B, interval: 10ms, start: 1s, count: 50}]
`)), 1)
	l := layerNamed(t, &run, "inside")
	if l.Control != nil || len(l.Drops) != 2 || l.Load != (result.Load{}) {
		t.Errorf("%+v", l)
	}
}
