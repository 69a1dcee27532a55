package crypt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
)

// signer makes signatures that publicKey verifies.
type signer struct {
	publicKey
	key crypto.Signer
}

func newSigner(public publicKey, key crypto.Signer) (signer, error) {
	own, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !own.Equal(public.key) {
		return signer{}, errors.New("not the one of the certificate")
	}
	return signer{public, key}, nil
}

// signatureHash returns the hash that a message is signed with: the digest that it names, or SHA-256 where it
// names none (spec 11 §11.5).
func signatureHash(digest uint16) (crypto.Hash, error) {
	switch digest {
	case 0, SHA256:
		return crypto.SHA256, nil
	case SHA384:
		return crypto.SHA384, nil
	case SHA512:
		return crypto.SHA512, nil
	case SHA3_256:
		return crypto.SHA3_256, nil
	case SHA3_384:
		return crypto.SHA3_384, nil
	case SHA3_512:
		return crypto.SHA3_512, nil
	case BLAKE2b512:
		return crypto.BLAKE2b_512, nil
	case BLAKE2s256:
		return crypto.BLAKE2s_256, nil
	}
	return 0, fmt.Errorf("unknown digest %d", digest)
}

// Sign signs a message with the digest that it names, 0 for none. What is drawn from entropy is the salt of
// RSA-PSS; the other signatures are functions of key and message: Ed25519 (RFC 8032), which takes the message
// itself whatever the digest, ECDSA by RFC 6979, and PKCS #1 v1.5, which is what the prototype does with a key
// that is plainly RSA.
func (c *Credentials) Sign(entropy io.Reader, digest uint16, message []byte) ([]byte, error) {
	h, err := signatureHash(digest)
	if err != nil {
		return nil, err
	}
	s := &c.signer
	var opts crypto.SignerOpts = h
	random := entropy
	switch s.publicKey.key.(type) {
	case ed25519.PublicKey:
		return s.key.Sign(entropy, message, crypto.Hash(0))
	case *ecdsa.PublicKey:
		random = nil // makes the signature deterministic
	case *rsa.PublicKey:
		if s.pss {
			opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h}
		}
	}
	signature, err := s.key.Sign(random, sum(h, message), opts)
	if err != nil {
		return nil, fmt.Errorf("signature with %s: %w", h, err)
	}
	return signature, nil
}

// verify reports whether a signature over a message that names the digest is one by this key. A key that is
// plainly RSA may have signed either way: the prototype's is PKCS #1 v1.5.
func (k publicKey) verify(digest uint16, message, signature []byte) error {
	h, err := signatureHash(digest)
	if err != nil {
		return err
	}
	ok := false
	switch key := k.key.(type) {
	case ed25519.PublicKey:
		ok = ed25519.Verify(key, message, signature)
	case *ecdsa.PublicKey:
		ok = ecdsa.VerifyASN1(key, sum(h, message), signature)
	case *rsa.PublicKey:
		hashed := sum(h, message)
		salt := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto}
		ok = rsa.VerifyPSS(key, h, hashed, signature, salt) == nil ||
			!k.pss && rsa.VerifyPKCS1v15(key, h, hashed, signature) == nil
	}
	if !ok {
		return errors.New("signature is wrong")
	}
	return nil
}

func sum(h crypto.Hash, message []byte) []byte {
	d := h.New()
	_, _ = d.Write(message) // a hash never fails
	return d.Sum(nil)
}
