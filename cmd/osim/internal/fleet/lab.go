package fleet

import (
	"errors"

	"ouroboros/scenarios"
	"ouroboros/topologies"
)

// NewLab is not there yet.
func NewLab(*scenarios.Scenario, *topologies.Graph, *Hosts) (Site, error) {
	return nil, errors.New("mode lab: not there yet")
}
