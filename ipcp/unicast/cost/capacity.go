package cost

import (
	"fmt"

	"ouroboros/core"
	"ouroboros/core/policy"
)

// CapacityConfig are the parameters of the policy inverse-capacity.
type CapacityConfig struct {
	// Reference is the rate that costs 1, in bit/s. Links that are faster are not told apart.
	Reference int64 `mapstructure:"reference" doc:"rate in bit/s that costs 1, 1 to 2^63-1"`
}

// Validate checks the range.
func (c *CapacityConfig) Validate() error {
	if c.Reference < 1 {
		return fmt.Errorf("parameter reference: %d, accepted are 1 to 2^63-1 bit/s", c.Reference)
	}
	return nil
}

func capacityFactory() policy.Factory[Cost] {
	return policy.Factory[Cost]{
		Name:   "inverse-capacity",
		Doc:    "reference rate by rate of the N-1 flow, at least 1, as OSPF does; 1 if the flow does not tell",
		Config: func() any { return &CapacityConfig{Reference: 100e9} },
		New:    func(_ core.Env, cfg any) (Cost, error) { return capacity{cfg.(*CapacityConfig).Reference}, nil },
	}
}

// capacity is the usual metric of OSPF (RFC 2328, C.3, leaves it to the operator; 10^8 bit/s by the rate
// is the default of common implementations), with a reference for faster links.
type capacity struct{ reference int64 }

func (c capacity) Of(f core.FlowInfo) uint32 {
	if f.Rate <= 0 {
		return 1
	}
	return ratio(c.reference, f.Rate)
}
