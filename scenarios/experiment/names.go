package experiment

import (
	"fmt"
	"slices"

	"ouroboros/core"
	"ouroboros/scenarios"
	"ouroboros/scenarios/node"
)

// published is what a node registers of the names of the scenario: for each the layers in which it stands now.
type published struct {
	s     *node.System
	names []*scenarios.Name
	in    map[core.Name][]core.Name
}

// extraNames registers the names of the scenario that no workload brings, at their time, and again on a
// node that is revived.
func extraNames(n *node.Network, names []scenarios.Name) error {
	all := make([]published, len(n.Systems))
	for i := range names {
		x := &names[i]
		l := n.Layer(x.Layer)
		if l == nil {
			return fmt.Errorf("name %q: layer %q: there is none of this name", x.Name, x.Layer)
		}
		var members []string
		for _, s := range l.Members {
			members = append(members, s.Name)
		}
		at := x.Nodes.Select(members)
		for _, s := range l.Members {
			if slices.Contains(at, s.Name) {
				all[s.Index].s = s
				all[s.Index].names = append(all[s.Index].names, x)
			}
		}
	}
	for i := range all {
		if p := &all[i]; p.s != nil && p.s.Here() {
			p.begin()
			p.s.OnRevive(p.begin)
		}
	}
	return nil
}

// begin arms what a node registers and takes back in one life. What has been taken back before stays so.
func (p *published) begin() {
	p.in = map[core.Name][]core.Name{}
	now := p.s.Env.Now()
	at := func(t scenarios.Duration, do func()) { p.s.Env.NewTimer(do).Reset(max(core.Time(t).Sub(now), 0)) }
	for _, x := range p.names {
		if x.Until > 0 && now >= core.Time(x.Until) {
			continue
		}
		at(x.At, func() { p.set(x, true) })
		if x.Until > 0 {
			at(x.Until, func() { p.set(x, false) })
		}
	}
}

// set registers a name in one more layer or takes it back there. The loader has checked the name, and a layer
// that the node is not in yet gets it later.
func (p *published) set(x *scenarios.Name, on bool) {
	name, layer := core.Name(x.Name), core.Name(x.Layer)
	in := slices.DeleteFunc(p.in[name], func(l core.Name) bool { return l == layer })
	if on {
		in = append(in, layer)
	}
	p.in[name] = in
	if len(in) == 0 {
		_ = p.s.Broker.Unregister(name)
		return
	}
	_ = p.s.Broker.Register(name, in...)
}
