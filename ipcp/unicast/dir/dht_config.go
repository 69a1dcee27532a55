package dir

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/policy"
)

// DHTConfig are the parameters of the policy dht (spec 05 §2). All but Cache are distributed at
// enrollment, in whole seconds; members of a layer use the same values.
type DHTConfig struct {
	// Alpha is how many requests of one lookup are under way at a time.
	Alpha int `mapstructure:"alpha" doc:"requests of a lookup in flight, 1 to 10"`
	// K is the size of a bucket of contacts and the number of members that hold a value.
	K int `mapstructure:"k" doc:"size of a bucket and number of copies of a value, 1 to 20"`
	// Expire is how long a value lives at others after its owner has last renewed it. There is no message
	// that takes a value back: what was unregistered is still found for so long.
	Expire time.Duration `mapstructure:"t_expire" doc:"life of a value since its owner last sent it, 10s to 86400s"`
	// Refresh is the time after which a part of the contact table that no lookup has passed is looked up.
	Refresh time.Duration `mapstructure:"t_refresh" doc:"time between refreshes of contacts, 3s to 3600s"`
	// Replicate is the time after which the owner of a value sends it again, and, if the owner does not,
	// somewhat later those who hold it.
	Replicate time.Duration `mapstructure:"t_replicate" doc:"time between replications of values, 3s to 3600s"`
	// Cache is how long the answer of a lookup is kept at the asking member (spec 05 D5). Within it all
	// queries for the name are answered with the same addresses in the same order.
	Cache time.Duration `mapstructure:"cache" doc:"time for which the answer of a lookup is reused, 0 to 60s"`
}

func dhtDefaults() *DHTConfig {
	return &DHTConfig{
		Alpha: 3, K: 8, Expire: 86400 * time.Second, Refresh: 900 * time.Second,
		Replicate: 900 * time.Second, Cache: 2 * time.Second,
	}
}

// Validate checks the ranges of spec 05 §2.
func (c *DHTConfig) Validate() error {
	for _, p := range []struct {
		name         string
		v, low, high int
	}{
		{"alpha", c.Alpha, 1, 10},
		{"k", c.K, 1, 20},
	} {
		if p.v < p.low || p.v > p.high {
			return fmt.Errorf("parameter %s: %d, accepted are %d to %d", p.name, p.v, p.low, p.high)
		}
	}
	for _, p := range []struct {
		name         string
		v, low, high time.Duration
	}{
		{"t_expire", c.Expire, 10 * time.Second, 86400 * time.Second},
		{"t_refresh", c.Refresh, 3 * time.Second, 3600 * time.Second},
		{"t_replicate", c.Replicate, 3 * time.Second, 3600 * time.Second},
	} {
		if p.v < p.low || p.v > p.high || p.v%time.Second != 0 {
			return fmt.Errorf("parameter %s: %v, accepted are whole seconds from %v to %v", p.name, p.v, p.low, p.high)
		}
	}
	if c.Cache < 0 || c.Cache > time.Minute {
		return fmt.Errorf("parameter cache: %v, accepted are 0 to 60s", c.Cache)
	}
	return nil
}

func dhtFactory() policy.Factory[Directory] {
	return policy.Factory[Directory]{
		Name:   "dht",
		Doc:    "a distributed hash table after Kademlia: every name at the k members closest to it (spec 05)",
		Config: func() any { return dhtDefaults() },
		New: func(env core.Env, cfg any) (Directory, error) {
			return newDHT(env.Post, env.Wall, env.Rand, cfg.(*DHTConfig)), nil
		},
	}
}
