package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"ouroboros/scenarios"
)

// TestDocumentedComparison: the first command of the page about comparisons prints what stands under it. After
// a change that is meant:
//
//	go test ./cmd/osim -run TestDocumentedComparison -update
func TestDocumentedComparison(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a scenario ten times")
	}
	path := filepath.Join("..", "..", "docs", "compare.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	command := blocks(string(page), "sh")[0]
	const marker, fence = "<!-- output of the command above -->\n```text\n", "```\n"
	before, rest, ok := strings.Cut(string(page), marker)
	shown, after, closed := strings.Cut(rest, fence)
	if !ok || !closed {
		t.Fatal("the page shows no output")
	}
	var stdout, stderr bytes.Buffer
	args := strings.Fields(strings.TrimPrefix(command, "osim "))
	if code := run(append(args, "-q"), strings.NewReader(""), &stdout, &stderr); code != codeFine {
		t.Fatalf("%s: exit code %d\n%s", command, code, &stderr)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+marker+stdout.String()+fence+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(stdout.String(), shown); d != "" {
		t.Errorf("compare.md does not show what %q prints (-real +shown; -update rewrites it):\n%s", command, d)
	}
}

// TestEveryFlagOfCompareIsDocumented: a flag stands on the page about comparisons, or is one of osim run.
func TestEveryFlagOfCompareIsDocumented(t *testing.T) {
	page := manual(t)["compare.md"]
	newCompare().Flags().VisitAll(func(f *pflag.Flag) {
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + " "
		}
		if newRun().Flags().Lookup(f.Name) == nil && !strings.Contains(page, name) {
			t.Errorf("%s does not stand on the page", name)
		}
	})
}

// A mistake of several variants is reported once, under the flag that made it; one that only some variants
// have and no flag made says with which values.
func TestMistakesOfVariants(t *testing.T) {
	f := faultList{flags: map[string]string{"--set a=1": "--vary a=1"}, variants: 2}
	f.add([]*scenarios.Error{{File: "--set a=1", Msg: "is wrong"}, {File: "x.yaml", Line: 3, Msg: "is always wrong"}}, []string{"a=1", "b=1"})
	f.add([]*scenarios.Error{{File: "x.yaml", Line: 3, Msg: "is always wrong"}, {File: "x.yaml", Line: 4, Msg: "clashes"}}, []string{"a=1", "b=2"})
	var got []string
	for _, e := range scenarios.Errors(f.err()) {
		got = append(got, e.Error())
	}
	want := []string{"--vary a=1: is wrong", "x.yaml:3: is always wrong", "x.yaml:4: clashes (with --vary a=1 --vary b=2)"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if (&faultList{}).err() != nil {
		t.Error("no mistake is an error")
	}
}
