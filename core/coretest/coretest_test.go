package coretest_test

import (
	"testing"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/sim"
)

// TestLayerConforms holds the suite's own layer to the rules that it stands in for.
func TestLayerConforms(t *testing.T) {
	mk := func(*testing.T) coretest.World { return sim.New(1) }
	coretest.TestFlow(t, mk, coretest.ConnectLayer(core.LinkEthernet, core.QoSRaw))
}
