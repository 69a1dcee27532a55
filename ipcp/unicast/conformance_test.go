package unicast_test

import (
	"fmt"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/wire"
	"ouroboros/frcp"
	"ouroboros/sim"
)

// connect sets up a flow between the ends of a layer of n nodes in a row. A flow has a queue of 16
// packets, so that a writer gets to see it full. With reliable set the end-to-end protocol runs on it.
func connect(t *testing.T, n int, o options, reliable bool) coretest.Connect {
	return func(h *coretest.Harness, spec core.LinkSpec) coretest.Pair {
		o.spec, o.queue = spec, 16
		l := newLine(t, h.World, n, o)
		h.Until("the layer is up", func() bool { return l.up == n-1 && l.converged() })
		q := core.QoSRaw
		if reliable {
			q = core.QoSData
		}
		p := coretest.Pair{Env: [2]core.Env{l.envs[0], l.envs[n-1]}, Wire: l.wires[0], Routed: true}
		p.Flow = coretest.Establish(h, p.Env, l.brokers[0], l.brokers[n-1], q)
		if reliable {
			p.Raise(h, true, func(env core.Env, below core.Flow) (core.Flow, error) {
				return frcp.WrapWith(env, below, frcp.Params{R: 3 * time.Second})
			})
		}
		return p
	}
}

// TestFlowConforms holds the flows of this layer to the rules of core.Flow.
func TestFlowConforms(t *testing.T) {
	for _, n := range []int{2, 3} {
		for shim, o := range map[string]options{
			"eth-dix":    {kind: core.LinkEthernet, congestion: "mb-ecn"},
			"direct":     {kind: core.LinkDirect},
			"short ids":  {kind: core.LinkEthernet, header: wire.PCI{Addr: 1, EID: 2}},
			"over frcp":  {kind: core.LinkEthernet, qos: core.QoSBestEffort},
			"wide sizes": {kind: core.LinkDirect, header: wire.PCI{Addr: 8, EID: 8}},
		} {
			t.Run(fmt.Sprintf("%d-%s", n, shim), func(t *testing.T) {
				coretest.TestFlow(t, func(*testing.T) coretest.World { return sim.New(1) }, connect(t, n, o, false))
			})
		}
		t.Run(fmt.Sprintf("%d-reliable", n), func(t *testing.T) {
			o := options{kind: core.LinkEthernet, congestion: "mb-ecn"}
			coretest.TestFlow(t, func(*testing.T) coretest.World { return sim.New(1) }, connect(t, n, o, true))
		})
	}
}
