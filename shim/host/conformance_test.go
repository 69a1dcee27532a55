package host_test

import (
	"testing"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/shim/host"
)

func newWorld(*testing.T) coretest.World { return host.New(1) }

// TestConformance holds the contracts of package core for the live executor, programs and links.
func TestConformance(t *testing.T) {
	coretest.TestWorld(t, newWorld, core.LinkEthernet, core.LinkDatagram)
}
