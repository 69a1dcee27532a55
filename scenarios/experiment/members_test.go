package experiment_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/scenarios/experiment"
	"ouroboros/scenarios/result"
	"ouroboros/scenarios/traffic"
	"ouroboros/sim"
)

// ringOf returns a scenario of a ring n0 to n(n-1) with a layer net; more is what stands below it.
func ringOf(n int, duration, layer, more string) string {
	return fmt.Sprintf(`schema: 1
name: ring
duration: %s
topology: {generator: ring, params: {nodes: %d, rate: 100Mbps, delay: 1ms}}
layers:
  - {name: net, %s}
%s`, duration, n, layer, more)
}

// reliablyDead is a layer in which a silent peer counts as dead after 4 s.
const reliablyDead = "qos: {preset: raw, timeout: 4s}, policies: {congestion: none}"

// at runs a scenario to a time.
func at(t *testing.T, w *sim.World, d time.Duration) {
	t.Helper()
	if err := w.Run(core.Time(d)); err != nil {
		t.Fatal(err)
	}
}

// finish ends a run in which nothing may be left over, and returns its results.
func finish(t *testing.T, e *experiment.Experiment) result.Run {
	t.Helper()
	if err := e.Run(1, nil); err != nil {
		t.Fatal(err)
	}
	run, err := e.Finish()
	if err != nil {
		t.Error(err)
	}
	if n := run.Totals.BuffersLeft.Or(1); n != 0 {
		t.Errorf("%d buffers were not returned", n)
	}
	if n := e.Network.Connecting(); n != 0 {
		t.Errorf("%d connections are still being made", n)
	}
	return run
}

// TestJoinsAndLeavesCountInTheOrderOfTheirTime: whatever their order in the file, a node whose first is a leave is a
// member at the start. It may come back, at once too, and what is told to a killed node holds when it is started
// again.
func TestJoinsAndLeavesCountInTheOrderOfTheirTime(t *testing.T) {
	e, w := build(t, load(t, "ring.yaml", []byte(ringOf(5, "60s", reliablyDead, `faults:
  - {name: back, at: 10s, node: n1, join: net}
  - {name: gone, at: 5s, node: n1, leave: net}
  - {name: leaves, at: 20s, node: n2, leave: net}
  - {name: returns, at: 20s, node: n2, join: net}
  - {name: dead, at: 5s, node: [n3, n4], kill: true, for: 10s}
  - {name: told-to-leave, at: 7s, node: n3, leave: net}
  - {name: told-too, at: 7s, node: n4, leave: net}
  - {name: and-to-join, at: 8s, node: n4, join: net}
`))), 1)
	defer w.Close()
	for _, x := range []struct {
		at time.Duration
		in string
	}{
		{4 * time.Second, "11111"}, {6 * time.Second, "10100"}, {12 * time.Second, "11100"}, {20*time.Second - 1, "11101"}, {25 * time.Second, "11101"},
	} {
		at(t, w, x.at)
		got := ""
		for _, s := range e.Network.Systems {
			got += map[bool]string{true: "1", false: "0"}[s.Member("net").In()]
		}
		if got != x.in {
			t.Errorf("at %v: members %s, want %s", x.at, got, x.in)
		}
	}
	if m := e.Network.System("n2").Member("net"); m.Since < core.Time(20*time.Second) {
		t.Errorf("n2 is in the layer since %v, want from after it came back", m.Since)
	}
	newChecked(t, e, w, "net").tables()
	finish(t, e)
}

