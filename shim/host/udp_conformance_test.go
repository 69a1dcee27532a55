package host_test

import (
	"net/netip"
	"testing"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/shim/host"
)

// point is a link that has two ends, as far as the test knows.
type point struct{ core.Link }

func (p point) Info() core.LinkInfo {
	i := p.Link.Info()
	i.Shared = false
	return i
}

// udpMedium is a pair of UDP ports on the loopback interface.
func udpMedium(t *testing.T, w *host.World, local string, plain bool) func(core.LinkSpec, core.Env, core.Env) (coretest.Medium, error) {
	return func(spec core.LinkSpec, _, _ core.Env) (coretest.Medium, error) {
		cfg := host.UDPConfig{MTU: 1500, NoOffload: plain}
		if spec.MTU != 0 {
			cfg.MTU = spec.MTU
		}
		var bound [2]netip.AddrPort // an end keeps its port for all its lives
		for i := range bound {
			bound[i] = netip.MustParseAddrPort(local)
		}
		return coretest.Medium{Open: func(end int, env core.Env) (core.Link, error) {
			cfg.Local = bound[end]
			u, err := w.UDP(env, cfg)
			if err != nil {
				return nil, err
			}
			bound[end] = u.Info().Addr.AddrPort()
			t.Cleanup(func() {
				if n := u.Stats().SocketDrops; n != 0 {
					t.Errorf("the kernel has dropped %d datagrams", n)
				}
			})
			return point{u}, nil
		}}, nil
	}
}

// TestUDPConforms holds the rules of core.Link for UDP ports with shapers on them.
func TestUDPConforms(t *testing.T) {
	for name, local := range map[string]string{"ipv4": "127.0.0.1:0", "ipv6": "[::1]:0"} {
		for offload, plain := range map[string]bool{"merged": false, "single": true} {
			t.Run(name+"/"+offload, func(t *testing.T) {
				t.Parallel()
				coretest.TestLink(t, func(t *testing.T) coretest.World {
					w := host.New(1)
					return &coretest.Shaped{World: w, New: udpMedium(t, w, local, plain)}
				}, core.LinkDatagram)
			})
		}
	}
}
