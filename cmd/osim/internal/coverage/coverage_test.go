package coverage

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"ouroboros/topologies"
)

// generated makes a map by a generator.
func generated(t *testing.T, name string, set func(cfg any)) *topologies.Graph {
	t.Helper()
	gen, err := topologies.GeneratorNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	cfg := gen.Config()
	if set != nil {
		set(cfg)
	}
	g, err := gen.Build(cfg, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// A map of real networks gives the published or independently computed shares, to four digits.
func TestCoverageOfMaps(t *testing.T) {
	for _, want := range []Figures{
		{"abilene", 11, 14, 0.6182, 0.1364, 5, 2.4182},
		{"nsfnet", 13, 15, 0.3654, 0.1026, 5, 2.4231},
		{"geant", 40, 61, 0.6109, 0.2090, 8, 3.5282},
		{"attmpls", 25, 56, 0.9850, 0.3467, 5, 2.3833},
		{"germany50", 50, 88, 0.8008, 0.3310, 9, 4.0482},
		{"nobel-germany", 17, 26, 0.7059, 0.3382, 6, 2.6985},
		{"gambia", 28, 28, 0.0370, 0.0370, 8, 3.2593},
		{"internetmci", 19, 33, 0.8772, 0.2339, 4, 2.3918},
	} {
		g, err := topologies.Map(want.Map)
		if err != nil {
			t.Fatal(err)
		}
		for _, policy := range Policies() {
			got, err := Of(g, policy)
			if err != nil {
				t.Fatal(err)
			}
			got.Map = want.Map
			for _, v := range []*float64{&got.Coverage, &got.Multipath, &got.MeanHops} {
				*v = math.Round(*v*1e4) / 1e4
			}
			if got != want {
				t.Errorf("%s: %+v, want %+v", policy, got, want)
			}
		}
	}
}

// The exact values: a ring of n nodes 2/(n-1) if n is odd and 1/(n-1) if it is even, since only the pairs
// whose two paths differ by less than two links have an alternate; a full mesh 1, a tree 0. In a ring of
// even length the opposite node has two paths of equal cost.
func TestCoverageOfRegularMaps(t *testing.T) {
	check := func(what string, g *topologies.Graph, coverage, multipath float64) {
		t.Helper()
		f, err := Of(g, "lfa")
		if err != nil || math.Abs(f.Coverage-coverage) > 1e-12 || math.Abs(f.Multipath-multipath) > 1e-12 {
			t.Errorf("%s: %+v, %v; want %v and %v", what, f, err, coverage, multipath)
		}
	}
	for n := 3; n <= 12; n++ {
		ring := generated(t, "ring", func(cfg any) { cfg.(*topologies.RingConfig).Nodes = n })
		if n%2 == 1 {
			check(fmt.Sprint("ring of ", n), ring, 2/float64(n-1), 0)
		} else {
			check(fmt.Sprint("ring of ", n), ring, 1/float64(n-1), 1/float64(n-1))
		}
	}
	check("mesh", generated(t, "mesh", nil), 1, 0)
	check("star", generated(t, "star", nil), 0, 0)
	check("line", generated(t, "line", nil), 0, 0)
}

// A map without any pair is refused.
func TestCoverageNeedsTwoNodes(t *testing.T) {
	g, err := topologies.Build("one", []topologies.Node{{Name: "a"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Of(g, "lfa"); err == nil {
		t.Error("a single node has coverage")
	}
}