// TestTheFirstMemberBeginsALayerThatIsEmpty: when it starts again alone, and when all have been killed. If there is a
// layer it enrolls in it like all others.
func TestTheFirstMemberBeginsALayerThatIsEmpty(t *testing.T) {
	for name, dead := range map[string]string{
		"the first":               "[n0]",
		"all":                     "all",
		"the first and neighbour": "[n0, n1]",
	} {
		t.Run(name, func(t *testing.T) {
			e, w := build(t, load(t, "ring.yaml", []byte(ringOf(4, "60s", reliablyDead,
				"faults: [{name: crash, at: 5s, node: "+dead+", kill: true, for: 5s}]"))), 1)
			defer w.Close()
			at(t, w, 40*time.Second)
			c := newChecked(t, e, w, "net")
			if c.tables(); len(c.in) != 4 || c.components() != 1 {
				t.Errorf("%d members in %d components, want 4 in 1", len(c.in), c.components())
			}
			finish(t, e)
		})
	}
	t.Run("before anybody has enrolled", func(t *testing.T) {
		e, w := build(t, load(t, "ring.yaml", []byte(ringOf(4, "60s", reliablyDead,
			"faults: [{name: crash, at: 1us, node: n0, kill: true, for: 5s}]"))), 1)
		defer w.Close()
		at(t, w, 40*time.Second)
		if c := newChecked(t, e, w, "net"); len(c.in) != 4 {
			t.Errorf("%d members, want 4", len(c.in))
		}
		finish(t, e)
	})
}

// moments returns the times at which a frame is sent from a time on until the node is in the layer, those right
// after, and those half way between two.
func moments(t *testing.T, text, node string, from time.Duration) (out []time.Duration) {
	t.Helper()
	e, w := build(t, load(t, "probe.yaml", []byte(text)), 1)
	defer w.Close()
	last := core.Time(from)
	note := func(now core.Time) {
		if now > last {
			out = append(out, time.Duration(last), time.Duration(last)+1, time.Duration(last+now)/2)
			last = now
		}
	}
	w.SetTap(func(_ core.Wire, _ int, now core.Time, _ *pkt.Buf) {
		if s := e.Network.System(node); now >= core.Time(from) && !s.Member("net").In() {
			note(now)
		}
	})
	at(t, w, from+5*time.Second)
	note(last + core.Time(time.Millisecond))
	return out
}

// TestAnythingMayEndAtAnyMomentOfAnEnrollment: the peer, the newcomer, or the newcomer's wish to be a member. Whoever
// should be a member in the end is one.
func TestAnythingMayEndAtAnyMomentOfAnEnrollment(t *testing.T) {
	const join = "  - {name: joins, at: 5s, node: n2, join: net}\n"
	text := func(more string) string {
		return ringOf(4, "45s", reliablyDead, "faults:\n"+join+more)
	}
	times := moments(t, text(""), "n2", 5*time.Second)
	if len(times) < 20 {
		t.Fatalf("%d moments", len(times))
	}
	for name, fault := range map[string]string{
		"the peer is killed":               "{name: f, at: %v, node: n1, kill: true}",
		"the peer is killed and restarted": "{name: f, at: %v, node: n1, kill: true, for: 3s}",
		"both peers are":                   "{name: f, at: %v, node: [n1, n3], kill: true, for: 3s}",
		"the peer leaves":                  "{name: f, at: %v, node: n1, leave: net}",
		"the newcomer is killed":           "{name: f, at: %v, node: n2, kill: true, for: 3s}",
		"the newcomer leaves":              "{name: f, at: %v, node: n2, leave: net}",
		"the wire goes down":               "{name: f, at: %v, link: n1-n2, down: 2s}",
	} {
		t.Run(name, func(t *testing.T) {
			for i, x := range times {
				if raced && i%8 != 0 {
					continue
				}
				e, w := build(t, load(t, "ring.yaml", []byte(text("  - "+fmt.Sprintf(fault, x)+"\n"))), 1)
				at(t, w, 40*time.Second)
				for _, s := range e.Network.Systems {
					if m := s.Member("net"); s.Alive() && m.In() != m.Wanted() {
						t.Errorf("at %v: %s is in the layer: %v", x, s.Name, m.In())
					}
				}
				newChecked(t, e, w, "net").tables()
				finish(t, e)
				w.Close()
			}
		})
	}
}

