package core

import (
	"crypto/md5"
	"crypto/sha3"
	"encoding/hex"
	"fmt"
)

// Name is what an application calls another one, a layer or an IPCP: 1 to 255 bytes of text. Names
// are local to a system; only their digests travel (spec 01 §2.1).
type Name string

// MaxName is the length of the longest name in bytes (spec 13 §13.1).
const MaxName = 255

// Validate reports whether n can be used as a name.
func (n Name) Validate() error {
	if len(n) == 0 || len(n) > MaxName {
		return fmt.Errorf("name %q: %d bytes, accepted are 1 to %d", string(n), len(n), MaxName)
	}
	return nil
}

// Hash is the digest of a name as a layer uses it: raw digest bytes. It is comparable and ordered.
type Hash string

// String returns the digest in lowercase hexadecimal.
func (h Hash) String() string { return hex.EncodeToString([]byte(h)) }

// HashAlgo is the code of a digest algorithm (spec 01 §2.1.1).
type HashAlgo uint8

// The algorithms that a layer can use for names. MD5 is fixed for the UDP shims.
const (
	SHA3_224 HashAlgo = 0
	SHA3_256 HashAlgo = 1
	SHA3_384 HashAlgo = 2
	SHA3_512 HashAlgo = 3
	MD5      HashAlgo = 5
)

// Len returns the length of the digest in bytes, 0 for an unknown algorithm.
func (a HashAlgo) Len() int {
	switch a {
	case SHA3_224:
		return 28
	case SHA3_256:
		return 32
	case SHA3_384:
		return 48
	case SHA3_512:
		return 64
	case MD5:
		return 16
	}
	return 0
}

// Sum returns the digest of a name: of its bytes, without a terminator. An unknown algorithm gives
// the empty digest.
func (a HashAlgo) Sum(n Name) Hash {
	b := []byte(n)
	switch a {
	case SHA3_224:
		s := sha3.Sum224(b)
		return Hash(s[:])
	case SHA3_256:
		s := sha3.Sum256(b)
		return Hash(s[:])
	case SHA3_384:
		s := sha3.Sum384(b)
		return Hash(s[:])
	case SHA3_512:
		s := sha3.Sum512(b)
		return Hash(s[:])
	case MD5:
		s := md5.Sum(b)
		return Hash(s[:])
	}
	return ""
}
