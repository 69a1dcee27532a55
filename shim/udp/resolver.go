package udp

import (
	"net/netip"

	"ouroboros/core"
)

// Resolver finds the address of a member that has registered a name. What it finds is kept for the life of
// the shim, or until that member says that it does not have the name.
type Resolver interface {
	// Resolve looks up a digest, 32 lowercase hexadecimal digits (spec 01 §5.5), and calls done once, at once
	// or later, from wherever it likes. An address without a port has the port of the layer. ok is false when
	// there is none.
	Resolve(digest string, done func(addr core.Addr, ok bool))
}

// Fixed resolves every name to one address: on a point-to-point link that of the other end.
type Fixed core.Addr

// Resolve returns the address.
func (f Fixed) Resolve(_ string, done func(core.Addr, bool)) {
	done(core.Addr(f), !core.Addr(f).IsZero())
}

// Hosts resolves names by a table from digests to addresses, as the hosts file of a system does.
type Hosts map[string]core.Addr

// Add enters a name, replacing an earlier address of it.
func (t Hosts) Add(n core.Name, a core.Addr) { t[core.MD5.Sum(n).String()] = a }

// Resolve looks the digest up.
func (t Hosts) Resolve(digest string, done func(core.Addr, bool)) {
	a, ok := t[digest]
	done(a, ok)
}

// Query asks the resolver for a member that has registered the digest, unless the directory knows one. An
// address of the other IP version is none. There is no time-out here: the broker gives up (spec 01 §5.5).
func (s *Shim) Query(h core.Hash, done func(found bool)) (cancel func()) {
	return s.Machine.Resolve(h, func(found func(core.Addr, bool)) {
		s.cfg.Resolver.Resolve(h.String(), func(a core.Addr, ok bool) {
			if ap := a.AddrPort(); ok && ap.Port() == 0 {
				a = core.IPAddr(netip.AddrPortFrom(ap.Addr(), s.port))
			}
			found(a, ok && s.cfg.matches(a))
		})
	}, done)
}