// TestSourcesAndReceiversOfKilledNodes: a source dies with its node and stays dead, one that begins later begins as
// planned if its node is there again; receivers are there again with their node.
func TestSourcesAndReceiversOfKilledNodes(t *testing.T) {
	e, w := build(t, load(t, "ring.yaml", []byte(ringOf(3, "40s", reliablyDead, `workload:
  - {name: died, kind: cbr, from: n1, to: n0, size: 64B, interval: 100ms, start: 2s}
  - {name: asked, kind: bulk, from: n1, to: n0, bytes: 100MB, qos: data, start: 2s}
  - {name: missed, kind: cbr, from: n1, to: n0, size: 64B, interval: 100ms, start: 12s}
  - {name: later, kind: cbr, from: n1, to: n0, size: 64B, interval: 100ms, start: 20s, stop: 30s}
  - {name: deaf, kind: cbr, from: n0, to: n1, size: 64B, interval: 100ms, start: 2s, stop: 30s}
  - {name: anew, kind: ping, from: n0, to: n1, size: 64B, interval: 100ms, start: 20s, stop: 30s}
faults: [{name: crash, at: 10s, node: n1, kill: true, for: 5s}]
`))), 1)
	defer w.Close()
	run := finish(t, e)
	for i, x := range []struct {
		killed   bool
		from, to uint64 // delivered
	}{{true, 79, 81}, {true, 10, 1e6}, {true, 0, 0}, {false, 99, 101}, {false, 79, 81}, {false, 99, 101}} {
		f := run.Flows[i]
		if (f.Failure != "") != x.killed || f.DeliveredPackets < x.from || f.DeliveredPackets > x.to {
			t.Errorf("%s: failure %q, %d delivered, want failure %v, %d to %d", f.Name, f.Failure, f.DeliveredPackets, x.killed, x.from, x.to)
		}
		if x.killed && !errors.Is(e.Flows[i].Stats.Failure, traffic.ErrKilled) {
			t.Errorf("%s: %v", f.Name, e.Flows[i].Stats.Failure)
		}
	}
}

// TestGroupsOfNodesThatGoAndComeBack: destinations hear again when their node is in the layer again; sources do not
// begin again.
func TestGroupsOfNodesThatGoAndComeBack(t *testing.T) {
	for name, fault := range map[string]string{
		"killed": "[{name: f, at: 10s, node: n1, kill: true, for: 5s}]",
		"left":   "[{name: f, at: 10s, node: n1, leave: net}, {name: g, at: 15s, node: n1, join: net}]",
	} {
		t.Run(name, func(t *testing.T) {
			e, w := build(t, load(t, "ring.yaml", []byte(ringOf(4, "40s", "kind: broadcast", `workload:
  - {name: a, kind: group, from: n0, to: all, size: 64B, interval: 50ms, start: 3s, stop: 38s}
  - {name: b, kind: group, from: n1, to: all, size: 64B, interval: 50ms, start: 3s, stop: 38s}
  - {name: c, kind: group, from: n0, to: all, size: 64B, interval: 50ms, start: 3s, stop: 38s}
faults: `+fault))), 1)
			defer w.Close()
			before := map[string]uint64{}
			at(t, w, 30*time.Second)
			for _, f := range e.Flows {
				before[f.Name] = f.Stats.Delivered
			}
			at(t, w, 35*time.Second)
			for _, f := range e.Flows {
				got, gone := f.Stats.Delivered-before[f.Name], f.From.Name == "n1"
				if !gone && (got < 99 || got > 101) || gone && (got != 0 || f.Stats.Failure == nil) {
					t.Errorf("%s: %d delivered from 30 s to 35 s, failure %v", f.Name, got, f.Stats.Failure)
				}
				if f.Stats.Duplicates != 0 {
					t.Errorf("%s: %d duplicates", f.Name, f.Stats.Duplicates)
				}
			}
			finish(t, e)
		})
	}
}

