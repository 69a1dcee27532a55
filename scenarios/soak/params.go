package soak

import (
	"math/rand/v2"
	"strings"

	"ouroboros/core"
	"ouroboros/frcp"
	"ouroboros/scenarios/experiment"
)

// params returns the parameters of the end-to-end protocol of a flow.
func (f *Flow) params() (frcp.Params, error) { return experiment.Transport(f.FRCP) }

// encrypted reports whether the packets of a flow are: its programs ask for it, or a system encrypts all.
func (p *Plan) encrypted(f *Flow) bool {
	for _, n := range []string{f.From, f.To} {
		if r := p.Scenario.SecurityOf(n); r != nil && r.Force {
			return true
		}
	}
	return f.Encrypt
}

// protected reports whether corrupt packets cannot reach the programs: a CRC or a tag covers them. The ciphers
// in counter mode have no tag.
func (p *Plan) protected(f *Flow) bool {
	if f.QoS.Spec().BER == 0 {
		return true
	}
	r := p.Scenario.SecurityOf(f.From)
	return p.encrypted(f) && (r == nil || !strings.HasSuffix(r.Cipher, "-ctr"))
}

// mode returns the mode of the flow.
func (f *Flow) mode() core.Mode { return f.QoS.Spec().Mode() }

// startNear is a random stream whose first half of each number is near a place, so that the sequence numbers
// of FRCP, which come from there, soon wrap.
type startNear struct {
	rand.Source
	first uint32
}

// Uint64 returns the next number.
func (s startNear) Uint64() uint64 {
	x := s.Source.Uint64()
	return uint64(s.first+uint32(x&15))<<32 | x>>32
}

// startsNear returns env with that stream, or as it is when the plan leaves the start open.
func startsNear(env core.Env, first uint64) core.Env {
	if first != 0 {
		env.Rand = rand.New(startNear{rand.NewPCG(env.Rand.Uint64(), env.Rand.Uint64()), uint32(first)})
	}
	return env
}
