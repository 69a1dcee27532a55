package faults_test

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/scenarios"
	"ouroboros/scenarios/faults"
	"ouroboros/scenarios/node"
	"ouroboros/sim"
)

const file = `
schema: 1
name: test
duration: 100s
topology:
  nodes: [a, b, c]
  wires:
    - {name: ab, ends: [a, b], rate: 100Mbps, delay: 1ms}
    - {name: bc, ends: [b, c], rate: 100Mbps, delay: 1ms}
layers:
  - {name: net, kind: unicast, over: links, shim: eth-dix}
workload:
  - {name: x, kind: ping, from: a, to: c, size: 64B, interval: 1s}
faults:
  - {name: slow, at: 10s, link: ab, set: {rate: 10Mbps}, for: 10s}
  - {name: lossy, at: 15s, link: "*", set: {loss: 0.5, rate: 5Mbps}, for: 10s, direction: forward}
  - {name: cut, at: 30s, link: bc, down: 5s}
  - {name: dead, at: 50s, node: b, kill: true}
`

// TestPlanAndRestore: events come in the order of their time; changes that overlap leave the wire as it
// was when the last has ended, and each is in force for its own time.
func TestPlanAndRestore(t *testing.T) {
	sc, err := scenarios.Load("test", []byte(file), scenarios.Options{Catalog: node.Catalog{}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := node.Catalog{}.Graph(&sc.Topology)
	if err != nil {
		t.Fatal(err)
	}
	w := sim.New(1)
	defer w.Close()
	n, err := node.Build(w, sc, g)
	if err != nil {
		t.Fatal(err)
	}
	events, err := faults.Plan(n, sc.Faults)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	faults.Schedule(w.Node("~control"), events, func(e *faults.Event) {
		if w.Now() != e.At {
			t.Errorf("%s happens at %v, want %v", e.Name, w.Now(), e.At)
		}
		seen = append(seen, e.Name)
	}, func(*faults.Event) {}, func(err error) { t.Error(err) })
	ab := n.Wire("ab")
	if ab == nil {
		t.Fatalf("no wire ab")
	}
	for _, s := range []struct {
		at         int // seconds
		rate, back int64
		loss       float64
		up         bool
	}{
		{9, 100e6, 100e6, 0, true},
		{11, 10e6, 10e6, 0, true},
		{16, 5e6, 10e6, 0.5, true},
		{21, 5e6, 100e6, 0.5, true},
		{26, 100e6, 100e6, 0, true},
		{31, 100e6, 100e6, 0, false},
		{36, 100e6, 100e6, 0, true},
		{51, 100e6, 100e6, 0, false},
	} {
		if err := w.Run(core.Time(s.at) * core.Time(time.Second)); err != nil {
			t.Fatal(err)
		}
		if x, y := ab.Spec(0), ab.Spec(1); x.Rate != s.rate || y.Rate != s.back || x.Loss != s.loss || y.Loss != 0 {
			t.Errorf("at %ds: rates %d, %d, loss %v, %v", s.at, x.Rate, y.Rate, x.Loss, y.Loss)
		}
		if _, l := n.Wire("bc").Ends(); l.Info().Up != s.up {
			t.Errorf("at %ds: up %v", s.at, l.Info().Up)
		}
	}
	want := []string{"slow", "lossy", "slow ended", "lossy ended", "cut", "cut repaired", "dead"}
	if len(seen) != len(want) {
		t.Fatalf("%q", seen)
	}
	for i := range want {
		if seen[i] != want[i] {
			t.Errorf("event %d: %q, want %q", i, seen[i], want[i])
		}
	}
}