// TestLayersComeBackWithTheLayerBelow: members of an upper layer connect again when the lower layer is on their nodes
// again, and when it was in two for longer than their connections live.
func TestLayersComeBackWithTheLayerBelow(t *testing.T) {
	for name, fault := range map[string]string{
		"an end leaves":       "{name: f, at: 10s, node: n0, leave: low}, {name: g, at: 20s, node: n0, join: low}",
		"the other end":       "{name: f, at: 10s, node: n4, leave: low}, {name: g, at: 20s, node: n4, join: low}",
		"between both leaves": "{name: f, at: 10s, node: n1, leave: low}, {name: g, at: 30s, node: n1, join: low}",
		"an end is killed":    "{name: f, at: 10s, node: n2, kill: true, for: 10s}",
		"a wire is down":      "{name: f, at: 10s, link: n0-n1, down: 20s}",
	} {
		t.Run(name, func(t *testing.T) {
			e, w := build(t, load(t, "two.yaml", []byte(`schema: 1
name: two
duration: 110s
topology: {generator: line, params: {nodes: 5, rate: 100Mbps, delay: 1ms}}
layers:
  - {name: low, `+reliablyDead+`}
  - {name: net, over: low, members: [n0, n2, n4], connect: [[n0, n2], [n2, n4]], `+reliablyDead+`}
workload:
  - {name: ping, kind: ping, from: n0, to: n4, size: 64B, interval: 100ms, start: 90s, count: 50}
faults: [`+fault+`]
`)), 1)
			defer w.Close()
			if name == "an end leaves" { // whoever has asked for the connection does so at once when it is back
				at(t, w, 22*time.Second)
				a, b := e.Network.System("n0").IPCP("net"), e.Network.System("n2").IPCP("net")
				if !a.Connected(b.Address()) {
					t.Error("n0 is not connected to n2 soon after")
				}
			}
			run := finish(t, e)
			if f := run.Flows[0]; f.DeliveredPackets != 50 || f.Failure != "" {
				t.Errorf("%d of 50 delivered, %s", f.DeliveredPackets, f.Failure)
			}
		})
	}
}

// TestNodesMayComeBackAfterTheEnd: what falls into the time in which a run is drained and taken down does no harm.
func TestNodesMayComeBackAfterTheEnd(t *testing.T) {
	for _, period := range []string{"1ms", "500ms", "5s", "11s"} {
		e, w := build(t, load(t, "ring.yaml", []byte(ringOf(4, "10s", reliablyDead, `names: [{name: svc, nodes: all}]
workload:
  - {name: a, kind: ping, from: n0, to: n2, size: 64B, interval: 1ms, start: 2s}
  - {name: b, kind: bulk, from: n2, to: n0, bytes: 100MB, qos: data, start: 2s}
faults: [{name: f, at: 9999ms, node: [n1, n2], kill: true, for: `+period+`}]
`))), 1)
		if err := e.Run(1, nil); err != nil {
			t.Fatal(err)
		}
		run, err := e.Finish()
		if n := run.Totals.BuffersLeft.Or(1); n != 0 {
			t.Errorf("%s: %d buffers were not returned", period, n)
		}
		if err != nil && !explained(err) {
			t.Errorf("%s: %v", period, err)
		}
		w.Close()
	}
}

// TestBuffersOfKilledNodes: those in the queues of a layer, of its flows, and of the workload's end-to-end protocol
// come back at the end of the run.
func TestBuffersOfKilledNodes(t *testing.T) {
	for _, congestion := range []string{"none", "mb-ecn"} {
		e, w := build(t, load(t, "line.yaml", []byte(`schema: 1
name: line
duration: 8s
topology: {generator: line, params: {nodes: 4, rate: 10Mbps, delay: 1ms}}
layers: [{name: net, policies: {congestion: `+congestion+`}}]
workload:
  - {name: a, kind: bulk, from: n0, to: n3, bytes: 100MB, qos: raw, start: 2s}
  - {name: b, kind: bulk, from: n0, to: n3, bytes: 100MB, qos: data, start: 2s}
  - {name: c, kind: bulk, from: n3, to: n0, bytes: 100MB, qos: data, start: 2s}
  - {name: d, kind: bulk, from: n1, to: n3, bytes: 100MB, qos: data, start: 2s}
faults: [{name: f, at: 5s, node: [n1], kill: true, for: 1s}, {name: g, at: 7s, node: [n1, n0, n3], kill: true}]
`)), 1)
		finish(t, e)
		w.Close()
	}
}

