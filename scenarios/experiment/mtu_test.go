package experiment_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ouroboros/ipcp/unicast"
	"ouroboros/scenarios/result"
)

// narrow is a line whose second wire takes shorter frames than the first: packets of a user of 1481 and 981
// bytes.
const narrow = `
schema: 1
name: narrow
duration: 4s
topology: {nodes: [a, b, c], wires: [{ends: [a, b]}, {ends: [b, c], mtu: 1000B}], defaults: {rate: 10Mbps, delay: 1ms}}
layers:
  - {name: net, kind: unicast, policies: {congestion: none}, params: {%s}}
workload:
  - {name: long, kind: cbr, from: a, to: c, qos: raw, size: 1200B, interval: 10ms, start: 2s, count: 50}
  - {name: short, kind: cbr, from: a, to: c, qos: raw, size: 981B, interval: 10ms, start: 2s, count: 50}
`

// dropped returns how many packets the layer of a run has dropped for a cause.
func dropped(run result.Run, cause string) uint64 {
	i := slices.IndexFunc(run.Layers[0].Drops, func(c result.Count) bool { return c.Name == cause })
	return run.Layers[0].Drops[i].Value
}

// TestPacketsTooLongForTheWay: nobody tells a sender what the wires behind its own take. What is too long is
// dropped there under a cause of its own, and the run has a note that says where.
func TestPacketsTooLongForTheWay(t *testing.T) {
	run := simulate(t, load(t, "narrow", fmt.Appendf(nil, narrow, "")), 1)
	long, short := run.Flows[0], run.Flows[1]
	if long.LostPackets != 50 || short.LostPackets != 0 || dropped(run, "mtu") != 50 || dropped(run, "write") != 0 {
		t.Errorf("lost %d long and %d short packets, dropped %d for mtu, %d by write", long.LostPackets, short.LostPackets,
			dropped(run, "mtu"), dropped(run, "write"))
	}
	if len(run.Notes) != 1 || !strings.Contains(run.Notes[0], "layer net: a takes packets of 1481 bytes, b of 981 at most") {
		t.Errorf("notes %q", run.Notes)
	}
}

// TestLayerMTUInAScenario: with an MTU of the layer the sender knows, and nothing is dropped on the way.
func TestLayerMTUInAScenario(t *testing.T) {
	run := simulate(t, load(t, "narrow", fmt.Appendf(nil, narrow, "mtu: 981B")), 1)
	long, short := run.Flows[0], run.Flows[1]
	if long.Failure == "" || long.SentPackets != 0 || short.DeliveredPackets != 50 || dropped(run, "mtu") != 0 || len(run.Notes) != 0 {
		t.Errorf("%q after %d long packets, %d short ones arrived, %d dropped, notes %q", long.Failure, long.SentPackets,
			short.DeliveredPackets, dropped(run, "mtu"), run.Notes)
	}
}

// TestWireTooShortForTheLayer: a wire that does not take what the layer promises is not used, and the run says
// why.
func TestWireTooShortForTheLayer(t *testing.T) {
	e, w := build(t, load(t, "narrow", fmt.Appendf(nil, narrow, "mtu: 982B")), 1)
	defer w.Close()
	if err := e.Run(1, nil); err != nil {
		t.Fatal(err)
	}
	run, err := e.Finish()
	if err == nil || !strings.Contains(err.Error(), unicast.ErrMTU.Error()) {
		t.Errorf("%v, want one that says %q", err, unicast.ErrMTU)
	}
	if n := run.Flows[1].DeliveredPackets; n != 0 || len(run.Notes) == 0 || !strings.Contains(run.Notes[0], "981 bytes, the mtu of the layer is 982") {
		t.Errorf("%d packets crossed the wire, notes %q", n, run.Notes)
	}
}
