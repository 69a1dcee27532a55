package scenarios

import (
	"reflect"
	"slices"
	"strings"

	"ouroboros/core"
)

func (c *checker) topology() {
	t := &c.s.Topology
	if !c.need("topology", "a section with one of map, file, generator, nodes") {
		return
	}
	c.oneOf("topology", "map", "file", "generator", "nodes")
	if c.has("topology.params") && !c.has("topology.generator") {
		c.fail("topology.params", "are for a generator only")
	}
	if c.has("topology.wires") && !c.has("topology.nodes") {
		c.fail("topology.wires", "are for nodes that are written out only")
	}
	c.linkParams(&t.Defaults, "topology.defaults")
	if c.has("topology.nodes") {
		c.inline(t)
	} else if c.catalog != nil && !c.isBad("topology") && c.clean("topology.map", "topology.file", "topology.generator", "topology.params") {
		c.generated(t)
	}
}

// clean reports whether nothing was reported of the values and what is in them.
func (c *checker) clean(paths ...string) bool {
	return !slices.ContainsFunc(paths, func(p string) bool { return c.below[p] || c.isBad(p) })
}

// generated asks the catalog for the names of a map, file or generator.
func (c *checker) generated(t *Topology) {
	g, err := c.catalog.Topology(t)
	switch source := "topology." + t.source(); {
	case err != nil && c.paramOf(source, "topology.params", t.Params, func(p map[string]any) error {
		one := *t
		one.Params = p
		_, err := c.catalog.Topology(&one)
		return err
	}):
	case err != nil:
		c.fail(source, "%s", err)
	case len(g.Nodes) > MaxNodes:
		c.fail(source, "has %d nodes; accepted are at most %d", len(g.Nodes), MaxNodes)
	default:
		c.graph = g
	}
}

// source is the key that says where the topology comes from.
func (t *Topology) source() string {
	switch {
	case t.Map != "":
		return "map"
	case t.File != "":
		return "file"
	}
	return "generator"
}

// paramOf finds the parameter that a table refuses and reports it: the first that is refused alone, or
// params as a whole if only the combination is. It returns false if the fault is not in the parameters.
func (c *checker) paramOf(choice, path string, params map[string]any, try func(map[string]any) error) bool {
	if err := try(nil); err != nil {
		return false
	}
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)
	found := false
	for _, name := range names {
		if err := try(map[string]any{name: params[name]}); err != nil {
			c.fail(path+"."+name, "%s", err)
			found = true
		}
	}
	if !found {
		c.fail(path, "%s", try(params))
	}
	return true
}

// inline checks nodes and wires that are written out.
func (c *checker) inline(t *Topology) {
	const nodes, wires = "topology.nodes", "topology.wires"
	if len(t.Nodes) == 0 || len(t.Nodes) > MaxNodes {
		c.fail(nodes, "%d nodes; accepted are 1 to %d", len(t.Nodes), MaxNodes)
		return
	}
	g := &Graph{Nodes: t.Nodes}
	known := map[string]bool{}
	for i, n := range t.Nodes {
		switch {
		case known[n]:
			c.fail(sub(nodes, i), "duplicate node %s; accepted is a name that stands once", n)
		case n == All || core.Name(n).Validate() != nil:
			c.fail(sub(nodes, i), "is not a node name; accepted are 1 to %d bytes of text other than %q", core.MaxName, All)
		}
		known[n] = true
	}
	for i := range t.Wires {
		w := &t.Wires[i]
		p := sub(wires, i)
		c.linkParams(&w.LinkParams, p)
		if c.ends(w.Ends, p+".ends", "node", known, t.Nodes) {
			g.Links = append(g.Links, GraphLink{w.Name, w.Ends[0], w.Ends[1]})
		}
	}
	c.unique(wires, "name", func(i int) (string, bool) { return at(t.Wires, i, func(w Wire) string { return w.Name }) })
	if c.clean(nodes, wires) {
		c.graph = g
	}
}

// ends checks a pair of names.
func (c *checker) ends(pair []string, p, what string, known map[string]bool, names []string) bool {
	if !c.has(p) {
		c.fail(p, "is missing; accepted is a list of two %ss", what)
		return false
	}
	if len(pair) != 2 {
		c.fail(p, "has %d ends; accepted is a list of two %ss", len(pair), what)
		return false
	}
	ok := true
	for i, n := range pair {
		if !known[n] {
			c.fail(sub(p, i), "no such %s; %s", what, some(n, names))
			ok = false
		}
	}
	if pair[0] == pair[1] {
		c.fail(p, "both ends are %s; accepted are two different %ss", pair[0], what)
		ok = false
	}
	return ok
}

// linkParams checks what the bounds of the single values do not.
func (c *checker) linkParams(p *LinkParams, path string) {
	if p.Queue != nil && !c.has(path+".queue.packets") && !c.has(path+".queue.bytes") {
		c.fail(path+".queue", "has no size; accepted is packets, bytes or both")
	}
	if p.Gilbert != nil {
		c.need(path+".gilbert.p", "the probability of a change from good to bad")
		c.need(path+".gilbert.r", "the probability of a change from bad to good")
	}
	if p.Reorder != nil {
		c.need(path+".reorder.probability", "a number from 0 to 1")
		c.need(path+".reorder.by", durationForm)
	}
}

// linkNames returns the names of the wires and whether they are known.
func (c *checker) linkNames() ([]string, bool) {
	if c.graph == nil {
		return nil, false
	}
	names := make([]string, len(c.graph.Links))
	for i, l := range c.graph.Links {
		names[i] = l.Name
	}
	return names, true
}

// nodeNames returns the names of the nodes and whether they are known.
func (c *checker) nodeNames() ([]string, bool) {
	if c.graph == nil {
		return nil, false
	}
	return c.graph.Nodes, true
}

func (c *checker) linkRule(l *LinkRule, p string) {
	c.label(p+".name", l.Name)
	if c.need(p+".link", "the name of a link or a pattern") {
		names, known := c.linkNames()
		c.patterns(p+".link", l.Link, "link", names, known)
	}
	if l.LinkParams.isEmpty() && !c.below[p] {
		c.fail(p, "changes nothing; accepted are %s", strings.Join(linkKeys(), ", "))
	}
	c.linkParams(&l.LinkParams, p)
}

// isEmpty reports whether no value is given.
func (p *LinkParams) isEmpty() bool { return reflect.ValueOf(p).Elem().IsZero() }

func linkKeys() []string { return keyNames(keysOf(reflect.TypeFor[LinkParams]())) }