// TestNamesOfTheScenario: a name is there from its time until it is taken back, in each of its layers by itself, and
// again on a node that is restarted.
func TestNamesOfTheScenario(t *testing.T) {
	text := strings.ReplaceAll(ringOf(4, "40s", reliablyDead, `  - {name: two, `+reliablyDead+`}
names:
  - {name: svc, layer: net, nodes: n1, at: 5s, until: 15s}
  - {name: svc, layer: two, nodes: n1, at: 10s, until: 30s}
faults: [{name: f, at: 18s, node: n1, kill: true, for: 2s}]
`), "policies: {congestion: none}", "policies: {congestion: none, directory: static}")
	e, w := build(t, load(t, "ring.yaml", []byte(text)), 1)
	defer w.Close()
	known := func(layer core.Name) (found bool) {
		n0 := e.Network.System("n0")
		p := n0.IPCP(string(layer))
		p.Query(p.Layer().Hash.Sum("svc"), func(yes bool) { found = yes })
		at(t, w, time.Duration(w.Now())+time.Millisecond)
		return found
	}
	for _, x := range []struct {
		at       int // seconds
		net, two bool
	}{{4, false, false}, {6, true, false}, {11, true, true}, {16, false, true}, {25, false, true}, {31, false, false}} {
		at(t, w, time.Duration(x.at)*time.Second)
		if a, b := known("net"), known("two"); a != x.net || b != x.two {
			t.Errorf("at %d s: known in net %v, in two %v, want %v, %v", x.at, a, b, x.net, x.two)
		}
	}
	finish(t, e)
}

// TestTablesThatAllShareFollowTheMembers: under the policies static, a member that joins late is reached by all, and
// the address that a killed node had is not found any more once it is there again.
func TestTablesThatAllShareFollowTheMembers(t *testing.T) {
	e, w := build(t, load(t, "ring.yaml", []byte(ringOf(6, "30s",
		"qos: {preset: raw, timeout: 4s}, policies: {congestion: none, directory: static, routing: static, addressing: sequential}",
		`workload: [{name: late, kind: ping, from: n0, to: n3, size: 64B, interval: 100ms, start: 20s, count: 50}]
faults: [{name: late, at: 10s, node: n3, join: net}]
`))), 1)
	defer w.Close()
	if f := finish(t, e).Flows[0]; f.DeliveredPackets != 50 {
		t.Errorf("%d of 50 delivered to the member that joined late, %s", f.DeliveredPackets, f.Failure)
	}
	e, w2 := build(t, load(t, "ring.yaml", []byte(ringOf(6, "30s",
		"qos: {preset: raw, timeout: 4s}, policies: {congestion: none, directory: static, routing: static}",
		`workload: [{name: anew, kind: ping, from: n0, to: n3, size: 64B, interval: 100ms, start: 20s, count: 50}]
faults: [{name: crash, at: 5s, node: n3, kill: true, for: 5s}]
`))), 1)
	defer w2.Close()
	if f := finish(t, e).Flows[0]; f.DeliveredPackets != 50 || f.Allocated.Or(time.Minute) > time.Second {
		t.Errorf("%d of 50 delivered to the restarted node, the flow took %v", f.DeliveredPackets, f.Allocated)
	}
}

// TestNeighboursGiveUpWhoHasLeft: soon after, and not who is back by then.
func TestNeighboursGiveUpWhoHasLeft(t *testing.T) {
	for fault, want := range map[string]bool{
		"[{name: f, at: 5s, node: n1, leave: net}]":                                          false,
		"[{name: f, at: 5s, node: n1, leave: net}, {name: g, at: 10s, node: n1, join: net}]": true,
	} {
		e, w := build(t, load(t, "ring.yaml", []byte(ringOf(4, "40s", "policies: {congestion: none}", "faults: "+fault))), 1)
		at(t, w, 30*time.Second)
		n0, n1 := e.Network.System("n0").IPCP("net"), e.Network.System("n1").IPCP("net")
		if got := n0.Connected(n1.Address()); got != want {
			t.Errorf("%s: n0 is connected to n1: %v, want %v", fault, got, want)
		}
		finish(t, e)
		w.Close()
	}
}
