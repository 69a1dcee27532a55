package crypt

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
)

// Credentials are a certificate and its private key: what a name shows to its peers (spec 11 §11.5). They are
// not written after they were made.
type Credentials struct {
	der    []byte
	name   string
	signer signer
}

// ParseCredentials reads crt.pem, one certificate, and key.pem, its private key: PKCS #8, or the older forms
// "EC PRIVATE KEY" and "RSA PRIVATE KEY". The key may be for ECDSA (P-256, P-384, P-521), Ed25519, RSA or
// RSA-PSS of at least 2048 bits; another one is refused by name, and so is one that is encrypted.
func ParseCredentials(certPEM, keyPEM []byte) (*Credentials, error) {
	der, err := onePEM(certPEM, "CERTIFICATE")
	if err != nil || der == nil {
		return nil, fmt.Errorf("certificate: %w", orNoPEM(err))
	}
	key, err := parseKey(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	return NewCredentials(der, key)
}

func orNoPEM(err error) error {
	if err == nil {
		return errors.New("no PEM")
	}
	return err
}

// NewCredentials returns the credentials of a DER certificate and its key, which may live elsewhere than in
// memory.
func NewCredentials(der []byte, key crypto.Signer) (*Credentials, error) {
	c, err := parseCertificate(der)
	if err != nil {
		return nil, err
	}
	s, err := newSigner(c.key, key)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	return &Credentials{der: bytes.Clone(der), name: c.name, signer: s}, nil
}

// Certificate returns the certificate in DER. The caller does not change it.
func (c *Credentials) Certificate() []byte { return c.der }

// Name returns the name that the certificate is for.
func (c *Credentials) Name() string { return c.name }

// parseKey reads the first private key of a PEM file; "EC PARAMETERS" may stand in front of it.
func parseKey(text []byte) (crypto.Signer, error) {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return nil, orNoPEM(nil)
		}
		text = rest
		var key any
		var err error
		switch block.Type {
		case "EC PARAMETERS":
			continue
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "PRIVATE KEY":
			key, err = parsePKCS8(block.Bytes)
		default:
			return nil, fmt.Errorf("PEM of a %s, wanted is a PRIVATE KEY that is not encrypted", block.Type)
		}
		if err != nil {
			return nil, err
		}
		s, ok := key.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("%T cannot sign", key)
		}
		return s, nil
	}
}

// parsePKCS8 reads a key that the standard library knows, or one of RSA-PSS, which differs from RSA in its
// identifier only.
func parsePKCS8(der []byte) (any, error) {
	var info pkcs8
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, err
	}
	switch oid := info.Algorithm.Algorithm; {
	case oid.Equal(oidPSS()):
		if err := pssParameters(info.Algorithm.Parameters); err != nil {
			return nil, err
		}
		return x509.ParsePKCS1PrivateKey(info.PrivateKey)
	default:
		key, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return nil, fmt.Errorf("%s: %w, %s", algorithmName(oid), err, haveKeys)
		}
		return key, nil
	}
}
