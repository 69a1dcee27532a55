package line_test

import (
	"testing"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/shim/host"
	"ouroboros/sim"
)

// TestShaperConforms holds the rules of core.Link for shapers over plain wires of both worlds, with the wire
// modelled where it is sent and where it is received.
func TestShaperConforms(t *testing.T) {
	worlds := map[string]func() coretest.World{
		"sim":  func() coretest.World { return sim.New(1) },
		"live": func() coretest.World { return host.New(1) },
	}
	for name, world := range worlds {
		for at, in := range map[string]bool{"out": false, "in": true} {
			for kind, k := range map[string]core.LinkKind{"ethernet": core.LinkEthernet, "datagram": core.LinkDatagram} {
				t.Run(name+"/"+at+"/"+kind, func(t *testing.T) {
					t.Parallel()
					coretest.TestLink(t, func(*testing.T) coretest.World { return &coretest.Shaped{World: world(), In: in} }, k)
				})
			}
		}
	}
}
