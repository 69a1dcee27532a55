package main

import (
	"strings"
	"testing"

	"ouroboros/topologies"
)

// A generator on the command line takes every key that it documents, with the default as documented.
func TestGeneratorTakesItsDocumentedDefaults(t *testing.T) {
	for _, g := range topologies.Generators() {
		var params []string
		for _, p := range g.Params() {
			params = append(params, p.Key+"="+p.Default)
		}
		written, err := generate(g.Name, params, 1)
		if err != nil {
			t.Errorf("%s %s: %v", g.Name, strings.Join(params, " "), err)
			continue
		}
		plain, err := generate(g.Name, nil, 1)
		if err != nil || len(plain.Nodes) != len(written.Nodes) || len(plain.Links) != len(written.Links) {
			t.Errorf("%s: %d nodes and %d links with the defaults written out, %d and %d without (%v)",
				g.Name, len(written.Nodes), len(written.Links), len(plain.Nodes), len(plain.Links), err)
		}
	}
}

func FuzzGeneratorConfig(f *testing.F) {
	for _, s := range []string{"nodes=3", "nodes=3 rate=1Gbps delay=1ms", "p=0.5", "nodes", "=", "nodes=9e9", "rate=1e3Mbps"} {
		f.Add("line", s)
		f.Add("erdos-renyi", s)
	}
	f.Fuzz(func(t *testing.T, name, params string) {
		g, err := topologies.GeneratorNamed(name)
		if err != nil {
			return
		}
		if cfg, err := generatorConfig(g, strings.Fields(params)); err == nil && cfg == nil {
			t.Fatal("neither a configuration nor an error")
		}
	})
}
