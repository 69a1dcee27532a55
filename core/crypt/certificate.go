package crypt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
)

// haveKeys ends the refusal of a key.
const haveKeys = "accepted are ECDSA with P-256, P-384, P-521, Ed25519, RSA and RSA-PSS"

// Limits of RSA keys in bits. Below, keys can be broken; above, one signature check costs a server too much.
const (
	minRSA = 2048
	maxRSA = 8192
)

// publicKey verifies signatures.
type publicKey struct {
	key crypto.PublicKey // *ecdsa.PublicKey, ed25519.PublicKey, *rsa.PublicKey
	pss bool             // an RSA key that is marked for RSA-PSS
}

// certificate is what a handshake needs of an X.509 certificate.
type certificate struct {
	x509 *x509.Certificate
	name string
	key  publicKey
}

// parseCertificate reads a DER certificate. It must hold exactly one common name, and a key that can be used.
func parseCertificate(der []byte) (*certificate, error) {
	x, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	c := &certificate{x509: x}
	if c.name, err = commonName(x); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	if c.key, err = certifiedKey(x); err != nil {
		return nil, fmt.Errorf("certificate of %q: %w", c.name, err)
	}
	return c, nil
}

// commonName returns the name that a certificate is for. The prototype takes the text between the first "CN="
// and the next "," or "/" of the printed subject; here the attribute itself counts, whole (spec 11 §11.5).
func commonName(x *x509.Certificate) (string, error) {
	oid := asn1.ObjectIdentifier{2, 5, 4, 3}
	found := false
	name := ""
	for _, a := range x.Subject.Names {
		if !a.Type.Equal(oid) {
			continue
		}
		if found {
			return "", errors.New("several common names")
		}
		found = true
		name, _ = a.Value.(string)
	}
	if name == "" {
		return "", errors.New("no common name")
	}
	return name, nil
}

// certifiedKey returns the key of a certificate.
func certifiedKey(x *x509.Certificate) (publicKey, error) {
	key, pss := x.PublicKey, false
	if key == nil {
		info, err := parseSPKI(x.RawSubjectPublicKeyInfo)
		if err != nil {
			return publicKey{}, err
		}
		if !info.Algorithm.Algorithm.Equal(oidPSS()) {
			return publicKey{}, fmt.Errorf("key of %s cannot be had, %s", algorithmName(info.Algorithm.Algorithm), haveKeys)
		}
		if err := pssParameters(info.Algorithm.Parameters); err != nil {
			return publicKey{}, err
		}
		if key, err = x509.ParsePKCS1PublicKey(info.Key.Bytes); err != nil {
			return publicKey{}, err
		}
		pss = true
	}
	return newPublicKey(key, pss)
}

func newPublicKey(key crypto.PublicKey, pss bool) (publicKey, error) {
	switch k := key.(type) {
	case ed25519.PublicKey:
	case *ecdsa.PublicKey:
		if _, err := k.ECDH(); err != nil { // the curves of both are the same
			return publicKey{}, fmt.Errorf("key on curve %s cannot be had, %s", k.Curve.Params().Name, haveKeys)
		}
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n < minRSA || n > maxRSA {
			return publicKey{}, fmt.Errorf("RSA key of %d bits, accepted are %d to %d", n, minRSA, maxRSA)
		}
	default:
		return publicKey{}, fmt.Errorf("key of type %T cannot be had, %s", key, haveKeys)
	}
	return publicKey{key, pss}, nil
}

// pssParameters refuses RSA-PSS keys that are bound to a digest and a salt length of their own
// (RFC 4055 §3.1): the digest of a handshake is the one that its message names.
func pssParameters(p asn1.RawValue) error {
	if len(p.FullBytes) > 0 {
		return errors.New("RSA-PSS key with parameters, accepted is one without")
	}
	return nil
}
