package crypt

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// Roots is the store of certificates that peers are judged by (spec 11 §11.5). There are no others: the store of
// the operating system is never asked. It is not written after it was made.
type Roots struct {
	trusted, between *x509.CertPool
}

// NewRoots makes a store of the certificates in PEM texts, one or more in each: those that signed themselves are
// trusted, the others help to build chains.
func NewRoots(pems ...[]byte) (*Roots, error) {
	r := &Roots{trusted: x509.NewCertPool(), between: x509.NewCertPool()}
	if err := r.add(selfSigned, pems); err != nil {
		return nil, err
	}
	return r, nil
}

// WithUntrusted returns the store with certificates in PEM texts that only help to build chains. The prototype
// would trust one among them that has signed itself.
func (r *Roots) WithUntrusted(pems ...[]byte) (*Roots, error) {
	w := &Roots{trusted: r.trusted.Clone(), between: r.between.Clone()}
	if err := w.add(func(*x509.Certificate) bool { return false }, pems); err != nil {
		return nil, err
	}
	return w, nil
}

// add takes certificates in; trust says which of them are trusted.
func (r *Roots) add(trust func(*x509.Certificate) bool, pems [][]byte) error {
	for i, text := range pems {
		if err := r.read(trust, text); err != nil {
			return fmt.Errorf("CA certificate %d: %w", i+1, err)
		}
	}
	return nil
}

func (r *Roots) read(trust func(*x509.Certificate) bool, text []byte) error {
	n := 0
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return fmt.Errorf("PEM of a %s, wanted is a CERTIFICATE", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return err
		}
		if trust(c) {
			r.trusted.AddCert(c)
		} else {
			r.between.AddCert(c)
		}
		text = rest
		n++
	}
	if n == 0 || len(bytes.TrimSpace(text)) > 0 {
		return errors.New("broken PEM")
	}
	return nil
}

func selfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer) &&
		c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// Verify judges a message that carries a certificate: the certificate must chain to a trusted one and be valid
// at the time wall, in ns since 1970, and the signature must be one by its key over the message, with the digest
// that the message names. It returns the name in the certificate. A nil store trusts nobody.
func (r *Roots) Verify(wall int64, der []byte, digest uint16, message, signature []byte) (name string, err error) {
	if r == nil {
		return "", errors.New("certificate without an authority that vouches for it: there is no CA store")
	}
	c, err := parseCertificate(der)
	if err != nil {
		return "", err
	}
	_, err = c.x509.Verify(x509.VerifyOptions{
		Roots: r.trusted, Intermediates: r.between,
		CurrentTime: time.Unix(0, wall).UTC(),
		KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return "", fmt.Errorf("certificate of %q: %w", c.name, err)
	}
	if err := c.key.verify(digest, message, signature); err != nil {
		return "", fmt.Errorf("certificate of %q: %w", c.name, err)
	}
	return c.name, nil
}
