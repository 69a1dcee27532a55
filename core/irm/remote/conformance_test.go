package remote_test

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/irm/remote"
	"ouroboros/frcp"
)

// border puts an application in front of a broker, each on a node of its own.
func border(app, daemon core.Env, broker core.Allocator, limit int) (*remote.Client, *remote.Server) {
	x, y := newPipe(app, daemon, limit)
	attach := func(remote.Hello) (core.Allocator, func(), error) { return broker, nil, nil }
	s := remote.NewServer(daemon.Derive("server"), y, remote.Config{Attach: attach})
	return remote.NewClient(app.Derive("client"), x, remote.Hello{PID: 1, Program: "test"}), s
}

// connect sets up a flow between two applications, each of which has its broker in another process.
func connect(q core.QoS, limit int) coretest.Connect {
	return func(h *coretest.Harness, spec core.LinkSpec) coretest.Pair {
		spec.Kind, spec.Name = core.LinkEthernet, "wire"
		daemons := [2]core.Env{h.Node("a.daemon"), h.Node("b.daemon")}
		p := coretest.Pair{Env: [2]core.Env{h.Node("a"), h.Node("b")}}
		p.Wire = h.Wire(spec, daemons[0], daemons[1])
		a, b := p.Wire.Ends()
		ca, _ := border(p.Env[0], daemons[0], coretest.NewLayer(daemons[0], a), limit)
		cb, _ := border(p.Env[1], daemons[1], coretest.NewLayer(daemons[1], b), limit)
		p.Flow = coretest.Establish(h, p.Env, ca, cb, q)
		if q.Mode() == core.ModeRaw {
			return p
		}
		p.Raise(h, true, func(env core.Env, below core.Flow) (core.Flow, error) {
			return frcp.WrapWith(env, below, frcp.Params{A: 100 * time.Millisecond, R: 1500 * time.Millisecond})
		})
		return p
	}
}

// TestFlowConforms holds the contract of core.Flow for flows across the boundary, over a pipe that takes many
// messages and over one that takes a single one, raw and with the end-to-end protocol in the application.
func TestFlowConforms(t *testing.T) {
	for name, limit := range map[string]int{"wide": 64, "narrow": 1} {
		for _, q := range []core.QoS{core.QoSRaw, core.QoSData} {
			t.Run(name+"/"+q.Mode().String(), func(t *testing.T) { coretest.TestFlow(t, newWorld, connect(q, limit)) })
		}
	}
}
