package grid

import (
	"encoding/json"
	"fmt"

	"ouroboros/scenarios"
	"ouroboros/scenarios/measure"
	"ouroboros/scenarios/result"
)

// recordSchema is the version of [Record] in files. It rises when the meaning of a value changes.
const recordSchema = 2

// Record is what is kept of a run: its metrics, and nothing that takes space with time or packets. It holds
// no wall-clock time, so that equal runs make equal files.
type Record struct {
	Schema      int                `json:"schema"`
	ID          string             `json:"id"`
	Scenario    string             `json:"scenario"`
	Version     string             `json:"version"` // of the program
	Parameters  []result.Parameter `json:"parameters"`
	Seed        uint64             `json:"seed"`
	Mode        string             `json:"mode"`
	Fingerprint string             `json:"fingerprint"` // as osim run prints it; "" in a live run
	Network     []string           `json:"network"`     // what kept the network from coming up whole
	Flows       map[string]int     `json:"flows"`       // of each workload
	// Values has every metric of the run as a whole under its name, and of every workload, link, layer and
	// fault under "METRIC of NAME", in the base unit of the metric.
	Values map[string]result.Opt[float64] `json:"values"`
}

// newRecord evaluates the metrics of a run.
func newRecord(id string, run *result.Run, network []string) *Record {
	r := &Record{
		Schema: recordSchema, ID: id, Scenario: run.Scenario, Version: run.Version, Parameters: run.Parameters, Seed: run.Seed,
		Mode: run.Mode, Fingerprint: run.Fingerprint, Network: network, Flows: map[string]int{}, Values: map[string]result.Opt[float64]{},
	}
	for i := range run.Flows {
		r.Flows[run.Flows[i].Workload]++
	}
	parts := map[scenarios.Scope][]part{}
	for _, scope := range []scenarios.Scope{scenarios.ScopeWorkload, scenarios.ScopeLink, scenarios.ScopeLayer, scenarios.ScopeFault} {
		parts[scope] = takeApart(run, scope)
	}
	for _, m := range scenarios.Metrics() {
		r.Values[m.Name] = measure.Evaluate(m, nil, run)
		for _, p := range parts[m.Of] {
			r.Values[m.Name+of+p.name] = measure.Evaluate(m, nil, p.run)
		}
	}
	return r
}

// of joins a metric and what it is of.
const of = " of "

// part is a run of which only one workload, link, layer or fault is left.
type part struct {
	name string
	run  *result.Run
}

// takeApart takes a run apart. Metrics of many links are made in one pass over them, not in one for each.
func takeApart(run *result.Run, scope scenarios.Scope) []part {
	var out []part
	at := map[string]*result.Run{}
	of := func(name string) *result.Run {
		if at[name] == nil {
			at[name] = &result.Run{}
			out = append(out, part{name, at[name]})
		}
		return at[name]
	}
	switch scope {
	case scenarios.ScopeWorkload:
		for _, f := range run.Flows {
			p := of(f.Workload)
			p.Flows = append(p.Flows, f)
		}
	case scenarios.ScopeLink:
		for _, l := range run.Links {
			p := of(l.Name)
			p.Links = append(p.Links, l)
		}
	case scenarios.ScopeLayer:
		for _, l := range run.Layers {
			p := of(l.Name)
			p.Layers = append(p.Layers, l)
		}
	case scenarios.ScopeFault:
		for _, l := range run.Layers {
			for _, c := range l.Convergence {
				p := of(c.Fault)
				p.Layers = append(p.Layers, result.Layer{Convergence: []result.Convergence{c}})
			}
		}
	case scenarios.ScopeRun:
	}
	return out
}

// parseRecord reads the file of a run.
func parseRecord(data []byte) (*Record, error) {
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, err
	}
	switch {
	case r.Schema != recordSchema:
		return nil, fmt.Errorf("schema %d, and this program reads %d", r.Schema, recordSchema)
	case r.ID == "" || len(r.Values) == 0:
		return nil, fmt.Errorf("it holds no run")
	}
	return &r, nil
}

// keep drops the values that f does not want.
func (r *Record) keep(f func(metric string) bool) {
	kept := map[string]result.Opt[float64]{}
	for name, v := range r.Values {
		if f(name) {
			kept[name] = v
		}
	}
	r.Values = kept
}
