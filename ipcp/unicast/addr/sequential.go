package addr

import (
	"fmt"

	"ouroboros/core"
	"ouroboros/core/policy"
)

// SequentialConfig are the parameters of the policy sequential.
type SequentialConfig struct {
	AddrSize int `mapstructure:"addr_size" doc:"bytes of an address, 1 to 8; as in the header of the layer"`
}

// Validate checks the range.
func (c *SequentialConfig) Validate() error { return checkSize(c.AddrSize) }

func sequentialFactory() policy.Factory[Policy] {
	return policy.Factory[Policy]{
		Name:   "sequential",
		Doc:    "the number of the member in its layer, counted from 1: unique and easy to read",
		Config: func() any { return &SequentialConfig{AddrSize: defaultSize} },
		New: func(_ core.Env, cfg any) (Policy, error) {
			return sequential{size: cfg.(*SequentialConfig).AddrSize}, nil
		},
	}
}

type sequential struct{ size int }

func (s sequential) Assign(index int) (uint64, error) {
	if index < 0 || uint64(index) >= largest(s.size) {
		return 0, fmt.Errorf("address policy \"sequential\": member number %d, accepted are 0 to %d with addresses of %d bytes",
			index, largest(s.size)-1, s.size)
	}
	return uint64(index) + 1, nil
}
