package cost

import (
	"fmt"
	"math"
	"time"

	"ouroboros/core"
	"ouroboros/core/policy"
)

// DelayConfig are the parameters of the policy delay.
type DelayConfig struct {
	// Unit is the delay that costs 1.
	Unit time.Duration `mapstructure:"unit" doc:"delay that costs 1, 1ns to 1h"`
}

// Validate checks the range.
func (c *DelayConfig) Validate() error {
	if c.Unit < 1 || c.Unit > time.Hour {
		return fmt.Errorf("parameter unit: %v, accepted are 1ns to 1h", c.Unit)
	}
	return nil
}

func delayFactory() policy.Factory[Cost] {
	return policy.Factory[Cost]{
		Name:   "delay",
		Doc:    "propagation delay of the N-1 flow in units, at least 1; 1 if the flow does not tell",
		Config: func() any { return &DelayConfig{Unit: 10 * time.Microsecond} },
		New:    func(_ core.Env, cfg any) (Cost, error) { return delay{cfg.(*DelayConfig).Unit}, nil },
	}
}

// delay makes the shortest path the fastest one over empty links, to half a unit a hop.
type delay struct{ unit time.Duration }

func (d delay) Of(f core.FlowInfo) uint32 { return ratio(int64(f.Delay), int64(d.unit)) }

// ratio returns a/b rounded to the nearest whole number, halves up, within 1 to 2^32-1. b is positive;
// a that is not counts as 0.
func ratio(a, b int64) uint32 {
	q := max(a, 0) / b
	if rest := max(a, 0) % b; rest >= b-rest {
		q++
	}
	return uint32(min(max(q, 1), math.MaxUint32))
}
