package scenarios

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

func (c *checker) workload(w *Workload, p string) {
	c.label(p+".name", w.Name)
	c.kindKeys(w, p)
	c.qos(&w.QoS, p+".qos")
	c.times(w, p)

	members, known := c.inLayer(w.Layer, p+".layer")
	c.layerOf(w, p)
	c.patterns(p+".from", w.From, "member of layer "+w.Layer, members, known)
	c.patterns(p+".to", w.To, "member of layer "+w.Layer, members, known)
	if known && c.clean(p+".from", p+".to") && len(w.From) > 0 && len(w.To) > 0 {
		c.pairs(w, p, members)
	}
}

// layerOf checks that the layer can carry the workload.
func (c *checker) layerOf(w *Workload, p string) {
	i := slices.IndexFunc(c.s.Layers, func(l Layer) bool { return l.Name == w.Layer })
	if i < 0 || c.isBad(p+".kind") {
		return
	}
	switch l := &c.s.Layers[i]; {
	case (l.Kind == LayerBroadcast) != (w.Kind == KindGroup):
		c.fail(p+".kind", "does not go with layer %s of kind %s; accepted are group on a broadcast layer, the others on any other", l.Name, l.Kind)
	case w.Pairing == "any" && l.Kind == LayerShim:
		c.fail(p+".pairing", "needs a name that several nodes have; accepted on layer %s, of kind shim, are all and zip", l.Name)
	}
	if w.Kind == KindGroup && c.has(p+".pairing") {
		c.fail(p+".pairing", "is not for kind group: all destinations hear every source")
	}
	if w.Kind == KindGroup && c.has(p+".qos") {
		c.fail(p+".qos", "is not for kind group: a broadcast layer carries raw packets")
	}
	if (w.Kind == KindGroup || w.Kind == KindMatrix) && c.has(p+".flows") {
		c.fail(p+".flows", "is not for kind %s, which makes one flow of each pair", w.Kind)
	}
	if w.Kind == KindMatrix && w.Pairing == "any" {
		c.fail(p+".pairing", "does not go with kind matrix; accepted are all and zip")
	}
}

// kindKeys checks which keys the kind of workload needs and accepts.
func (c *checker) kindKeys(w *Workload, p string) {
	if !c.need(p+".kind", "one of cbr, poisson, onoff, bulk, ping, matrix, group") || c.isBad(p+".kind") {
		return
	}
	for _, k := range workloadKeys {
		if k.kind != w.Kind {
			continue
		}
		ok := slices.Concat(commonKeys, k.needs, k.accepts)
		for name := range c.keysAt(p) {
			if !slices.Contains(ok, name) {
				c.fail(p+"."+name, "is not a key of kind %s; accepted are %s", w.Kind, strings.Join(ok, ", "))
			}
		}
		for _, name := range k.needs {
			c.need(p+"."+name, "a value, since kind "+w.Kind+" needs it")
		}
		if k.rateOrInterval {
			c.oneOf(p, "rate", "interval")
		}
	}
	if w.Kind != KindMatrix {
		c.need(p+".from", "a node or a pattern")
		c.need(p+".to", "a node or a pattern")
	}
}

// keysAt yields the known keys that the section at p has, in the order of the schema.
func (c *checker) keysAt(p string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, k := range keysOf(reflect.TypeFor[Workload]()) {
			if c.has(p+"."+k.name) && !yield(k.name) {
				return
			}
		}
	}
}

// times checks when the source sends.
func (c *checker) times(w *Workload, p string) {
	if w.Start >= c.s.Duration && w.Start > 0 && !c.isBad("duration") {
		c.fail(p+".start", "is not before the end of the run; accepted is less than the duration, %v", c.s.Duration)
	}
	if c.has(p+".stop") && c.has(p+".duration") {
		c.fail(p+".duration", "stands beside stop; accepted is one of the two")
	}
	if c.has(p+".stop") && w.Stop <= w.Start && c.clean(p+".start") {
		c.fail(p+".stop", "is not after the start, %v", w.Start)
	}
}

// qos checks what the wire cannot carry: times are whole milliseconds in 32 bits (spec 12 §12.1).
func (c *checker) qos(q *QoS, p string) {
	for _, f := range []struct {
		key string
		d   *Duration
	}{{"delay", q.Delay}, {"max_gap", q.MaxGap}, {"timeout", q.Timeout}} {
		if f.d != nil && (time.Duration(*f.d)%time.Millisecond != 0 || time.Duration(*f.d).Milliseconds() >= math.MaxUint32) {
			c.fail(p+"."+f.key, "cannot be sent; accepted are whole milliseconds below 2^32")
		}
	}
}

// pairs checks that the workload makes flows, and not too many.
func (c *checker) pairs(w *Workload, p string, members []string) {
	from, to := w.From.Select(members), w.To.Select(members)
	switch {
	case w.Pairing == "zip" && len(from) != len(to):
		c.fail(p+".pairing", "pairs %d sources with %d destinations; accepted are equal numbers", len(from), len(to))
	case w.Pairing != "zip" && len(from)*len(to)*w.Flows > MaxFlows:
		c.fail(p, "makes %d flows; accepted are at most %d", len(from)*len(to)*w.Flows, MaxFlows)
	case len(w.Pairs(members, c.isLocal(w.Layer))) > 0:
	case c.isLocal(w.Layer):
		c.fail(p+".to", "names none of the sources; accepted on a local layer is the same node")
	default:
		c.fail(p+".to", "names the sources only; accepted is at least one other node")
	}
}

