package examples

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheGuideShowsCodeThatRuns: every block of Go in docs/api.md stands, but for its indentation, in an example or a test
// of the root package.
func TestTheGuideShowsCodeThatRuns(t *testing.T) {
	var code strings.Builder
	add := func(path string) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		code.WriteString(flush(string(b)))
	}
	tests, err := filepath.Glob("../../*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range tests {
		add(f)
	}
	err = filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".go") && path != "doc_test.go" {
			add(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../api.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(guide), "```go\n")[1:]
	for _, b := range blocks {
		b, _, _ = strings.Cut(b, "```")
		if !strings.Contains(code.String(), flush(b)) {
			t.Errorf("no example or test has\n%s", b)
		}
	}
	if len(blocks) < 8 {
		t.Errorf("the guide has %d blocks of Go", len(blocks))
	}
}

// flush takes the indentation off.
func flush(s string) string {
	var b strings.Builder
	for l := range strings.Lines(s) {
		b.WriteString(strings.TrimLeft(l, "\t "))
	}
	return b.String()
}
