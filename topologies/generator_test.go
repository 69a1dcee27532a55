package topologies

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func generate(t interface {
	Helper()
	Fatal(...any)
}, name string, cfg any, seed uint64,
) *Graph {
	t.Helper()
	gen, err := GeneratorNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	g, err := gen.Build(cfg, seeded(seed))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestRegularGeneratorsHaveTheirExactFigures(t *testing.T) {
	const r, d = 1000, time.Millisecond
	for _, c := range []struct {
		name                   string
		cfg                    any
		nodes, links, diameter int
		first, last            string
	}{
		{"line", &LineConfig{1, r, d}, 1, 0, 0, "n0", "n0"},
		{"line", &LineConfig{10, r, d}, 10, 9, 9, "n0", "n9"},
		{"ring", &RingConfig{3, r, d}, 3, 3, 1, "n0", "n2"},
		{"ring", &RingConfig{7, r, d}, 7, 7, 3, "n0", "n6"},
		{"star", &StarConfig{6, r, d}, 7, 6, 2, "hub", "n5"},
		{"mesh", &MeshConfig{6, r, d}, 6, 15, 1, "n0", "n5"},
		{"mesh", &MeshConfig{maxMesh, r, 0}, 632, 199_396, 1, "n0", "n631"},
		{"grid", &GridConfig{3, 4, r, d}, 12, 17, 5, "r0c0", "r2c3"},
		{"dumbbell", &DumbbellConfig{3, 2, 2, r, r, d}, 7, 6, 3, "l0", "r1"},
		{"dumbbell", &DumbbellConfig{3, 2, 1, r, r, d}, 6, 5, 2, "l0", "r1"},
		// k²·5/4 switches, k³/4 hosts, 3·k³/4 links (Al-Fares et al., 2008).
		{"fat-tree", &FatTreeConfig{4, r, d}, 36, 48, 6, "c0", "p3e1h1"},
		{"fat-tree", &FatTreeConfig{6, r, d}, 99, 162, 6, "c0", "p5e2h2"},
	} {
		g := generate(t, c.name, c.cfg, 1)
		names := g.NodeNames()
		if len(g.Nodes) != c.nodes || len(g.Links) != c.links || names[0] != c.first || names[len(names)-1] != c.last {
			t.Errorf("%s %+v: %d nodes %s…%s, %d links", c.name, c.cfg, len(g.Nodes), names[0], names[len(names)-1], len(g.Links))
		}
		if len(g.Links) < 1000 && (g.Diameter() != c.diameter || !g.Connected()) {
			t.Errorf("%s %+v: diameter %d, connected %v", c.name, c.cfg, g.Diameter(), g.Connected())
		}
		for _, l := range g.Links {
			if l.Rate != r || !l.HasDelay {
				t.Fatalf("%s: link %+v", c.name, l)
			}
		}
	}
}

func TestFatTreeHasKLinksAtEverySwitch(t *testing.T) {
	g := generate(t, "fat-tree", &FatTreeConfig{6, 1, 0}, 1)
	for i, deg := range g.Degrees() {
		want := 6
		if strings.Contains(g.Nodes[i].Name, "h") {
			want = 1
		}
		if deg != want {
			t.Errorf("%s: %d links, want %d", g.Nodes[i].Name, deg, want)
		}
	}
}

func TestDumbbellPutsTheBottleneckWhereItSays(t *testing.T) {
	cfg := DumbbellConfig{Left: 2, Right: 1, Routers: 2, Access: 1_000_000_000, Bottleneck: 100_000_000, Delay: time.Millisecond}
	wantEqual(t, "two routers", []string{"l0-rl 1Gbps", "l1-rl 1Gbps", "rl-rr 100Mbps", "rr-r0 1Gbps"}, links(generate(t, "dumbbell", &cfg, 1)))
	cfg.Routers = 1
	wantEqual(t, "one router", []string{"l0-router 1Gbps", "l1-router 1Gbps", "router-r0 100Mbps"}, links(generate(t, "dumbbell", &cfg, 1)))
}

func TestRandomGeneratorsAreConnectedAndRepeatable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 40).Draw(t, "nodes")
		m := rapid.IntRange(1, min(n-1, 20)).Draw(t, "m")
		share := rapid.Float64Range(0.001, 1)
		seed := rapid.Uint64().Draw(t, "seed")
		for name, cfg := range map[string]any{
			"erdos-renyi":     &ErdosRenyiConfig{Nodes: n, P: share.Draw(t, "p"), Rate: 1},
			"waxman":          &WaxmanConfig{Nodes: n, Alpha: share.Draw(t, "alpha"), Beta: share.Draw(t, "beta"), Rate: 1, Delay: 1000},
			"barabasi-albert": &BarabasiAlbertConfig{Nodes: n, M: m, Rate: 1},
		} {
			g := generate(t, name, cfg, seed)
			if len(g.Nodes) != n || !g.Connected() {
				t.Errorf("%s %+v: %d nodes, connected %v", name, cfg, len(g.Nodes), g.Connected())
			}
			wantSame(t, g, generate(t, name, cfg, seed))
			if want := m*(m+1)/2 + (n-m-1)*m; name == "barabasi-albert" && len(g.Links) != want {
				t.Errorf("barabasi-albert n=%d m=%d: %d links, want %d", n, m, len(g.Links), want)
			}
			if name == "waxman" && slowest(g) > 1415 { // the diagonal of a square 1000 ns wide
				t.Errorf("waxman: delay %v beyond the diagonal", slowest(g))
			}
		}
	})
}

