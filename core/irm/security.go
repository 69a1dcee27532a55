package irm

import (
	"fmt"

	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/oap"
	"ouroboros/core/pkt"
)

// Security is what the administrator demands of the flows of a system (spec 11 §11.8, decision 9).
type Security struct {
	// Force encrypts every flow of the system, in both roles, those of its IPCPs included, whatever the
	// application or the configuration of the name says. Where the other end cannot, the allocation fails.
	Force bool
	// Default are the algorithms of flows that must be encrypted and whose name has none configured; nil
	// stands for crypt.DefaultConfig.
	Default *crypt.Config
	// Client and Server return what is configured for a name in that role, nil for nothing. They are asked
	// at every allocation, so that a change holds for the next flow. An error fails the allocation.
	Client, Server func(core.Name) (*oap.Config, error)
}

// client returns the configuration of an allocation to a name.
func (s *Security) client(r *core.Request) (*oap.Config, error) {
	cfg, err := s.configured(s.Client, r.Name)
	if err != nil {
		return nil, err
	}
	cfg.RequireEncryption = cfg.RequireEncryption || r.Encrypt || s.Force
	cfg.RequirePeer = cfg.RequirePeer || r.Authenticate
	if cfg.RequirePeer && cfg.Roots == nil {
		return nil, fmt.Errorf("%w: %q: there is no authority that could vouch for it", core.ErrAuth, r.Name)
	}
	s.complete(cfg)
	return cfg, nil
}

// server returns the configuration of a request for a name.
func (s *Security) server(n core.Name) (*oap.Config, error) {
	cfg, err := s.configured(s.Server, n)
	if err != nil {
		return nil, err
	}
	cfg.RequireEncryption = cfg.RequireEncryption || s.Force
	undecided := cfg.Enc == nil && s.Default == nil
	s.complete(cfg)
	if undecided && cfg.Enc != nil {
		// A server refuses key exchanges below the one that is configured; here none is, so the client's will do.
		cfg.Enc.Kex = 0
	}
	return cfg, nil
}

// configured returns a copy of what the administrator has for a name.
func (s *Security) configured(of func(core.Name) (*oap.Config, error), n core.Name) (*oap.Config, error) {
	if of == nil {
		return new(oap.Config), nil
	}
	cfg, err := of(n)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: security of %q: %w", core.ErrCrypt, n, err)
	case cfg == nil:
		return new(oap.Config), nil
	}
	own := *cfg
	return &own, nil
}

// complete has a flow that must be encrypted know how.
func (s *Security) complete(cfg *oap.Config) {
	if !cfg.RequireEncryption || cfg.Enc != nil {
		return
	}
	if cfg.Enc = s.Default; cfg.Enc == nil {
		cfg.Enc = crypt.DefaultConfig()
	}
}

// secure returns the flow of a finished handshake as its user gets it: locked if it must encrypt.
func secure(f core.Flow, out oap.Outcome) core.Flow {
	switch {
	case out.Security != nil:
		return &locked{Flow: f, s: *out.Security}
	case out.Peer != "":
		return &known{Flow: f, peer: out.Peer}
	}
	return f
}

// known is a flow in clear whose other end has shown who it is.
type known struct {
	core.Flow
	peer string
}

// Info describes the flow.
func (k *known) Info() core.FlowInfo {
	i := k.Flow.Info()
	i.Peer = k.peer
	return i
}

// Pace is that of the flow below (core.Paced).
func (k *known) Pace() int64 {
	if rate := core.PaceOf(k.Flow); rate != nil {
		return rate()
	}
	return 0
}

// locked is a flow whose packets must be encrypted: a core.SecureFlow. The embedded flow is reached through
// Unlock only.
type locked struct {
	core.Flow
	s core.Security
}

var _ core.SecureFlow = (*locked)(nil)

// Unlock hands the flow and its keys to the library that encrypts.
func (l *locked) Unlock() (core.Flow, core.Security) { return l.Flow, l.s }

// Info describes the flow. What encryption adds to a packet is not taken off yet.
func (l *locked) Info() core.FlowInfo {
	i := l.Flow.Info()
	i.Cipher, i.Peer = l.s.Cipher, l.s.Peer
	return i
}

// Write refuses everything: it would go in clear.
func (l *locked) Write(p *pkt.Buf) error {
	p.Release()
	return fmt.Errorf("%w: the flow is encrypted and its user does not", core.ErrCrypt)
}

// SetReceive has no effect: nothing is delivered anyway.
func (l *locked) SetReceive(bool) {}

// Attach has no effect: what arrives is not for a user who cannot decrypt it.
func (l *locked) Attach(core.Sink) {}
