package ca

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/policy"
)

// AIMDConfig are the parameters of the policy aimd. Members of a layer should use the same values.
type AIMDConfig struct {
	Threshold   int           `mapstructure:"threshold" doc:"packets in a queue from which on packets are marked, 1 to 2^20; 0: what the N-1 flow carries in interval/14, 8 to 512"`
	Interval    time.Duration `mapstructure:"interval" doc:"time between two reports, 1ms to 10s"`
	Increase    int64         `mapstructure:"increase" doc:"bit/s by which the rate grows in a second, 1000 to 10^12; 0: 1500 bytes per interval/2 in each interval/2"`
	Decrease    float64       `mapstructure:"decrease" doc:"share of the rate that a mark takes, above 0 and below 1"`
	InitialRate int64         `mapstructure:"initial_rate" doc:"bit/s at the start, min_rate to max_rate"`
	MinRate     int64         `mapstructure:"min_rate" doc:"bit/s to which the rate falls at most, 1000 to 10^12"`
	MaxRate     int64         `mapstructure:"max_rate" doc:"bit/s to which the rate grows at most, min_rate to 10^12"`
	Silence     time.Duration `mapstructure:"silence" doc:"time without reports after which they count as lost, 2*interval to 1m"`
}

func (c *AIMDConfig) pace() (pace, error) {
	return paceConfig(c.InitialRate, c.MinRate, c.MaxRate, c.Interval, c.Silence)
}

// Validate checks the ranges.
func (c *AIMDConfig) Validate() error {
	if err := checkOneBit(c.Threshold, c.Increase); err != nil {
		return err
	}
	if !(c.Decrease > 0 && c.Decrease < 1) {
		return fmt.Errorf("parameter decrease: %v, accepted are above 0 and below 1", c.Decrease)
	}
	_, err := c.pace()
	return err
}

// checkOneBit checks what the one-bit policies have in common.
func checkOneBit(threshold int, increase int64) error {
	if threshold < 0 || threshold > 1<<20 {
		return fmt.Errorf("parameter threshold: %d, accepted are 0 to %d", threshold, 1<<20)
	}
	if increase != 0 && (increase < lowestRate || increase > highestRate) {
		return fmt.Errorf("parameter increase: %d, accepted are 0 and %d to %d", increase, lowestRate, int64(highestRate))
	}
	return nil
}

// aimd is additive increase, multiplicative decrease on one bit (D.-M. Chiu, R. Jain, "Analysis of the
// increase and decrease algorithms for congestion avoidance in computer networks", 1989; K. Ramakrishnan,
// R. Jain, "A binary feedback scheme for congestion avoidance in computer networks", 1990), in rates
// instead of windows, as the layer has no acknowledgements. The step is one of rate per time, so the
// share of a flow does not depend on its round-trip time.
//
// A queue of threshold packets marks (see newThreshold for its default). The receiver reports in every interval whether there was a mark in
// it (1 or 0), and the first mark after an interval without one at once. The sender starts by doubling
// its rate in an interval, or in a round trip if that is longer, until the first mark. A mark then takes a
// share of the rate; marks that are reported within that time and half an interval still tell of the time
// before, and do nothing.
type aimd struct {
	cfg      *AIMDConfig
	pace     pace
	increase int64 // bytes per second and second
	decrease int64 // of 16 bits behind the point
}

func (a *aimd) NewPort(rate int64) Marker {
	return newThreshold(a.cfg.Threshold, a.cfg.Interval, rate)
}

func (a *aimd) NewFlow(now core.Time) Flow {
	return &aimdFlow{a: a, throttle: newThrottle(&a.pace, now)}
}

// aimdFlow is one end of a flow.
type aimdFlow struct {
	throttle
	a      *aimd
	hold   core.Time // until then a mark is an old one
	marks  markCounter
	marked bool // the last window had a mark
}

// Recv reports at the end of an interval, and a mark after an interval without one at once.
func (f *aimdFlow) Recv(now core.Time, _ int, ecn uint8) (report bool, ece uint16) {
	marked := ecn != 0
	if !f.marks.count(now, marked, marked && !f.marked) {
		return false, 0
	}
	f.marked = f.marks.marked > 0
	if f.marked {
		ece = 1
	}
	f.marks.next(now, f.interval, ece)
	return true, ece
}

// Report adds to the rate or cuts it.
func (f *aimdFlow) Report(now core.Time, ece uint16) {
	dt, used := f.report(now, ece)
	switch {
	case ece != 0 && now >= f.hold:
		f.cut(f.a.decrease)
		f.hold = now.Add(f.loop + f.interval/2)
	case ece == 0 && used:
		f.grow(dt, f.a.increase)
	}
}

func (f *aimdFlow) Snapshot() Snapshot {
	s := f.snapshot()
	s.Algorithm = "AIMD"
	s.Downstream, s.DownPackets = f.marks.last, f.marks.lastTotal
	return s
}

func aimdFactory() policy.Factory[Avoidance] {
	return policy.Factory[Avoidance]{
		Name: "aimd",
		Doc:  "one-bit marks from a queue length on; rates increase additively and decrease multiplicatively",
		Config: func() any {
			return &AIMDConfig{
				Interval: 50 * time.Millisecond, Decrease: 0.5,
				InitialRate: 1e6, MinRate: 8e3, MaxRate: highestRate, Silence: time.Second,
			}
		},
		New: func(_ core.Env, cfg any) (Avoidance, error) {
			c := cfg.(*AIMDConfig)
			p, err := c.pace()
			return &aimd{cfg: c, pace: p, increase: increaseOf(c.Increase, c.Interval), decrease: int64(c.Decrease * fixed)}, err
		},
	}
}
