package node

import (
	"fmt"
	"io"
	"slices"

	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/irm"
	"ouroboros/core/oap"
	"ouroboros/scenarios"
)

// authority vouches for the systems of a network. All trust it, also those without certificates.
type authority struct {
	*crypt.Authority
	entropy io.Reader
	roots   *crypt.Roots
	issued  map[string]*crypt.Credentials // by kind and name
}

// vouch makes the authority, if a rule of the scenario gives certificates.
func (n *Network) vouch() error {
	if !slices.ContainsFunc(n.scenario.Security, func(r scenarios.SecurityRule) bool { return r.Certificates != noCertificates }) {
		return nil
	}
	env := n.Systems[0].Env.Derive("authority")
	a, err := crypt.NewAuthority(env.Entropy, env.Wall())
	if err != nil {
		return err
	}
	roots, err := a.Roots()
	if err != nil {
		return err
	}
	n.authority = &authority{a, env.Entropy, roots, map[string]*crypt.Credentials{}}
	return nil
}

// noCertificates is the word for none.
const noCertificates = "none"

// credentials returns those for a name, the same ones whenever they are asked for.
func (a *authority) credentials(kind, name string) (*crypt.Credentials, error) {
	if c := a.issued[kind+":"+name]; c != nil {
		return c, nil
	}
	c, err := a.issue(kind, name)
	if err != nil {
		return nil, err
	}
	a.issued[kind+":"+name] = c
	return c, nil
}

func (a *authority) issue(kind, name string) (*crypt.Credentials, error) {
	curve := crypt.P256
	switch kind {
	case "ed25519":
		return a.Issue(name)
	case "ecdsa-p384":
		curve = crypt.P384
	}
	key, err := crypt.NewECDSAKey(a.entropy, curve)
	if err != nil {
		return nil, err
	}
	return a.IssueKey(name, key)
}

// security returns how a system secures its flows.
func (n *Network) security(s *System) (irm.Security, error) {
	r := n.scenario.SecurityOf(s.Name)
	if r == nil {
		r = &scenarios.SecurityRule{Certificates: noCertificates}
	}
	sec := irm.Security{
		Force:  r.Force,
		Client: func(core.Name) (*oap.Config, error) { return n.shows(r, s.Name) },
		Server: func(name core.Name) (*oap.Config, error) { return n.shows(r, string(name)) },
	}
	if r.Cipher == "" {
		return sec, nil
	}
	var err error
	if sec.Default, err = algorithms(r); err != nil {
		err = fmt.Errorf("security of %s: %w", s.Name, err)
	}
	return sec, err
}

// shows returns the configuration of a system that shows a certificate for a name, if its rule gives it one.
func (n *Network) shows(r *scenarios.SecurityRule, name string) (*oap.Config, error) {
	c := &oap.Config{RequirePeer: r.RequirePeer}
	if n.authority == nil {
		return c, nil
	}
	c.Roots = n.authority.roots
	var err error
	if r.Certificates != noCertificates {
		c.Credentials, err = n.authority.credentials(r.Certificates, name)
	}
	return c, err
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
