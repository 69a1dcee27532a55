package experiment

import (
	"ouroboros/scenarios"
	"ouroboros/scenarios/measure"
	"ouroboros/topologies"
)

// NewToCut builds a whole experiment that can be taken apart.
func NewToCut(w World, sc *scenarios.Scenario, g *topologies.Graph, seed uint64) (*Experiment, error) {
	e, err := build(w, sc, g, seed, config{pieces: true})
	if err != nil {
		return nil, err
	}
	e.begin()
	return e, nil
}

// Cut returns what each node alone has seen up to now.
func (e *Experiment) Cut() (out []measure.Piece) {
	for _, s := range e.Network.Systems {
		out = append(out, e.rec.Piece(e.World.Now(), func(name string) bool { return name == s.Name }))
	}
	return out
}