func wantSame(t *rapid.T, a, b *Graph) {
	var x, y strings.Builder
	if err := WriteMapText(&x, a); err != nil {
		t.Fatal(err)
	}
	if err := WriteMapText(&y, b); err != nil {
		t.Fatal(err)
	}
	if x.String() != y.String() {
		t.Errorf("%s: one seed, two maps:\n%s\n%s", a.Name, &x, &y)
	}
}

func slowest(g *Graph) time.Duration {
	var d time.Duration
	for _, l := range g.Links {
		d = max(d, l.Delay)
	}
	return d
}

func TestSeedsMakeDifferentMaps(t *testing.T) {
	for _, gen := range Generators() {
		a, b := generate(t, gen.Name, gen.Config(), 1), generate(t, gen.Name, gen.Config(), 2)
		var x, y strings.Builder
		_, _ = WriteMapText(&x, a), WriteMapText(&y, b)
		if same := x.String() == y.String(); same == gen.Random {
			t.Errorf("%s: Random %v, but same map for two seeds: %v", gen.Name, gen.Random, same)
		}
	}
}

// 400 nodes, mean degree 6: the number of links is binomial with mean 1200 and
// standard deviation 34.4; five of them allow no seed in a million to fail.
func TestErdosRenyiHasItsMeanDegree(t *testing.T) {
	for seed := range uint64(5) {
		g := generate(t, "erdos-renyi", &ErdosRenyiConfig{Nodes: 400, Degree: 6, Rate: 1}, seed)
		if n := len(g.Links); n < 1200-172 || n > 1200+172+5 {
			t.Errorf("seed %d: %d links, want about 1200", seed, n)
		}
	}
}

func TestErdosRenyiSaysHowManyLinksConnectIt(t *testing.T) {
	g := generate(t, "erdos-renyi", &ErdosRenyiConfig{Nodes: 30, P: 1e-9, Rate: 1}, 1)
	wantEqual(t, "notes", []string{"added 29 links to make the map connected"}, g.Notes)
	if len(g.Links) != 29 {
		t.Errorf("%d links, want a tree of 29", len(g.Links))
	}
}

// With next to no links of its own, joining by the shortest missing link makes a
// minimum spanning tree, which no random tree beats.
func TestWaxmanJoinsOverShortLinks(t *testing.T) {
	g := generate(t, "waxman", &WaxmanConfig{Nodes: 100, Alpha: 1e-12, Beta: 0.1, Rate: 1, Delay: 1_000_000}, 1)
	var total time.Duration
	for _, l := range g.Links {
		total += l.Delay
	}
	// The minimum spanning tree of n random points of a unit square is about
	// 0.65·√n long (Beardwood, Halton, Hammersley): 6.5 sides for 100 points.
	if len(g.Links) != 99 || total < 5_000_000 || total > 8_000_000 {
		t.Errorf("%d links of %v in all", len(g.Links), total)
	}
}

func TestBarabasiAlbertPrefersTheOldAndRich(t *testing.T) {
	g := generate(t, "barabasi-albert", &BarabasiAlbertConfig{Nodes: 1000, M: 2, Rate: 1}, 1)
	s := g.Stats()
	// The largest degree grows like m·√n = 63; uniform attachment would give
	// about m·(1 + ln n) = 16.
	if s.MinDegree != 2 || s.MaxDegree < 32 {
		t.Errorf("degrees %d to %d", s.MinDegree, s.MaxDegree)
	}
}

