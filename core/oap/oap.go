// Package oap is the handshake that runs with every flow allocation (spec 11): one request and one
// response, carried as opaque bytes by the layer's own messages, between the brokers of the two
// systems. It always runs (decision 13): without encryption it carries an id, the time and a hash of
// the request, which protects against replays and mixed-up replies. With it the two sides agree on a
// cipher and a key within the same round trip, and each may show a certificate.
//
// The machine holds no timer and sends nothing: it takes bytes and gives bytes. Algorithms, keys and
// certificates are those of package crypt.
package oap

import (
	"fmt"

	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/wire"
)

// Lengths in bytes of the messages of a plain exchange.
const (
	RequestLen  = wire.OAPHeaderLen
	ResponseLen = wire.OAPHeaderLen + 48 // the hash is SHA-384
)

// Config is what the broker of a system knows about the security of a name, in one role: client or server. It
// is not written after it was made. The zero Config is that of a name about which nothing is known.
type Config struct {
	// Enc is the enc.conf (spec 11 §11.8); nil = this side asks for no encryption.
	Enc *crypt.Config
	// Credentials are what this side shows; nil = it stays anonymous.
	Credentials *crypt.Credentials
	// Roots is what certificates of peers must chain to; nil = every certificate is refused.
	Roots *crypt.Roots
	// RequirePeer refuses a peer that shows no certificate, RequireEncryption an exchange that would leave the
	// flow in clear (decision 9).
	RequirePeer, RequireEncryption bool
	// StaticPublic is the lasting public key of the server, for a client whose Enc says kem_mode=client.
	StaticPublic *crypt.PublicKey
	// StaticKey is the server's private half of it.
	StaticKey *crypt.PrivateKey
}

// Outcome is what an exchange has led to.
type Outcome struct {
	// Security is what the flow is to be encrypted with; nil = the flow is in clear.
	Security *core.Security
	// Peer is the name in the certificate of the other side; empty = it showed none.
	Peer string
}

// defaultHash is the digest of the hash of a request that names none (spec 11 §11.2).
const defaultHash = crypt.SHA384

// hashOf returns the NID of the digest that the hash of a request is made with.
func hashOf(digest uint16) uint16 {
	if digest == 0 {
		return defaultHash
	}
	return digest
}

// digest returns what this side's messages name: the configured digest, 0 without a configuration.
func (c *Config) digest() uint16 {
	if c.Enc == nil {
		return 0
	}
	return c.Enc.Digest
}

// seal writes a message and signs it if there is something to sign with (spec 11 §11.2).
func (c *Config) seal(env core.Env, m *wire.OAP) ([]byte, error) {
	if c.Credentials == nil {
		return m.Append(make([]byte, 0, m.Len())), nil
	}
	m.Certificate = c.Credentials.Certificate()
	b := m.Append(nil)
	signature, err := c.Credentials.Sign(env.Entropy, m.Digest, b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", core.ErrAuth, err)
	}
	return append(b, signature...), nil
}

// authenticate judges the certificate and the signature of a message (spec 11 §11.5) and returns the name that
// they vouch for, empty for a message without a certificate. of says whose message it is.
func (c *Config) authenticate(env core.Env, of string, m *wire.OAP, b []byte) (peer string, err error) {
	if len(m.Certificate) == 0 {
		if c.RequirePeer {
			return "", fmt.Errorf("%w: %s: no certificate, and one is demanded", core.ErrAuth, of)
		}
		return "", nil
	}
	signed := b[:len(b)-len(m.Signature)]
	peer, err = c.Roots.Verify(env.Wall(), m.Certificate, m.Digest, signed, m.Signature)
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", core.ErrAuth, of, err)
	}
	return peer, nil
}

// orderly reports flags that no message of that kind has: they describe a key, so there is none without
// (spec 11 §11.2).
func orderly(m *wire.OAP) error {
	if len(m.Kex) == 0 && m.KexFlags != 0 {
		return fmt.Errorf("flags %#04x of a key exchange that is not there", m.KexFlags)
	}
	return nil
}

// security is the outcome of an exchange that has led to a key.
func security(cipher uint16, key [crypt.KeyLen]byte, initiator bool, peer string) Outcome {
	return Outcome{
		Security: &core.Security{Cipher: cipher, Key: key, Initiator: initiator, Peer: peer},
		Peer:     peer,
	}
}
