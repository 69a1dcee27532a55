package unicast_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/ipcp/rib"
	"ouroboros/ipcp/unicast"
)

var update = flag.Bool("update", false, "write the golden files anew")

// dump returns the whole tree as text: each file under a line with its path.
func dump(t *testing.T, root rib.Node) string {
	t.Helper()
	var b strings.Builder
	check(t, rib.Walk(root, func(path string, content []byte) error {
		b.WriteString("== " + path + "\n")
		b.Write(content)
		return nil
	}))
	return b.String()
}

// ribLine is a layer of three members with a flow between its ends, over which three messages have gone, and
// the tree of the member in the middle and of the first.
func ribLine(t *testing.T, o options) (l *line, first, middle string) {
	l, w := simLine(t, 3, o)
	a, b := l.flow(0, 2, core.QoSRaw, "sink")
	var to sink
	b.Attach(&to)
	for range 3 {
		check(t, a.Write(l.envs[0].Pool.Get(a.Info().Headroom, 100)))
	}
	run(t, w, time.Second)
	if to.packets != 3 {
		t.Fatalf("%d messages arrived", to.packets)
	}
	first, middle = dump(t, l.members[0].RIB()), dump(t, l.members[1].RIB())
	if again := dump(t, l.members[0].RIB()); again != first {
		t.Error("two readings at one instant differ")
	}
	a.Close(0)
	b.Close(0)
	return l, first, middle
}

// The trees of two members are those of the golden files: paths, labels and columns of spec 02 §10, 03 §8, 04 §8
// and 06 §7, and counters that agree with what was sent. go test -update writes them.
func TestManagementTree_02_10(t *testing.T) {
	_, first, middle := ribLine(t, options{kind: core.LinkEthernet, congestion: "mb-ecn"})
	for name, got := range map[string]string{"rib-first.txt": first, "rib-middle.txt": middle} {
		path := filepath.Join("testdata", name)
		if *update {
			check(t, os.MkdirAll("testdata", 0o755))
			check(t, os.WriteFile(path, []byte(got), 0o644))
		}
		want, err := os.ReadFile(path)
		check(t, err)
		if got != string(want) {
			t.Errorf("%s differs; it is now:\n%s", name, got)
		}
	}
}

// The files of an N-1 flow and of a flow have the labels of the prototype, in its order, and values end in the
// same column (spec 02 §10.3, 03 §8).
func TestLabels_02_10_3(t *testing.T) {
	l, _, _ := ribLine(t, options{kind: core.LinkEthernet})
	read := func(path string) (labels []string) {
		b, err := rib.Read(l.members[1].RIB(), path)
		check(t, err)
		for _, line := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
			label, _, _ := strings.Cut(line, ":  ")
			labels = append(labels, label)
			if len(line) != 47 && !strings.HasPrefix(line, "Flow established") {
				t.Errorf("%s: %q has %d columns", path, line, len(line))
			}
		}
		return labels
	}
	want := []string{
		"Flow established at", "Endpoint address", "Queued packets (rx)", "Queued packets (tx)",
		" sent (packets)", " sent (bytes)", " rcvd (packets)", " rcvd (bytes)",
		" local sent (packets)", " local sent (bytes)", " local rcvd (packets)", " local rcvd (bytes)",
		" dropped ttl (packets)", " dropped ttl (bytes)", " failed writes (packets)", " failed writes (bytes)",
		" failed nhop (packets)", " failed nhop (bytes)",
	}
	if got := read("dt.02.00.00.00/64"); !slices.Equal(got[:len(want)], want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// All N-1 flows are listed (D7), and neighbours are empty files with the names of spec 04 §8.
func TestListing_02_D7_04_8(t *testing.T) {
	l, _, _ := ribLine(t, options{kind: core.LinkEthernet})
	list := func(path string) []string {
		names, err := rib.List(l.members[1].RIB(), path)
		check(t, err)
		return names
	}
	if got := list("dt.02.00.00.00"); !slices.Equal(got, []string{"64", "65", "origin", "gone"}) {
		t.Errorf("N-1 flows %q", got)
	}
	lsdb := list("lsdb")
	for _, name := range []string{
		"01.00.00.00--02.00.00.00", "02.00.00.00--01.00.00.00", "02.00.00.00--03.00.00.00", "03.00.00.00--02.00.00.00",
		".dt 01.00.00.00", ".dt 03.00.00.00", ".mgmt 01.00.00.00", ".mgmt 03.00.00.00",
	} {
		if !slices.Contains(lsdb, name) {
			t.Errorf("lsdb lacks %q: %q", name, lsdb)
		}
	}
	if b, err := rib.Read(l.members[1].RIB(), "lsdb/.dt 01.00.00.00"); err != nil || len(b) != 0 {
		t.Errorf("the file of a neighbour holds %q, %v", b, err)
	}
}

// A member with a DHT shows its values and contacts (spec 05 §9), local and others' under the right name (D12).
func TestDHTFiles_05_9(t *testing.T) {
	dht := func(c unicast.Catalog, l *unicast.Layer) {
		var err error
		l.Policies.Directory, err = c.Directory.Choose("dht", nil)
		check(t, err)
	}
	l, w := simLine(t, 2, options{kind: core.LinkEthernet, layer: dht, enroll: true})
	l.envs[1].Post(func() {
		l.members[1].Enroll(name(0), "w0", 1, func(err error) {
			check(t, err)
			l.connect(0, 1)
		})
	})
	run(t, w, 20*time.Second)
	h := core.SHA3_256.Sum("service")
	l.envs[0].Post(func() { check(t, l.members[0].Register(h)) })
	run(t, w, time.Second)
	for member, kind := range []string{"local", "non-local"} {
		b, err := rib.Read(l.members[member].RIB(), "dht/database")
		check(t, err)
		if want := h.String() + " " + kind; !strings.HasPrefix(string(b), want) || !strings.Contains(string(b), " 01.00.00.00 replicated 2026-01-01 ") {
			t.Errorf("member %d: %q, want one that starts with %q", member, b, want)
		}
		stats, err := rib.Read(l.members[member].RIB(), "dht/stats")
		check(t, err)
		if want := "Contacts:                                     1\n"; !strings.Contains(string(stats), want) {
			t.Errorf("member %d:\n%slacks %q", member, stats, want)
		}
		contacts, err := rib.Read(l.members[member].RIB(), "dht/contacts")
		check(t, err)
		if strings.Count(string(contacts), "\n") != 1 {
			t.Errorf("member %d: contacts %q", member, contacts)
		}
	}
}

// An IPCP that is in no layer has no components to show.
func TestTreeBeforeBootstrap_02_10(t *testing.T) {
	l, _ := simLine(t, 1, options{kind: core.LinkEthernet, enroll: true})
	m, err := unicast.New(l.envs[0].Derive("other"), l.brokers[0], unicast.Config{Name: "other", Catalog: l.catalog})
	check(t, err)
	got := dump(t, m.RIB())
	if want := "== info/_state\nboot\n== info/_type\nunicast\n== info/_layer\n(null)\n== enrollment/stats\n"; !strings.HasPrefix(got, want) {
		t.Errorf("%s", got)
	}
}
