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
	c.patterns(p+".from", w.From, "member of layer "+w.Layer, members, known)
	c.patterns(p+".to", w.To, "member of layer "+w.Layer, members, known)
	if known && c.clean(p+".from", p+".to") && len(w.From) > 0 && len(w.To) > 0 {
		c.pairs(w, p, members)
	}
}

// kindKeys checks which keys the kind of workload needs and accepts.
func (c *checker) kindKeys(w *Workload, p string) {
	if !c.need(p+".kind", "one of cbr, poisson, onoff, bulk, ping, matrix") || c.isBad(p+".kind") {
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
	case w.Pairing != "zip" && len(from)*len(to) > MaxFlows:
		c.fail(p, "makes %d flows; accepted are at most %d", len(from)*len(to), MaxFlows)
	case len(w.Pairs(members)) == 0:
		c.fail(p+".to", "names the sources only; accepted is at least one other node")
	}
}

func (c *checker) fault(f *Fault, p string) {
	c.label(p+".name", f.Name)
	if c.need(p+".at", durationForm) && f.At >= c.s.Duration && !c.isBad("duration") {
		c.fail(p+".at", "is not before the end of the run; accepted is less than the duration, %v", c.s.Duration)
	}
	c.oneOf(p, "link", "node")
	c.oneOf(p, "down", "up", "kill", "set")
	links, known := c.linkNames()
	c.patterns(p+".link", f.Link, "link", links, known)
	nodes, known := c.nodeNames()
	c.patterns(p+".node", f.Node, "node", nodes, known)
	if c.has(p+".kill") && c.has(p+".link") {
		c.fail(p+".kill", "ends nodes; accepted is node in place of link, or down")
	}
	for _, k := range []struct {
		key   string
		given bool
	}{{"up", f.Up}, {"kill", f.Kill}} {
		if c.has(p+"."+k.key) && !k.given {
			c.fail(p+"."+k.key, "does nothing; accepted is true")
		}
	}
	for _, k := range []string{"for", "direction"} {
		if c.has(p+"."+k) && !c.has(p+".set") {
			c.fail(p+"."+k, "stands without set; accepted is set beside it, or down with a period")
		}
	}
	if f.Set != nil {
		if f.Set.isEmpty() && !c.below[p+".set"] {
			c.fail(p+".set", "changes nothing; accepted are %s", strings.Join(linkKeys(), ", "))
		}
		c.linkParams(f.Set, p+".set")
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
