package sim_test

import (
	"testing"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/sim"
)

func newWorld(*testing.T) coretest.World { return sim.New(1) }

// TestConformance holds the contracts of package core for the simulated executor, programs and links.
func TestConformance(t *testing.T) {
	coretest.TestWorld(t, newWorld, core.LinkEthernet, core.LinkDatagram, core.LinkDirect)
}
