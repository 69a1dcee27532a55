package local_test

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/irm"
	"ouroboros/frcp"
	"ouroboros/ipcp/local"
	"ouroboros/sim"
)

// connect sets up a flow between two users of one system, by name, through its broker. A flow has a queue
// of 64 packets, so that a writer gets to see it full. With reliable set the end-to-end protocol runs on it.
func connect(t *testing.T, delay time.Duration, reliable bool) coretest.Connect {
	return func(h *coretest.Harness, _ core.LinkSpec) coretest.Pair {
		env := h.Node("n")
		l, err := local.New(env.Derive("local"), local.Config{Name: "local.n", Layer: "loop", Hash: core.SHA3_256, Queue: 64, Delay: delay})
		check(t, err)
		b := irm.New(env.Derive("irm"), irm.Config{})
		check(t, b.AddProvider(l))
		q := core.QoSRaw
		if reliable {
			q = core.QoSData
		}
		p := coretest.Pair{Env: [2]core.Env{env, env}, Routed: true, Masks: reliable}
		p.Flow = coretest.Establish(h, p.Env, b, b, q)
		for i := range p.Flow {
			if reliable {
				h.On(env, func() {
					e, err := frcp.Wrap(env.Derive("frcp"), p.Flow[i])
					check(t, err)
					p.Flow[i] = e
				})
			}
		}
		return p
	}
}

// TestFlowConforms holds the flows of this layer to the rules of core.Flow.
func TestFlowConforms(t *testing.T) {
	mk := func(*testing.T) coretest.World { return sim.New(1) }
	for name, delay := range map[string]time.Duration{"at once": 0, "delayed": 20 * time.Microsecond} {
		t.Run(name, func(t *testing.T) { coretest.TestFlow(t, mk, connect(t, delay, false)) })
		t.Run(name+", reliable", func(t *testing.T) { coretest.TestFlow(t, mk, connect(t, delay, true)) })
	}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
