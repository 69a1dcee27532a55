package routing

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/policy"
)

// OnOff is a switch, written "on" or "off".
type OnOff bool

// UnmarshalText reads "on" or "off".
func (o *OnOff) UnmarshalText(b []byte) error {
	switch string(b) {
	case "on":
		*o = true
	case "off":
		*o = false
	default:
		return fmt.Errorf("%q, accepted are on, off", b)
	}
	return nil
}

// String returns "on" or "off".
func (o OnOff) String() string {
	if o {
		return "on"
	}
	return "off"
}

// Values of LinkStateConfig.LongForm.
const (
	LongAlways = "always"
	LongNeeded = "needed"
)

// LinkStateConfig are the parameters of the policy link-state. Members of a layer should use the same
// values (spec 04 §1).
type LinkStateConfig struct {
	// Recalc is t_recalc: adjacencies that have aged away count from the next multiple of it. They are a
	// minute late anyway, and come in batches.
	Recalc time.Duration `mapstructure:"recalc" doc:"period of the check for tables that aged adjacencies have outdated, 1ms to 24h"`
	// Update is t_update.
	Update time.Duration `mapstructure:"update" doc:"period of refresh and ageing, 1ms to 24h"`
	// Timeout is t_timeo. Below twice the period of refresh a single lost message ages an adjacency away.
	Timeout time.Duration `mapstructure:"timeout" doc:"age at which an adjacency is dropped, 2*update to 24h"`
	// SPFDelay is the time from the first change after a quiet time to the computation: routers in the field
	// wait a little for what else belongs to it. Until then packets follow the old tables, and alternates.
	SPFDelay time.Duration `mapstructure:"spf_delay" doc:"time from a change to the computation of the tables, 0 (end of the instant) to 1h"`
	// SPFHold is the time from one computation to the next. The first change after a quiet time is
	// computed at the end of its instant, further ones wait: a failure is repaired at once, and a flood
	// costs one computation instead of hundreds (decision 16). 0 computes at the end of every instant
	// that brings a change.
	SPFHold time.Duration `mapstructure:"spf_hold" doc:"shortest time between two computations of the tables, 0 to 1h"`
	// Withdraw off is the behaviour of the prototype: nothing but 24-byte messages is sent or heard, and
	// an adjacency that has failed ages out at other members (decision 12).
	Withdraw OnOff `mapstructure:"withdraw" doc:"announce failed adjacencies with 32-byte messages, on or off"`
	// Pace is the period in which floods beyond Burst are handed out together. It should be longer than
	// the delay of most links, so that a message that two neighbours have for each other goes one way only.
	Pace time.Duration `mapstructure:"pace" doc:"period of handing out floods beyond the burst, 0 (all at once) to 1s"`
	// Burst is the number of messages that are flooded at once in one period, or handed out after it; those
	// that change the graph and those that do not are counted apart.
	Burst int `mapstructure:"burst" doc:"messages flooded in one period, 1 to 65536"`
	// LongForm says beside which 24-byte messages a 32-byte one is sent: all (decision 12), or only those
	// that it adds something to, which halves the traffic of a layer whose costs are all 1.
	LongForm string `mapstructure:"long_form" doc:"send the 32-byte form always, or where it is needed: always, needed"`
	// MaxEntries bounds the database, which anybody in the layer can fill (spec 04 §4.6): what would go
	// beyond is not taken, not forwarded and counted. An entry takes about 70 bytes.
	MaxEntries int `mapstructure:"max_entries" doc:"directed adjacencies of others that are kept, 16 to 2^24"`
}

// Validate checks the ranges.
func (c *LinkStateConfig) Validate() error {
	const day = 24 * time.Hour
	for _, p := range []struct {
		name         string
		v, low, high time.Duration
	}{
		{"recalc", c.Recalc, time.Millisecond, day},
		{"update", c.Update, time.Millisecond, day},
		{"timeout", c.Timeout, 2 * c.Update, day},
		{"spf_delay", c.SPFDelay, 0, time.Hour},
		{"spf_hold", c.SPFHold, 0, time.Hour},
		{"pace", c.Pace, 0, time.Second},
	} {
		if p.v < p.low || p.v > p.high {
			return fmt.Errorf("parameter %s: %v, accepted are %v to %v", p.name, p.v, p.low, p.high)
		}
	}
	if c.Burst < 1 || c.Burst > 1<<16 {
		return fmt.Errorf("parameter burst: %d, accepted are 1 to 65536", c.Burst)
	}
	if c.MaxEntries < 16 || c.MaxEntries > 1<<24 {
		return fmt.Errorf("parameter max_entries: %d, accepted are 16 to %d", c.MaxEntries, 1<<24)
	}
	if c.LongForm != LongAlways && c.LongForm != LongNeeded {
		return fmt.Errorf("parameter long_form: %q, accepted are %s, %s", c.LongForm, LongAlways, LongNeeded)
	}
	return nil
}

func linkStateFactory() policy.Factory[Routing] {
	return policy.Factory[Routing]{
		Name: "link-state",
		Doc:  "floods adjacencies and computes shortest paths (spec 04); failures are announced (decision 12)",
		Config: func() any {
			return &LinkStateConfig{
				Recalc: 4 * time.Second, Update: 15 * time.Second, Timeout: time.Minute,
				SPFHold: 50 * time.Millisecond, Pace: 10 * time.Millisecond, Burst: 64, Withdraw: true, LongForm: LongAlways,
				MaxEntries: 1 << 16,
			}
		},
		New: func(env core.Env, cfg any) (Routing, error) {
			return newLinkState(env, cfg.(*LinkStateConfig)), nil
		},
	}
}
