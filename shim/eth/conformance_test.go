package eth

import (
	"testing"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/irm"
	"ouroboros/shim/host"
	"ouroboros/sim"
)

// connect sets up a flow between two systems, each a broker over the shim that mk makes, by name.
func connect(t *testing.T, mk func(env core.Env, l core.Link) (core.Provider, error)) coretest.Connect {
	return func(h *coretest.Harness, spec core.LinkSpec) coretest.Pair {
		spec.Kind, spec.Name = core.LinkEthernet, "wire"
		p := coretest.Pair{Env: [2]core.Env{h.Node("a"), h.Node("b")}}
		p.Wire = h.Wire(spec, p.Env[0], p.Env[1])
		var brokers [2]*irm.Broker
		a, b := p.Wire.Ends()
		for i, l := range []core.Link{a, b} {
			s, err := mk(p.Env[i].Derive("shim"), l)
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

func newDIX(env core.Env, l core.Link) (core.Provider, error) {
	return New(env, l, Config{Layer: "lan", Hash: core.SHA3_256})
}

func newLLC(env core.Env, l core.Link) (core.Provider, error) {
	return NewLLC(env, l, Config{Layer: "lan", Hash: core.SHA3_256})
}

// newSplitLLC makes an LLC shim beside an Ethernet II shim on one link.
func newSplitLLC(env core.Env, l core.Link) (core.Provider, error) {
	s, err := NewSplit(l)
	if err != nil {
		return nil, err
	}
	dix, err := s.EtherType(0)
	if err != nil {
		return nil, err
	}
	if _, err := newDIX(env.Derive("dix"), dix); err != nil {
		return nil, err
	}
	llc, err := s.LLC()
	if err != nil {
		return nil, err
	}
	return newLLC(env, llc)
}

// TestFlowConforms holds the flows of the shims to the rules of core.Flow, in both worlds.
func TestFlowConforms(t *testing.T) {
	worlds := map[string]coretest.Make{
		"sim":  func(*testing.T) coretest.World { return sim.New(1) },
		"live": func(*testing.T) coretest.World { return host.New(1) },
	}
	shims := map[string]func(core.Env, core.Link) (core.Provider, error){
		"dix": newDIX, "llc": newLLC, "llc beside dix": newSplitLLC,
	}
	for world, mk := range worlds {
		for shim, add := range shims {
			t.Run(shim+" "+world, func(t *testing.T) { coretest.TestFlow(t, mk, connect(t, add)) })
		}
	}
}
