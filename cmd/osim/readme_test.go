package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the output in README.md")

// readmeCommand is the first command of README.md; the output that it shows is this one's.
const readmeCommand = "go run ./cmd/osim run abilene"

// shown are the tables of the output that README.md shows, by the beginnings of their titles. The head of
// the report comes first; a line "..." stands for what is left out.
var shown = []string{
	"Mean over 3 seeds: workloads",
	"Flows by workload",
	"Asked and got",
	"Convergence after faults",
	"Expectations",
}

// TestReadmeShowsTheRealOutput: whoever types the command of README.md sees what stands there. After a
// change that is meant:
//
//	go test ./cmd/osim -run TestReadmeShowsTheRealOutput -update
func TestReadmeShowsTheRealOutput(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole scenario")
	}
	path := filepath.Join("..", "..", "README.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, block, after, err := outputBlock(string(page))
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	args := strings.Fields(strings.TrimPrefix(readmeCommand, "go run ./cmd/osim "))
	if code := run(args, strings.NewReader(""), &stdout, &stderr); code != codeFine {
		t.Fatalf("%s: exit code %d\n%s", readmeCommand, code, &stderr)
	}
	want := excerpt(t, stdout.String())
	if *update {
		if err := os.WriteFile(path, []byte(before+want+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(want, block); d != "" {
		t.Errorf("README.md does not show what %q prints (-real +shown; -update rewrites it):\n%s", readmeCommand, d)
	}
	inOrder(t, block, stdout.String())
}

// TestReadmeCommands: the two commands stand in README.md, alone and first, and the Makefile knows both.
func TestReadmeCommands(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "\n```sh\n")
	first, _, closed := strings.Cut(rest, "```\n")
	if want := readmeCommand + "\nmake test\n"; !ok || !closed || first != want {
		t.Errorf("the first commands of README.md are %q, want %q", first, want)
	}
	makefile, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\ntest:", "\nrun:"} {
		if !strings.Contains(string(makefile), want) {
			t.Errorf("the Makefile has no target %s", strings.TrimSpace(want))
		}
	}
	if !strings.Contains(string(makefile), strings.TrimPrefix(readmeCommand, "go ")) {
		t.Errorf("make run is another command than %q", readmeCommand)
	}
}

// outputBlock cuts README.md at the fenced block with the output.
func outputBlock(page string) (before, block, after string, err error) {
	const marker, fence = "<!-- output of " + readmeCommand + " -->\n```text\n", "```\n"
	i := strings.Index(page, marker)
	if i < 0 {
		return "", "", "", fmt.Errorf("README.md has no block after %q", marker)
	}
	i += len(marker)
	n := strings.Index(page[i:], fence)
	if n < 0 {
		return "", "", "", fmt.Errorf("the block after %q does not end", marker)
	}
	return page[:i], page[i : i+n], page[i+n:], nil
}

// excerpt returns the head of a report and the tables that are shown.
func excerpt(t *testing.T, report string) string {
	t.Helper()
	parts := strings.Split(strings.TrimRight(report, "\n"), "\n\n")
	var out []string
	found := map[string]bool{}
	last := 0
	for i, p := range parts {
		at := slices.IndexFunc(shown, func(title string) bool { return strings.HasPrefix(p, title) })
		if i > 0 && at < 0 {
			continue
		}
		if at >= 0 {
			found[shown[at]] = true
		}
		if i > last+1 {
			out = append(out, "...")
		}
		out, last = append(out, p), i
	}
	for _, title := range shown {
		if !found[title] {
			t.Errorf("the report has no table %q", title)
		}
	}
	if last < len(parts)-1 {
		out = append(out, "...")
	}
	return strings.Join(out, "\n\n") + "\n"
}

// inOrder checks that the lines of block are lines of report, in the same order.
func inOrder(t *testing.T, block, report string) {
	t.Helper()
	rest := strings.Split(report, "\n")
	for line := range strings.Lines(block) {
		line = strings.TrimSuffix(line, "\n")
		if line == "..." || line == "" {
			continue
		}
		i := slices.Index(rest, line)
		if i < 0 {
			t.Errorf("README.md shows a line that is not printed, or not here:\n%s", line)
			continue
		}
		rest = rest[i+1:]
	}
}
