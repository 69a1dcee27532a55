package topologies

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func loadTestdata(t *testing.T, file string, opts ...Option) *Graph {
	t.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g, err := Load(file, f, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// links writes the links of g as "name rate", in order.
func links(g *Graph) []string {
	out := []string{}
	for _, l := range g.Links {
		out = append(out, l.Name+" "+FormatRate(l.Rate))
	}
	return out
}

func wantEqual(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestGraphMLCleansAndNotesEveryBlemish(t *testing.T) {
	g := loadTestdata(t, "blemishes.graphml")
	wantEqual(t, "name", "Blemishes", g.Name)
	wantEqual(t, "source", "drawn for a test", g.Source)
	wantEqual(t, "names", []string{"Harbour East", "Mill", "Mill_3", "Mill_2", "Abroad", "n5"}, g.NodeNames())
	wantEqual(t, "links", []string{
		"Harbour East-Mill 2.5Gbps", "Mill-Mill_3 45Mbps", "Mill_3-Mill_2 0bps", "Mill_2-Abroad 45Mbps", "Mill_2-n5 0bps",
	}, links(g))
	wantEqual(t, "position", Node{Name: "Mill", Label: "Mill", Lat: 11, Lon: -21, HasPos: true}, g.Nodes[1])
	wantEqual(t, "notes", []string{
		"rate of 2 links read from prose",
		"rate of 1 link unknown: the prose names no single speed",
		"duplicate labels made unique: Mill_3",
		"6 nodes without coordinates: Mill_3, Mill_2, Abroad, n5, Island, Islet",
		"dropped 1 link from a node to itself",
		"merged 1 link parallel to another",
		"1 link differed from the one it was merged into: highest rate and lowest delay kept",
		"1 external node kept: Abroad",
		"not connected: kept the largest of 2 components (6 of 8 nodes, 5 of 6 links); dropped Island, Islet",
	}, g.Notes)
}

func TestGraphMLDropsExternalNodesOnRequest(t *testing.T) {
	g := loadTestdata(t, "blemishes.graphml", DropExternal())
	if _, ok := g.NodeIndex("Abroad"); ok {
		t.Error("external node is still there")
	}
	if !strings.Contains(strings.Join(g.Notes, "\n"), "dropped 1 external node: Abroad") {
		t.Errorf("notes do not say so: %q", g.Notes)
	}
}

func TestGraphMLDirectedFileIsUndirectedMap(t *testing.T) {
	g := loadTestdata(t, "directed.graphml")
	wantEqual(t, "name", "both ways", g.Name)
	wantEqual(t, "links", []string{"a-b 100Mbps", "b-c 100Mbps"}, links(g))
	wantEqual(t, "notes", []string{
		"no node has coordinates",
		"merged 1 link parallel to another",
		"merged 2 links listed for the other direction",
		"2 links differed from the one it was merged into: highest rate and lowest delay kept",
	}, g.Notes)
}

// graphml wraps lines in a document; the first of them is line 4.
func graphml(lines ...string) string {
	return "<graphml><key id=\"lat\" for=\"node\" attr.name=\"Latitude\"/><key id=\"lon\" for=\"node\" attr.name=\"Longitude\"/>\n" +
		"<key id=\"int\" attr.name=\"Internal\"/><key id=\"raw\" attr.name=\"LinkSpeedRaw\"/><key id=\"ns\" attr.name=\"DelayNs\"/>\n" +
		"<graph>\n" + strings.Join(lines, "\n") + "\n</graph></graphml>"
}

func TestGraphMLErrorsNameLineKeyValueAndWhatIsAccepted(t *testing.T) {
	const two = `<node id="0"/><node id="1"/>`
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", "f: not GraphML: no <graphml> element"},
		{"text", "hello", "f: not GraphML: no <graphml> element"},
		{"html", "<html></html>", `f:1: element "html": not GraphML: accepted: one root element <graphml>`},
		{"cut", "<graphml>\n<graph>", "f:2: not well-formed XML"},
		{"no nodes", "<graphml/>", "f: no nodes: accepted"},
		{"unknown node", graphml(two, `<edge source="0" target="9"/>`), `f:5: link "0-9": no node "9": accepted`},
		{"duplicate node", graphml(two, `<node id="1"/>`), `f:5: node "1": duplicate: accepted`},
		{"no id", graphml(`<node/>`), "f:4: node: no id"},
		{"no target", graphml(two, `<edge source="0"/>`), "f:5: edge: accepted"},
		{"bad latitude", graphml(`<node id="0">`, `<data key="lat">north</data><data key="lon">1</data></node>`), `f:5: Latitude "north": accepted: a number from -90 to 90`},
		{"latitude range", graphml(`<node id="0"><data key="lat">91</data><data key="lon">1</data></node>`), `f:4: Latitude "91": accepted`},
		{"not a number", graphml(`<node id="0"><data key="lat">1</data><data key="lon">NaN</data></node>`), `f:4: Longitude "NaN": accepted`},
		{"internal", graphml(`<node id="0"><data key="int">maybe</data></node>`), `f:4: Internal "maybe": accepted: 0, 1`},
		{"raw speed", graphml(two, `<edge source="0" target="1"><data key="raw">fast</data></edge>`), `f:5: LinkSpeedRaw "fast": accepted`},
		{"negative speed", graphml(two, `<edge source="0" target="1"><data key="raw">-1</data></edge>`), `f:5: LinkSpeedRaw "-1": accepted`},
		{"delay", graphml(two, `<edge source="0" target="1"><data key="ns">-1</data></edge>`), `f:5: DelayNs "-1": accepted`},
		{"undeclared key", graphml(`<node id="0"><data key="zz">1</data></node>`), `f:4: data key "zz": accepted: the id of a <key> above`},
		{"second graph", "<graphml><graph/>\n<graph/></graphml>", "f:2: graph: second graph: accepted"},
		{"nested graph", graphml(`<node id="0"><graph/></node>`), `f:4: element "graph": a graph inside a node`},
		{"hyperedge", graphml(`<hyperedge/>`), `f:4: element "hyperedge": accepted`},
		{"edgedefault", `<graphml><graph edgedefault="both"/></graphml>`, `f:1: edgedefault "both": accepted: directed, undirected`},
		{"directed", graphml(two, `<edge source="0" target="1" directed="no"/>`), `f:5: directed "no": accepted: true, false`},
		{"twice a key", `<graphml><key id="a"/><key id="a"/></graphml>`, `f:1: key id "a": accepted`},
		{"deep", strings.Repeat("<graphml>", 99), `nested deeper than 64`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := LoadGraphML(strings.NewReader(c.in), "f")
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v of type %T, want *Error", err, err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q\nwant  %q", err, c.want)
			}
		})
	}
}

