package topologies

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

type loadCase struct{ name, in, want string }

// wantErrors runs cases of bad input through a loader.
func wantErrors(t *testing.T, load func(io.Reader, string, ...Option) (*Graph, error), cases []loadCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(strings.NewReader(c.in), "f")
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

func TestEdgeListHoldsNamesDelaysAndRates(t *testing.T) {
	g, err := LoadEdgeList(strings.NewReader("\ufeff# a map\n\n\"New York\" b 1.5ms 10Gbps # trunk\nb c\nc d - 64000\nd e 2us -\ne b\nb e 1us\nf\n"), "dir/m.edges")
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "name", "m", g.Name)
	wantEqual(t, "links", []Link{
		{A: 0, B: 1, Name: "New York-b", Rate: 10_000_000_000, Delay: 1500 * time.Microsecond, HasDelay: true},
		{A: 1, B: 2, Name: "b-c"},
		{A: 2, B: 3, Name: "c-d", Rate: 64000},
		{A: 3, B: 4, Name: "d-e", Delay: 2 * time.Microsecond, HasDelay: true},
		{A: 1, B: 4, Name: "b-e", Delay: time.Microsecond, HasDelay: true},
	}, g.Links)
	if !strings.Contains(strings.Join(g.Notes, "\n"), "dropped f") {
		t.Errorf("notes do not say that f was dropped: %q", g.Notes)
	}
}

func TestEdgeListErrors(t *testing.T) {
	wantErrors(t, LoadEdgeList, []loadCase{
		{"empty", "", "f: no nodes"},
		{"five columns", "a b\nNew York c 1ms 1Gbps", `f:2: column "1Gbps": accepted: A B [DELAY [RATE]]`},
		{"delay without unit", "a b 5", `f:1: delay "5": accepted`},
		{"negative delay", "a b -5ms", `f:1: delay "-5ms": accepted`},
		{"rate", "a b - fast", `f:1: rate "fast": accepted`},
		{"negative rate", "a b - -1Gbps", `f:1: rate "-1Gbps": accepted`},
		{"open quote", "\n\"a b", `f:2: name "\"a b": accepted: a closing double quote`},
		{"empty name", `"" b`, "f:1: node: empty name"},
		{"latin-1", "a b\nZ\xfcrich b", "f:2: not UTF-8"},
		{"long line", "a " + strings.Repeat("b", maxLine), "f:1: line too long"},
		{"long name", "a " + strings.Repeat("b", maxName+1), "f:1: node: name of 1025 bytes"},
	})
}

func TestMapTextHoldsPositionsLabelsRatesAndDelays(t *testing.T) {
	g, err := LoadMapText(strings.NewReader("name M\nsource \"of mine\"\nlink b a 1Mbps 1ms\nnode a 1 -2 \"Old A\"\nnode b - -\n"), "f")
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "map", &Graph{
		Name: "M", Source: "of mine",
		Nodes: []Node{{Name: "a", Label: "Old A", Lat: 1, Lon: -2, HasPos: true}, {Name: "b", Label: "b"}},
		Links: []Link{{A: 0, B: 1, Rate: 1_000_000, Delay: time.Millisecond, HasDelay: true, Name: "a-b"}},
		Notes: []string{"1 node without coordinates: b"},
	}, g)
}

func TestMapTextErrors(t *testing.T) {
	wantErrors(t, LoadMapText, []loadCase{
		{"directive", "nodes a b", `f:1: line "nodes": accepted: name NAME; source TEXT`},
		{"columns", "node a", `f:1: line "node": accepted`},
		{"position", "node a 91 0", `f:1: position "91 0": accepted`},
		{"half a position", "node a 1 -", `f:1: position "1 -": accepted`},
		{"unknown node", "node a 1 1\nlink a b", `f:2: link "a-b": no node "b"`},
		{"duplicate", "node a 1 1\nnode a 1 2", `f:2: node "a": duplicate`},
		{"rate", "node a 1 1\nlink a a 1Xbps", `f:2: rate "1Xbps": accepted`},
	})
}

const repetitaText = `NODES 3
label x y
a -74 40.7
b -87.6 41.8
c 2 48

EDGES 4
label src dest weight bw delay
e0 0 1 1 9953280 1913
e1 1 0 1 9953280 1900
e2 1 2 5 1000 0.5
e3 2 1 5 1000 0.5
`

func TestRepetitaIsKbitAndMicrosecondsAndDirected(t *testing.T) {
	g, err := LoadRepetita(strings.NewReader(repetitaText), "r.graph")
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "links", []Link{
		{A: 0, B: 1, Name: "a-b", Rate: 9_953_280_000, Delay: 1900 * time.Microsecond, HasDelay: true},
		{A: 1, B: 2, Name: "b-c", Rate: 1_000_000, Delay: 500, HasDelay: true},
	}, g.Links)
	wantEqual(t, "node", Node{Name: "a", Label: "a", Lat: 40.7, Lon: -74, HasPos: true}, g.Nodes[0])
	wantEqual(t, "notes", []string{
		"link weights are not used",
		"merged 2 links listed for the other direction",
		"1 link differed from the one it was merged into: highest rate and lowest delay kept",
	}, g.Notes)
}

func TestCoordinatesOfADrawingAreLeftOut(t *testing.T) {
	for _, in := range []string{
		strings.Replace(repetitaText, "c 2 48", "c 200 480", 1),
		strings.NewReplacer("-74 40.7", "0 0", "-87.6 41.8", "0 0", "2 48", "0 0").Replace(repetitaText),
	} {
		g, err := LoadRepetita(strings.NewReader(in), "r.graph")
		if err != nil {
			t.Fatal(err)
		}
		if s := g.Stats(); s.Positions != 0 || g.Notes[0] != "coordinates are not latitude and longitude: left out" {
			t.Errorf("%d positions, notes %q", s.Positions, g.Notes)
		}
	}
}

