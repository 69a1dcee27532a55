// Package node assembles the systems of an experiment over a core.World: nodes and wires from a
// topology, and on each node a broker, shims and the IPCPs of the scenario's layers. It runs in both
// worlds. Everything that a layer does by itself in reality it does here too; only what the scenario
// decides (who is a member, who connects to whom) is decided here.
package node

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"

	"ouroboros/core/policy"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/addr"
	"ouroboros/ipcp/unicast/adm"
	"ouroboros/ipcp/unicast/ca"
	"ouroboros/ipcp/unicast/cost"
	"ouroboros/ipcp/unicast/dir"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/ipcp/unicast/routing"
	"ouroboros/ipcp/unicast/sched"
	"ouroboros/ipcp/unicast/shape"
	"ouroboros/scenarios"
	"ouroboros/topologies"
)

// Catalog answers the loader's questions about policies and topologies. It implements
// scenarios.Catalog.
type Catalog struct {
	// Read returns the content of a topology file; nil refuses files.
	Read func(name string) ([]byte, error)
}

// The defaults of the policy kinds.
const (
	defaultRouting    = "link-state"
	defaultForwarding = "simple"
	defaultCongestion = "mb-ecn"
	defaultDirectory  = "static"
	defaultScheduler  = "fifo"
	defaultAddressing = "flat-random"
	defaultCost       = "hops"
	defaultShaping    = "none"
	defaultAdmission  = "none"
)

func orDefault(name, def string) string {
	if name == "" {
		return def
	}
	return name
}

// Policy checks the choice of a policy.
func (c Catalog) Policy(kind, name string, params map[string]any) error {
	var err error
	switch kind {
	case "routing":
		_, err = routing.Policies().Choose(orDefault(name, defaultRouting), params)
	case "forwarding":
		_, err = pff.Policies().Choose(orDefault(name, defaultForwarding), params)
	case "congestion":
		_, err = ca.Policies().Choose(orDefault(name, defaultCongestion), params)
	case "directory":
		_, err = dir.Policies(nil).Choose(orDefault(name, defaultDirectory), params)
	case "scheduler":
		_, err = sched.Policies().Choose(orDefault(name, defaultScheduler), params)
	case "addressing":
		_, err = addr.Policies().Choose(orDefault(name, defaultAddressing), params)
	case "cost":
		_, err = cost.Policies().Choose(orDefault(name, defaultCost), params)
	case "shaping":
		_, err = shape.Policies().Choose(orDefault(name, defaultShaping), params)
	case "admission":
		_, err = adm.Policies().Choose(orDefault(name, defaultAdmission), params)
	default:
		err = fmt.Errorf("unknown kind of policy %q", kind)
	}
	return err
}

// Docs documents all policies, kind by kind.
func Docs() []policy.Doc {
	d := routing.Policies().Docs()
	d = append(d, pff.Policies().Docs()...)
	d = append(d, ca.Policies().Docs()...)
	d = append(d, dir.Policies(nil).Docs()...)
	d = append(d, sched.Policies().Docs()...)
	d = append(d, addr.Policies().Docs()...)
	d = append(d, cost.Policies().Docs()...)
	d = append(d, shape.Policies().Docs()...)
	return append(d, adm.Policies().Docs()...)
}

// choose looks the policies of a layer up. names is the table that the members share under the
// directory policy static. Addresses are as long as the header's field of addrSize bytes (0: the default)
// unless the policy says otherwise.
func choose(p scenarios.Policies, names *dir.Names, addrSize int) (out unicast.Policies, err error) {
	if _, set := p.Addressing.Params["addr_size"]; !set && addrSize > 0 {
		params := maps.Clone(p.Addressing.Params)
		if params == nil {
			params = map[string]any{}
		}
		params["addr_size"] = addrSize
		p.Addressing.Params = params
	}
	pick := func(e error) {
		if err == nil {
			err = e
		}
	}
	var e error
	out.Routing, e = routing.Policies().Choose(orDefault(p.Routing.Name, defaultRouting), p.Routing.Params)
	pick(e)
	out.Forwarding, e = pff.Policies().Choose(orDefault(p.Forwarding.Name, defaultForwarding), p.Forwarding.Params)
	pick(e)
	out.Congestion, e = ca.Policies().Choose(orDefault(p.Congestion.Name, defaultCongestion), p.Congestion.Params)
	pick(e)
	out.Directory, e = dir.Policies(names).Choose(orDefault(p.Directory.Name, defaultDirectory), p.Directory.Params)
	pick(e)
	out.Scheduler, e = sched.Policies().Choose(orDefault(p.Scheduler.Name, defaultScheduler), p.Scheduler.Params)
	pick(e)
	out.Addressing, e = addr.Policies().Choose(orDefault(p.Addressing.Name, defaultAddressing), p.Addressing.Params)
	pick(e)
	out.Cost, e = cost.Policies().Choose(orDefault(p.Cost.Name, defaultCost), p.Cost.Params)
	pick(e)
	out.Shaping, e = shape.Policies().Choose(orDefault(p.Shaping.Name, defaultShaping), p.Shaping.Params)
	pick(e)
	out.Admission, e = adm.Policies().Choose(orDefault(p.Admission.Name, defaultAdmission), p.Admission.Params)
	pick(e)
	return out, err
}

