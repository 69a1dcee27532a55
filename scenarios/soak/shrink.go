package soak

import (
	"slices"

	"ouroboros/scenarios"
)

// Shrink looks for a smaller plan that breaks the same promise: fewer faults, flows, nodes and layers, policies
// and values as they are by default. It tries changes one after the other, large ones first, keeps what still
// breaks the promise, and ends when no change does. told hears of each plan that is kept; nil for nobody.
// It returns the plan and what it breaks; a plan that breaks nothing comes back as it is, without a violation.
func Shrink(p *Plan, told func(*Plan, int)) (*Plan, Result, error) {
	s := &shrinker{best: p, told: told}
	var err error
	if s.result, err = Run(p); err != nil || len(s.result.Violations) == 0 {
		return p, s.result, err
	}
	s.kind = s.result.Violations[0].kind
	for again := true; again; {
		again = false
		for _, pass := range passes {
			again = pass(s) || again
		}
	}
	return s.best, s.result, nil
}

type shrinker struct {
	best   *Plan
	result Result // of best
	kind   string // of the violation
	runs   int
	told   func(*Plan, int)
}

// try runs the best plan with a change. It reports whether that breaks the promise too, and keeps it if so.
func (s *shrinker) try(change func(*Plan)) bool {
	p, err := s.best.clone()
	if err != nil {
		return false
	}
	change(p)
	if p, err = p.clone(); err != nil { // what is left makes no sense
		return false
	}
	s.runs++
	r, err := Run(p)
	if err != nil || len(r.Violations) == 0 || r.Violations[0].kind != s.kind {
		return false
	}
	s.best, s.result = p, r
	if s.told != nil {
		s.told(p, s.runs)
	}
	return true
}

// clone returns a copy, by way of its file: so it is checked too.
func (p *Plan) clone() (*Plan, error) {
	text, err := p.Text()
	if err != nil {
		return nil, err
	}
	return Parse(p.Scenario.Name, text)
}

// fewer leaves elements of a list out: half of them at a time, then a quarter and so on (delta debugging, Zeller
// and Hildebrandt, 2002).
func fewer[T any](s *shrinker, list func(*Plan) *[]T) (less bool) {
	for n := len(*list(s.best)); n > 0; n /= 2 {
		for at := 0; at < len(*list(s.best)); {
			to := min(at+n, len(*list(s.best)))
			if s.try(func(p *Plan) { l := list(p); *l = slices.Delete(*l, at, to) }) {
				less = true
			} else {
				at += n
			}
		}
	}
	return less
}

// passes are the kinds of changes, in the order in which they are tried.
var passes = [...]func(*shrinker) bool{
	func(s *shrinker) bool {
		return fewer(s, func(p *Plan) *[]scenarios.Fault { return &p.Scenario.Faults })
	},
	func(s *shrinker) bool { return fewer(s, func(p *Plan) *[]Flow { return &p.Flows }) },
	func(s *shrinker) bool { return fewer(s, func(p *Plan) *[]Clock { return &p.Clocks }) },
	func(s *shrinker) bool {
		return fewer(s, func(p *Plan) *[]scenarios.Layer { return &p.Scenario.Layers })
	},
	fewerNodes,
	func(s *shrinker) bool {
		return fewer(s, func(p *Plan) *[]scenarios.Wire { return &p.Scenario.Topology.Wires })
	},
	fewerBursts,
	plainLayers,
	plainWires,
	plainFlows,
}

// fewerNodes leaves nodes out, with their wires.
func fewerNodes(s *shrinker) (less bool) {
	for at := 0; at < len(s.best.Scenario.Topology.Nodes); {
		name := s.best.Scenario.Topology.Nodes[at]
		if s.try(func(p *Plan) { p.without(name) }) {
			less = true
		} else {
			at++
		}
	}
	return less
}

