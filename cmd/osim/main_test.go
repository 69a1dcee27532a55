package main

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// brokenWriter fails, or panics, when it is written to.
type brokenWriter struct{ panics bool }

func (b brokenWriter) Write([]byte) (int, error) {
	if b.panics {
		panic("out of cheese")
	}
	return 0, errors.New("no space left")
}

func TestPanicIsReportedAsADefect(t *testing.T) {
	var stderr strings.Builder
	code := run([]string{"show", "abilene"}, strings.NewReader(""), brokenWriter{panics: true}, &stderr)
	for _, want := range []string{"osim: internal error: out of cheese", "goroutine", "Please report it"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("%q is not in\n%s", want, stderr.String())
		}
	}
	if code != codeInternal {
		t.Errorf("exit code %d", code)
	}
}

func TestOutputThatCannotBeWrittenIsAnInternalError(t *testing.T) {
	for _, args := range [][]string{
		{"show", "abilene"},
		{"list"},
		{"version"},
		{"policies"},
		{"policies", "--format", "csv"},
		{"topo", "list"},
		{"topo", "show", "abilene"},
		{"topo", "show", "line"},
		{"topo", "generate", "line"},
		{"run", "two-hosts", "--seed", "1"},
	} {
		var stderr strings.Builder
		code := run(args, strings.NewReader(""), brokenWriter{}, &stderr)
		if code != codeInternal || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("osim %s: exit code %d, %s", strings.Join(args, " "), code, stderr.String())
		}
	}
}

// Every command, however deep, has examples in its help and no blank in what it is called.
func TestEveryCommandHasExamples(t *testing.T) {
	cmds := newRoot().Commands()
	for i := 0; i < len(cmds); i++ {
		c := cmds[i]
		cmds = append(cmds, c.Commands()...)
		if c.Example == "" || c.Short == "" {
			t.Errorf("%s has no examples", c.CommandPath())
		}
		for l := range strings.Lines(c.Long) {
			if n := len([]rune(strings.TrimRight(l, "\n"))); n > 82 {
				t.Errorf("%s: a line of help with %d characters", c.CommandPath(), n)
			}
		}
	}
	if len(cmds) < 12 {
		t.Errorf("%d commands", len(cmds))
	}
}

// Every example parses: its flags exist and take their values.
func TestExamplesParse(t *testing.T) {
	root := newRoot()
	cmds := root.Commands()
	for i := 0; i < len(cmds); i++ {
		cmds = append(cmds, cmds[i].Commands()...)
	}
	for _, c := range cmds {
		for l := range strings.Lines(c.Example) {
			l, _, _ = strings.Cut(strings.TrimSpace(l), " > ")
			words := strings.Fields(l)
			if words[0] != "osim" {
				t.Errorf("%s: example %q", c.CommandPath(), l)
				continue
			}
			fresh := newRoot()
			found, rest, err := fresh.Find(words[1:])
			if err == nil {
				found.SetOut(io.Discard)
				err = found.ParseFlags(rest)
			}
			if err == nil && found.Args != nil {
				err = found.Args(found, found.Flags().Args())
			}
			if err != nil {
				t.Errorf("%q: %v", l, err)
			}
		}
	}
}
