package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ouroboros/core"
	"ouroboros/core/policy"
)

// testCatalog stands for the real tables: a few policies with parameters, decoded as the real ones are,
// and a few topologies with the names that the real ones give.
type testCatalog struct{}

type testConfig struct {
	K     int    `mapstructure:"k"`
	Hold  string `mapstructure:"hold"`
	Least int    `mapstructure:"least"`
}

func (c *testConfig) Validate() error {
	if c.Least > c.K {
		return fmt.Errorf("least %d, accepted is at most k, %d", c.Least, c.K)
	}
	return nil
}

func (testCatalog) Policy(kind, name string, params map[string]any) error {
	names := map[string][]string{
		"routing": {"link-state"}, "forwarding": {"simple"}, "congestion": {"none", "mb-ecn"},
		"directory": {"static"}, "scheduler": {"fifo"}, "addressing": {"flat-random", "sequential"},
		"cost": {"hops"}, "shaping": {"none"}, "admission": {"none"},
	}[kind]
	r := policy.Registry[int]{Kind: kind}
	for _, n := range names {
		r.Factories = append(r.Factories, policy.Factory[int]{
			Name: n, Config: func() any { return &testConfig{K: 1 << 20} },
			New: func(core.Env, any) (int, error) { return 0, nil },
		})
	}
	_, err := r.Choose(name, params)
	return err
}

func (testCatalog) Topology(t *Topology) (*Graph, error) {
	switch {
	case t.Generator == "line":
		for k := range t.Params {
			if !slices.Contains([]string{"nodes", "rate", "delay"}, k) {
				return nil, fmt.Errorf("generator line: parameter %q; accepted are nodes, rate, delay", k)
			}
		}
		n, ok := t.Params["nodes"].(int)
		if !ok {
			n = 3
		}
		if n < 1 {
			return nil, fmt.Errorf("generator line: nodes = %d; accepted are 1 to 10000", n)
		}
		return chain(n), nil
	case t.Generator == "dumbbell":
		return &Graph{Nodes: strings.Fields("l0 l1 l2 l3 rl rr r0 r1 r2 r3"), Links: []GraphLink{{"rl-rr", "rl", "rr"}}}, nil
	case t.Map == "abilene":
		return &Graph{
			Nodes: []string{"Kansas City", "Indianapolis", "Chicago"},
			Links: []GraphLink{{"Kansas City-Indianapolis", "Kansas City", "Indianapolis"}},
		}, nil
	}
	return nil, fmt.Errorf("unknown topology; accepted are abilene, dumbbell, line")
}

func chain(n int) *Graph {
	g := &Graph{}
	for i := range n {
		g.Nodes = append(g.Nodes, "n"+strconv.Itoa(i))
		if i > 0 {
			a, b := g.Nodes[i-1], g.Nodes[i]
			g.Links = append(g.Links, GraphLink{a + "-" + b, a, b})
		}
	}
	return g
}
