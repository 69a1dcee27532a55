package host_test

import (
	"fmt"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/internal/netns"
	"ouroboros/shim/host"
)

// TestNICConforms holds the rules of core.Link for network interfaces with shapers on them, joined by veth
// pairs.
func TestNICConforms(t *testing.T) {
	ns := netns.ForTest(t, 2)
	wires := 0
	coretest.TestLink(t, func(t *testing.T) coretest.World {
		w := host.New(1)
		return &coretest.Shaped{World: w, New: func(spec core.LinkSpec, _, _ core.Env) (coretest.Medium, error) {
			wires++
			dev := fmt.Sprintf("eth%d", wires)
			err := netns.Veth(ns[0], dev, ns[1], dev, netns.VethOptions{MTU: spec.MTU})
			return coretest.Medium{Open: func(end int, env core.Env) (core.Link, error) {
				return openUp(t, w, ns[end], env, dev)
			}}, err
		}}
	}, core.LinkEthernet)
}

// openUp opens an interface once it is up, which the kernel says a while after both ends are.
func openUp(t *testing.T, w *host.World, ns *netns.Namespace, env core.Env, dev string) (link core.Link, err error) {
	for range 1000 {
		var n *host.NIC
		err = ns.Do(func() error {
			n, err = w.Ethernet(env, host.EthernetConfig{Device: dev, EtherType: 0xA000})
			return err
		})
		if err != nil {
			return nil, err
		}
		if n.Info().Up {
			t.Cleanup(func() {
				if st := n.Stats(); st.RingDrops+st.SendErrors+st.Oversize+st.Runts != 0 {
					t.Errorf("frames were lost: %+v", st)
				}
			})
			return point{n}, nil
		}
		n.Close()
		time.Sleep(5 * time.Millisecond)
	}
	return nil, fmt.Errorf("%s is not up after 5 s", dev)
}
