package ca

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/policy"
)

// slowStart says how the limit of a flow grows before the first report.
type slowStart uint8

const (
	slowStartSpec   slowStart = iota // doubles in every slot (spec 06 §5.3)
	slowStartCapped                  // doubles at most once in the time of a first slot
)

// UnmarshalText reads "spec" or "capped".
func (s *slowStart) UnmarshalText(b []byte) error {
	switch string(b) {
	case "spec":
		*s = slowStartSpec
	case "capped":
		*s = slowStartCapped
	default:
		return fmt.Errorf("%q, accepted are spec, capped", b)
	}
	return nil
}

// String returns "spec" or "capped".
func (s slowStart) String() string {
	if s == slowStartCapped {
		return "capped"
	}
	return "spec"
}

// MBECNConfig are the parameters of the policies mb-ecn and mb-ecn-blog; the defaults are the constants of spec 06 §9.
// Members of a layer should use the same values.
type MBECNConfig struct {
	QueueShift int `mapstructure:"queue_shift" doc:"a level of marking is 2^this packets in the queue, 0 to 16"`

	AverageShift int `mapstructure:"average_shift" doc:"the receiver smooths levels over 2^this packets, 0 to 8"`
	ReportEvery  int `mapstructure:"report_every" doc:"congested packets between two reports, 2 to 65536"`

	SlotExponent  int           `mapstructure:"slot_exponent" doc:"the first slot is 2^this ns long, 8 to 40"`
	InitialLimit  int64         `mapstructure:"initial_limit" doc:"bytes that may be sent in the first slot, 1 to 2^40"`
	Increment     int64         `mapstructure:"increment" doc:"bytes added to the limit per first slot without congestion, 1 to 2^40"`
	MinPackets    int64         `mapstructure:"min_packets" doc:"fewer packets in a slot make it longer, 1 to max_packets/2"`
	MaxPackets    int64         `mapstructure:"max_packets" doc:"more packets in a slot make it shorter, 2 to 65536"`
	SlowStart     slowStart     `mapstructure:"slow_start" doc:"before the first report the limit doubles in every slot (spec) or once per first slot (capped)"`
	MaxRate       int64         `mapstructure:"max_rate" doc:"bit/s that a flow may send at most, 0 (no bound) or 1000 to 10^12"`
	DecreaseShift int           `mapstructure:"decrease_shift" doc:"the limit shrinks by level/2^this per slot, 0 to 30"`
	ReportWindow  int           `mapstructure:"report_window" doc:"packets sent without a report that end a spell of congestion, 1 to 2^20"`
	MaxPause      time.Duration `mapstructure:"max_pause" doc:"longest pause before a packet, above 0 and up to 1s"`
}

// defaults returns the constants of the prototype.
func defaults() *MBECNConfig {
	return &MBECNConfig{
		QueueShift:   4,
		AverageShift: 5, ReportEvery: 8,
		SlotExponent: 24, InitialLimit: 65536, Increment: 65536,
		MinPackets: 8, MaxPackets: 64, DecreaseShift: 13,
		ReportWindow: 32, MaxPause: time.Second,
	}
}

// Validate checks the ranges.
func (c *MBECNConfig) Validate() error {
	for _, p := range []struct {
		name          string
		v, low, limit int64
	}{
		{"queue_shift", int64(c.QueueShift), 0, 16},
		{"average_shift", int64(c.AverageShift), 0, 8},
		{"report_every", int64(c.ReportEvery), 2, 1 << 16},
		{"slot_exponent", int64(c.SlotExponent), minExponent, 40},
		{"initial_limit", c.InitialLimit, 1, 1 << 40},
		{"increment", c.Increment, 1, 1 << 40},
		{"max_packets", c.MaxPackets, 2, 1 << 16},
		{"min_packets", c.MinPackets, 1, c.MaxPackets / 2},
		{"decrease_shift", int64(c.DecreaseShift), 0, 30},
		{"report_window", int64(c.ReportWindow), 1, 1 << 20},
	} {
		if p.v < p.low || p.v > p.limit {
			return fmt.Errorf("parameter %s: %d, accepted are %d to %d", p.name, p.v, p.low, p.limit)
		}
	}
	if c.MaxRate != 0 && (c.MaxRate < lowestRate || c.MaxRate > highestRate) {
		return fmt.Errorf("parameter max_rate: %d, accepted are 0 and %d to %d", c.MaxRate, lowestRate, int64(highestRate))
	}
	if c.MaxPause <= 0 || c.MaxPause > time.Second {
		return fmt.Errorf("parameter max_pause: %v, accepted are above 0 and up to 1s", c.MaxPause)
	}
	return nil
}

func mbECNFactory() policy.Factory[Avoidance] {
	return policy.Factory[Avoidance]{
		Name:   "mb-ecn",
		Doc:    "multi-bit explicit congestion notification: queue lengths mark packets, slots limit bytes (spec 06 §2)",
		Config: func() any { return defaults() },
		New: func(env core.Env, cfg any) (Avoidance, error) {
			a := newMBECN(env, cfg)
			return &a, nil
		},
	}
}

func newMBECN(env core.Env, cfg any) mbECN {
	a := mbECN{cfg: cfg.(*MBECNConfig)}
	if env.Rand != nil {
		a.phase = env.Rand.Int64N(maxPhase)
	}
	return a
}
