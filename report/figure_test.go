package report

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// With REPORT_PNG=DIR the figures of the fixtures are drawn as PNG files, to be looked at.
func TestFiguresAsPNG(t *testing.T) {
	dir := os.Getenv("REPORT_PNG")
	if dir == "" {
		t.Skip("REPORT_PNG is not set")
	}
	r := dumbbell(1)
	for _, f := range figures(&r) {
		var b bytes.Buffer
		if err := f.write(&b, "png"); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.name+".png"), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
