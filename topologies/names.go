package topologies

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName bounds a node name in bytes, so that hostile input cannot fill notes,
// tables and traces with one name.
const maxName = 1024

// cleanName makes a label usable as a value in a scenario: control characters
// count as blanks, runs of blanks become one, none stand at the ends.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unprintable(r) {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// unprintable reports control characters and the two code points that XML cannot
// carry even escaped (XML 1.0 §2.2).
func unprintable(r rune) bool {
	return unicode.IsControl(r) || r == 0xFFFE || r == 0xFFFF
}

func checkName(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("empty name")
	case len(s) > maxName:
		return fmt.Errorf("name of %d bytes: accepted: at most %d", len(s), maxName)
	case !utf8.ValidString(s):
		return fmt.Errorf("name %q: accepted: valid UTF-8", s)
	case strings.TrimSpace(s) != s:
		return fmt.Errorf("name %q: accepted: no leading or trailing blanks", s)
	case strings.ContainsFunc(s, unprintable):
		return fmt.Errorf("name %q: accepted: no control characters", s)
	}
	return nil
}

// uniqueNames returns one distinct name for each of want, in order. The first
// holder of a name keeps it; later ones get "_2", "_3"…, skipping names that
// some node holds by right, so the outcome does not depend on luck.
func uniqueNames(want []string) []string {
	taken := make(map[string]bool, len(want))
	for _, w := range want {
		taken[w] = true
	}
	next := make(map[string]int)
	out := make([]string, len(want))
	for i, w := range want {
		if next[w] == 0 {
			out[i], next[w] = w, 2
			continue
		}
		for {
			c := w + "_" + strconv.Itoa(next[w])
			next[w]++
			if !taken[c] {
				taken[c] = true
				out[i] = c
				break
			}
		}
	}
	return out
}

func (g *Graph) linkName(l Link) string {
	return g.Nodes[l.A].Name + "-" + g.Nodes[l.B].Name
}

// nameLinks sets Name of every link.
func (g *Graph) nameLinks() {
	taken := make(map[string]bool, len(g.Links))
	for i := range g.Links {
		base := g.linkName(g.Links[i])
		name := base
		for k := 2; taken[name]; k++ {
			name = base + "#" + strconv.Itoa(k)
		}
		taken[name] = true
		g.Links[i].Name = name
	}
}

// listNames joins names for a note and cuts long lists.
func listNames(names []string) string {
	const most = 8
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
