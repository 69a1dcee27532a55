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

const flapping = `schema: 1
name: flapping
duration: 10s
topology: {generator: line, params: {nodes: 2, rate: 10Mbps, delay: 1ms}}
layers: [{name: eth, kind: shim, over: links, shim: eth-dix}]
workload:
  - {name: cbr, kind: cbr, from: n0, to: n1, size: 1000B, interval: 10ms, start: 1s, stop: 9s}
  - {name: bulk, kind: bulk, from: n1, to: n0, bytes: 4MB, size: 1000B, start: 1s}
links: [{link: "*", queue: {packets: 50, full: block}}]
faults: [{name: cut, at: 3s, link: "*", down: 2s}]
`

// A flow whose link is down for a while is not the end of its source: what falls due is offered and not
// sent, and a transfer goes on where it stood.
func TestASourceOutlivesALinkThatIsDown(t *testing.T) {
	run := simulate(t, load(t, "flapping.yaml", []byte(flapping)), 1)
	cbr, bulk := run.Flows[0], run.Flows[1]
	if cbr.Failure != "" || cbr.OfferedPackets < 799 || cbr.SentPackets > 601 || cbr.DeliveredPackets < 598 {
		t.Errorf("cbr: failure %q, offered %d, sent %d, delivered %d; want none, 800, 600, 600",
			cbr.Failure, cbr.OfferedPackets, cbr.SentPackets, cbr.DeliveredPackets)
	}
	if bulk.Failure != "" || bulk.SentBytes != 4_000_000 || bulk.Blocked < 2e9 {
		t.Errorf("bulk: failure %q, sent %d, blocked %v; want none, 4000000, at least 2s", bulk.Failure, bulk.SentBytes, bulk.Blocked)
	}
}

const oneHost = `schema: 1
name: one-host
duration: 3s
topology: {generator: line, params: {nodes: 2, rate: 10Mbps, delay: 1ms}}
layers: [{name: host, kind: local}]
workload:
  - {name: ping, kind: ping, layer: host, from: n0, to: n0, size: 64B, interval: 10ms, start: 1s, count: 50}
  - {name: bulk, kind: bulk, layer: host, from: n1, to: n1, qos: data, bytes: 2MB, size: 1000B, start: 1s}
expect:
  - {metric: rtt.min, of: ping, op: "==", value: 2us}
  - {metric: lost, op: "==", value: 0}
  - {metric: flows.failed, op: "==", value: 0}
  - {metric: buffers.left, op: "==", value: 0}
`

// A local layer carries flows within a system and puts nothing on a wire (spec 01 §6).
func TestALocalLayerIsOnNoWire(t *testing.T) {
	run := simulate(t, load(t, "one-host.yaml", []byte(oneHost)), 1)
	for _, e := range run.Expectations {
		if !e.OK {
			t.Errorf("%s %s %v: measured %v", e.Metric, e.Op, e.Value, e.Measured)
		}
	}
	if f := run.Flows[1]; !f.Completion.OK() {
		t.Errorf("the transfer has not completed: %+v", f)
	}
	for _, l := range run.Links {
		if l.SentPackets != 0 {
			t.Errorf("%d packets on %s", l.SentPackets, l.Name)
		}
	}
}
