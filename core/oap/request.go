package oap

import (
	"crypto/subtle"
	"fmt"
	"io"

	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/wire"
)

// Request is what a client remembers of its request until the response arrives.
type Request struct {
	name   core.Name
	cfg    Config
	id     [wire.OAPIDLen]byte
	digest uint16 // of hash
	hash   []byte
	own    *crypt.PrivateKey  // the fresh key; nil when the client encapsulates
	key    [crypt.KeyLen]byte // that of the flow when the client has encapsulated
}

// NewRequest makes the request of an allocation (spec 11 §11.3) for a name, with what is configured for it; nil
// is nothing. The bytes belong to the caller. It fails with ErrCrypt or ErrAuth when the configuration demands
// what cannot be had with it, or the source of entropy fails.
func NewRequest(env core.Env, name core.Name, cfg *Config) (*Request, []byte, error) {
	r := &Request{name: name}
	if cfg != nil {
		r.cfg = *cfg
	}
	switch c := &r.cfg; {
	case c.RequireEncryption && c.Enc == nil:
		return nil, nil, fmt.Errorf("%w: encryption is demanded for %q, and no key exchange is configured", core.ErrCrypt, name)
	case c.RequirePeer && c.Roots == nil:
		return nil, nil, fmt.Errorf("%w: a certificate is demanded from %q, and there is no CA store", core.ErrAuth, name)
	}
	if _, err := io.ReadFull(env.Entropy, r.id[:]); err != nil {
		return nil, nil, fmt.Errorf("%w: OAP id: %w", core.ErrCrypt, err)
	}
	m := wire.OAP{ID: r.id, Timestamp: uint64(env.Wall()), Digest: r.cfg.digest()}
	if err := r.offer(env, &m); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", core.ErrCrypt, err)
	}
	b, err := r.cfg.seal(env, &m)
	if err != nil {
		return nil, nil, err
	}
	r.digest = hashOf(m.Digest)
	r.hash = crypt.Sum(r.digest, b)
	return r, b, nil
}

// offer fills in the client's side of the key exchange.
func (r *Request) offer(env core.Env, m *wire.OAP) (err error) {
	enc := r.cfg.Enc
	if enc == nil {
		return nil
	}
	m.Cipher, m.KDF = enc.Cipher, enc.KDF
	if enc.Kex.Hybrid() {
		m.KexFlags = wire.OAPKexRaw
	}
	if !r.encapsulates() {
		if r.own, err = enc.Kex.Generate(env.Entropy); err == nil {
			m.Kex = r.own.Public().Bytes()
		}
		return err
	}
	static := r.cfg.StaticPublic
	switch {
	case static == nil:
		return fmt.Errorf("kem_mode=client, and the static key of %q is not known", r.name)
	case static.Kex() != enc.Kex:
		return fmt.Errorf("the static key of %q is of %s, configured is %s", r.name, static.Kex(), enc.Kex)
	}
	m.KexFlags |= wire.OAPKexClient
	m.Kex, r.key, err = static.Answer(env.Entropy, enc.KDF)
	return err
}

// encapsulates reports whether the client encapsulates to the server's static key.
func (r *Request) encapsulates() bool {
	return r.cfg.Enc.KEMMode == crypt.KEMClient && r.cfg.Enc.Kex.KEM()
}

// Verify checks the response to r (spec 11 §11.7) and finds the key of the flow. A peer that is not who it should
// be is an ErrAuth, everything else an ErrCrypt, and both say why. The timestamp of a response is not checked:
// id and request hash tie it to the request.
func (r *Request) Verify(env core.Env, response []byte) (Outcome, error) {
	m, err := wire.ParseOAP(response, len(r.hash))
	if err == nil {
		err = orderly(&m)
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("%w: response: %w", core.ErrCrypt, err)
	}
	if m.ID != r.id {
		return Outcome{}, fmt.Errorf("%w: response: id %x answers another request than %x", core.ErrCrypt, m.ID, r.id)
	}
	peer, err := r.cfg.authenticate(env, "response", &m, response)
	if err != nil {
		return Outcome{}, err
	}
	if subtle.ConstantTimeCompare(m.RequestHash, r.hash) != 1 {
		return Outcome{}, fmt.Errorf("%w: response: request was changed on its way", core.ErrCrypt)
	}
	if len(m.Certificate) > 0 && core.Name(peer) != r.name {
		return Outcome{}, fmt.Errorf("%w: response: certificate is for %q, the flow for %q", core.ErrAuth, peer, r.name)
	}
	if r.cfg.Enc == nil {
		return Outcome{Peer: peer}, nil
	}
	key, err := r.complete(&m)
	if err != nil {
		return Outcome{}, fmt.Errorf("%w: response: %w", core.ErrCrypt, err)
	}
	return security(m.Cipher, key, true, peer), nil
}

// complete accepts what the server has chosen, which is never weaker than what was asked for, and finds the key.
func (r *Request) complete(m *wire.OAP) (key [crypt.KeyLen]byte, err error) {
	enc := r.cfg.Enc
	kdf := m.KDF
	if kdf == 0 {
		kdf = enc.KDF
	}
	switch {
	case m.Cipher == 0:
		return key, fmt.Errorf("no cipher, asked for was %s", crypt.CipherName(enc.Cipher))
	case crypt.CipherRank(m.Cipher) < crypt.CipherRank(enc.Cipher):
		return key, fmt.Errorf("cipher %s, weaker than the %s that was asked for",
			crypt.CipherName(m.Cipher), crypt.CipherName(enc.Cipher))
	case crypt.DigestRank(kdf) < crypt.DigestRank(enc.KDF):
		return key, fmt.Errorf("kdf %s, weaker than the %s that was asked for",
			crypt.DigestName(kdf), crypt.DigestName(enc.KDF))
	}
	if r.encapsulates() {
		switch {
		case kdf != enc.KDF:
			return key, fmt.Errorf("kdf %s, the key was made with %s", crypt.DigestName(kdf), crypt.DigestName(enc.KDF))
		case len(m.Kex) > 0:
			return key, fmt.Errorf("key exchange of %d bytes, the client has encapsulated", len(m.Kex))
		}
		return r.key, nil
	}
	want := uint16(0)
	if enc.Kex.Hybrid() {
		want = wire.OAPKexRaw
	}
	switch {
	case len(m.Kex) == 0:
		return key, fmt.Errorf("no key exchange, asked for was %s", enc.Kex)
	case m.KexFlags != want:
		return key, fmt.Errorf("key exchange with flags %#04x, an answer to %s has %#04x", m.KexFlags, enc.Kex, want)
	}
	return r.own.Complete(kdf, m.Kex)
}