// without takes a node out of a plan.
func (p *Plan) without(name string) {
	t := &p.Scenario.Topology
	t.Nodes = slices.DeleteFunc(t.Nodes, func(n string) bool { return n == name })
	var gone []string
	t.Wires = slices.DeleteFunc(t.Wires, func(w scenarios.Wire) bool {
		if slices.Contains(w.Ends, name) {
			gone = append(gone, w.Name)
			return true
		}
		return false
	})
	named := func(list scenarios.Patterns) bool {
		return slices.ContainsFunc(list, func(x string) bool { return x == name || slices.Contains(gone, x) })
	}
	p.Scenario.Faults = slices.DeleteFunc(p.Scenario.Faults, func(f scenarios.Fault) bool { return named(f.Node) || named(f.Link) })
	for i := range p.Scenario.Layers {
		l := &p.Scenario.Layers[i]
		l.Members = slices.DeleteFunc(l.Members, func(n string) bool { return n == name })
		l.Shims = slices.DeleteFunc(l.Shims, func(r scenarios.ShimRule) bool { return named(r.Link) })
	}
	p.Flows = slices.DeleteFunc(p.Flows, func(f Flow) bool { return f.From == name || f.To == name })
	p.Clocks = slices.DeleteFunc(p.Clocks, func(c Clock) bool { return c.Node == name })
}

func fewerBursts(s *shrinker) (less bool) {
	for i := range s.best.Flows {
		less = fewer(s, func(p *Plan) *[]Burst { return &p.Flows[i].There }) || less
		less = fewer(s, func(p *Plan) *[]Burst { return &p.Flows[i].Back }) || less
		less = fewer(s, func(p *Plan) *[]Pause { return &p.Flows[i].Pauses }) || less
	}
	return less
}

// reset sets one value after the other to its default where it has another.
func reset[T any](s *shrinker, value func(*Plan) *T, isSet func(T) bool) bool {
	return isSet(*value(s.best)) && s.try(func(p *Plan) {
		var zero T
		*value(p) = zero
	})
}

func plainLayers(s *shrinker) (less bool) {
	for i := range s.best.Scenario.Layers {
		for _, of := range []func(*scenarios.Policies) *scenarios.Policy{
			func(p *scenarios.Policies) *scenarios.Policy { return &p.Routing },
			func(p *scenarios.Policies) *scenarios.Policy { return &p.Forwarding },
			func(p *scenarios.Policies) *scenarios.Policy { return &p.Congestion },
			func(p *scenarios.Policies) *scenarios.Policy { return &p.Directory },
			func(p *scenarios.Policies) *scenarios.Policy { return &p.Scheduler },
			func(p *scenarios.Policies) *scenarios.Policy { return &p.Addressing },
			func(p *scenarios.Policies) *scenarios.Policy { return &p.Cost },
			func(p *scenarios.Policies) *scenarios.Policy { return &p.Shaping },
			func(p *scenarios.Policies) *scenarios.Policy { return &p.Admission },
		} {
			at := func(p *Plan) *scenarios.Policy { return of(&p.Scenario.Layers[i].Policies) }
			less = reset(s, at, func(x scenarios.Policy) bool { return x.Name != "" }) || less
		}
		less = fewer(s, func(p *Plan) *[]scenarios.ShimRule { return &p.Scenario.Layers[i].Shims }) || less
		less = reset(s, func(p *Plan) *string { return &p.Scenario.Layers[i].Shim }, func(x string) bool { return x != "" && x != "eth-dix" }) || less
		less = reset(s, func(p *Plan) *scenarios.QoS { return &p.Scenario.Layers[i].QoS }, func(q scenarios.QoS) bool { return q != scenarios.QoS{Preset: "raw"} }) || less
	}
	return less
}

func plainWires(s *shrinker) (less bool) {
	for i := range s.best.Scenario.Topology.Wires {
		at := func(p *Plan) *scenarios.LinkParams { return &p.Scenario.Topology.Wires[i].LinkParams }
		less = reset(s, func(p *Plan) **scenarios.Duration { return &at(p).Detect }, func(x *scenarios.Duration) bool { return x != nil && *x != 0 }) || less
	}
	return less
}

func plainFlows(s *shrinker) (less bool) {
	for i := range s.best.Flows {
		at := func(p *Plan) *Flow { return &p.Flows[i] }
		less = reset(s, func(p *Plan) *scenarios.FRCP { return &at(p).FRCP }, func(x scenarios.FRCP) bool { return x != scenarios.FRCP{} }) || less
		less = reset(s, func(p *Plan) *uint64 { return &at(p).FirstSeq }, func(x uint64) bool { return x != 0 }) || less
		less = reset(s, func(p *Plan) *scenarios.Duration { return &at(p).Accept }, func(x scenarios.Duration) bool { return x != 0 }) || less
		less = reset(s, func(p *Plan) *bool { return &at(p).Echo }, func(x bool) bool { return x }) || less
		less = reset(s, func(p *Plan) *bool { return &at(p).Encrypt }, func(x bool) bool { return x }) || less
	}
	return less
}
