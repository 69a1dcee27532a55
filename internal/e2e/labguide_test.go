package e2e

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// prompt is that of the lab guide: the machine on which a command is typed.
var prompt = regexp.MustCompile(`^(n\d)# (.+)$`)

// TestLabGuide follows docs/lab-guide.md word by word: each command is typed on the machine that the page says, and
// prints what stands there.
func TestLabGuide(t *testing.T) {
	t.Parallel() // it waits more than it works
	const page = "../../docs/lab-guide.md"
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	l := newLab(t, "n1", "n2", "n3")
	l.wire("n1", "eth1", "n2", "eth1")
	l.wire("n2", "eth2", "n3", "eth1")
	type step struct {
		line          int
		node, command string
		want          []string
	}
	var steps []*step
	inside := false
	for i, text := range strings.Split(string(data), "\n") {
		m := prompt.FindStringSubmatch(text)
		switch {
		case strings.HasPrefix(text, "```"):
			inside = text == "```console"
		case !inside:
			if m != nil {
				t.Errorf("line %d: a command that is not in a block", i+1)
			}
		case m != nil:
			steps = append(steps, &step{line: i + 1, node: m[1], command: m[2]})
		default:
			s := steps[len(steps)-1]
			s.want = append(s.want, text)
		}
	}
	if len(steps) < 50 {
		t.Fatalf("the page has %d commands only", len(steps))
	}
	for _, s := range steps {
		n := l.node(s.node)
		if back, ok := strings.CutSuffix(s.command, " &"); ok {
			n.start(back)
			continue
		}
		code, out := n.try(s.command)
		var got []string
		if out != "" {
			got = strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		}
		if code != 0 || !alike(got, s.want) {
			t.Fatalf("%s:%d: %s: exit code %d, prints\n%s\nthe page says\n%s", page, s.line, s.command, code, out, strings.Join(s.want, "\n"))
		}
	}
	for _, n := range l.nodes { // they were told to end
		for len(n.run) > 0 {
			p := n.run[0]
			if err := p.wait(); err != nil && p.isDaemon() {
				t.Errorf("%s: %v\n%s", p, err, p.out)
			}
		}
	}
}
