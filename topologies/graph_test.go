package topologies

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/graph/path"
	"pgregory.net/rapid"
)

func TestValidateNamesTheBrokenRule(t *testing.T) {
	good := func() *Graph {
		g, err := Build("g", []Node{{Name: "a"}, {Name: "b"}, {Name: "c"}}, []Link{{A: 0, B: 1}, {A: 2, B: 1}})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		spoil func(*Graph)
		want  string
	}{
		{func(g *Graph) { g.Nodes = nil }, "at least one node"},
		{func(g *Graph) { g.Nodes[1].Name = "a" }, `node 1: name "a" is also that of node 0`},
		{func(g *Graph) { g.Nodes[1].Name = "" }, "node 1: empty name"},
		{func(g *Graph) { g.Nodes[1].Name = " b" }, "no leading or trailing blanks"},
		{func(g *Graph) { g.Nodes[1].Name = "b\nc" }, "no control characters"},
		{func(g *Graph) { g.Nodes[1].Name = "\xff" }, "valid UTF-8"},
		{func(g *Graph) { g.Nodes[1].HasPos, g.Nodes[1].Lat = true, math.NaN() }, "position NaN 0"},
		{func(g *Graph) { g.Links[0].B = 3 }, "ends 0 and 3: accepted: 0 <= A < B < 3"},
		{func(g *Graph) { g.Links[0].A, g.Links[0].B = 1, 0 }, "ends 1 and 0"},
		{func(g *Graph) { g.Links[0].B = 0 }, `joins node "a" to itself`},
		{func(g *Graph) { g.Links[1] = g.Links[0] }, "link 1 (a-b): link 0 joins the same nodes"},
		{func(g *Graph) { g.Links[0].Rate = -1 }, "rate -1 bit/s: accepted: 0 (unknown) or more"},
		{func(g *Graph) { g.Links[0].Delay = -1 }, "delay -1ns: accepted"},
		{func(g *Graph) { g.Links[0].Delay = 1 }, "0 when unknown"},
		{func(g *Graph) { g.Links[0].Name = "" }, "link 0: empty name"},
		{func(g *Graph) { g.Links[0].Name = "b-c" }, `link 1: name "b-c" is also that of link 0`},
	} {
		g := good()
		c.spoil(g)
		if err := g.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

func TestLinkNamesAreUniqueAndFoundFromBothEnds(t *testing.T) {
	g, err := Build("g", []Node{{Name: "a"}, {Name: "b-c"}, {Name: "a-b"}, {Name: "c"}}, []Link{{A: 1, B: 0}, {A: 2, B: 3}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"a-b-c": 0, "a-b-c#2": 1, "b-c-a": 0, "c-a-b": 1, "a-c": -1} {
		if i, ok := g.LinkNamed(name); i != want || ok != (want >= 0) {
			t.Errorf("LinkNamed(%q) = %d, %v; want %d", name, i, ok, want)
		}
	}
	if i, ok := g.LinkBetween(3, 2); i != 1 || !ok {
		t.Errorf("LinkBetween(3, 2) = %d, %v", i, ok)
	}
	if _, ok := g.LinkBetween(0, 2); ok {
		t.Error("LinkBetween(0, 2) found a link that is not there")
	}
}

func TestUniqueNamesLeaveRightfulNamesAlone(t *testing.T) {
	got := uniqueNames([]string{"a", "a", "a_2", "a", "b", "a_2"})
	wantEqual(t, "names", []string{"a", "a_3", "a_2", "a_4", "b", "a_2_2"}, got)
}

func TestLargestComponentKeepsTheFirstAmongEquals(t *testing.T) {
	g, err := Build("g", []Node{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}, {Name: "e"}},
		[]Link{{A: 1, B: 4, Rate: 5}, {A: 2, B: 3}})
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "components", [][]int{{1, 4}, {2, 3}, {0}}, g.Components())
	c := g.LargestComponent()
	wantEqual(t, "names", []string{"b", "e"}, c.NodeNames())
	wantEqual(t, "links", []Link{{A: 0, B: 1, Rate: 5, Name: "b-e"}}, c.Links)
	wantEqual(t, "notes", []string{"not connected: kept the largest of 3 components (2 of 5 nodes, 1 of 2 links); dropped a, c, d"}, c.Notes)
}

// drawGraph draws any valid map, connected or not.
func drawGraph(t *rapid.T) *Graph {
	n := rapid.IntRange(1, 12).Draw(t, "nodes")
	nodes := make([]Node, n)
	var links []Link
	for i := range nodes {
		nodes[i].Name = fmt.Sprint("n", i)
		for j := range i {
			if rapid.IntRange(0, 3).Draw(t, "link") == 0 {
				links = append(links, Link{A: i, B: j})
			}
		}
	}
	g, err := Build("drawn", nodes, rapid.Permutation(links).Draw(t, "order"))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// The oracle is gonum's all-pairs Dijkstra with unit weights.
func TestHopFiguresAgreeWithDijkstra(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t)
		all := path.DijkstraAllPaths(g.View())
		var longest, sum, pairs float64
		for a := range g.Nodes {
			for b := range g.Nodes {
				if w := all.Weight(int64(a), int64(b)); a != b && !math.IsInf(w, 1) {
					longest, sum, pairs = max(longest, w), sum+w, pairs+1
				}
			}
		}
		if float64(g.Diameter()) != longest {
			t.Errorf("diameter %d, want %v", g.Diameter(), longest)
		}
		if pairs > 0 && math.Abs(g.MeanHops()-sum/pairs) > 1e-12 {
			t.Errorf("mean hops %v, want %v", g.MeanHops(), sum/pairs)
		}
	})
}

func TestAdjacencyIsSortedAndSymmetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t)
		adj, deg, ends := g.Adjacency(), g.Degrees(), 0
		for n, hops := range adj {
			if !slices.IsSortedFunc(hops, func(a, b Hop) int { return a.Node - b.Node }) {
				t.Fatalf("node %d: %v is not sorted", n, hops)
			}
			if len(hops) != deg[n] {
				t.Errorf("node %d: %d hops, degree %d", n, len(hops), deg[n])
			}
			ends += len(hops)
			for _, h := range hops {
				if i, ok := g.LinkBetween(n, h.Node); !ok || i != h.Link {
					t.Errorf("hop %v of node %d: LinkBetween = %d, %v", h, n, i, ok)
				}
			}
		}
		if ends != 2*len(g.Links) {
			t.Errorf("%d ends for %d links", ends, len(g.Links))
		}
	})
}

// gonum's simple graphs iterate maps; a View must not (the reason it exists).
func TestViewWalksInIndexOrder(t *testing.T) {
	g, err := Map("germany50")
	if err != nil {
		t.Fatal(err)
	}
	v := g.View()
	adj := g.Adjacency()
	for it, want := v.Nodes(), int64(0); it.Next(); want++ {
		id := it.Node().ID()
		if id != want {
			t.Fatalf("node %d where %d belongs", id, want)
		}
		from := v.From(id)
		for _, h := range adj[id] {
			if !from.Next() || from.Node().ID() != int64(h.Node) {
				t.Fatalf("neighbours of %d are not in index order", id)
			}
		}
	}
	if v.Node(50) != nil || v.Edge(0, 0) != nil || v.Edge(-1, 0) != nil || v.From(-1).Len() != 0 {
		t.Error("the view has nodes or edges that the map has not")
	}
}

