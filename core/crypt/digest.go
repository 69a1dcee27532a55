package crypt

import (
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"hash"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"

	"ouroboros/core/wire"
)

// NIDs of the digests, which are the hashes of the key derivation too (spec 11 §11.11).
const (
	SHA256     uint16 = 672
	SHA384     uint16 = 673
	SHA512     uint16 = 674
	BLAKE2b512 uint16 = 1056
	BLAKE2s256 uint16 = 1057
	SHA3_256   uint16 = 1096
	SHA3_384   uint16 = 1097
	SHA3_512   uint16 = 1098
)

// Digests returns the NIDs of all digests, the weakest first: the position + 1 is the rank of spec 11 §11.11.
func Digests() []uint16 {
	return []uint16{BLAKE2s256, SHA256, SHA3_256, SHA384, SHA3_384, BLAKE2b512, SHA512, SHA3_512}
}

// DigestRank returns how strong a digest counts in a negotiation: 0 for none, -1 for an unknown one.
func DigestRank(nid uint16) int { return rank(Digests(), nid) }

// DigestName returns the name of a digest in configurations, "none" for 0, "" for an unknown one.
func DigestName(nid uint16) string {
	if nid == 0 {
		return none
	}
	return wire.OAPDigestName(nid)
}

// DigestByName returns the NID of a digest; ok is false for an unknown name. Names are case sensitive.
func DigestByName(name string) (nid uint16, ok bool) { return byName(Digests(), DigestName, name) }

// NewDigest returns a new hash for a digest, nil for 0 and for an unknown one.
func NewDigest(nid uint16) hash.Hash {
	switch nid {
	case SHA256:
		return sha256.New()
	case SHA384:
		return sha512.New384()
	case SHA512:
		return sha512.New()
	case SHA3_256:
		return sha3.New256()
	case SHA3_384:
		return sha3.New384()
	case SHA3_512:
		return sha3.New512()
	case BLAKE2b512:
		h, _ := blake2b.New512(nil) // fails for a bad key only
		return h
	case BLAKE2s256:
		h, _ := blake2s.New256(nil)
		return h
	}
	return nil
}

// Sum returns the digest of a message, nil for an unknown one.
func Sum(nid uint16, message []byte) []byte {
	h := NewDigest(nid)
	if h == nil {
		return nil
	}
	_, _ = h.Write(message) // a hash never fails
	return h.Sum(nil)
}
