package frcp_test

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/frcp"
	"ouroboros/sim"
)

// connect puts endpoints on the flows of the suite's own small layer. R is short because an endpoint
// whose peer is gone lingers for R, longer than the suite waits.
func connect(q core.QoS) coretest.Connect {
	inner := coretest.ConnectLayer(core.LinkDirect, q)
	return func(h *coretest.Harness, spec core.LinkSpec) coretest.Pair {
		p := inner(h, spec)
		for i := range p.Flow {
			h.On(p.Env[i], func() {
				e, err := frcp.WrapWith(p.Env[i].Derive("frcp"), p.Flow[i], frcp.Params{R: 3 * time.Second})
				if err != nil {
					panic(err)
				}
				p.Flow[i] = e
			})
		}
		p.Masks = q.Mode() != core.ModeRaw
		return p
	}
}

// TestConformance holds the rules of core.Flow for every mode, with and without CRC.
func TestConformance(t *testing.T) {
	crc := func(q core.QoS) core.QoS {
		q.BER = 0
		return q
	}
	for name, q := range map[string]core.QoS{
		"raw": core.QoSRaw, "ordered": core.QoSBestEffort, "reliable": core.QoSData,
		"raw-crc": core.QoSRawNoErrors, "ordered-crc": crc(core.QoSBestEffort), "reliable-crc": crc(core.QoSData),
	} {
		t.Run(name, func(t *testing.T) {
			coretest.TestFlow(t, func(*testing.T) coretest.World { return sim.New(1) }, connect(q))
		})
	}
}
