package addr

import (
	"math/rand/v2"

	"ouroboros/core"
	"ouroboros/core/policy"
)

// defaultSize is the address size of the prototype in bytes, its only one (spec 02 §1).
const defaultSize = 4

// FlatRandomConfig are the parameters of the policy flat-random.
type FlatRandomConfig struct {
	AddrSize int `mapstructure:"addr_size" doc:"bytes of an address, 1 to 8; as in the header of the layer"`
}

// Validate checks the range.
func (c *FlatRandomConfig) Validate() error { return checkSize(c.AddrSize) }

func flatRandomFactory() policy.Factory[Policy] {
	return policy.Factory[Policy]{
		Name:   "flat-random",
		Doc:    "uniformly random and not 0, as the prototype's policy flat (spec 02 §3)",
		Config: func() any { return &FlatRandomConfig{AddrSize: defaultSize} },
		New: func(env core.Env, cfg any) (Policy, error) {
			return &flatRandom{rand: env.Rand, max: largest(cfg.(*FlatRandomConfig).AddrSize)}, nil
		},
	}
}

type flatRandom struct {
	rand *rand.Rand
	max  uint64
}

// Assign draws from [1, max]. Two of n members of a layer with 4-byte addresses share one with a
// probability of about n²/2^33.
func (f *flatRandom) Assign(int) (uint64, error) { return 1 + f.rand.Uint64N(f.max), nil }
