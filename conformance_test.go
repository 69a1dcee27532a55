package ouroboros_test

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/frcp"
)

// TestFlowsConform holds the contract of core.Flow for what an application gets, in both worlds: the
// flow of a shim, and FRCP over it in each mode.
func TestFlowsConform(t *testing.T) {
	connect := func(q core.QoS, endToEnd bool) coretest.Connect {
		return func(h *coretest.Harness, spec core.LinkSpec) coretest.Pair {
			spec.Name, spec.Kind = "wire", core.LinkEthernet
			p := coretest.Pair{Env: [2]core.Env{h.Node("a"), h.Node("b")}}
			p.Wire = h.Wire(spec, p.Env[0], p.Env[1])
			a, b := p.Wire.Ends()
			p.Flow = coretest.Establish(h, p.Env, stacks["eth-dix"](t, p.Env[0], a), stacks["eth-dix"](t, p.Env[1], b), q)
			if !endToEnd {
				return p
			}
			p.Raise(h, q.Mode() != core.ModeRaw, func(env core.Env, below core.Flow) (core.Flow, error) {
				// A short R, because a closed flow whose peer is gone holds its packets that long.
				return frcp.WrapWith(env, below, frcp.Params{A: 100 * time.Millisecond, R: 1500 * time.Millisecond})
			})
			return p
		}
	}
	for world, mk := range worlds {
		fresh := func(*testing.T) coretest.World { return mk() }
		t.Run(world+"/shim", func(t *testing.T) { coretest.TestFlow(t, fresh, connect(core.QoSRaw, false)) })
		for _, q := range []core.QoS{core.QoSRaw, core.QoSBestEffort, core.QoSData} {
			t.Run(world+"/"+q.Mode().String(), func(t *testing.T) { coretest.TestFlow(t, fresh, connect(q, true)) })
		}
	}
}
