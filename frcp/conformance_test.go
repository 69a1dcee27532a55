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
func connect(q core.QoS, cipher uint16) coretest.Connect {
	params := frcp.Params{R: 3 * time.Second, KeyEpoch: 64}
	inner := coretest.ConnectLayer(core.LinkDirect, q)
	return func(h *coretest.Harness, spec core.LinkSpec) coretest.Pair {
		p := inner(h, spec)
		for i, f := range p.Flow {
			if cipher != 0 {
				p.Flow[i] = &locked{Flow: f, s: core.Security{Cipher: cipher, Initiator: i == 0}}
			}
		}
		p.Raise(h, q.Mode() != core.ModeRaw, func(env core.Env, below core.Flow) (core.Flow, error) {
			return frcp.WrapWith(env, below, params)
		})
		return p
	}
}

// locked is a flow as the broker hands it out when it must be encrypted.
type locked struct {
	core.Flow
	s core.Security
}

func (l *locked) Unlock() (core.Flow, core.Security) { return l.Flow, l.s }

// TestConformance holds the rules of core.Flow for every mode, in clear and encrypted, with and without CRC.
func TestConformance(t *testing.T) {
	crc := func(q core.QoS) core.QoS {
		q.BER = 0
		return q
	}
	for name, q := range map[string]core.QoS{
		"raw": core.QoSRaw, "ordered": core.QoSBestEffort, "reliable": core.QoSData,
		"raw-crc": core.QoSRawNoErrors, "ordered-crc": crc(core.QoSBestEffort), "reliable-crc": crc(core.QoSData),
	} {
		for suffix, cipher := range map[string]uint16{"": 0, "-aes-256-gcm": 901, "-aes-128-ctr": 904, "-chacha20-poly1305": 1018} {
			t.Run(name+suffix, func(t *testing.T) {
				coretest.TestFlow(t, func(*testing.T) coretest.World { return sim.New(1) }, connect(q, cipher))
			})
		}
	}
}
