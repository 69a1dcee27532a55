package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ouroboros/scenarios"
)

func TestPathsAndNames(t *testing.T) {
	for arg, want := range map[string]bool{
		"abilene": false, "two-hosts": false, "abilene.v2": false,
		"./abilene": true, "x/abilene": true, `x\abilene`: true, "abilene.yaml": true, "a.yml": true, "-": true,
	} {
		if IsPath(arg) != want {
			t.Errorf("IsPath(%q) = %v", arg, !want)
		}
	}
}

// Every scenario of the list loads, and its file bears the name under which it is listed.
func TestEmbeddedScenariosLoad(t *testing.T) {
	list := Embedded()
	if len(list) < 10 {
		t.Fatalf("%d scenarios", len(list))
	}
	for _, info := range list {
		sc, err := Load(info.Name, nil)
		if err != nil {
			t.Errorf("%s: %v", info.Name, err)
			continue
		}
		if sc.Name != info.Name || sc.Description != info.Description || info.Description == "" || len(sc.Graph.Nodes) < 2 {
			t.Errorf("%s is called %s, %q, %d nodes", info.Name, sc.Name, info.Description, len(sc.Graph.Nodes))
		}
	}
}

// A file that is longer than a scenario may be is refused by the loader, not read to its end.
func TestHugeFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "huge.yaml")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(1 << 40); err != nil { // sparse
		t.Skip("no sparse files here: ", err)
	}
	f.Close()
	if _, err := Load(name, nil); err == nil || !strings.Contains(err.Error(), "huge.yaml") {
		t.Errorf("%v", err)
	}
	if data, err := Read(name); err != nil || len(data) != scenarios.MaxFile+1 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}
