package scenarios

import "testing"

// Every scenario that comes with the program loads, is called like its file and says what to expect.
func TestEmbeddedScenariosLoad(t *testing.T) {
	infos := Embedded()
	if len(infos) < 7 {
		t.Fatalf("%d embedded scenarios", len(infos))
	}
	for _, info := range infos {
		data, err := Open(info.Name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Load(info.Name+".yaml", data, Options{Catalog: anything{}})
		if err != nil {
			t.Errorf("%s", err)
			continue
		}
		if s.Name != info.Name || s.Description == "" || s.Description != info.Description {
			t.Errorf("%s: name %q, description %q and %q", info.Name, s.Name, s.Description, info.Description)
		}
		if len(s.Expect) == 0 {
			t.Errorf("%s expects nothing", info.Name)
		}
	}
}

// anything is a catalog that takes every policy: which there are is for others to test.
type anything struct{ testCatalog }

func (anything) Policy(string, string, map[string]any) error { return nil }

// Topology takes any links between the nodes of random maps and stars.
func (a anything) Topology(t *Topology) (*Graph, error) {
	switch t.Generator {
	case "erdos-renyi":
		return chain(t.Params["nodes"].(int)), nil
	case "star":
		return chain(t.Params["leaves"].(int)), nil
	}
	return a.testCatalog.Topology(t)
}

func TestOpenNamesTheNearest(t *testing.T) {
	_, err := Open("abilen")
	want := `scenario "abilen" is not known; did you mean abilene? accepted are abilene, abilene-lfa, bring-up, broadcast, congestion, dumbbell, ecmp-ring, encryption, first-byte, line, link-failure, lossy-link, mb-ecn, mb-ecn-greedy, mb-ecn-staggered, membership, multi-bottleneck, pacing, qos, recursion, shaping, shims, two-hosts`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
