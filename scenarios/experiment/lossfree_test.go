package experiment_test

import (
	"fmt"
	"testing"

	"ouroboros/scenarios"
	"ouroboros/scenarios/result"
)

// bottleneck is a dumbbell of reliable flows over one link of 10 Mb/s.
const bottleneck = `
schema: 1
name: bottleneck
duration: 20s
topology: {generator: dumbbell, params: {left: 4, right: 4, routers: 2, access: 100Mbps, bottleneck: 10Mbps, delay: 2ms}}
links:
  - {link: "*", queue: {packets: 100000}}
layers:
  - name: net
    kind: unicast
    over: links
    shim: eth-dix
    policies: {routing: link-state, forwarding: simple, congestion: %s, directory: static}
frcp: {recovery: %s}
workload:
  - {name: greedy, kind: bulk, from: l0, to: r0, qos: data, bytes: 3MB, start: 1s}
  - {name: steady, kind: cbr, from: l1, to: r1, qos: data, size: 1000B, rate: 2Mbps, start: 2s, stop: 15s}
  - {name: burst, kind: onoff, from: l2, to: r2, qos: data, size: 700B, rate: 8Mbps, on: 300ms, off: 1s, start: 1s, stop: 15s}
  - {name: ask, kind: ping, from: l3, to: r3, qos: data, size: 64B, interval: 50ms, start: 1s, stop: 15s}
`

const longPath = `
schema: 1
name: long-path
duration: 14s
topology: {generator: line, params: {nodes: 8, rate: 50Mbps, delay: 20ms}}
layers:
  - name: net
    kind: unicast
    over: links
    shim: direct
    policies: {routing: link-state, forwarding: simple, congestion: none, directory: static}
workload:
  - {name: slow, kind: ping, from: n0, to: n7, qos: data, size: 64B, interval: 300ms, start: 3s, count: 20}
  - {name: fast, kind: cbr, from: n7, to: n0, qos: data, size: 1200B, rate: 20Mbps, start: 3s, stop: 10s}
  - {name: single, kind: poisson, from: n3, to: n5, qos: data, size: 100B, interval: 500ms, start: 3s, stop: 11s}
`

// lossless checks that nothing was lost and nothing was sent twice.
func lossless(t *testing.T, run result.Run) {
	t.Helper()
	for i := range run.Links {
		if l := &run.Links[i]; l.Drops.Total() != 0 {
			t.Fatalf("the path is not free of loss: %s > %s dropped %+v", l.From, l.To, l.Drops)
		}
	}
	for i := range run.Flows {
		f := &run.Flows[i]
		if n, ok := f.Retransmissions.Get(); f.QoS.Mode == "reliable" && (!ok || n != 0) {
			t.Errorf("%s retransmitted %v packets", f.Name, f.Retransmissions)
		}
		if f.Failure != "" || f.LostPackets != 0 || f.Duplicates != 0 || f.Reordered != 0 || f.DeliveredPackets == 0 {
			t.Errorf("%s: %d of %d delivered, %d lost, %d twice, %d out of order, %s", f.Name, f.DeliveredPackets,
				f.SentPackets, f.LostPackets, f.Duplicates, f.Reordered, f.Failure)
		}
	}
	if n := run.Totals.BuffersLeft.Or(1); n != 0 {
		t.Errorf("%d buffers were not returned", n)
	}
}

// TestNoRetransmissionWithoutLoss: decision 14. A path that loses nothing causes no retransmission, ever:
// with queues that grow long, with congestion control and without, on long and on short paths.
func TestNoRetransmissionWithoutLoss(t *testing.T) {
	for _, congestion := range []string{"none", "mb-ecn"} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("bottleneck-%s-%d", congestion, seed), func(t *testing.T) {
				t.Parallel()
				lossless(t, simulate(t, load(t, "bottleneck", fmt.Appendf(nil, bottleneck, congestion, "rack")), seed))
			})
		}
	}
	t.Run("long-path", func(t *testing.T) {
		t.Parallel()
		lossless(t, simulate(t, load(t, "long-path", []byte(longPath)), 1))
	})
	t.Run("line", func(t *testing.T) {
		t.Parallel()
		lossless(t, simulate(t, embedded(t, "line", "workload.ping.qos=data", "workload.cbr.qos=data",
			`expect=[]`), 1))
	})
}

// TestEveryBufferComesBack: at the end of every embedded scenario nobody holds a packet.
func TestEveryBufferComesBack(t *testing.T) {
	for _, info := range scenarios.Embedded() {
		t.Run(info.Name, func(t *testing.T) {
			t.Parallel()
			run := simulate(t, embedded(t, info.Name, short[info.Name]...), 3)
			if n, ok := run.Totals.BuffersLeft.Get(); !ok || n != 0 {
				t.Errorf("%d buffers were not returned", n)
			}
		})
	}
}
