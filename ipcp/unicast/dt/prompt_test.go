package dt

import (
	"errors"
	"testing"

	"ouroboros/core"
	"ouroboros/core/wire"
)

// TestNewNeighbourIsReachedBeforeItsRoutes: with Prompt, what starts here, of components and of flows, goes to a
// neighbour that the forwarding function has no way to yet; what passes through does not, nor anything to a neighbour
// whose flow is down. Without it all of it waits for the routes.
func TestNewNeighbourIsReachedBeforeItsRoutes(t *testing.T) {
	for _, prompt := range []bool{false, true} {
		m := newMember(t, wire.DefaultPCI, "none", 10, 2)
		m.pff.Replace(nil)
		m.cfg.Prompt = prompt
		want := error(nil)
		if !prompt {
			want = core.ErrIPCP
		}
		for _, eid := range []uint64{0, 77 << 32} { // of the flow allocator, and of a flow
			if err := m.Send(101, 0, eid, 0, m.env.Pool.Get(64, 3), nil); !errors.Is(err, want) {
				t.Errorf("prompt %v: to endpoint %d: %v", prompt, eid, err)
			}
		}
		m.arrive(0, m.packet(101, 0, 60, 0, 77<<32, "abc"))
		if n := len(m.flows[1].take()); prompt && n != 2 || !prompt && n != 0 {
			t.Errorf("prompt %v: %d packets went to the neighbour", prompt, n)
		}
		m.flows[1].sink.State(false)
		if err := m.Send(101, 0, 77<<32, 0, m.env.Pool.Get(64, 3), nil); !errors.Is(err, core.ErrIPCP) {
			t.Errorf("prompt %v: the flow is down: %v", prompt, err)
		}
	}
}
