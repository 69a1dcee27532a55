package daemon

import (
	"errors"
	"fmt"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
	"ouroboros/shim/eth"
	"ouroboros/shim/host"
)

// ethernet makes the shim of an interface.
func (s *System) ethernet(env core.Env, m *member, b *control.BootstrapConfig) (process, error) {
	cfg := host.EthernetConfig{Device: b.Device}
	if m.kind == core.KindEthDIX {
		if cfg.EtherType = b.EtherType; cfg.EtherType == 0 {
			cfg.EtherType = control.DefaultEtherType
		}
	}
	d, err := s.world.Ethernet(env, cfg)
	if err != nil {
		return nil, opening(err)
	}
	layer := eth.Config{Layer: core.Name(b.Layer), Hash: b.Hash, EtherType: cfg.EtherType}
	return over(env, d, b.Device, func(l core.Link) (shimIPCP, *eth.Counters, error) {
		if m.kind == core.KindEthLLC {
			p, err := eth.NewLLC(env, l, layer)
			if err != nil {
				return nil, nil, err
			}
			return p, &p.Counters, nil
		}
		p, err := eth.New(env, l, layer)
		if err != nil {
			return nil, nil, err
		}
		return p, &p.Counters, nil
	})
}

// opening gives an error of opening a device its code, unless it has one.
func opening(err error) error {
	var c core.Code
	if errors.As(err, &c) {
		return err
	}
	return fmt.Errorf("%w: %w", core.ErrInvalid, err)
}

// udp refuses layers over UDP: this daemon has none yet.
func (s *System) udp(core.Env, *member, *control.BootstrapConfig) (process, error) {
	return nil, fmt.Errorf("%w: this daemon has no layers over UDP", core.ErrUnsupp)
}