func TestLoadersHonourLimits(t *testing.T) {
	in := graphml(`<node id="0"/><node id="1"/>`, `<edge source="0" target="1"/><edge source="0" target="1"/>`)
	size := int64(len(in))
	for _, c := range []struct {
		limits Limits
		want   string
	}{
		{Limits{2, 2, size}, ""},
		{Limits{1, 2, size}, "too many nodes: accepted: at most 1"},
		{Limits{2, 1, size}, "too many links: accepted: at most 1"},
		{Limits{2, 2, size - 1}, "larger than the limit"},
	} {
		_, err := LoadGraphML(strings.NewReader(in), "f", WithLimits(c.limits))
		if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("limits %+v: error %v, want %q", c.limits, err, c.want)
		}
	}
	for _, f := range Formats() {
		if f.Read == nil {
			continue
		}
		long := strings.NewReader(strings.Repeat("\n", 101))
		_, err := f.Read(long, "f", WithLimits(Limits{9, 9, 100}))
		if err == nil || !strings.Contains(err.Error(), "larger than the limit of 100 bytes") {
			t.Errorf("%s: error %v", f.Name, err)
		}
	}
}

func TestProseRates(t *testing.T) {
	for _, c := range []struct {
		text  string
		rate  int64
		named bool
	}{
		{"OC-192", 9_953_280_000, true},
		{"OC-192c", 9_953_280_000, true},
		{"STM-16", 2_488_320_000, true},
		{"45 Mbps DS-3", 45_000_000, true},
		{"DS-3", 44_736_000, true},
		{"T1", 1_544_000, true},
		{"E3", 34_368_000, true},
		{"2 Mbit/s (Gamtel Backbone)", 2_000_000, true},
		{"64 Kbps", 64_000, true},
		{"2.5 G", 2_500_000_000, true},
		{"155 Mbps - 622 Mbps", 0, true},
		{"10 Gbps x", 10_000_000_000, true},
		{"< 100 bps or so", 0, true},
		{"Satellite Link", 0, false},
		{"Completion 2007-2008", 0, false},
		{"12 km", 0, false},
		{"", 0, false},
	} {
		rate, named := proseRate(c.text)
		if rate != c.rate || named != c.named {
			t.Errorf("proseRate(%q) = %d, %v; want %d, %v", c.text, rate, named, c.rate, c.named)
		}
	}
}

func FuzzLoadGraphML(f *testing.F) {
	for _, file := range []string{"blemishes.graphml", "directed.graphml"} {
		b, err := os.ReadFile("testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(graphml(`<node id="0"/>`)))
	fuzzLoader(f, LoadGraphML, WriteGraphML)
}
