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
	"ouroboros/ipcp/unicast/catalog"
	"ouroboros/scenarios"
	"ouroboros/topologies"
)

// Catalog answers the loader's questions about policies and topologies. It implements
// scenarios.Catalog.
type Catalog struct {
	// Read returns the content of a topology file; nil refuses files.
	Read func(name string) ([]byte, error)
}

// defaultScheduler leaves packets in the order in which they came.
const defaultScheduler = unicast.DefaultScheduler

// Policy checks the choice of a policy.
func (c Catalog) Policy(kind, name string, params map[string]any) error {
	return catalog.Check(kind, name, params)
}

// Docs documents all policies, kind by kind.
func Docs() []policy.Doc { return catalog.Docs() }

// policiesOf returns what a scenario says of the policies of a layer.
func policiesOf(p *scenarios.Policies) catalog.Policies {
	out := catalog.Policies{}
	for _, k := range p.Kinds() {
		out[k.Kind] = catalog.Policy{Name: k.Policy.Name, Params: k.Policy.Params}
	}
	return out
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