func TestRepetitaErrors(t *testing.T) {
	change := func(was, is string) string { return strings.Replace(repetitaText, was, is, 1) }
	wantErrors(t, LoadRepetita, []loadCase{
		{"empty", "", "f:1: file ends where NODES section"},
		{"other file", "DEMANDS 110", `f:1: line "DEMANDS": accepted: NODES COUNT`},
		{"count", change("NODES 3", "NODES -3"), `f:1: NODES "-3": accepted`},
		{"huge count", change("EDGES 4", "EDGES 999999999"), `f:7: EDGES "999999999": accepted`},
		{"head", change("label x y", "x y label"), `f:2: column names "x": accepted: label x y`},
		{"too few", change("EDGES 4", "EDGES 5"), "f:13: file ends where row 4 of EDGES"},
		{"too many", change("EDGES 4", "EDGES 3"), `f:12: line "e3": accepted: nothing after`},
		{"columns", change("a -74 40.7", "a -74"), `f:3: NODES "a": 2 columns`},
		{"position", change("-74", "west"), `f:3: x y "west 40.7": accepted`},
		{"node", change("e1 1 0", "e1 1 7"), `f:10: link "1-7": no node "7"`},
		{"bandwidth", change("1000 0.5", "-1 0.5"), `f:11: bw "-1": accepted: a number of kbit/s`},
		{"delay", change("1913", "NaN"), `f:9: delay "NaN": accepted: a number of µs`},
	})
}

const sndlibText = `{
 "demands": [{"source": "nowhere", "value": [1, {"a": null}]}],
 "nodes": [
  {"id": "A", "longitude": 6.04, "latitude": 50.76},
  {"id": "B", "longitude": 10.9, "latitude": 48.33},
  {"id": "C"}],
 "links": [
  {"id": "L1", "source": "B", "target": "A", "modules": []},
  {"id": "L2", "source": "B", "target": "C"}]
}
`

func TestSNDlibHoldsNodesPositionsAndLinks(t *testing.T) {
	g, err := LoadSNDlib(strings.NewReader(sndlibText), "s.json")
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "map", &Graph{
		Name: "s",
		Nodes: []Node{
			{Name: "A", Label: "A", Lat: 50.76, Lon: 6.04, HasPos: true},
			{Name: "B", Label: "B", Lat: 48.33, Lon: 10.9, HasPos: true},
			{Name: "C", Label: "C"},
		},
		Links: []Link{{A: 0, B: 1, Name: "A-B"}, {A: 1, B: 2, Name: "B-C"}},
		Notes: []string{"rates unknown: SNDlib states capacities without a unit", "1 node without coordinates: C"},
	}, g)
}

func TestSNDlibErrors(t *testing.T) {
	change := func(was, is string) string { return strings.Replace(sndlibText, was, is, 1) }
	wantErrors(t, LoadSNDlib, []loadCase{
		{"empty", "", "f:1: not SNDlib JSON"},
		{"array", "[]", "f:1: network: accepted"},
		{"other object", "{\"a\": 1}", "f: nodes: missing"},
		{"nodes", `{"nodes": 3}`, "f:1: nodes: accepted"},
		{"cut", sndlibText[:60], "f:2: not SNDlib JSON"},
		{"comma", change("},\n  {\"id\": \"C\"", "}\n  {\"id\": \"C\""), "f:6: not SNDlib JSON"},
		{"no id", change(`"id": "C"`, ""), "f:6: nodes id: missing"},
		{"number", change("48.33", `"north"`), "f:5: nodes latitude \"string\": accepted: float64"},
		{"duplicate", change(`"id": "C"`, `"id": "A"`), `f:6: node "A": duplicate`},
		{"unknown node", change(`"target": "C"`, `"target": "D"`), `f:9: link "B-D": no node "D"`},
		{"no target", change(`, "target": "C"`, ""), "f:9: links: accepted"},
		{"tail", sndlibText + "{}", "f:11: accepted: nothing after"},
	})
}

func FuzzLoadEdgeList(f *testing.F) {
	f.Add([]byte("\"New York\" b 1ms 10Gbps\nb c - 5\n"))
	f.Add([]byte("a b\nb a\na a\nc d # x\n"))
	fuzzLoader(f, LoadEdgeList, WriteEdgeList)
}

func FuzzLoadMapText(f *testing.F) {
	f.Add([]byte("name M\nsource s\nnode a 1 2 x\nnode \"b c\" - -\nlink a \"b c\" 1Gbps 1ms\n"))
	fuzzLoader(f, LoadMapText, WriteMapText)
}

// The formats that are only read are written as map text.
func FuzzLoadRepetita(f *testing.F) {
	f.Add([]byte(repetitaText))
	fuzzLoader(f, thenMapText(LoadRepetita), WriteMapText)
}

func FuzzLoadSNDlib(f *testing.F) {
	f.Add([]byte(sndlibText))
	fuzzLoader(f, thenMapText(LoadSNDlib), WriteMapText)
}

// thenMapText reads what WriteMapText wrote, and all else with load.
func thenMapText(load func(io.Reader, string, ...Option) (*Graph, error)) func(io.Reader, string, ...Option) (*Graph, error) {
	return func(r io.Reader, name string, opts ...Option) (*Graph, error) {
		text, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(string(text), "name fuzz\n") {
			return LoadMapText(strings.NewReader(string(text)), name, opts...)
		}
		return load(strings.NewReader(string(text)), name, opts...)
	}
}
