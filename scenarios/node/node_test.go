package node

import (
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/scenarios"
	"ouroboros/topologies"
)

func ptr[T any](v T) *T { return &v }

// TestValuesOfLinksAreLaidOverEachOther: the map, over it the defaults where the map says nothing, the
// wire's own values, and the rules in order.
func TestValuesOfLinksAreLaidOverEachOther(t *testing.T) {
	g := &topologies.Graph{
		Nodes: []topologies.Node{{Name: "a"}, {Name: "b"}},
		Links: []topologies.Link{
			{A: 0, B: 1, Name: "known", Rate: 5e6, Delay: 7 * time.Millisecond, HasDelay: true},
			{A: 0, B: 1, Name: "bare"},
		},
	}
	sc := &scenarios.Scenario{}
	use := []usage{{shim: shimDIX, kind: core.LinkEthernet}, {shim: shimDirect, kind: core.LinkDirect}}
	got := specs(sc, g, use)
	if got[0][0].Rate != 5e6 || got[0][1].Delay != 7*time.Millisecond || got[1][0].Rate != DefaultRate || got[1][1].Kind != core.LinkDirect {
		t.Errorf("map alone: %+v", got)
	}
	sc.Topology.Defaults = scenarios.LinkParams{Rate: ptr(scenarios.Rate(2e6)), Delay: ptr(scenarios.Duration(time.Second)), Loss: ptr(0.1)}
	got = specs(sc, g, use)
	if got[0][0].Rate != 5e6 || got[0][0].Delay != 7*time.Millisecond || got[0][0].Loss != 0.1 || got[1][0].Rate != 2e6 || got[1][0].Delay != time.Second {
		t.Errorf("defaults: %+v", got)
	}
	sc.Links = []scenarios.LinkRule{
		{Link: scenarios.Patterns{"*"}, LinkParams: scenarios.LinkParams{Rate: ptr(scenarios.Rate(3e6))}},
		{Link: scenarios.Patterns{"bare"}, Direction: "backward", LinkParams: scenarios.LinkParams{Rate: ptr(scenarios.Rate(4e6)), FCS: ptr(false)}},
	}
	got = specs(sc, g, use)
	if got[0][0].Rate != 3e6 || got[1][0].Rate != 3e6 || got[1][1].Rate != 4e6 || !got[1][1].NoFCS || got[1][0].NoFCS {
		t.Errorf("rules: %+v", got)
	}
}

// TestShimsGiveTheKindOfLink: and an unknown one says what is accepted.
func TestShimsGiveTheKindOfLink(t *testing.T) {
	for shim, want := range map[string]core.LinkKind{
		"eth-dix": core.LinkEthernet, "eth-llc": core.LinkEthernet, "udp4": core.LinkDatagram, "udp6": core.LinkDatagram, "direct": core.LinkDirect,
	} {
		if k, err := kindOf(shim); err != nil || k != want {
			t.Errorf("%s: %v, %v", shim, k, err)
		}
	}
	if _, err := kindOf("atm"); err == nil || !strings.Contains(err.Error(), "eth-dix, eth-llc, udp4, udp6, direct") {
		t.Errorf("%v", err)
	}
}

// TestCatalogRefuses: unknown kinds, policies, parameters, generators and files, each by name.
func TestCatalogRefuses(t *testing.T) {
	c := Catalog{}
	for kind := range map[string]bool{"routing": true, "forwarding": true, "congestion": true, "directory": true, "scheduler": true, "addressing": true} {
		if err := c.Policy(kind, "", nil); err != nil {
			t.Errorf("%s: the default is refused: %v", kind, err)
		}
		if err := c.Policy(kind, "bogus", nil); err == nil || !strings.Contains(err.Error(), "bogus") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if err := c.Policy("weather", "", nil); err == nil {
		t.Error("an unknown kind is accepted")
	}
	for want, top := range map[string]*scenarios.Topology{
		"files":          {File: "x.graphml"},
		"bogus":          {Generator: "bogus"},
		"colour":         {Generator: "line", Params: map[string]any{"colour": 1}},
		"accepted are 2": {Nodes: []string{"a"}, Wires: []scenarios.Wire{{Ends: []string{"a"}}}},
	} {
		if _, err := c.Graph(top); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
