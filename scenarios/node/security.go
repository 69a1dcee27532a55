package node

import (
	"fmt"

	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/irm"
	"ouroboros/core/oap"
	"ouroboros/scenarios"
)

// security returns how a system secures its flows.
func (n *Network) security(s *System) (irm.Security, error) {
	r := n.scenario.SecurityOf(s.Name)
	if r == nil {
		return irm.Security{}, nil
	}
	enc, err := algorithms(r)
	if err != nil {
		return irm.Security{}, fmt.Errorf("security of %s: %w", s.Name, err)
	}
	return irm.Security{
		Force: r.Force, Default: enc,
		Client: func(core.Name) (*oap.Config, error) { return n.shows(r, core.Name(s.Name)) },
		Server: func(name core.Name) (*oap.Config, error) { return n.shows(r, name) },
	}, nil
}

// shows returns the configuration of a system that shows a certificate for a name, if its rule gives it one.
func (n *Network) shows(r *scenarios.SecurityRule, name core.Name) (*oap.Config, error) {
	return &oap.Config{RequirePeer: r.RequirePeer}, nil
}

// algorithms returns those of a rule.
func algorithms(r *scenarios.SecurityRule) (*crypt.Config, error) {
	text := fmt.Sprintf("kex=%s\ncipher=%s\nkdf=%s\ndigest=%s\n", r.Kex, r.Cipher, r.KDF, r.Digest)
	return crypt.ParseConfig("scenario", []byte(text))
}

// CipherBetween returns what the flows between two neighbours of a layer are encrypted with, 0 for nothing: they
// are if one of the two systems encrypts every flow. The stronger of what both have counts (spec 11 §11.4).
func (n *Network) CipherBetween(l *Layer, a, b *System) uint16 {
	if l.Kind == scenarios.LayerShim {
		return 0
	}
	var best uint16
	forced := false
	for _, s := range []*System{a, b} {
		r := n.scenario.SecurityOf(s.Name)
		if r == nil {
			continue
		}
		forced = forced || r.Force
		if c, ok := crypt.CipherByName(r.Cipher); ok && r.Force && crypt.CipherRank(c) > crypt.CipherRank(best) {
			best = c
		}
	}
	if !forced {
		return 0
	}
	return best
}