// Topology returns the names of a topology's nodes and links.
func (c Catalog) Topology(t *scenarios.Topology) (*scenarios.Graph, error) {
	g, err := c.Graph(t)
	if err != nil {
		return nil, err
	}
	out := &scenarios.Graph{Nodes: g.NodeNames()}
	for _, l := range g.Links {
		out.Links = append(out.Links, scenarios.GraphLink{Name: l.Name, A: g.Nodes[l.A].Name, B: g.Nodes[l.B].Name})
	}
	return out, nil
}

// graphSeed seeds the generators: a scenario has one topology, whatever the seed of the run.
const graphSeed = 1

// Graph makes the map of a scenario.
func (c Catalog) Graph(t *scenarios.Topology) (*topologies.Graph, error) {
	switch {
	case t.Map != "":
		g, err := topologies.Map(t.Map)
		return located(g, err)
	case t.File != "":
		if c.Read == nil {
			return nil, fmt.Errorf("file %q: no files can be read here", t.File)
		}
		data, err := c.Read(t.File)
		if err != nil {
			return nil, err
		}
		g, err := topologies.Load(t.File, bytes.NewReader(data))
		return located(g, err)
	case t.Generator != "":
		return generate(t.Generator, t.Params)
	}
	return written(t)
}

// located gives the links of a real map the delays of their length, where it is known.
func located(g *topologies.Graph, err error) (*topologies.Graph, error) {
	if err != nil {
		return nil, err
	}
	for i := range g.Links {
		l := &g.Links[i]
		if d, ok := topologies.GeoDelay(g.Nodes[l.A], g.Nodes[l.B]); ok && !l.HasDelay {
			l.Delay, l.HasDelay = d, true
		}
	}
	return g, nil
}

// plainRates replaces the rates among the parameters of a generator ("100Mbps") by bit/s.
func plainRates(params map[string]any) map[string]any {
	out := maps.Clone(params)
	for k, v := range params {
		var r scenarios.Rate
		if text, ok := v.(string); ok && r.UnmarshalText([]byte(text)) == nil {
			out[k] = int64(r)
		}
	}
	return out
}

func generate(name string, params map[string]any) (*topologies.Graph, error) {
	gen, err := topologies.GeneratorNamed(name)
	if err != nil {
		return nil, err
	}
	cfg := gen.Config()
	if err := policy.Decode(plainRates(params), cfg); err != nil {
		return nil, fmt.Errorf("generator %s: %w", name, err)
	}
	return gen.Build(cfg, rand.New(rand.NewPCG(graphSeed, graphSeed)))
}

// written returns the map of a topology that the scenario writes out.
func written(t *scenarios.Topology) (*topologies.Graph, error) {
	index := map[string]int{}
	var nodes []topologies.Node
	for i, n := range t.Nodes {
		index[n] = i
		nodes = append(nodes, topologies.Node{Name: n})
	}
	var links []topologies.Link
	for _, w := range t.Wires {
		if len(w.Ends) != 2 {
			return nil, fmt.Errorf("wire %q: %d ends, accepted are 2", w.Name, len(w.Ends))
		}
		a, okA := index[w.Ends[0]]
		b, okB := index[w.Ends[1]]
		if !okA || !okB {
			return nil, fmt.Errorf("wire %q: ends %q and %q: both must be nodes: %s", w.Name, w.Ends[0], w.Ends[1], strings.Join(t.Nodes, ", "))
		}
		links = append(links, topologies.Link{A: a, B: b})
	}
	g, err := topologies.Build("written", nodes, links)
	if err != nil {
		return nil, err
	}
	for i, w := range t.Wires {
		if w.Name != "" {
			g.Links[i].Name = w.Name
		}
	}
	return g, g.Validate()
}
