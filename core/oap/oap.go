// Package oap is the handshake that runs with every flow allocation (spec 11): one request and one
// response, carried as opaque bytes by the layer's own messages, between the brokers of the two
// systems. It always runs (decision 13): without encryption it carries an id, the time and a hash of
// the request, which protects against replays and mixed-up replies.
//
// The machine holds no timer and sends nothing: it takes bytes and gives bytes. It knows the plain
// exchange; a message that asks for a cipher, a key exchange or authentication is refused with the
// name of what it asks for.
package oap

import (
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"io"

	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/wire"
)

// Config is what the broker of a system knows about the security of a name, in one role: client or server. It
// is not written after it was made.
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
	StaticPublic *crypt.StaticPublic
	// StaticKey is the server's private half of it.
	StaticKey *crypt.StaticKey
}

// Outcome is what an exchange has led to.
type Outcome struct {
	// Security is what the flow is to be encrypted with; nil = the flow is in clear.
	Security *core.Security
	// Peer is the name in the certificate of the other side; empty = it showed none.
	Peer string
}

// Lengths in bytes of the messages of a plain exchange.
const (
	RequestLen  = wire.OAPHeaderLen
	ResponseLen = wire.OAPHeaderLen + hashLen
)

// hashLen is the length of the request hash when the client names no digest: SHA-384 (spec 11 §11.2).
const hashLen = sha512.Size384

// Request is what a client remembers of its request until the response arrives.
type Request struct {
	id   [wire.OAPIDLen]byte
	hash [hashLen]byte
}

// NewRequest makes the request of an allocation: a random id and the wall clock. The bytes belong to
// the caller. It fails with ErrCrypt when the source of entropy does.
func NewRequest(env core.Env, _ core.Name, _ *Config) (*Request, []byte, error) {
	r := new(Request)
	if _, err := io.ReadFull(env.Entropy, r.id[:]); err != nil {
		return nil, nil, fmt.Errorf("%w: OAP id: %w", core.ErrCrypt, err)
	}
	m := wire.OAP{ID: r.id, Timestamp: uint64(env.Wall())}
	b := m.Append(make([]byte, 0, RequestLen))
	r.hash = sha512.Sum384(b)
	return r, b, nil
}

// Verify checks the response to r (spec 11 §11.7). Every failure is an ErrCrypt that says why. The
// timestamp of a response is not checked: id and request hash tie it to the request.
func (r *Request) Verify(_ core.Env, response []byte) (Outcome, error) {
	m, err := wire.ParseOAP(response, hashLen)
	if err != nil {
		return Outcome{}, fmt.Errorf("%w: response: %w", core.ErrCrypt, err)
	}
	if m.ID != r.id {
		return Outcome{}, fmt.Errorf("%w: response: id %x answers another request than %x", core.ErrCrypt, m.ID, r.id)
	}
	if len(m.Certificate) > 0 {
		return Outcome{}, fmt.Errorf("%w: response: certificate without an authority that vouches for it", core.ErrCrypt)
	}
	if subtle.ConstantTimeCompare(m.RequestHash, r.hash[:]) != 1 {
		return Outcome{}, fmt.Errorf("%w: response: request was changed on its way", core.ErrCrypt)
	}
	return Outcome{}, nil
}

// refuse returns why a request is more than a plain one, or nil.
func refuse(m *wire.OAP) error {
	switch {
	case len(m.Certificate) > 0:
		return fmt.Errorf("%w: request: certificate without an authority that vouches for it", core.ErrAuth)
	case len(m.Kex) > 0:
		return fmt.Errorf("%w: request: key exchange of %d bytes is not supported (cipher %s)",
			core.ErrCrypt, len(m.Kex), name(wire.OAPCipherName, m.Cipher))
	case m.Cipher != 0:
		return fmt.Errorf("%w: request: cipher %s is not supported", core.ErrCrypt, name(wire.OAPCipherName, m.Cipher))
	case m.KDF != 0:
		return fmt.Errorf("%w: request: kdf %s is not supported", core.ErrCrypt, name(wire.OAPDigestName, m.KDF))
	case m.Digest != 0:
		return fmt.Errorf("%w: request: digest %s is not supported", core.ErrCrypt, name(wire.OAPDigestName, m.Digest))
	}
	return nil
}

func name(of func(uint16) string, nid uint16) string {
	if nid == 0 {
		return "none"
	}
	return of(nid)
}
