package oap

import (
	"fmt"

	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/wire"
)

// Stats counts the requests at a server, by what became of them.
type Stats struct {
	Accepted  uint64
	Malformed uint64 // no message, or one with flags that cannot be
	Stale     uint64 // too old or from the future; or from before this server, when the client encapsulates
	Repeated  uint64
	Excess    uint64 // more than MaxReplay within the window
	Unknown   uint64 // no certificate where one is demanded, or one that does not vouch for the message
	Unmet     uint64 // no key: what is demanded is not offered, or what is offered cannot be had
}

// Refused returns how many requests were refused.
func (s *Stats) Refused() uint64 {
	return s.Malformed + s.Stale + s.Repeated + s.Excess + s.Unknown + s.Unmet
}

// Server answers requests. The only thing that it keeps is the list of requests seen within the
// replay window. The zero Server is ready.
type Server struct {
	// Since is the wall clock in ns at which this server began to note requests. A client that encapsulates
	// alone decides on the key, so that a request from before, whose copy nobody has noted, would bring an old
	// key back and the packets that were sent under it: such a request is refused. 0 accepts them all.
	Since int64

	replay replay
	stats  Stats
}

// Stats returns what became of the requests so far.
func (s *Server) Stats() Stats { return s.stats }

// Respond checks a request with what is configured for its name, nil for nothing, and returns the response to
// it, which belongs to the caller, and what the exchange has led to (spec 11 §11.4). A malformed, stale or
// repeated request and one whose sender is not who it should be is an ErrAuth, one whose security cannot be had
// or does not suffice an ErrCrypt, one too many within the window an ErrAgain. The code of the error travels in
// the negative reply, without OAP bytes.
func (s *Server) Respond(env core.Env, cfg *Config, request []byte) ([]byte, Outcome, error) {
	if cfg == nil {
		cfg = &Config{}
	}
	m, err := wire.ParseOAP(request, 0)
	if err == nil {
		err = orderly(&m)
	}
	if err != nil {
		s.stats.Malformed++
		return nil, Outcome{}, fmt.Errorf("%w: request: %w", core.ErrAuth, err)
	}
	wall := env.Wall()
	if err := s.fresh(&m, wall); err != nil {
		return nil, Outcome{}, err
	}
	peer, err := cfg.authenticate(env, "request", &m, request)
	if err != nil {
		s.stats.Unknown++
		return nil, Outcome{}, err
	}
	s.replay.note(&m, wall)
	b, outcome, err := cfg.answer(env, &m, request, peer)
	if err != nil {
		s.stats.Unmet++
		return nil, Outcome{}, err
	}
	s.stats.Accepted++
	return b, outcome, nil
}

// fresh refuses what was not made for this server now.
func (s *Server) fresh(m *wire.OAP, wall int64) error {
	count, err := s.replay.check(m, wall, &s.stats)
	if err == nil && m.KexFlags&wire.OAPKexClient != 0 && int64(m.Timestamp) < s.Since {
		count, err = &s.stats.Stale, fmt.Errorf("%w: request: client has encapsulated before this server was there", core.ErrAuth)
	}
	if err != nil {
		*count++
	}
	return err
}

// answer makes the response to a request that is beyond doubt.
func (c *Config) answer(env core.Env, m *wire.OAP, request []byte, peer string) ([]byte, Outcome, error) {
	answer := wire.OAP{
		ID: m.ID, Timestamp: uint64(env.Wall()), Digest: c.digest(),
		RequestHash: crypt.Sum(hashOf(m.Digest), request),
	}
	outcome, err := c.agree(env, m, &answer, peer)
	if err != nil {
		return nil, Outcome{}, fmt.Errorf("%w: request: %w", core.ErrCrypt, err)
	}
	b, err := c.seal(env, &answer)
	if err != nil {
		return nil, Outcome{}, err
	}
	return b, outcome, nil
}

