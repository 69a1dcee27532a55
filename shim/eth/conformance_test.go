package eth

import (
	"testing"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/irm"
	"ouroboros/sim"
)

// connect sets up a flow between two systems, each a broker over this shim, by name.
func connect(t *testing.T) coretest.Connect {
	return func(h *coretest.Harness, spec core.LinkSpec) coretest.Pair {
		spec.Kind, spec.Name = core.LinkEthernet, "wire"
		p := coretest.Pair{Env: [2]core.Env{h.Node("a"), h.Node("b")}}
		p.Wire = h.Wire(spec, p.Env[0], p.Env[1])
		var brokers [2]*irm.Broker
		a, b := p.Wire.Ends()
		for i, l := range []core.Link{a, b} {
			s, err := New(p.Env[i].Derive("shim"), l, Config{Layer: "lan", Hash: core.SHA3_256})
			if err != nil {
				t.Fatal(err)
			}
			brokers[i] = irm.New(p.Env[i].Derive("irm"), irm.Config{})
			if err := brokers[i].AddProvider(s); err != nil {
				t.Fatal(err)
			}
		}
		p.Flow = coretest.Establish(h, p.Env, brokers[0], brokers[1], core.QoSRaw)
		return p
	}
}

// TestFlowConforms holds the flows of this shim to the rules of core.Flow.
func TestFlowConforms(t *testing.T) {
	coretest.TestFlow(t, func(*testing.T) coretest.World { return sim.New(1) }, connect(t))
}
