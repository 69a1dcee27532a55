package ca

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/policy"
)

// DCTCPConfig are the parameters of the policy dctcp. Members of a layer should use the same values.
type DCTCPConfig struct {
	Threshold   int           `mapstructure:"threshold" doc:"K: packets in a queue from which on packets are marked, 1 to 2^20; 0: what the N-1 flow carries in interval/14, 8 to 512"`
	Interval    time.Duration `mapstructure:"interval" doc:"observation window, 1ms to 10s"`
	Gain        float64       `mapstructure:"gain" doc:"g: weight of the last window in the marked share, above 0 and up to 1"`
	Increase    int64         `mapstructure:"increase" doc:"bit/s by which the rate grows in a second, 1000 to 10^12; 0: 1500 bytes per interval/2 in each interval/2"`
	InitialRate int64         `mapstructure:"initial_rate" doc:"bit/s at the start, min_rate to max_rate"`
	MinRate     int64         `mapstructure:"min_rate" doc:"bit/s to which the rate falls at most, 1000 to 10^12"`
	MaxRate     int64         `mapstructure:"max_rate" doc:"bit/s to which the rate grows at most, min_rate to 10^12"`
	Silence     time.Duration `mapstructure:"silence" doc:"time without reports after which they count as lost, 2*interval to 1m"`
}

func (c *DCTCPConfig) pace() (pace, error) {
	return paceConfig(c.InitialRate, c.MinRate, c.MaxRate, c.Interval, c.Silence)
}

// Validate checks the ranges.
func (c *DCTCPConfig) Validate() error {
	if err := checkOneBit(c.Threshold, c.Increase); err != nil {
		return err
	}
	if !(c.Gain*fixed >= 1 && c.Gain <= 1) {
		return fmt.Errorf("parameter gain: %v, accepted are 2^-16 to 1", c.Gain)
	}
	_, err := c.pace()
	return err
}

// dctcp is the control of DCTCP (M. Alizadeh et al., "Data Center TCP (DCTCP)", SIGCOMM 2010; RFC 8257) in
// rates instead of windows. A queue of threshold packets marks (see newThreshold for its default). The receiver reports the share F of
// marked packets in every observation window, as a fraction of 65535. The sender estimates
//
//	α ← (1 − g)·α + g·F,   α = 1 at first (RFC 8257 §3.3)
//
// and, if F > 0, takes α/2 of its rate, once per window, or once per round trip if that is longer; without
// marks the rate grows by a constant.
//
// What differs from the RFC, because the layer has neither acknowledgements nor a round-trip time: the
// window is a parameter, not the round-trip time, of which only a first measurement is known; the step is one of rate per time (see increaseOf), so shares do not
// depend on the round-trip time as long as the interval is longer; loss is not noticed. F counts packets, as the paper has it, where the RFC
// counts bytes. Slow start doubles the rate in a window and ends with the first mark of the flow, which the
// receiver reports at once.
type dctcp struct {
	cfg      *DCTCPConfig
	pace     pace
	increase int64 // bytes per second and second
	gain     int64 // of 16 bits behind the point
}

func (d *dctcp) NewPort(rate int64) Marker {
	return newThreshold(d.cfg.Threshold, d.cfg.Interval, rate)
}

func (d *dctcp) NewFlow(now core.Time) Flow {
	return &dctcpFlow{d: d, throttle: newThrottle(&d.pace, now), alpha: fixed << 14}
}

// dctcpFlow is one end of a flow.
type dctcpFlow struct {
	throttle
	d     *dctcp
	hold  core.Time // until then the last cut has not shown
	alpha int64     // of 30 bits behind the point, so that a small gain does not stop short
	marks markCounter
	seen  bool // a mark has come
}

// Recv reports at the end of a window, and the first mark at once.
func (f *dctcpFlow) Recv(now core.Time, _ int, ecn uint8) (report bool, ece uint16) {
	marked := ecn != 0
	early := marked && !f.seen
	f.seen = f.seen || marked
	if !f.marks.count(now, marked, early) {
		return false, 0
	}
	ece = f.marks.share()
	f.marks.next(now, f.interval, ece)
	return true, ece
}

// Report takes the marked share of a window.
func (f *dctcpFlow) Report(now core.Time, ece uint16) {
	dt, used := f.report(now, ece)
	marked := int64(ece) << 30 / 65535
	f.alpha += (marked - f.alpha) * f.d.gain >> 16
	switch {
	case ece != 0 && now >= f.hold:
		f.cut(f.alpha >> 15) // α/2
		f.hold = now.Add(f.loop - f.interval/2)
	case ece != 0: // told already
	case used:
		f.grow(dt, f.d.increase)
	}
}

func (f *dctcpFlow) Snapshot() Snapshot {
	s := f.snapshot()
	s.Algorithm = "DCTCP"
	s.Downstream, s.DownPackets = f.marks.last, f.marks.lastTotal
	return s
}

func dctcpFactory() policy.Factory[Avoidance] {
	return policy.Factory[Avoidance]{
		Name: "dctcp",
		Doc:  "one-bit marks from a queue length on; rates decrease by the share of marked packets (RFC 8257)",
		Config: func() any {
			return &DCTCPConfig{
				Interval: 50 * time.Millisecond, Gain: 1. / 16,
				InitialRate: 1e6, MinRate: 8e3, MaxRate: highestRate, Silence: time.Second,
			}
		},
		New: func(_ core.Env, cfg any) (Avoidance, error) {
			c := cfg.(*DCTCPConfig)
			p, err := c.pace()
			return &dctcp{cfg: c, pace: p, increase: increaseOf(c.Increase, c.Interval), gain: int64(c.Gain * fixed)}, err
		},
	}
}
