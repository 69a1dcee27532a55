package ca

import (
	"fmt"
	"math/rand/v2"
	"time"

	"ouroboros/core"
	"ouroboros/core/policy"
)

// LGCConfig are the parameters of the policy lgc. Members of a layer should use the same values.
type LGCConfig struct {
	Growth       float64       `mapstructure:"growth" doc:"α in 1/s: how fast a small rate grows on an empty path, 0.001 to 1000"`
	Scale        float64       `mapstructure:"scale" doc:"a rate is measured in this times the capacity: 1 is the published equation, more uses more of the link and evens out more slowly, 1 to 64"`
	Target       float64       `mapstructure:"target" doc:"share of the capacity that is a load of 1, above 0 and up to 1"`
	Capacity     int64         `mapstructure:"capacity" doc:"bit/s that rates are measured in, 0 (the smallest on the path) or 1000 to 10^12"`
	PortRate     int64         `mapstructure:"port_rate" doc:"bit/s of an N-1 flow that does not tell its own, 0 (its load is not measured) or 1000 to 10^12"`
	LoadExponent int           `mapstructure:"load_exponent" doc:"load is measured over 2^this ns, 17 to 32"`
	Interval     time.Duration `mapstructure:"interval" doc:"time between two reports, 1ms to 10s"`
	InitialRate  int64         `mapstructure:"initial_rate" doc:"bit/s at the start, min_rate to max_rate"`
	MinRate      int64         `mapstructure:"min_rate" doc:"bit/s to which the rate falls at most, 1000 to 10^12"`
	MaxRate      int64         `mapstructure:"max_rate" doc:"bit/s to which the rate grows at most, min_rate to 10^12"`
	Silence      time.Duration `mapstructure:"silence" doc:"time without reports after which they count as lost, 2*interval to 1m"`
}

func (c *LGCConfig) pace() (pace, error) {
	return paceConfig(c.InitialRate, c.MinRate, c.MaxRate, c.Interval, c.Silence)
}

// Validate checks the ranges.
func (c *LGCConfig) Validate() error {
	for _, p := range []struct {
		name         string
		v, low, high float64
	}{
		{"growth", c.Growth, 0.001, 1000},
		{"scale", c.Scale, 1, 64},
		{"target", c.Target, 0.01, 1},
		{"load_exponent", float64(c.LoadExponent), 17, 32},
	} {
		if !(p.v >= p.low && p.v <= p.high) {
			return fmt.Errorf("parameter %s: %v, accepted are %v to %v", p.name, p.v, p.low, p.high)
		}
	}
	for _, p := range []struct {
		name string
		v    int64
	}{{"capacity", c.Capacity}, {"port_rate", c.PortRate}} {
		if p.v != 0 && (p.v < lowestRate || p.v > highestRate) {
			return fmt.Errorf("parameter %s: %d, accepted are 0 and %d to %d", p.name, p.v, lowestRate, int64(highestRate))
		}
	}
	_, err := c.pace()
	return err
}

func lgcFactory() policy.Factory[Avoidance] {
	return policy.Factory[Avoidance]{
		Name: "lgc",
		Doc:  "logistic growth: the load of the path marks packets, rates follow x += α·x·(1 - x - load)",
		Config: func() any {
			return &LGCConfig{
				Growth: 10, Scale: 4, Target: 0.95, LoadExponent: 24, Interval: 20 * time.Millisecond,
				InitialRate: 1e6, MinRate: 8e3, MaxRate: highestRate, Silence: time.Second,
			}
		},
		New: func(env core.Env, cfg any) (Avoidance, error) {
			c := cfg.(*LGCConfig)
			p, err := c.pace()
			l := &lgc{cfg: c, pace: p, rng: rand.NewPCG(0, 0), growth: int64(c.Growth * fixed)}
			if env.Rand != nil {
				l.rng.Seed(env.Rand.Uint64(), env.Rand.Uint64())
			}
			return l, err
		},
	}
}
