package host_test

import (
	"testing"

	"go.uber.org/goleak"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/shim/host"
)

// TestMain holds that a closed world leaves no goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newWorld(*testing.T) coretest.World { return host.New(1) }

// TestConformance holds the contracts of package core for the live executor, programs and links.
func TestConformance(t *testing.T) {
	coretest.TestWorld(t, newWorld, core.LinkEthernet, core.LinkDatagram)
}
