package scenarios

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds on what a scenario may ask for.
const (
	MaxNodes    = 10_000
	MaxFlows    = 100_000
	maxPatterns = 1000
)

// checker checks what the shape of single values does not show. Paths are internal ones: keys and
// numbers of list elements.
type checker struct {
	*shape
	s       *Scenario
	catalog Catalog
	graph   *Graph              // nil: not known
	members map[string][]string // by layer; nil element: not known
}

func (c *checker) all() {
	c.head()
	c.frcp()
	c.topology()
	c.layers()
	for i := range c.s.Links {
		c.linkRule(&c.s.Links[i], sub("links", i))
	}
	for i := range c.s.Names {
		c.name(&c.s.Names[i], sub("names", i))
	}
	for i := range c.s.Security {
		c.security(&c.s.Security[i], sub("security", i))
	}
	for i := range c.s.Workload {
		c.workload(&c.s.Workload[i], sub("workload", i))
	}
	for i := range c.s.Faults {
		c.fault(&c.s.Faults[i], sub("faults", i))
	}
	for i := range c.s.Expect {
		c.expect(&c.s.Expect[i], sub("expect", i))
	}
	c.real()
	c.unique("names", "name", func(i int) (string, bool) {
		return at(c.s.Names, i, func(e Name) string { return e.Name + "\x00" + e.Layer })
	})
	c.unique("security", "name", func(i int) (string, bool) { return at(c.s.Security, i, func(e SecurityRule) string { return e.Name }) })
	c.unique("links", "name", func(i int) (string, bool) { return at(c.s.Links, i, func(e LinkRule) string { return e.Name }) })
	c.unique("workload", "name", func(i int) (string, bool) { return at(c.s.Workload, i, func(e Workload) string { return e.Name }) })
	c.unique("faults", "name", func(i int) (string, bool) { return at(c.s.Faults, i, func(e Fault) string { return e.Name }) })
	c.unique("expect", "name", func(i int) (string, bool) { return at(c.s.Expect, i, func(e Expect) string { return e.Name }) })
}

// sub is the path of an element of a list.
// defaultWindow is the window of FRCP when a scenario names none.
const defaultWindow = 1024

// frcp checks what the bounds of the single keys cannot: an ack has to come before half the window is
// used up.
func (c *checker) frcp() {
	w := defaultWindow
	if c.has("frcp.window") {
		w = c.s.FRCP.Window
	}
	if c.has("frcp.ack_every") && c.clean("frcp.ack_every") && c.clean("frcp.window") && c.s.FRCP.AckEvery > w/2 {
		c.fail("frcp.ack_every", "is more than half of the window of %d packets; accepted are 1 to %d", w, w/2)
	}
}

func sub(list string, i int) string { return list + "." + strconv.Itoa(i) }

func at[T any](list []T, i int, name func(T) string) (string, bool) {
	if i >= len(list) {
		return "", false
	}
	return name(list[i]), true
}

// has reports whether the file gives a value, right or wrong.
func (c *checker) has(path string) bool { return c.at[path].node != nil }

// isBad reports whether a value, or one that it is part of, was reported before.
func (c *checker) isBad(path string) bool {
	for path != "" && !c.bad[path] {
		path = path[:max(0, strings.LastIndexByte(path, '.'))]
	}
	return path != ""
}

// fail reports a value, or its absence at the place of the section that should hold it, unless it was
// reported before.
func (c *checker) fail(path, format string, args ...any) {
	if c.isBad(path) {
		return
	}
	c.spoil(path)
	if p := c.at[path]; p.node != nil {
		c.add(p.node, p.shown, format, args...)
		return
	}
	above, rest := path, ""
	for above != "" && c.at[above].node == nil {
		i := max(0, strings.LastIndexByte(above, '.'))
		above, rest = above[:i], strings.TrimPrefix(above[i:], ".")+"."+rest
	}
	p := c.at[above]
	n := &yaml.Node{Line: p.node.Line}
	if o := c.origin[p.node]; o != "" {
		c.origin[n] = o
	}
	c.add(n, strings.TrimPrefix(p.shown+"."+strings.TrimSuffix(rest, "."), "."), format, args...)
}

// need reports a key that is not given.
func (c *checker) need(path, accepts string) bool {
	if !c.has(path) {
		c.fail(path, "is missing; accepted is %s", accepts)
		return false
	}
	return true
}

