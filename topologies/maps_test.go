package topologies

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Published figures of the maps: nodes, links, diameter and mean hops of the
// largest component with parallel links merged.
func TestEmbeddedMapsHaveThePublishedFigures(t *testing.T) {
	want := map[string]struct {
		nodes, links, diameter int
		hops                   string
		rates, positions       int
	}{
		"abilene":       {11, 14, 5, "2.4182", 14, 11},
		"nsfnet":        {13, 15, 5, "2.4231", 15, 13},
		"geant":         {40, 61, 8, "3.5282", 39, 40},
		"attmpls":       {25, 56, 5, "2.3833", 0, 25},
		"germany50":     {50, 88, 9, "4.0482", 0, 50},
		"nobel-germany": {17, 26, 6, "2.6985", 0, 17},
		"gambia":        {28, 28, 8, "3.2593", 26, 12},
		"internetmci":   {19, 33, 4, "2.3918", 33, 19},
	}
	if len(Maps()) != len(want) {
		t.Errorf("%d maps, want %d", len(Maps()), len(want))
	}
	for _, m := range Maps() {
		g, err := Map(m.Name)
		if err != nil {
			t.Fatal(err)
		}
		s, w := g.Stats(), want[m.Name]
		if s.Nodes != w.nodes || s.Links != w.links || s.Diameter != w.diameter || fmt.Sprintf("%.4f", s.MeanHops) != w.hops {
			t.Errorf("%s: %+v, want %+v", m.Name, s, w)
		}
		if s.Rates != w.rates || s.Positions != w.positions || s.Components != 1 {
			t.Errorf("%s: %d rates, %d positions, %d components", m.Name, s.Rates, s.Positions, s.Components)
		}
		if m.Nodes != s.Nodes || m.Links != s.Links {
			t.Errorf("%s: MapInfo says %d/%d, the map has %d/%d", m.Name, m.Nodes, m.Links, s.Nodes, s.Links)
		}
		if g.Source == "" {
			t.Errorf("%s cites no source", m.Name)
		}
		// All that there is to say of an embedded map is that somebody's positions are not known.
		if (len(g.Notes) != 0) != (w.positions < w.nodes) {
			t.Errorf("%s: notes %q", m.Name, g.Notes)
		}
	}
}

func TestAbileneDelaysAreThoseOfItsCities(t *testing.T) {
	g, err := Map("abilene")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.ApplyGeoDelays(0); err != nil {
		t.Fatal(err)
	}
	// New York–Chicago: 1145.84 km of great circle, 200 km a millisecond.
	i, ok := g.LinkNamed("New York-Chicago")
	if !ok {
		t.Fatal("no link New York-Chicago")
	}
	l := g.Links[i]
	if got := l.Delay.Round(10 * time.Microsecond); got != 5730*time.Microsecond || l.Rate != 10_000_000_000 {
		t.Errorf("New York-Chicago: %v, %d bit/s", l.Delay, l.Rate)
	}
}

func TestUnknownMapErrorListsTheMaps(t *testing.T) {
	_, err := Map("arpanet")
	if err == nil || !strings.Contains(err.Error(), `map "arpanet": accepted: abilene, nsfnet, geant, attmpls, germany50`) {
		t.Errorf("error %v", err)
	}
}

func TestMapsAreFreshCopies(t *testing.T) {
	a, err := Map("abilene")
	if err != nil {
		t.Fatal(err)
	}
	a.Nodes[0].Name = "changed"
	if b, err := Map("abilene"); err != nil || b.Nodes[0].Name != "New York" {
		t.Errorf("a change of one copy shows in the next: %v %v", b.Nodes[0], err)
	}
}
