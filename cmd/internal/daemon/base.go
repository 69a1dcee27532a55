package daemon

import (
	"fmt"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
	"ouroboros/core/line"
	"ouroboros/ipcp/local"
	"ouroboros/shim/eth"
)

// device is an interface of the host that a shim stands on.
type device interface {
	core.Link
	Close()
}

// shimIPCP is what all shims can do.
type shimIPCP interface {
	core.Provider
	Flows() int
	Leave()
}

// base is a shim IPCP with the link below it.
type base struct {
	shimIPCP
	counters *eth.Counters
	device   device
	shaper   *line.Shaper
	where    string // what the link is bound to
}

// Leave takes the shim out of its layer and closes its link.
func (b *base) Leave() {
	b.shimIPCP.Leave()
	b.shaper.Close()
	b.device.Close()
}

// shape puts impairments on the link.
func (b *base) shape(out, in core.LinkSpec) error {
	if err := b.shaper.Set(line.Out, out); err != nil {
		return fmt.Errorf("%w: out: %w", core.ErrInvalid, err)
	}
	if err := b.shaper.Set(line.In, in); err != nil {
		return fmt.Errorf("%w: in: %w", core.ErrInvalid, err)
	}
	return nil
}

// newBase makes an IPCP that stands on none of this system's layers: a local or shim one.
func (s *System) newBase(m *member, b *control.BootstrapConfig) (process, error) {
	env, layer := s.env.Derive(string(m.name)), core.Name(b.Layer)
	switch m.kind {
	case core.KindLocal:
		p, err := local.New(env, local.Config{Name: m.name, Layer: layer, Hash: b.Hash})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", core.ErrInvalid, err)
		}
		return p, nil
	case core.KindEthDIX, core.KindEthLLC:
		return s.ethernet(env, m, b)
	case core.KindUDP4, core.KindUDP6:
		return s.udp(env, m, b)
	}
	return nil, core.ErrIPCPType
}

// over completes a shim on a device, which is closed when the shim cannot be made.
func over(env core.Env, d device, where string, shim func(core.Link) (shimIPCP, *eth.Counters, error)) (process, error) {
	shaper, err := line.NewShaper(env.Derive("link"), d, core.LinkSpec{}, core.LinkSpec{})
	if err != nil {
		d.Close()
		return nil, err
	}
	p, counters, err := shim(shaper)
	if err != nil {
		shaper.Close()
		d.Close()
		return nil, fmt.Errorf("%w: %w", core.ErrInvalid, err)
	}
	return &base{shimIPCP: p, counters: counters, device: d, shaper: shaper, where: where}, nil
}
