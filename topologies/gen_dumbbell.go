package topologies

import (
	"math/rand/v2"
	"time"
)

// DumbbellConfig configures the generator "dumbbell": hosts l0… and r0… share a
// bottleneck.
//
// With two routers, the link between "rl" and "rr" has the bottleneck rate and
// all others the access rate. With one, the node "router" stands between: links
// to l0… have the access rate, those to r0… the bottleneck rate.
type DumbbellConfig struct {
	Left       int           `mapstructure:"left" doc:"number of hosts l0… on the left, 1 to 4999"`
	Right      int           `mapstructure:"right" doc:"number of hosts r0… on the right, 1 to 4999"`
	Routers    int           `mapstructure:"routers" doc:"2: bottleneck between rl and rr; 1: bottlenecks between router and the right hosts"`
	Access     int64         `mapstructure:"access" doc:"rate of the access links"`
	Bottleneck int64         `mapstructure:"bottleneck" doc:"rate of the bottleneck"`
	Delay      time.Duration `mapstructure:"delay" doc:"one-way delay of every link"`
}

var defaultDumbbell = DumbbellConfig{
	Left: 2, Right: 2, Routers: 2,
	Access: 1_000_000_000, Bottleneck: 100_000_000, Delay: defaultDelay,
}

func buildDumbbell(s *sketch, c DumbbellConfig, _ *rand.Rand) {
	const most = MaxNodes/2 - 1
	if !s.count("left", c.Left, 1, most) || !s.count("right", c.Right, 1, most) || !s.count("routers", c.Routers, 1, 2) ||
		!s.rate("access", c.Access) || !s.rate("bottleneck", c.Bottleneck) || !s.delay("delay", c.Delay) {
		return
	}
	left := make([]int, c.Left)
	for i := range left {
		left[i] = s.node("l%d", i)
	}
	var rl, rr int
	rightRate := c.Access
	if c.Routers == 1 {
		rl = s.node("router")
		rr, rightRate = rl, c.Bottleneck
	} else {
		rl, rr = s.node("rl"), s.node("rr")
	}
	for _, l := range left {
		s.link(l, rl, c.Access, c.Delay)
	}
	if rl != rr {
		s.link(rl, rr, c.Bottleneck, c.Delay)
	}
	for i := range c.Right {
		s.link(rr, s.node("r%d", i), rightRate, c.Delay)
	}
}
