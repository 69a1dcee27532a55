package manual

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write the pages into docs/man")

const (
	root    = "../../.."
	pageDir = root + "/docs/man"
	irmPage = root + "/docs/irm.md"
)

// cutBetween returns what stands before, between and behind the marks of what is made.
func cutBetween(t *testing.T, page string) (before, between, after string) {
	t.Helper()
	const begin, end = "<!-- begin: made by \"make man\" -->\n\n", "\n<!-- end -->"
	i, j := strings.Index(page, begin), strings.Index(page, end)
	if i < 0 || j < i+len(begin) {
		t.Fatalf("%s has not the marks %q and %q", irmPage, begin, end)
	}
	return page[:i+len(begin)], page[i+len(begin) : j], page[j:]
}

// build builds commands into a folder.
func build(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"build", "-ldflags=-s -w", "-o", dir + "/"}
	for _, n := range names {
		args = append(args, "./cmd/"+n)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return dir
}

// pages makes all pages, by file name, and the reference of docs/irm.md.
func pages(t *testing.T) (all map[string]string, reference string) {
	t.Helper()
	names := []string{"irm"}
	var commands []Command
	for _, c := range Commands {
		if _, err := os.Stat(filepath.Join(root, "cmd", c.Name)); err != nil {
			t.Logf("NOT TESTED: there is no command %s", c.Name)
			continue
		}
		names, commands = append(names, c.Name), append(commands, c)
	}
	dir := build(t, names...)
	out := map[string]string{"ouroboros.8": Overview.Roff(), "irmd.toml.5": Configuration().Roff()}
	for _, c := range commands {
		p, err := page(c, output(t, filepath.Join(dir, c.Name), "--help"))
		if err != nil {
			t.Fatal(err)
		}
		out[fmt.Sprintf("%s.%d", c.Name, c.Section)] = p.Roff()
	}
	irm := filepath.Join(dir, "irm")
	out["irm.8"] = output(t, irm, "__man")
	return out, output(t, irm, "__reference") + "\n" + parameterTable()
}

// output runs a command with a clean environment.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, stderr.String())
	}
	return stdout.String()
}

// The pages in docs/man are those that the commands would give now.
func TestPagesAreUpToDate(t *testing.T) {
	made, reference := pages(t)
	page, err := os.ReadFile(irmPage)
	if err != nil {
		t.Fatal(err)
	}
	before, old, after := cutBetween(t, string(page))
	if *rewrite {
		if err := os.WriteFile(irmPage, []byte(before+reference+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if d := cmp.Diff(reference, old); d != "" {
		t.Errorf("docs/irm.md is not what irm says now: run \"make man\"\n%s", d)
	}
	if *rewrite {
		if err := os.MkdirAll(pageDir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range made {
		file := filepath.Join(pageDir, name)
		if *rewrite {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%v: run \"make man\"", err)
		} else if d := cmp.Diff(want, string(got)); d != "" {
			t.Errorf("%s is not what the command says now: run \"make man\"\n%s", name, d)
		}
	}
	files, err := filepath.Glob(pageDir + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, ok := made[filepath.Base(f)]; !ok {
			t.Errorf("%s: nothing makes this page", f)
		}
	}
}

// The pages are correct in the eyes of the programs that show them.
func TestPagesRender(t *testing.T) {
	files, err := filepath.Glob(pageDir + "/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	checkers := 0
	for _, c := range [][]string{{"mandoc", "-T", "lint", "-W", "warning"}, {"groff", "-man", "-ww", "-z"}} {
		if _, err := exec.LookPath(c[0]); err != nil {
			t.Logf("NOT TESTED: %s is not installed", c[0])
			continue
		}
		checkers++
		for _, f := range files {
			if out, err := exec.Command(c[0], append(c[1:], f)...).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%s %s: %v\n%s", c[0], filepath.Base(f), err, out)
			}
		}
	}
	if checkers == 0 {
		t.Skip("NOT TESTED: neither mandoc nor groff is installed")
	}
}

// A page names only pages that there are.
func TestPagesAreThere(t *testing.T) {
	files, _ := filepath.Glob(pageDir + "/*")
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^\.BR (\S+) \((\d)\)`).FindAllStringSubmatch(string(data), -1) {
			if _, err := os.Stat(filepath.Join(root, "cmd", m[1])); err != nil && m[2] == "1" {
				t.Logf("NOT TESTED: there is no command %s", m[1])
				continue
			}
			if _, err := os.Stat(fmt.Sprintf("%s/%s.%s", pageDir, strings.ReplaceAll(m[1], `\-`, "-"), m[2])); err != nil {
				t.Errorf("%s refers to %s(%s): %v", filepath.Base(f), m[1], m[2], err)
			}
		}
	}
}

// What looks like a request of roff is text, words in capitals are set apart, and hyphens stay hyphens.
func TestRoff(t *testing.T) {
	p := Page{
		Name: "x", Section: 1, Summary: "a-b", Synopsis: []string{"x [-l] --name NAME [OPTION...]", "x -F"},
		Parts: []Part{{Head: "Files", Blocks: []Block{
			Text(".dot 'quote"), Text(`back\slash`), Item{"-c, --count NUMBER", "'tis"}, Sub("One"), Text("first"), Code(".a\n\n  -b\n"),
		}}},
		SeeAlso: []string{"y(8)", "z(1)"},
	}
	want := `.\" Made by "make man". Do not edit.
.TH X 1 ` + Date + ` Ouroboros "Ouroboros Manual"
.SH NAME
x \- a\-b
.SH SYNOPSIS
\fBx\fR [\fB\-l\fR] \fB\-\-name\fR \fINAME\fR [\fIOPTION\fR...]
.br
\fBx\fR \fB\-F\fR
.SH FILES
\&.dot 'quote
.PP
back\eslash
.TP
\fB\-c\fR, \fB\-\-count\fR \fINUMBER\fR
\&'tis
.SS One
first
.PP
.RS 4
.EX
\&.a
\&
  \-b
.EE
.RE
.SH SEE ALSO
.BR y (8),
.BR z (1)
`
	if d := cmp.Diff(want, p.Roff()); d != "" {
		t.Error(d)
	}
}

// The help of a command is taken apart without losing a line.
func TestParseHelp(t *testing.T) {
	h, err := parseHelp("First line\nof a paragraph.\n\nSecond.\n\nUsage:\n  x [flags]\n\nExamples:\n  x -l   listen\n\nFlags:\n  -l, --listen       be the server\n      --dir string   where (default /run)\n  -h, --help\n")
	if err != nil {
		t.Fatal(err)
	}
	want := help{
		long: []string{"First line of a paragraph.", "Second."}, examples: "x -l   listen\n",
		options: []Item{{"-l, --listen", "Be the server."}, {"--dir TEXT", "Where (default /run)."}, {"-h, --help", "No description."}},
	}
	if d := cmp.Diff(&want, h, cmp.AllowUnexported(help{})); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{"", "x\n\nFlags:\n  something else\n"} {
		if _, err := parseHelp(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
