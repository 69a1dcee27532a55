package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"ouroboros/cmd/osim/internal/source"
)

// manual returns the pages of the documentation by name.
func manual(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages in docs: %v", err)
	}
	pages := map[string]string{}
	for _, f := range append(files, filepath.Join("..", "..", "README.md")) {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		pages[filepath.Base(f)] = string(data)
	}
	return pages
}

// blocks returns the fenced blocks of a page in a language.
func blocks(page, language string) []string {
	var out []string
	for _, part := range strings.Split("\n"+page, "\n```"+language+"\n")[1:] {
		text, _, _ := strings.Cut(part, "\n```")
		out = append(out, text+"\n")
	}
	return out
}

// TestReadmeListsPages: the list of documents in README.md has every page of docs.
func TestReadmeListsPages(t *testing.T) {
	pages := manual(t)
	for name := range pages {
		if name != "README.md" && !strings.Contains(pages["README.md"], "](docs/"+name+")") {
			t.Errorf("README.md does not list docs/%s", name)
		}
	}
}

// words splits a command line at blanks; what stands in single quotes stays together.
func words(line string) (out []string) {
	for i, part := range strings.Split(line, "'") {
		if i%2 == 0 {
			out = append(out, strings.Fields(part)...)
		} else {
			out = append(out, part)
		}
	}
	return out
}

// TestDocumentedCommands: each osim command in a block of the documentation has a name, flags and numbers of
// arguments that the program accepts. A backslash continues a line.
func TestDocumentedCommands(t *testing.T) {
	n := 0
	for name, page := range manual(t) {
		for _, b := range blocks(page, "sh") {
			for line := range strings.Lines(strings.ReplaceAll(b, "\\\n", " ")) {
				line, _, _ = strings.Cut(strings.TrimSpace(line), " > ")
				if _, rest, ok := strings.Cut(line, "=10s osim "); ok {
					line = "osim " + rest
				}
				args, ok := strings.CutPrefix(line, "osim ")
				if !ok {
					continue
				}
				n++
				cmd, rest, err := newRoot().Find(words(args))
				if err == nil {
					err = cmd.ParseFlags(rest)
				}
				if err == nil {
					err = cmd.ValidateArgs(cmd.Flags().Args())
				}
				if err != nil {
					t.Errorf("%s: %s: %v", name, line, err)
				}
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d commands were found", n)
	}
}

// TestEveryFlagOfRunIsDocumented: a flag of the main command stands on a page.
func TestEveryFlagOfRunIsDocumented(t *testing.T) {
	all := ""
	for _, page := range manual(t) {
		all += page
	}
	newRun().Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "quiet" && !strings.Contains(all, "--"+f.Name) {
			t.Errorf("--%s stands on no page of the documentation", f.Name)
		}
	})
}

// TestDocumentedScenariosRun: a whole scenario on a page loads, runs, and meets its expectations.
func TestDocumentedScenariosRun(t *testing.T) {
	n := 0
	for name, page := range manual(t) {
		for _, b := range blocks(page, "yaml") {
			if !strings.HasPrefix(b, "schema: 1\n") {
				continue
			}
			n++
			file := filepath.Join(t.TempDir(), "scenario.yaml")
			if err := os.WriteFile(file, []byte(b), 0o666); err != nil {
				t.Fatal(err)
			}
			if _, err := source.Load(file, nil); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var stdout, stderr bytes.Buffer
			if code := run([]string{"run", file, "-q"}, strings.NewReader(""), &stdout, &stderr); code != codeFine {
				t.Errorf("%s: exit code %d\n%s%s", name, code, &stdout, &stderr)
			}
		}
	}
	if n == 0 {
		t.Error("no scenario was found")
	}
}

// TestDocumentedMistakes: the page about scenarios shows what osim check says of its bad example.
func TestDocumentedMistakes(t *testing.T) {
	page := manual(t)["scenarios.md"]
	bad := slices.IndexFunc(blocks(page, "yaml"), func(b string) bool { return strings.HasPrefix(b, "# bad.yaml\n") })
	if bad < 0 {
		t.Fatal("there is no bad example")
	}
	example := blocks(page, "yaml")[bad]
	t.Chdir(t.TempDir())
	if err := os.WriteFile("bad.yaml", []byte(example), 0o666); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := run([]string{"check", "bad.yaml"}, strings.NewReader(""), &stdout, &stderr); code != codeBadInput {
		t.Errorf("exit code %d, want %d", code, codeBadInput)
	}
	_, rest, _ := strings.Cut(page, example)
	if d := cmp.Diff(stdout.String(), blocks(rest, "text")[0]); d != "" {
		t.Errorf("scenarios.md (-real +shown):\n%s", d)
	}
}

// TestDocumentedDissector: the program on the page about captures compiles, and prints the lines there.
func TestDocumentedDissector(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a program")
	}
	page := manual(t)["howto.md"]
	programs := blocks(page, "go")
	if len(programs) != 1 {
		t.Fatalf("%d Go programs, want 1", len(programs))
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte(programs[0]), 0o666); err != nil {
		t.Fatal(err)
	}
	pcap := filepath.Join(dir, "lossy.pcapng")
	var stdout, stderr bytes.Buffer
	if code := run([]string{"run", "lossy-link", "--seed", "1", "-q", "--pcap", pcap}, strings.NewReader(""), &stdout, &stderr); code != codeFine {
		t.Fatalf("exit code %d\n%s", code, &stderr)
	}
	in, err := os.Open(pcap)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	cmd := exec.Command("go", "run", file)
	cmd.Stdin, cmd.Stderr = in, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	_, rest, _ := strings.Cut(page, programs[0])
	inOrder(t, blocks(rest, "text")[0], string(out))
}
