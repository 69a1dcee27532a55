package crypt

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
)

// KeyLen is the length in bytes of the key that a handshake agrees on, whatever the cipher (spec 11 §11.9).
const KeyLen = 32

// Labels of the key derivation (spec 11 §11.9).
const (
	infoDH  = "o7s-ossl-dhe"
	infoKEM = "o7s-ossl-encap"
)

var errKDF = errors.New("no digest for the key derivation")

// derive makes the key of a flow from a shared secret: HKDF (RFC 5869) with the digest kdf.
func derive(kdf uint16, secret []byte, salt [sha256.Size]byte, info string) (key [KeyLen]byte, err error) {
	if DigestRank(kdf) <= 0 {
		return key, fmt.Errorf("%w: %d", errKDF, kdf)
	}
	b, err := hkdf.Key(func() hash.Hash { return NewDigest(kdf) }, secret, salt[:], info, KeyLen)
	if err != nil {
		return key, err
	}
	return [KeyLen]byte(b), nil
}

// saltDH is the same at both ends: the two public keys in the order of their bytes.
func saltDH(a, b []byte) [sha256.Size]byte {
	if bytes.Compare(a, b) > 0 {
		a, b = b, a
	}
	h := sha256.New()
	_, _ = h.Write(a) // a hash never fails
	_, _ = h.Write(b)
	return [sha256.Size]byte(h.Sum(nil))
}
