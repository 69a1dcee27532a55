package topologies

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// fuzzLoader holds every loader to the same promise: an error, or a valid and
// connected map that writing and reading again does not change.
func fuzzLoader(f *testing.F, read func(io.Reader, string, ...Option) (*Graph, error), write func(io.Writer, *Graph) error) {
	f.Fuzz(func(t *testing.T, in []byte) {
		g, err := read(bytes.NewReader(in), "fuzz", WithLimits(Limits{Nodes: 100, Links: 200, Bytes: 1 << 16}))
		if err != nil {
			return
		}
		if err := g.Validate(); err != nil {
			t.Fatalf("loaded map is invalid: %v", err)
		}
		if !g.Connected() {
			t.Fatal("loaded map is not connected")
		}
		var out bytes.Buffer
		if err := write(&out, g); err != nil {
			t.Fatal(err)
		}
		again, err := read(&out, "fuzz")
		if err != nil {
			t.Fatalf("cannot read back: %v", err)
		}
		wantEqual(t, "names", g.NodeNames(), again.NodeNames())
		wantEqual(t, "links", g.Links, again.Links)
	})
}

// awkward is a map with everything that is hard to write down.
func awkward(t *testing.T) *Graph {
	t.Helper()
	g, err := Build(`the "awkward" <map>`, []Node{
		{Name: "New York", Lat: 40.71427, Lon: -74.00597, HasPos: true},
		{Name: "-", Label: "minus"},
		{Name: "#1", Label: "a\tb"},
		{Name: `back\slash "quoted" & <tag>`},
		{Name: "Zürich-北京"},
		{Name: "x", Lat: -90, Lon: 180, HasPos: true},
	}, []Link{
		{A: 0, B: 1, Rate: 9_953_280_000, Delay: 1, HasDelay: true},
		{A: 2, B: 1, Rate: 1},
		{A: 2, B: 3, HasDelay: true},
		{A: 3, B: 4, Delay: 3*time.Hour + 7, HasDelay: true, Rate: 1<<63 - 1},
		{A: 5, B: 4},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestWrittenMapsReadBackTheSame(t *testing.T) {
	graphs := []*Graph{awkward(t)}
	for _, m := range Maps() {
		g, err := Map(m.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := g.ApplyGeoDelays(0); err != nil {
			t.Fatal(err)
		}
		graphs = append(graphs, g)
	}
	for _, gen := range Generators() {
		g, err := gen.Build(gen.Config(), rand.New(rand.NewPCG(1, 2)))
		if err != nil {
			t.Fatal(err)
		}
		graphs = append(graphs, g)
	}
	for _, f := range Formats() {
		if f.Read == nil || f.Write == nil {
			continue
		}
		for _, g := range graphs {
			t.Run(f.Name+"/"+g.Name, func(t *testing.T) {
				var out bytes.Buffer
				if err := f.Write(&out, g); err != nil {
					t.Fatal(err)
				}
				text := out.String()
				got, err := f.Read(&out, "x"+f.Extensions[0])
				if err != nil {
					t.Fatalf("%v in:\n%s", err, text)
				}
				want := g.Clone()
				want.Notes, got.Notes = nil, nil
				if f.Name == "edges" { // names, links, rates and delays only
					want.Name, want.Source = "x", ""
					for i, n := range want.Nodes {
						want.Nodes[i] = Node{Name: n.Name, Label: n.Name}
					}
				}
				wantEqual(t, "map", want, got)
			})
		}
	}
}

func TestDOTNamesNodesLinksRatesAndDelays(t *testing.T) {
	g, err := Build("d", []Node{{Name: `a"`, Lat: 1, Lon: 2, HasPos: true}, {Name: `b\`}},
		[]Link{{A: 0, B: 1, Rate: 1e9, Delay: time.Millisecond, HasDelay: true}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := WriteDOT(&out, g); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "dot", strings.Join([]string{
		`graph "d" {`,
		`  "a\"" [pos="60.0,30.0"];`,
		`  "b\\";`,
		`  "a\"" -- "b\\" [label="1Gbps 1ms"];`,
		"}\n",
	}, "\n"), out.String())
}

func TestWritersRefuseInvalidMaps(t *testing.T) {
	for _, f := range Formats() {
		if f.Write == nil {
			continue
		}
		if err := f.Write(io.Discard, &Graph{Nodes: []Node{{Name: "a"}, {Name: "a"}}}); err == nil {
			t.Errorf("%s wrote a map with two nodes of one name", f.Name)
		}
	}
}

func TestFormatComesFromTheExtension(t *testing.T) {
	for file, want := range map[string]string{
		"a/Abilene.GraphML": "graphml", "x.map": "map", "x.edges": "edges", "x.txt": "edges",
		"germany50.json": "sndlib", "Abilene.graph": "repetita", "x.dot": "dot",
	} {
		f, err := FormatOf(file)
		if err != nil || f.Name != want {
			t.Errorf("FormatOf(%q) = %q, %v; want %q", file, f.Name, err, want)
		}
		if g, err := FormatNamed(want); err != nil || g.Doc != f.Doc {
			t.Errorf("FormatNamed(%q): %v", want, err)
		}
	}
	for name, err := range map[string]error{
		`extension ".pdf": accepted: .graphml`:  second(FormatOf("x.pdf")),
		`format "pdf": accepted: graphml, map,`: second(FormatNamed("pdf")),
		`format dot can only be written`:        second(Load("x.dot", strings.NewReader(""))),
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want %q", err, name)
		}
	}
}

func second[T any](_ T, err error) error { return err }