// isLocal reports whether a layer is of kind local.
func (c *checker) isLocal(layer string) bool {
	return slices.ContainsFunc(c.s.Layers, func(l Layer) bool { return l.Name == layer && l.Kind == LayerLocal })
}

func (c *checker) fault(f *Fault, p string) {
	c.label(p+".name", f.Name)
	if c.need(p+".at", durationForm) && f.At >= c.s.Duration && !c.isBad("duration") {
		c.fail(p+".at", "is not before the end of the run; accepted is less than the duration, %v", c.s.Duration)
	}
	c.oneOf(p, "link", "node")
	c.oneOf(p, "down", "up", "kill", "join", "leave", "set")
	links, known := c.linkNames()
	c.patterns(p+".link", f.Link, "link", links, known)
	nodes, known := c.nodeNames()
	c.patterns(p+".node", f.Node, "node", nodes, known)
	if c.has(p+".kill") && c.has(p+".link") {
		c.fail(p+".kill", "ends nodes; accepted is node in place of link, or down")
	}
	c.membership(f, p)
	for _, k := range []struct {
		key   string
		given bool
	}{{"up", f.Up}, {"kill", f.Kill}} {
		if c.has(p+"."+k.key) && !k.given {
			c.fail(p+"."+k.key, "does nothing; accepted is true")
		}
	}
	if c.has(p+".for") && !c.has(p+".set") && !c.has(p+".kill") {
		c.fail(p+".for", "stands without set or kill; accepted is one of these beside it, or down with a period")
	}
	if c.has(p+".direction") && !c.has(p+".set") {
		c.fail(p+".direction", "stands without set; accepted is set beside it")
	}
	if f.Set != nil {
		if f.Set.isEmpty() && !c.below[p+".set"] {
			c.fail(p+".set", "changes nothing; accepted are %s", strings.Join(linkKeys(), ", "))
		}
		c.linkParams(f.Set, p+".set")
	}
}

// membership checks a fault by which nodes join or leave a layer.
func (c *checker) membership(f *Fault, p string) {
	for _, k := range []struct{ key, layer string }{{"join", f.Join}, {"leave", f.Leave}} {
		key := p + "." + k.key
		if !c.has(key) {
			continue
		}
		if c.has(p + ".link") {
			c.fail(key, "is about nodes; accepted is node in place of link")
		}
		members, known := c.inLayer(k.layer, key)
		c.patterns(p+".node", f.Node, "member of layer "+k.layer, members, known)
		for _, l := range c.s.Layers {
			if l.Name == k.layer && l.Kind != LayerUnicast && l.Kind != LayerBroadcast {
				c.fail(key, "layer %s is of kind %s; accepted are layers of kind unicast and broadcast", l.Name, l.Kind)
			}
		}
	}
}

func (c *checker) expect(e *Expect, p string) {
	c.label(p+".name", e.Name)
	c.need(p+".op", "one of <, <=, ==, !=, >=, >, ~")
	if (e.Op == "~") != c.has(p+".tolerance") && c.has(p+".op") && c.clean(p+".op") {
		c.fail(p+".tolerance", "goes with the operator ~; accepted are both or neither")
	}
	if !c.need(p+".metric", "the name of a metric") || c.isBad(p+".metric") {
		return
	}
	m, ok := MetricByName(e.Metric)
	if !ok {
		c.fail(p+".metric", "unknown metric; %s", accepted(e.Metric, metricNames()))
		return
	}
	c.scope(e, m, p+".of")
	if !c.need(p+".value", "a number, with its unit where the metric has one") || c.isBad(p+".value") {
		return
	}
	want, err := m.ParseValue(e.Value)
	if err != nil {
		c.fail(p+".value", "%s", err)
	}
	e.Want = want
}

// scope checks what the metric is narrowed to.
func (c *checker) scope(e *Expect, m Metric, p string) {
	if m.Of == ScopeRun && c.has(p) {
		c.fail(p, "metric %s is about the whole run; accepted is no such key", m.Name)
		return
	}
	var names []string
	known := true
	switch m.Of {
	case ScopeWorkload:
		for _, w := range c.s.Workload {
			names = append(names, w.Name)
		}
	case ScopeLayer:
		for _, l := range c.s.Layers {
			names = append(names, l.Name)
		}
	case ScopeFault:
		for _, f := range c.s.Faults {
			names = append(names, f.Name)
		}
	case ScopeLink:
		names, known = c.linkNames()
	}
	c.patterns(p, e.Of, string(m.Of), names, known)
	if known && len(names) == 0 && m.Of != ScopeRun {
		c.fail(p[:strings.LastIndexByte(p, '.')]+".metric", "there is no %s that it could be measured on", m.Of)
	}
}
