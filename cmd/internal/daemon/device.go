package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
	"ouroboros/shim/eth"
	"ouroboros/shim/host"
	"ouroboros/shim/udp"
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
	layer := eth.Config{Layer: core.Name(b.Layer), Hash: b.Hash, EtherType: cfg.EtherType, Recheck: true}
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
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: %w", core.ErrPerm, err)
	}
	return fmt.Errorf("%w: %w", core.ErrInvalid, err)
}

// dnsPort is where DNS servers listen.
const dnsPort = 53

// udp makes the shim of a port of the IP network. Names are looked up in the hosts file, then at the DNS server
// that is given, or else at those of the system (spec 15 §15.3).
func (s *System) udp(env core.Env, m *member, b *control.BootstrapConfig) (process, error) {
	ip := b.IP.Unmap()
	if !ip.IsValid() || ip.Is4() != (m.kind == core.KindUDP4) {
		return nil, fmt.Errorf("%w: ip %v: accepted is an address of this system of the kind of %s", core.ErrInvalid, b.IP, control.KindWord(m.kind))
	}
	port := b.Port
	if port == 0 {
		port = control.DefaultPort
	}
	r := host.ResolverConfig{Hosts: b.Hosts, System: !b.DNS.IsValid(), IPv6: m.kind == core.KindUDP6}
	if b.DNS.IsValid() {
		r.DNS = netip.AddrPortFrom(b.DNS, dnsPort)
	}
	resolver, err := s.world.Resolver(env, r)
	if err != nil {
		return nil, opening(err)
	}
	local := netip.AddrPortFrom(ip, port)
	d, err := s.world.UDP(env, host.UDPConfig{Local: local})
	if err != nil {
		return nil, opening(err)
	}
	return over(env, d, local.String(), func(l core.Link) (shimIPCP, *eth.Counters, error) {
		p, err := udp.New(env, l, udp.Config{Layer: core.Name(b.Layer), Kind: m.kind, Resolver: resolver, Recheck: true})
		if err != nil {
			return nil, nil, err
		}
		return p, &p.Counters, nil
	})
}
