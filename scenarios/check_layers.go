package scenarios

import (
	"slices"
)

func (c *checker) layers() {
	c.members = map[string][]string{}
	if len(c.s.Layers) == 0 {
		c.fail("layers", "there is no layer; accepted is a list of at least one")
	}
	for i := range c.s.Layers {
		c.layer(&c.s.Layers[i], sub("layers", i), c.s.Layers[:i])
	}
	c.unique("layers", "name", func(i int) (string, bool) { return at(c.s.Layers, i, func(l Layer) string { return l.Name }) })
}

func (c *checker) layer(l *Layer, p string, before []Layer) {
	if c.need(p+".name", "a name") {
		c.label(p+".name", l.Name)
	}
	if l.Name == Links || l.Name == All {
		c.fail(p+".name", "is reserved; accepted is any other name")
	}
	below := []string{Links}
	for _, b := range before {
		below = append(below, b.Name)
	}
	if !slices.Contains(below, l.Over) {
		c.fail(p+".over", "no such layer before this one; %s", accepted(l.Over, below))
	}
	if l.Over != Links && c.has(p+".shim") {
		c.fail(p+".shim", "is for a layer over links only, this one is over %s", l.Over)
	}
	if l.Over == Links && c.has(p+".connect") {
		c.fail(p+".connect", "is for a layer over a layer only; over links, members that share a wire are adjacent")
	}
	if l.Kind == "shim" {
		c.shimLayer(l, p)
	} else if c.catalog != nil {
		for _, k := range l.Policies.Kinds() {
			c.policy(k.Kind, k.Policy, p+".policies."+k.Kind)
		}
	}
	c.memberNodes(l, p)
}

// shimLayer checks a layer that is the wires themselves.
func (c *checker) shimLayer(l *Layer, p string) {
	if l.Over != Links {
		c.fail(p+".over", "a layer of kind shim is over the wires; accepted is %s", Links)
	}
	for _, k := range []string{"policies", "params"} {
		if c.has(p + "." + k) {
			c.fail(p+"."+k, "are for a layer of kind unicast only")
		}
	}
}

// policy checks a choice against its table.
func (c *checker) policy(kind string, choice Policy, p string) {
	if !c.has(p) || !c.clean(p+".name", p+".params") || !c.need(p+".name", "the name of a "+kind+" policy") {
		return
	}
	try := func(params map[string]any) error { return c.catalog.Policy(kind, choice.Name, params) }
	if err := try(choice.Params); err != nil && !c.paramOf(p, p+".params", choice.Params, try) {
		c.fail(p+".name", "%s", err)
	}
}

// memberNodes checks who is in the layer and notes it for the flows.
func (c *checker) memberNodes(l *Layer, p string) {
	names, known := c.nodeNames()
	if below, ok := c.members[l.Over]; l.Over != Links {
		names, known = below, ok && below != nil
	}
	c.patterns(p+".members", l.Members, "node", names, known)
	if !known || !c.clean(p+".members") {
		return
	}
	members := l.Members.Select(names)
	c.members[l.Name] = members
	is := map[string]bool{}
	for _, m := range members {
		is[m] = true
	}
	for i, pair := range l.Connect {
		c.ends(pair, sub(p+".connect", i), "member", is, members)
	}
}

// inLayer checks the name of a layer at path p and returns its members and whether they are known.
func (c *checker) inLayer(name, p string) ([]string, bool) {
	var names []string
	for _, l := range c.s.Layers {
		names = append(names, l.Name)
	}
	if len(names) > 0 && !slices.Contains(names, name) {
		c.fail(p, "no such layer; %s", accepted(name, names))
		return nil, false
	}
	m, ok := c.members[name]
	return m, ok
}

func (c *checker) name(n *Name, p string) {
	c.need(p+".name", "a name")
	members, known := c.inLayer(n.Layer, p+".layer")
	if c.need(p+".nodes", "the nodes that register the name") {
		c.patterns(p+".nodes", n.Nodes, "member of layer "+n.Layer, members, known)
	}
}
