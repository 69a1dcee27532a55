package grid

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"ouroboros/cmd/osim/internal/source"
	"ouroboros/scenarios"
)

// Variant is one combination of values, with the scenario that it makes.
type Variant struct {
	Values []string // one for each axis
	*source.Scenario
}

// identity is what the outcome of a run depends on.
type identity struct {
	Schema     int // of the record
	Scenario   scenarios.Scenario
	Nodes      any
	Links      any
	Parameters []string
	Seed       uint64
	Version    string
}

// ID returns the identity of a run: 16 hexadecimal digits of the SHA-256 over everything that its outcome
// depends on: the scenario with all edits, its map, the parameters that were set, the seed and the version
// of the program. The list of seeds, the description and the expectations, which change no figure of a
// comparison, are left out.
func (v *Variant) ID(seed uint64, version string) (string, error) {
	x := identity{
		Schema: recordSchema, Scenario: *v.Scenario.Scenario, Nodes: v.Graph.Nodes, Links: v.Graph.Links,
		Parameters: parameters(v.Overrides), Seed: seed, Version: version,
	}
	x.Scenario.Seeds, x.Scenario.Expect, x.Scenario.Description, x.Scenario.Overrides = nil, nil, "", nil
	data, err := json.Marshal(x) // sections with any keys come out sorted
	if err != nil {
		return "", fmt.Errorf("identity of a run: %w", err)
	}
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:8]), nil
}

// parameters lists what was set, in an order that does not depend on that of the command line: what the
// edits come to stands in the scenario. Seeds and expectations are no parameters of a run.
func parameters(list []scenarios.Override) []string {
	var out []string
	for _, o := range list {
		if first, _, _ := strings.Cut(o.Path, "."); first != "seeds" && first != "expect" {
			out = append(out, o.Path+"="+o.Value)
		}
	}
	slices.Sort(out)
	return out
}

// name is how messages call the variant.
func (v *Variant) name() string { return strings.Join(v.Values, ", ") }
