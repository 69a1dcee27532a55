package rooms

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestModuleKeepsItsRooms is the architecture test: every package of the module
// imports and does only what its room may.
func TestModuleKeepsItsRooms(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	pkgs, err := packages(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	if len(pkgs["internal/rooms"]) == 0 {
		t.Fatalf("the walk of %s did not find this package: it checks nothing", root)
	}
	for _, dir := range slices.Sorted(maps.Keys(pkgs)) {
		found, err := checkPackage(dir, pkgs[dir])
		if err != nil {
			t.Errorf("%s: %v", dir, err)
		}
		for _, f := range found {
			t.Error(f)
		}
	}
	unknown, err := strangers(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range unknown {
		t.Errorf("top-level folder %q is not one of %s", dir, strings.Join(topLevels, " "))
	}
}

// TestTableIsConsistent holds that room names are unique, that may lists name
// rooms that exist, and that no path stands in two rooms.
func TestTableIsConsistent(t *testing.T) {
	names, paths := map[string]bool{}, map[string]string{}
	for _, r := range rooms {
		if names[r.name] {
			t.Errorf("room %s stands twice", r.name)
		}
		names[r.name] = true
		for _, p := range r.paths {
			if other, ok := paths[p]; ok {
				t.Errorf("path %q belongs to %s and to %s", p, other, r.name)
			}
			paths[p] = r.name
		}
	}
	for _, r := range rooms {
		for _, m := range r.may {
			if m != anything && !names[strings.TrimSuffix(m, "/*")] {
				t.Errorf("room %s may import %q, which is no room", r.name, m)
			}
		}
	}
}

// TestRoomOfFolder holds that the longest path of the table decides.
func TestRoomOfFolder(t *testing.T) {
	for dir, want := range map[string]string{
		"":                     "ouroboros",
		"core":                 "core",
		"core/clock":           "core/clock",
		"core/conformance":     "core",
		"core/oap":             "core/crypt",
		"ipcp/rib":             "ipcp",
		"ipcp/unicast/routing": "ipcp/unicast",
		"shim/eth":             "shim",
		"shim/host/udp":        "shim/host",
		"scenarios":            "scenarios",
		"scenarios/loader":     "scenarios",
		"scenarios/node":       "scenarios/parts",
		"scenarios/result":     "scenarios/result",
		"cmd/osim":             "cmd",
		"corelike":             "",
		"docs":                 "",
		"docs/examples":        "examples",
	} {
		got := ""
		if r := roomOf(dir); r != nil {
			got = r.name
		}
		if got != want {
			t.Errorf("roomOf(%q) = %q, want %q", dir, got, want)
		}
	}
}

// TestEdgesBetweenRooms spells out the edges that the design cares most about.
func TestEdgesBetweenRooms(t *testing.T) {
	for _, e := range []struct {
		from, to string
		want     bool
	}{
		{"sim", "shim/host", false},
		{"shim/host", "sim", false},
		{"sim", "core", true},
		{"sim", "core/pkt", true},
		{"sim", "shim/eth", false},
		{"core", "core/clock", true},
		{"core", "core/irm", false},
		{"core/clock", "core", false},
		{"core/wire", "core/pkt", false},
		{"core/irm", "frcp", false},
		{"frcp", "core/policy", true},
		{"frcp", "ipcp", false},
		{"ipcp", "ipcp/unicast", false},
		{"ipcp/unicast/fa", "ipcp/unicast/dt", true},
		{"ipcp/unicast", "shim/eth", false},
		{"ipcp/broadcast", "ipcp/unicast", false},
		{"scenarios", "sim", false},
		{"scenarios/node", "sim", false},
		{"scenarios/node", "shim/host", false},
		{"scenarios/node", "shim/direct", true},
		{"scenarios/node", "ipcp/unicast/routing", true},
		{"scenarios/result", "scenarios/node", false},
		{"report", "scenarios/result", true},
		{"report", "scenarios", false},
		{"topologies", "sim", false},
		{"", "core/irm", true},
		{"", "sim", false},
		{"cmd/osim", "sim", true},
		{"cmd/osim", "shim/host", true},
		{"sim", "internal/rooms", false},
	} {
		if got := roomOf(e.from).allows(roomOf(e.to)); got != e.want {
			t.Errorf("%q importing %q: allowed %v, want %v", e.from, e.to, got, e.want)
		}
	}
}

// TestUnknownTopLevelFolder holds that a new top-level folder is reported, a
// hidden one and the known ones are not.
func TestUnknownTopLevelFolder(t *testing.T) {
	got, err := strangers(fstest.MapFS{
		"util/x.go":     {},
		"core/x.go":     {},
		".git/config":   {},
		"docs/index.md": {},
		"Makefile":      {},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []string{"util"}) {
		t.Errorf("strangers = %q, want only util", got)
	}
}

// TestWalkTakesSourcesOnly holds that tests, test data, hidden folders and
// nested modules are not checked, and that everything else is.
func TestWalkTakesSourcesOnly(t *testing.T) {
	pkgs, err := packages(fstest.MapFS{
		"flow.go":               {},
		"core/a.go":             {},
		"core/a_test.go":        {},
		"core/testdata/b.go":    {},
		"core/pkt/c_linux.go":   {},
		".cache/d.go":           {},
		"tools/go.mod":          {},
		"tools/e.go":            {},
		"frcp/testdata/x/fz.go": {},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, files := range pkgs {
		for _, f := range files {
			got = append(got, f.name)
		}
	}
	slices.Sort(got)
	want := []string{"core/a.go", "core/pkt/c_linux.go", "flow.go"}
	if !slices.Equal(got, want) {
		t.Errorf("walked %q, want %q", got, want)
	}
}
