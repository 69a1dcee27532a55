package udp_test

import (
	"testing"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/irm"
	"ouroboros/shim/host"
	"ouroboros/shim/udp"
	"ouroboros/sim"
)

// connect sets up a flow between two systems, each a broker over this shim, by name.
func connect(t *testing.T, kind core.LayerKind) coretest.Connect {
	return func(h *coretest.Harness, spec core.LinkSpec) coretest.Pair {
		spec.Kind, spec.Name, spec.IPv6 = core.LinkDatagram, "wire", kind == core.KindUDP6
		p := coretest.Pair{Env: [2]core.Env{h.Node("a"), h.Node("b")}}
		p.Wire = h.Wire(spec, p.Env[0], p.Env[1])
		var brokers [2]*irm.Broker
		a, b := p.Wire.Ends()
		ends := []core.Link{a, b}
		for i, l := range ends {
			cfg := udp.Config{Layer: "net", Kind: kind, Resolver: udp.Fixed(ends[1-i].Info().Addr)}
			s, err := udp.New(p.Env[i].Derive("shim"), l, cfg)
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

// TestFlowConforms holds the flows of this shim to the rules of core.Flow, in both worlds.
func TestFlowConforms(t *testing.T) {
	simulated := func(*testing.T) coretest.World { return sim.New(1) }
	t.Run("udp4 sim", func(t *testing.T) { coretest.TestFlow(t, simulated, connect(t, core.KindUDP4)) })
	t.Run("udp6 sim", func(t *testing.T) { coretest.TestFlow(t, simulated, connect(t, core.KindUDP6)) })
	t.Run("udp4 live", func(t *testing.T) {
		live := func(*testing.T) coretest.World { return host.New(1) }
		coretest.TestFlow(t, live, connect(t, core.KindUDP4))
	})
}
