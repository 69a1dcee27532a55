package e2e

import (
	"os"
	"strings"
	"testing"
)

// exchange is a command of a page and what it prints there.
type exchange struct {
	line    int
	command string
	want    []string
}

// exchanges reads the console blocks of a page: a command behind "$ ", and its output up to the next.
func exchanges(t *testing.T, file string) (out []exchange) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for i, l := range strings.Split(string(data), "\n") {
		command, isCommand := strings.CutPrefix(l, "$ ")
		switch {
		case strings.HasPrefix(l, "```"):
			inside = l == "```console"
		case inside && isCommand:
			out = append(out, exchange{line: i + 1, command: command})
		case inside && len(out) > 0:
			last := &out[len(out)-1]
			last.want = append(last.want, l)
		}
	}
	return out
}

// alike compares output with what a page says. "..." at the end of a line stands for anything, and a line of it for any
// lines.
func alike(got, want []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0] == "..." {
		for i := 0; i <= len(got); i++ {
			if alike(got[i:], want[1:]) {
				return true
			}
		}
		return false
	}
	if len(got) == 0 {
		return false
	}
	begin, open := strings.CutSuffix(want[0], "...")
	if open && !strings.HasPrefix(got[0], begin) || !open && got[0] != want[0] {
		return false
	}
	return alike(got[1:], want[1:])
}

// TestPageOfIRM runs the session of docs/irm.md: each command prints what stands there.
func TestPageOfIRM(t *testing.T) {
	l := newLab(t, "n1")
	n := l.node("n1")
	l.run(`irmd --stdout &`)
	steps := exchanges(t, "../../docs/irm.md")
	if len(steps) < 15 {
		t.Fatalf("the page has %d commands only", len(steps))
	}
	for _, s := range steps {
		_, out := n.try(s.command)
		var got []string
		if out != "" {
			got = strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		}
		if !alike(got, s.want) {
			t.Errorf("docs/irm.md:%d: %s prints\n%s\nthe page says\n%s", s.line, s.command, out, strings.Join(s.want, "\n"))
		}
	}
}