// agree runs the server's side of the key exchange: it chooses, fills the answer in and finds the key.
func (c *Config) agree(env core.Env, m, answer *wire.OAP, peer string) (Outcome, error) {
	switch {
	case len(m.Kex) == 0 && (c.Enc != nil || c.RequireEncryption):
		return Outcome{}, fmt.Errorf("server demands encryption, request asks for none")
	case len(m.Kex) == 0 && m.Cipher != 0:
		return Outcome{}, fmt.Errorf("cipher %s without a key exchange", crypt.CipherName(m.Cipher))
	case len(m.Kex) == 0:
		return Outcome{Peer: peer}, nil
	}
	if err := c.choose(m, answer); err != nil {
		return Outcome{}, err
	}
	if m.KexFlags&wire.OAPKexClient != 0 {
		key, err := c.decapsulate(m)
		return security(answer.Cipher, key, false, peer), err
	}
	public, err := crypt.ParsePublicKey(m.KexFlags&wire.OAPKexRaw != 0, m.Kex)
	if err != nil {
		return Outcome{}, err
	}
	if c.Enc != nil && public.Kex().Rank() < c.Enc.Kex.Rank() {
		return Outcome{}, fmt.Errorf("key exchange %s, weaker than the server's %s", public.Kex(), c.Enc.Kex)
	}
	if public.Kex().Hybrid() {
		answer.KexFlags = wire.OAPKexRaw
	}
	var key [crypt.KeyLen]byte
	answer.Kex, key, err = public.Answer(env.Entropy, answer.KDF)
	return security(answer.Cipher, key, false, peer), err
}

// choose takes the stronger cipher and KDF of both sides. When the client has encapsulated, the KDF is already
// used, and must do.
func (c *Config) choose(m, answer *wire.OAP) error {
	answer.Cipher, answer.KDF = m.Cipher, m.KDF
	if c.Enc != nil {
		if crypt.CipherRank(c.Enc.Cipher) > crypt.CipherRank(m.Cipher) {
			answer.Cipher = c.Enc.Cipher
		}
		if crypt.DigestRank(c.Enc.KDF) > crypt.DigestRank(m.KDF) {
			answer.KDF = c.Enc.KDF
		}
	}
	switch {
	case answer.Cipher == 0:
		return fmt.Errorf("key exchange without a cipher")
	case answer.KDF == 0:
		return fmt.Errorf("key exchange without a kdf")
	case m.KexFlags&wire.OAPKexClient != 0 && answer.KDF != m.KDF:
		return fmt.Errorf("kdf %s, weaker than the server's %s", crypt.DigestName(m.KDF), crypt.DigestName(answer.KDF))
	}
	return nil
}

// decapsulate finds the key that a client has encapsulated to the server's static key. The prototype does not
// survive such a request where no key exchange is configured (spec 11 §11.4).
func (c *Config) decapsulate(m *wire.OAP) (key [crypt.KeyLen]byte, err error) {
	switch {
	case c.Enc == nil:
		return key, fmt.Errorf("client has encapsulated to a static key, and the server has no key exchange configured")
	case !c.Enc.Kex.KEM():
		return key, fmt.Errorf("client has encapsulated to a static key, and the server's key exchange is %s", c.Enc.Kex)
	case c.StaticKey == nil:
		return key, fmt.Errorf("client has encapsulated to a static key, and the server has none")
	case c.StaticKey.Kex() != c.Enc.Kex:
		return key, fmt.Errorf("the server's static key is of %s, configured is %s", c.StaticKey.Kex(), c.Enc.Kex)
	case c.Enc.Kex.Hybrid() != (m.KexFlags&wire.OAPKexRaw != 0):
		return key, fmt.Errorf("ciphertext with flags %#04x, not one of the server's %s", m.KexFlags, c.Enc.Kex)
	}
	return c.StaticKey.Complete(m.KDF, m.Kex)
}
