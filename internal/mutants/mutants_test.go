package main

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"testing"
)

// Every deliberate bug still has its place in the code, and is Go. Whether it is caught is what "make mutants"
// shows: it builds the module once for each.
func TestMutantsApply(t *testing.T) {
	all, err := load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Errorf("%d bugs, want at least 10", len(all))
	}
	for i := range all {
		m := &all[i]
		text, err := m.mutated(filepath.Join("..", ".."))
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), m.File, text, 0); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}
