package catalog

import (
	"slices"
	"strings"
	"testing"

	"ouroboros/ipcp/unicast"
)

// TestNothingWrittenGivesTheDefaults: those of the prototype (spec 13 §13.4).
func TestNothingWrittenGivesTheDefaults(t *testing.T) {
	got, err := Choose(New(nil, nil), nil, 4)
	if err != nil {
		t.Fatal(err)
	}
	if got.Routing.Name != unicast.DefaultRouting || got.Directory.Name != unicast.DefaultDirectory ||
		got.Congestion.Name != unicast.DefaultCongestion || got.Admission.Name != unicast.DefaultAdmission {
		t.Errorf("chosen: %+v", got)
	}
	if got.Addressing.Params["addr_size"] != 4 {
		t.Errorf("addresses of %v bytes, the header has 4", got.Addressing.Params["addr_size"])
	}
}

// TestParamsReachTheirPolicy: and the length of addresses that is written counts, whatever the header has; what
// was handed in is not written to.
func TestParamsReachTheirPolicy(t *testing.T) {
	p := Policies{
		Routing:    {"link-state", map[string]any{"recalc": "1s"}},
		Addressing: {"", map[string]any{"addr_size": 4}},
	}
	got, err := Choose(New(nil, nil), p, 8)
	if err != nil {
		t.Fatal(err)
	}
	if got.Routing.Params["recalc"] != "1s" || got.Addressing.Params["addr_size"] != 4 || len(p[Addressing].Params) != 1 {
		t.Errorf("chosen: %+v", got)
	}
}

// TestUnknownWordsAreRefused: with what is accepted.
func TestUnknownWordsAreRefused(t *testing.T) {
	for _, c := range []struct {
		kind, name string
		params     map[string]any
		want       string
	}{
		{"weather", "x", nil, strings.Join(Kinds(), ", ")},
		{Routing, "rip", nil, "link-state"},
		{Routing, "link-state", map[string]any{"colour": 1}, "recalc"},
		{Cost, "", map[string]any{"colour": 1}, "colour"},
	} {
		if err := Check(c.kind, c.name, c.params); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q %v: %v, want one that says %q", c.kind, c.name, c.params, err, c.want)
		}
	}
	if err := Check(Scheduler, "", nil); err != nil {
		t.Errorf("the default of a kind: %v", err)
	}
}

// TestEveryKindIsDocumented: the printed list has all kinds, in order.
func TestEveryKindIsDocumented(t *testing.T) {
	var got []string
	for _, d := range Docs() {
		if !slices.Contains(got, d.Kind) {
			got = append(got, d.Kind)
		}
	}
	if !slices.Equal(got, Kinds()) {
		t.Errorf("documented %v, there are %v", got, Kinds())
	}
}
