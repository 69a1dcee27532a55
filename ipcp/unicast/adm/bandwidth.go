package adm

import (
	"fmt"
	"math"

	"ouroboros/core"
	"ouroboros/core/policy"
)

// BandwidthConfig are the parameters of the policy bandwidth.
type BandwidthConfig struct {
	// Share is the part of the rate that may be reserved. More than 1 counts on flows that do not use what
	// they asked for.
	Share float64 `mapstructure:"share" doc:"part of the rate of the N-1 flows together that flows may reserve, 0.001 to 100"`
	// Capacity stands in for a rate that the N-1 flows do not tell. 0: every flow is taken on then.
	Capacity uint64 `mapstructure:"capacity" doc:"bit/s that count as the rate when the N-1 flows do not tell theirs; 0 = no limit then"`
}

// Validate checks the ranges.
func (c *BandwidthConfig) Validate() error {
	if !(c.Share >= 0.001 && c.Share <= 100) {
		return fmt.Errorf("parameter share: %v, accepted are 0.001 to 100", c.Share)
	}
	return nil
}

func bandwidthFactory() policy.Factory[Admission] {
	return policy.Factory[Admission]{
		Name:   "bandwidth",
		Doc:    "a flow is taken on while the bandwidths of all flows of the member stay within a share of what its N-1 flows carry",
		Config: func() any { return &BandwidthConfig{Share: 0.9} },
		New: func(_ core.Env, cfg any) (Admission, error) {
			return &bandwidth{cfg: cfg.(*BandwidthConfig)}, nil
		},
	}
}

// bandwidth adds up what the flows of the member have asked for. Flows that were taken on stay when the rate
// falls; new ones are refused until there is room again.
type bandwidth struct {
	cfg      *BandwidthConfig
	reserved uint64 // bit/s
}

// reserves returns how much of the bandwidth a flow reserves: what it asks for. The preset video asks for
// 2^64-1, all there is (spec 12 §12.2): that is a wish without a number and reserves nothing, as does 0.
func reserves(q core.QoS) uint64 {
	if q.Bandwidth == math.MaxUint64 {
		return 0
	}
	return q.Bandwidth
}

func (b *bandwidth) Admit(q core.QoS, rate int64) error {
	want, limit := reserves(q), b.limit(rate)
	if want == 0 {
		return nil
	}
	if b.reserved > limit || want > limit-b.reserved {
		return fmt.Errorf("%w: the flow asks for %d bit/s, %d of %d are reserved", core.ErrBandwidth, want, b.reserved, limit)
	}
	b.reserved += want
	return nil
}

// limit returns how much may be reserved in bit/s. Without a limit it is a number that no sum may exceed.
func (b *bandwidth) limit(rate int64) uint64 {
	r := uint64(max(rate, 0))
	if r == 0 {
		r = b.cfg.Capacity
	}
	if r == 0 {
		return math.MaxUint64
	}
	if f := math.Round(b.cfg.Share * float64(r)); f < 1<<63 {
		return uint64(f)
	}
	return math.MaxUint64
}

func (b *bandwidth) Release(q core.QoS) {
	n := reserves(q)
	if n > b.reserved {
		panic("adm: release of a flow that was not admitted")
	}
	b.reserved -= n
}
