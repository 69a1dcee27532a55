package routing

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/policy"
)

// PathVectorConfig are the parameters of the policy path-vector.
type PathVectorConfig struct {
	// Update is the period of refresh. Management flows lose messages; what was lost is made up for then.
	Update time.Duration `mapstructure:"update" doc:"period in which all routes are sent again and old ones dropped, 1ms to 24h"`
	// Timeout is the age of a route at which it is dropped.
	Timeout time.Duration `mapstructure:"timeout" doc:"age at which a route that was not refreshed is dropped, 2*update to 24h"`
	// MRAI paces what is said, as the timer of that name does in BGP (RFC 4271, §9.2.1.1), but for all
	// destinations and neighbours together, and withdrawals too. The first change after a quiet time is told
	// at the end of its instant. Longer times save messages about paths that do not last.
	MRAI time.Duration `mapstructure:"mrai" doc:"shortest time between two rounds of advertisements, 0 to 1h"`
	// SPFHold is as under link-state.
	SPFHold time.Duration `mapstructure:"spf_hold" doc:"shortest time between two choices of routes, 0 to 1h"`
	// MaxPath bounds the memory of a route; longer paths are not used.
	MaxPath int `mapstructure:"max_path" doc:"hops of the longest path, 2 to 64"`
	// MaxDestinations bounds the routes of one neighbour, all of which can be forged.
	MaxDestinations int `mapstructure:"max_destinations" doc:"members that are known at a time, 16 to 2^20"`
}

// Validate checks the ranges.
func (c *PathVectorConfig) Validate() error {
	const day = 24 * time.Hour
	for _, p := range []struct {
		name         string
		v, low, high time.Duration
	}{
		{"update", c.Update, time.Millisecond, day},
		{"timeout", c.Timeout, 2 * c.Update, day},
		{"mrai", c.MRAI, 0, time.Hour},
		{"spf_hold", c.SPFHold, 0, time.Hour},
	} {
		if p.v < p.low || p.v > p.high {
			return fmt.Errorf("parameter %s: %v, accepted are %v to %v", p.name, p.v, p.low, p.high)
		}
	}
	if c.MaxPath < 2 || c.MaxPath > 64 {
		return fmt.Errorf("parameter max_path: %d, accepted are 2 to 64", c.MaxPath)
	}
	if c.MaxDestinations < 16 || c.MaxDestinations > 1<<20 {
		return fmt.Errorf("parameter max_destinations: %d, accepted are 16 to %d", c.MaxDestinations, 1<<20)
	}
	return nil
}

func pathVectorFactory() policy.Factory[Routing] {
	return policy.Factory[Routing]{
		Name: "path-vector",
		Doc:  "tells neighbours the paths in use, as BGP does: loop-free by path; for layers of our own members",
		Config: func() any {
			return &PathVectorConfig{
				Update: 15 * time.Second, Timeout: time.Minute, MRAI: 50 * time.Millisecond, SPFHold: 50 * time.Millisecond,
				MaxPath: 64, MaxDestinations: 1 << 14,
			}
		},
		New: func(env core.Env, cfg any) (Routing, error) {
			return newPathVector(env, cfg.(*PathVectorConfig)), nil
		},
	}
}