// oneOf reports a section in which not exactly one of the keys is given.
func (c *checker) oneOf(path string, keys ...string) {
	var given []string
	for _, k := range keys {
		if c.has(path + "." + k) {
			given = append(given, k)
		}
	}
	switch {
	case len(given) == 0:
		c.fail(path, "gives none of %s; accepted is exactly one", strings.Join(keys, ", "))
	case len(given) > 1:
		c.fail(path+"."+given[1], "stands beside %s; accepted is exactly one of %s", given[0], strings.Join(keys, ", "))
	}
}

// unique reports names that stand twice in a list.
func (c *checker) unique(list, nameKey string, name func(int) (string, bool)) {
	seen := map[string]int{}
	for i := 0; ; i++ {
		n, ok := name(i)
		if !ok {
			return
		}
		first, dup := seen[n]
		switch {
		case n == "" || c.isBad(sub(list, i)):
		case dup:
			p := sub(list, i) + "." + nameKey
			shown, _, _ := strings.Cut(n, "\x00")
			c.fail(p, "duplicate name %s, first in line %d; accepted is a name that stands once", shown, c.at[sub(list, first)].node.Line)
		default:
			seen[n] = i
		}
	}
}

var (
	scenarioName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	localName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_+-]{0,63}$`)
)

// label checks the name of an element, which is used in paths.
func (c *checker) label(path, name string) {
	if name != "" && c.has(path) && !localName.MatchString(name) {
		c.fail(path, "is not a name; accepted are up to 64 letters, digits, _, + and -")
	}
}

// patterns checks the syntax of patterns, and if names are known that each names at least one of what.
func (c *checker) patterns(p string, pats Patterns, what string, names []string, known bool) {
	if len(pats) > maxPatterns {
		c.fail(p, "%d patterns; accepted are at most %d", len(pats), maxPatterns)
		return
	}
	if c.has(p) && len(pats) == 0 {
		c.fail(p, "is empty; accepted are names or patterns of %ss", what)
	}
	for i, pat := range pats {
		if _, err := path.Match(pat, ""); err != nil {
			c.fail(sub(p, i), "is not a pattern; accepted are names in which *, ? and [a-z] stand for other text")
		} else if known && len(Patterns{pat}.Select(names)) == 0 {
			c.fail(sub(p, i), "no %s matches; %s", what, some(pat, names))
		}
	}
}

// some lists the first of many names, and what is near.
func some(got string, names []string) string {
	if len(names) <= 20 {
		return accepted(got, names)
	}
	s := fmt.Sprintf("accepted are %s and %d more", strings.Join(names[:10], ", "), len(names)-10)
	if near := nearest(got, names); near != "" {
		s = "did you mean " + near + "? " + s
	}
	return s
}

func (c *checker) head() {
	s := c.s
	if c.need("schema", "1, the version of the scenario format") && s.Schema != SchemaVersion {
		c.fail("schema", "unknown version of the scenario format; accepted is %d", SchemaVersion)
	}
	if c.need("name", "the name of the scenario") && !scenarioName.MatchString(s.Name) {
		c.fail("name", "is not a name; accepted are up to 64 lower case letters, digits and -")
	}
	if strings.ContainsAny(s.Description, "\r\n") {
		c.fail("description", "has several lines; accepted is one")
	}
	c.need("duration", durationForm)
	if s.Warmup >= s.Duration && s.Warmup > 0 && !c.isBad("duration") {
		c.fail("warmup", "takes the whole run; accepted is less than the duration, %v", s.Duration)
	}
	if c.has("seeds") && len(s.Seeds) == 0 {
		c.fail("seeds", "is empty; accepted is a list of at least one whole number")
	}
	for i, seed := range s.Seeds {
		if slices.Index(s.Seeds, seed) != i {
			c.fail(sub("seeds", i), "the seed stands twice; accepted are different ones, since equal seeds give equal runs")
		}
	}
	if c.has("measure") && len(s.Measure) == 0 {
		c.fail("measure", "is empty; accepted is a list of at least one word, or no such key")
	}
	if c.has("series.record") {
		c.need("series.interval", durationForm)
	}
	if s.Series.Interval > s.Duration && !c.isBad("duration") {
		c.fail("series.interval", "is longer than the run; accepted is up to %v", s.Duration)
	}
}
