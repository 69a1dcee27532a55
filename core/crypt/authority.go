package crypt

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"
)

// Authority makes certificates for scenarios and tests: it is a CA that lives in memory. All that it makes is a
// function of its entropy and of the times that it is given.
type Authority struct {
	entropy io.Reader
	wall    int64
	cert    *x509.Certificate
	key     crypto.Signer
	chain   [][]byte // PEM: its own certificate, then those above it
}

// Validity of the certificates of an Authority, from the time that it is given.
const (
	validBefore = time.Hour
	validAfter  = 10 * 365 * 24 * time.Hour
)

// NewAuthority makes a CA whose certificates are valid from an hour before wall, in ns since 1970, for ten years.
// Its key is one for Ed25519.
func NewAuthority(entropy io.Reader, wall int64) (*Authority, error) {
	a := &Authority{entropy: entropy, wall: wall}
	key, err := NewEd25519Key(entropy)
	if err != nil {
		return nil, err
	}
	return a.certified("Ouroboros CA", key, nil)
}

// Intermediate makes a CA below this one. Its Roots trust the one at the top only.
func (a *Authority) Intermediate(name string) (*Authority, error) {
	key, err := NewEd25519Key(a.entropy)
	if err != nil {
		return nil, err
	}
	return (&Authority{entropy: a.entropy, wall: a.wall}).certified(name, key, a)
}

// certified gives a its key and a CA certificate, signed by parent or, where that is nil, by itself.
func (a *Authority) certified(name string, key crypto.Signer, parent *Authority) (*Authority, error) {
	a.key = key
	t, err := a.template(name)
	if err != nil {
		return nil, err
	}
	t.IsCA, t.BasicConstraintsValid = true, true
	t.KeyUsage = x509.KeyUsageCertSign
	issuer, signer := t, key
	if parent != nil {
		issuer, signer = parent.cert, parent.key
	}
	der, err := x509.CreateCertificate(nil, t, issuer, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("certificate of %q: %w", name, err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	a.chain = [][]byte{certificatePEM(der)}
	if parent != nil {
		a.chain = slices.Concat(a.chain, parent.chain)
	}
	return a, nil
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func (a *Authority) template(name string) (*x509.Certificate, error) {
	serial := make([]byte, 16)
	if _, err := io.ReadFull(a.entropy, serial); err != nil {
		return nil, fmt.Errorf("serial number: %w", err)
	}
	serial[0] = serial[0]&0x7f | 1 // positive and of constant length
	now := time.Unix(0, a.wall).UTC()
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-validBefore), NotAfter: now.Add(validAfter),
	}, nil
}

// Issue returns credentials for a name, with a fresh key for Ed25519.
func (a *Authority) Issue(name string) (*Credentials, error) {
	key, err := NewEd25519Key(a.entropy)
	if err != nil {
		return nil, err
	}
	return a.IssueKey(name, key)
}

// IssueKey returns credentials for a name and a key that is given.
func (a *Authority) IssueKey(name string, key crypto.Signer) (*Credentials, error) {
	return a.issue(name, key, 0, 0)
}

// IssueUntil returns credentials that are valid from one time to another, in ns since 1970, rounded down to
// seconds.
func (a *Authority) IssueUntil(name string, from, until int64) (*Credentials, error) {
	key, err := NewEd25519Key(a.entropy)
	if err != nil {
		return nil, err
	}
	return a.issue(name, key, from, until)
}

func (a *Authority) issue(name string, key crypto.Signer, from, until int64) (*Credentials, error) {
	t, err := a.template(name)
	if err != nil {
		return nil, err
	}
	if until != 0 {
		t.NotBefore, t.NotAfter = time.Unix(0, from).UTC(), time.Unix(0, until).UTC()
	}
	t.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(nil, t, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("certificate of %q: %w", name, err)
	}
	return NewCredentials(der, key)
}

// Roots returns a store that trusts this CA, or the one at the top of its chain.
func (a *Authority) Roots() (*Roots, error) { return NewRoots(a.chain...) }

// PEM returns the certificate of the CA and those above it, as a CA store has them on disk.
func (a *Authority) PEM() []byte { return bytes.Join(a.chain, nil) }

// PEM returns the credentials as they stand on disk, crt.pem and key.pem.
func (c *Credentials) PEM() (cert, key []byte, err error) {
	der, err := x509.MarshalPKCS8PrivateKey(c.signer.key)
	if err != nil {
		return nil, nil, err
	}
	return certificatePEM(c.der), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// NewEd25519Key returns a key for Ed25519 made of bytes from entropy alone.
func NewEd25519Key(entropy io.Reader) (crypto.Signer, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(entropy, seed); err != nil {
		return nil, fmt.Errorf("key for Ed25519: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// NewECDSAKey returns a key for ECDSA on the curve of kex, P256, P384 or P521, made of bytes from entropy alone.
func NewECDSAKey(entropy io.Reader, kex Kex) (crypto.Signer, error) {
	var curve elliptic.Curve
	switch kex {
	case P256:
		curve = elliptic.P256()
	case P384:
		curve = elliptic.P384()
	case P521:
		curve = elliptic.P521()
	default:
		return nil, errors.New("key for ECDSA: accepted are prime256v1, secp384r1, secp521r1")
	}
	own, err := kex.Generate(entropy)
	if err != nil {
		return nil, err
	}
	return ecdsa.ParseRawPrivateKey(curve, own.curve.Bytes())
}