func TestGeoDelayIsGreatCircleAtTwoThirdsOfLight(t *testing.T) {
	at := func(lat, lon float64) Node { return Node{Name: "x", Lat: lat, Lon: lon, HasPos: true} }
	for _, c := range []struct {
		a, b Node
		want time.Duration
	}{
		// A quarter of a great circle is 6371 km · π/2 = 10007.543398 km.
		{at(0, 0), at(0, 90), 50_037_717},
		{at(0, 0), at(90, 0), 50_037_717},
		{at(0, -90), at(0, 180), 50_037_717},
		{at(0, 0), at(0, 180), 100_075_434},
		{at(-90, 0), at(90, 77), 100_075_434},
		{at(12, 34), at(12, 34), 0},
	} {
		if got, ok := GeoDelay(c.a, c.b); got != c.want || !ok {
			t.Errorf("delay of %v to %v: %d ns, want %d", c.a, c.b, got, c.want)
		}
	}
	if _, ok := GeoDelay(at(0, 0), Node{}); ok {
		t.Error("a delay without a position")
	}
}

// Oracle: the spherical law of cosines, exact enough beyond a kilometre.
func TestDistanceAgreesWithTheLawOfCosines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string, most float64) float64 { return rapid.Float64Range(-most, most).Draw(t, name) }
		a := Node{Lat: draw("lat a", 90), Lon: draw("lon a", 180)}
		b := Node{Lat: draw("lat b", 90), Lon: draw("lon b", 180)}
		rad := math.Pi / 180
		c := math.Sin(a.Lat*rad)*math.Sin(b.Lat*rad) + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*math.Cos((a.Lon-b.Lon)*rad)
		want := EarthRadiusKm * math.Acos(max(-1, min(1, c)))
		if got := Distance(a, b); math.Abs(got-want) > 1 {
			t.Errorf("distance %v km, want %v", got, want)
		}
	})
}

func TestApplyGeoDelaysKeepsStatedDelaysAndSaysWhatItDid(t *testing.T) {
	g, err := Build("g", []Node{{Name: "a", HasPos: true}, {Name: "b", Lon: 90, HasPos: true}, {Name: "c"}},
		[]Link{{A: 0, B: 1}, {A: 1, B: 2}, {A: 0, B: 2, Delay: 7, HasDelay: true}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.ApplyGeoDelays(-1); err == nil {
		t.Error("negative default delay is accepted")
	}
	geo, def, err := g.ApplyGeoDelays(5 * time.Millisecond)
	if geo != 1 || def != 1 || err != nil {
		t.Errorf("%d from positions, %d from default, error %v", geo, def, err)
	}
	for i, want := range []time.Duration{50_037_717, 5_000_000, 7} {
		if l := g.Links[i]; l.Delay != want || !l.HasDelay {
			t.Errorf("link %s: delay %d, want %d", l.Name, l.Delay, want)
		}
	}
	wantEqual(t, "notes", []string{
		"delay of 1 link from great-circle distance at 2/3 c",
		"delay of 1 link without positions set to 5ms",
	}, g.Notes)
}

func TestRatesAreReadExactly(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "64000": 64_000, "64000bps": 64_000, "10Gbps": 10_000_000_000, "10 gbit/s": 10_000_000_000,
		"9.95328Gbps": 9_953_280_000, "1.544Mbps": 1_544_000, "0.001kbps": 1, "1.50kbps": 1500, "9Tbps": 9_000_000_000_000,
	} {
		if got, err := ParseRate(text); err != nil || got != want {
			t.Errorf("ParseRate(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "not a rate", "fast": "not a rate", "-1": "not a rate", "1e9": "not a rate", "1.": "not a rate", ".5Mbps": "not a rate",
		"1.2.3Mbps": "not a rate", "10MB/s": "not a rate", "1.5": "not whole bit/s", "0.0001kbps": "not whole bit/s",
		"10000000Tbps": "more than 9223372036854775807 bit/s",
	} {
		if _, err := ParseRate(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseRate(%q): error %v, want %q", text, err, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Int64Range(0, math.MaxInt64).Draw(t, "rate")
		if got, err := ParseRate(FormatRate(rate)); err != nil || got != rate {
			t.Errorf("%d is written %q and read %d, %v", rate, FormatRate(rate), got, err)
		}
	})
}
