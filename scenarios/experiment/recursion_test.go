package experiment_test

import "testing"

// A layer runs over another as it runs over wires: its members get their flows by name from the broker
// (design §2, "recursion is one sentence").
const recursion = `schema: 1
name: recursion
duration: 10s
topology: {generator: line, params: {nodes: 5, rate: 100Mbps, delay: 1ms}}
layers:
  - {name: provider, kind: unicast, over: links, shim: eth-dix}
  - {name: customer, kind: unicast, over: provider, members: [n0, n2, n4], connect: [[n0, n2], [n2, n4]]}
workload:
  - {name: ping, kind: ping, layer: customer, from: n0, to: n4, qos: data, size: 64B, interval: 100ms, start: 5s, count: 20}
  - {name: bulk, kind: bulk, layer: customer, from: n4, to: n0, qos: data, bytes: 2MB, start: 5s}
expect:
  - {metric: flows.failed, op: "==", value: 0}
  - {metric: lost, op: "==", value: 0}
  - {metric: retransmissions, op: "==", value: 0}
  - {metric: buffers.left, op: "==", value: 0}
  - {metric: delivered, of: ping, op: "==", value: 20}
`

func TestALayerRunsOverALayer(t *testing.T) {
	run := simulate(t, load(t, "recursion.yaml", []byte(recursion)), 1)
	for _, e := range run.Expectations {
		if !e.OK {
			t.Errorf("%s %s %v: measured %v", e.Metric, e.Op, e.Value, e.Measured)
		}
	}
	if f := run.Flows[1]; !f.Completion.OK() {
		t.Errorf("the transfer has not completed: %+v", f)
	}
}
