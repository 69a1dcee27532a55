package faults_test

import (
	"fmt"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/scenarios"
	"ouroboros/scenarios/faults"
	"ouroboros/scenarios/node"
	"ouroboros/sim"
)

// plan builds the network of a file with other faults and arms them. The result lets time pass.
func plan(t *testing.T, text string, after func(*faults.Event)) (*node.Network, func(time.Duration)) {
	t.Helper()
	const head = `
schema: 1
name: test
duration: 100s
topology: {nodes: [a, b, c], wires: [{name: ab, ends: [a, b]}, {name: bc, ends: [b, c]}]}
layers: [{name: net}]
faults:
`
	sc, err := scenarios.Load("test", []byte(head+text), scenarios.Options{Catalog: node.Catalog{}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := node.Catalog{}.Graph(&sc.Topology)
	if err != nil {
		t.Fatal(err)
	}
	w := sim.New(1)
	t.Cleanup(w.Close)
	n, err := node.Build(w, sc, g)
	if err != nil {
		t.Fatal(err)
	}
	events, err := faults.Plan(n, sc.Faults)
	if err != nil {
		t.Fatal(err)
	}
	faults.Schedule(w.Node("~control"), events, func(*faults.Event) {}, after, func(err error) { t.Error(err) })
	return n, func(d time.Duration) {
		if err := w.Run(core.Time(d)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFaultsOnAWireNest: it is up when the last fault that holds it down has ended. An up ends them all, and the ends
// of those do nothing more.
func TestFaultsOnAWireNest(t *testing.T) {
	for name, x := range map[string]struct{ text, up string }{ // every second from 0.5 s
		"one in another":       {"- {at: 1s, link: ab, down: 6s}\n- {at: 2s, link: ab, down: 2s}", "1000000111"},
		"one after another":    {"- {at: 1s, link: ab, down: 3s}\n- {at: 3s, link: ab, down: 3s}", "1000001111"},
		"at one time":          {"- {at: 1s, link: ab, down: 3s}\n- {at: 1s, link: '*', down: 3s}", "1000111111"},
		"one ends, one begins": {"- {at: 1s, link: ab, down: 2s}\n- {at: 3s, link: ab, down: 2s}", "1000011111"},
		"for ever":             {"- {at: 1s, link: ab, down: forever}\n- {at: 2s, link: ab, down: 2s}", "1000000000"},
		"up":                   {"- {at: 1s, link: ab, down: forever}\n- {at: 2s, link: ab, down: 6s}\n- {at: 4s, link: ab, up: true}", "1000111111"},
		"down after up":        {"- {at: 1s, link: ab, down: 5s}\n- {at: 3s, link: ab, up: true}\n- {at: 5s, link: ab, down: 3s}", "1001100011"},
		"of a node and a wire": {"- {at: 1s, node: a, down: 3s}\n- {at: 2s, link: ab, down: 3s}", "1000011111"},
		"killed beside":        {"- {at: 1s, node: a, kill: true, for: 5s}\n- {at: 2s, link: ab, down: 2s}", "1000001111"},
		"killed within":        {"- {at: 1s, link: ab, down: 6s}\n- {at: 2s, node: b, kill: true, for: 2s}", "1000000111"},
		"repaired while dead":  {"- {at: 1s, link: ab, down: 2s}\n- {at: 2s, node: b, kill: true, for: 4s}", "1000001111"},
		"up while dead":        {"- {at: 1s, link: ab, down: forever}\n- {at: 2s, node: b, kill: true, for: 4s}\n- {at: 3s, link: ab, up: true}", "1000001111"},
		"killed twice":         {"- {at: 1s, node: a, kill: true, for: 6s}\n- {at: 2s, node: a, kill: true, for: 2s}", "1000000111"},
		"killed for ever":      {"- {at: 1s, node: a, kill: true}\n- {at: 2s, node: a, kill: true, for: 2s}", "1000000000"},
		"both ends":            {"- {at: 1s, node: a, kill: true, for: 3s}\n- {at: 2s, node: b, kill: true, for: 4s}", "1000001111"},
	} {
		t.Run(name, func(t *testing.T) {
			down := false
			n, run := plan(t, x.text, func(e *faults.Event) { down = e.Down(e.Wires[0]) })
			got, said := "", ""
			for i := range len(x.up) {
				run(time.Duration(i)*time.Second + time.Second/2)
				ab := n.Wire("ab")
				a, b := ab.Ends()
				up := a.Info().Up && b.Info().Up && ab.A.Alive() && ab.B.Alive()
				got += fmt.Sprint(map[bool]int{true: 1}[up])
				said += fmt.Sprint(map[bool]int{false: 1}[down])
			}
			if got != x.up || said != x.up {
				t.Errorf("the wire is up: %s, the events say %s, want %s", got, said, x.up)
			}
		})
	}
}
