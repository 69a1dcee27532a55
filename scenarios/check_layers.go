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
	c.over(l, p, before)
	for i := range l.Shims {
		c.shimRule(&l.Shims[i], sub(p+".shims", i))
	}
	c.qos(&l.QoS, p+".qos")
	c.layerKeys(l, p)
	if l.Kind == LayerUnicast && c.catalog != nil {
		for _, k := range l.Policies.Kinds() {
			c.policy(k.Kind, k.Policy, p+".policies."+k.Kind)
		}
	}
	c.memberNodes(l, p)
}

// over checks what the layer runs over.
func (c *checker) over(l *Layer, p string, before []Layer) {
	below := []string{Links}
	for _, b := range before {
		if b.Kind == LayerUnicast {
			below = append(below, b.Name)
		}
	}
	for i, o := range l.Over {
		switch {
		case !slices.Contains(below, o):
			c.fail(sub(p+".over", i), "no such unicast layer before this one; %s", accepted(o, below))
		case slices.Index(l.Over, o) != i:
			c.fail(sub(p+".over", i), "stands twice; accepted is each name once")
		}
	}
}

func (c *checker) shimRule(r *ShimRule, p string) {
	c.label(p+".name", r.Name)
	c.need(p+".shim", "the name of a shim")
	if c.need(p+".link", "the name of a link or a pattern") {
		names, known := c.linkNames()
		c.patterns(p+".link", r.Link, "link", names, known)
	}
}

// layerKeys checks which keys a layer can have.
func (c *checker) layerKeys(l *Layer, p string) {
	refuse := func(why string, keys ...string) {
		for _, k := range keys {
			if c.has(p + "." + k) {
				c.fail(p+"."+k, "%s", why)
			}
		}
	}
	if l.Kind != LayerLocal && !l.OverLinks() && c.clean(p+".over") {
		refuse("is for a layer over links only", "shim", "shims")
	}
	if len(l.Over) == 1 && l.OverLinks() {
		refuse("is for a layer over a layer only; over links, members that share a wire are adjacent", "connect")
	}
	switch l.Kind {
	case LayerShim:
		if !c.isBad(p+".over") && (len(l.Over) != 1 || !l.OverLinks()) {
			c.fail(p+".over", "a layer of kind shim is over the wires; accepted is %s", Links)
		}
		refuse("are for a layer of kind unicast only", "policies", "params")
		refuse("is for a layer of kind unicast or broadcast only", "bootstrap", "qos")
	case LayerLocal:
		refuse("is not for a layer of kind local, which is on no wire", "over", "shim", "shims", "connect", "bootstrap", "qos", "policies", "params")
	case LayerBroadcast:
		refuse("are for a layer of kind unicast only", "policies", "params")
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
	if !l.OverLinks() && l.Kind != LayerLocal {
		names, known = c.membersBelow(l, names, known)
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
	if l.Bootstrap != "" && !is[l.Bootstrap] {
		c.fail(p+".bootstrap", "no such member; %s", some(l.Bootstrap, members))
	}
	for i, pair := range l.Connect {
		c.ends(pair, sub(p+".connect", i), "member", is, members)
	}
}

// membersBelow returns the nodes that are in one of the layers below, in the order of names.
func (c *checker) membersBelow(l *Layer, names []string, known bool) ([]string, bool) {
	in := map[string]bool{}
	for _, o := range l.Over {
		below, ok := c.members[o]
		if !ok || below == nil {
			return nil, false
		}
		for _, n := range below {
			in[n] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !in[n] }), known
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
	if c.has(p+".until") && n.Until <= n.At && c.clean(p+".at") {
		c.fail(p+".until", "is not after the registration, %v", n.At)
	}
}
