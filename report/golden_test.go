package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ouroboros/scenarios/result"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs (-want +got; -update rewrites it):\n%s", path, d)
	}
}

var extension = map[Format]string{Text: "txt", Markdown: "md", LaTeX: "tex", CSV: "csv", JSON: "json"}

// fixtures are the sets of runs that the golden files show.
func fixtures() map[string][]result.Run {
	return map[string][]result.Run{
		"dumbbell": {dumbbell(1)},
		"seeds":    {dumbbell(1), dumbbell(2), dumbbell(3)},
		"partial":  {partial()},
		"one-flow": {oneFlow()},
		"matrix":   {mesh(1, 500)},
	}
}

func render(t *testing.T, runs []result.Run, f Format) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, runs, f); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Every format of every kind of run is as reviewed. Series and the 500 flows stay out of the golden files
// of the data formats, which other tests read back.
func TestGolden(t *testing.T) {
	for name, runs := range fixtures() {
		for _, f := range Formats() {
			if (f == CSV || f == JSON) && name != "one-flow" && name != "dumbbell" {
				continue
			}
			t.Run(name+"/"+string(f), func(t *testing.T) {
				for i := range runs {
					if f == CSV || f == JSON {
						for k := range runs[i].Series {
							s := &runs[i].Series[k]
							s.T, s.V = s.T[:2], s.V[:2]
						}
					}
				}
				golden(t, name+"."+extension[f], render(t, runs, f))
			})
		}
	}
}
