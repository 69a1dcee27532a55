package soak

import (
	"fmt"
	"reflect"
	"slices"

	"ouroboros/core"
	"ouroboros/scenarios"
	"ouroboros/scenarios/node"
)

// presetAlone has a QoS that is written as its preset alone be read as one.
func presetAlone(from, to reflect.Type, data any) (any, error) {
	if to == reflect.TypeFor[scenarios.QoS]() && from.Kind() == reflect.String {
		return map[string]any{"preset": data}, nil
	}
	return data, nil
}

// limits of a plan: who writes one by hand should not wait forever.
const (
	maxFlows = 1000
	maxBurst = 100_000
)

// Validate reports the first thing in a plan that cannot be.
func (p *Plan) Validate() error {
	g, err := node.Catalog{}.Graph(&p.Scenario.Topology)
	if err != nil {
		return fmt.Errorf("scenario: topology: %w", err)
	}
	if !g.Connected() {
		return fmt.Errorf("scenario: topology: it is in pieces; accepted is one in which every node can reach every other")
	}
	names := g.NodeNames()
	if err := p.returns(); err != nil {
		return err
	}
	if len(p.Flows) > maxFlows {
		return fmt.Errorf("flows: %d, accepted are up to %d", len(p.Flows), maxFlows)
	}
	for i := range p.Flows {
		f := &p.Flows[i]
		if err := f.validate(p, names); err != nil {
			return fmt.Errorf("flows.%s: %w", f.Name, err)
		}
		if slices.ContainsFunc(p.Flows[:i], func(x Flow) bool { return x.Name == f.Name }) {
			return fmt.Errorf("flows.%s: stands twice", f.Name)
		}
	}
	for _, c := range p.Clocks {
		if !slices.Contains(names, c.Node) {
			return fmt.Errorf("clocks: node %q: there is none of this name", c.Node)
		}
	}
	return nil
}

func (f *Flow) validate(p *Plan, names []string) error {
	i := slices.IndexFunc(p.Scenario.Layers, func(l scenarios.Layer) bool { return l.Name == f.Layer })
	if i < 0 {
		return fmt.Errorf("layer %q: there is none of this name", f.Layer)
	}
	l := &p.Scenario.Layers[i]
	if l.Kind != scenarios.LayerUnicast {
		return fmt.Errorf("layer %q: is of kind %s, accepted is unicast", f.Layer, l.Kind)
	}
	members := l.Members.Select(names)
	for _, n := range []string{f.From, f.To} {
		if !slices.Contains(members, n) {
			return fmt.Errorf("node %q: is no member of layer %q", n, f.Layer)
		}
	}
	if f.From == f.To {
		return fmt.Errorf("from and to are both %q", f.From)
	}
	if err := core.Name(f.Name).Validate(); err != nil {
		return err
	}
	if f.Stop <= f.Start {
		return fmt.Errorf("stop %v: accepted is after start, %v", f.Stop, f.Start)
	}
	if f.FirstSeq > 1<<32-1 {
		return fmt.Errorf("first_seq %d: accepted is up to 2^32-1", f.FirstSeq)
	}
	for _, b := range append(slices.Clone(f.There), f.Back...) {
		if b.Interval <= 0 || b.Count < 1 || b.Count > maxBurst || b.Min < 1 || b.Max < b.Min {
			return fmt.Errorf("a burst of %d messages of %v to %v every %v: accepted are 1 to %d, sizes from 1B up, and an interval above 0",
				b.Count, b.Min, b.Max, b.Interval, maxBurst)
		}
	}
	for _, x := range f.Pauses {
		if x.End != endFrom && x.End != endTo {
			return fmt.Errorf("pauses: end %q: accepted are from, to", x.End)
		}
	}
	_, err := f.params()
	return err
}

// The ends of a flow as plans write them.
const (
	endFrom = "from"
	endTo   = "to"
)

// returns reports a fault after which a node stays out of a layer: nothing could be said of its flows.
func (p *Plan) returns() error {
	type seat struct{ node, layer string }
	left := map[seat]*scenarios.Fault{}
	var order []seat
	for i := range p.Scenario.Faults {
		f := &p.Scenario.Faults[i]
		for _, n := range f.Node {
			at := seat{n, f.Leave + f.Join} // one of them is empty
			switch {
			case f.Leave != "":
				if left[at] == nil {
					order = append(order, at)
				}
				if left[at] == nil || left[at].At < f.At {
					left[at] = f
				}
			case f.Join != "" && left[at] != nil && f.At > left[at].At:
				left[at] = nil
			}
		}
	}
	for _, at := range order {
		if f := left[at]; f != nil {
			return fmt.Errorf("scenario: faults.%s: %s stays out of layer %s; accepted is a leave with a join later", f.Name, at.node, at.layer)
		}
	}
	return nil
}