func TestGeneratorErrorsNameKeyValueAndWhatIsAccepted(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  any
		want string
	}{
		{"line", &LineConfig{0, 1, 0}, "generator line: nodes = 0: accepted: 1 to 10000"},
		{"line", &LineConfig{10_001, 1, 0}, "nodes = 10001: accepted"},
		{"line", &LineConfig{2, 0, 0}, "rate = 0 bit/s: accepted: 1 bit/s or more"},
		{"line", &LineConfig{2, 1, -1}, "delay = -1ns: accepted: 0s or more"},
		{"line", LineConfig{2, 1, 0}, "configuration of type topologies.LineConfig: accepted: what Config returned, a *topologies.LineConfig"},
		{"line", (*LineConfig)(nil), "configuration of type"},
		{"ring", &RingConfig{2, 1, 0}, "nodes = 2: accepted: 3 to 10000"},
		{"star", &StarConfig{0, 1, 0}, "leaves = 0: accepted"},
		{"mesh", &MeshConfig{633, 1, 0}, "nodes = 633: accepted: 1 to 632"},
		{"grid", &GridConfig{0, 4, 1, 0}, "rows = 0: accepted"},
		{"grid", &GridConfig{101, 100, 1, 0}, "cols = 100: accepted: 1 to 99"},
		{"dumbbell", &DumbbellConfig{0, 1, 2, 1, 1, 0}, "left = 0: accepted"},
		{"dumbbell", &DumbbellConfig{1, 1, 3, 1, 1, 0}, "routers = 3: accepted: 1 to 2"},
		{"dumbbell", &DumbbellConfig{1, 1, 2, 1, -5, 0}, "bottleneck = -5 bit/s: accepted"},
		{"fat-tree", &FatTreeConfig{5, 1, 0}, "k = 5: accepted: even, 2 to 30"},
		{"fat-tree", &FatTreeConfig{32, 1, 0}, "k = 32: accepted: 2 to 30"},
		{"erdos-renyi", &ErdosRenyiConfig{Nodes: 5, P: 1.5, Rate: 1}, "p = 1.5: accepted: above 0, at most 1"},
		{"erdos-renyi", &ErdosRenyiConfig{Nodes: 5, Degree: 5, Rate: 1}, "degree = 5: accepted: above 0, at most 4"},
		{"erdos-renyi", &ErdosRenyiConfig{Nodes: 5, P: .5, Degree: 2, Rate: 1}, "degree = 2: accepted: 0 when p is given"},
		{"erdos-renyi", &ErdosRenyiConfig{Nodes: 10_000, P: .5, Rate: 1}, "p = 0.5: accepted: at most 0.002"},
		{"waxman", &WaxmanConfig{5, 0, 1, 1, 0}, "alpha = 0: accepted"},
		{"waxman", &WaxmanConfig{5, 1, 2, 1, 0}, "beta = 2: accepted"},
		{"barabasi-albert", &BarabasiAlbertConfig{5, 5, 1, 0}, "m = 5: accepted: 1 to 4"},
		{"barabasi-albert", &BarabasiAlbertConfig{500, 21, 1, 0}, "m = 21: accepted: 1 to 20"},
	} {
		gen, err := GeneratorNamed(c.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gen.Build(c.cfg, seeded(1)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v\nwant  %q", err, c.want)
		}
	}
	gen, _ := GeneratorNamed("waxman")
	if _, err := gen.Build(gen.Config(), nil); err == nil || !strings.Contains(err.Error(), "no random source") {
		t.Errorf("waxman without a random source: error %v", err)
	}
	if _, err := GeneratorNamed("torus"); err == nil || !strings.Contains(err.Error(), `generator "torus": accepted: line, ring,`) {
		t.Errorf("error %v", err)
	}
}

func TestGeneratorTableDocumentsEveryKey(t *testing.T) {
	for _, gen := range Generators() {
		if gen.Doc == "" {
			t.Errorf("%s: no doc", gen.Name)
		}
		for _, p := range gen.Params() {
			if p.Key == "" || p.Doc == "" || p.Default == "" || p.Type == "" || p.Key != strings.ToLower(p.Key) {
				t.Errorf("%s: %+v", gen.Name, p)
			}
		}
		if generate(t, gen.Name, gen.Config(), 1).Name != gen.Name {
			t.Errorf("%s: the map is not named after its generator", gen.Name)
		}
	}
	gen, _ := GeneratorNamed("dumbbell")
	wantEqual(t, "dumbbell", []Param{
		{"left", "count", "2", "number of hosts l0… on the left, 1 to 4999"},
		{"right", "count", "2", "number of hosts r0… on the right, 1 to 4999"},
		{"routers", "count", "2", "2: bottleneck between rl and rr; 1: bottlenecks between router and the right hosts"},
		{"access", "rate", "1Gbps", "rate of the access links"},
		{"bottleneck", "rate", "100Mbps", "rate of the bottleneck"},
		{"delay", "duration", "1ms", "one-way delay of every link"},
	}, gen.Params())
}
