package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"

	"ouroboros/core"
)

// packetSuite is how packets are encrypted with a cipher (spec 11 §11.11).
type packetSuite struct {
	nid     uint16
	key     int // bytes of the 32 that are used (spec 11 §11.9)
	iv, tag int
	chacha  bool
}

func packetSuiteOf(nid uint16) (packetSuite, error) {
	const gcmIV, gcmTag, ctrIV = 12, 16, 16
	switch nid {
	case AES128GCM:
		return packetSuite{nid, 16, gcmIV, gcmTag, false}, nil
	case AES192GCM:
		return packetSuite{nid, 24, gcmIV, gcmTag, false}, nil
	case AES256GCM:
		return packetSuite{nid, 32, gcmIV, gcmTag, false}, nil
	case AES128CTR:
		return packetSuite{nid, 16, ctrIV, 0, false}, nil
	case AES192CTR:
		return packetSuite{nid, 24, ctrIV, 0, false}, nil
	case AES256CTR:
		return packetSuite{nid, 32, ctrIV, 0, false}, nil
	case ChaCha20Poly1305:
		return packetSuite{nid, chacha20poly1305.KeySize, chacha20poly1305.NonceSize, chacha20poly1305.Overhead, true}, nil
	}
	return packetSuite{}, fmt.Errorf("%w: cipher %d is none that packets can be encrypted with", core.ErrCrypt, nid)
}

// PacketOverhead returns how many bytes encryption adds to each packet, 0 for none.
func PacketOverhead(cipher uint16) int {
	s, err := packetSuiteOf(cipher)
	if err != nil {
		return 0
	}
	return s.iv + s.tag
}

// packetKey is the key of one epoch, ready for use. Both directions take their keys from the same chain
// (spec 11 §11.10), each at its own pace.
type packetKey struct {
	suite packetSuite
	key   [32]byte
	salt  [sha256.Size]byte // of the chain: the digest of its first key
	epoch uint32
	aead  cipher.AEAD  // nil with aes-*-ctr
	block cipher.Block // aes-*-ctr
}

// none reports whether there is no key.
func (k *packetKey) none() bool { return k.aead == nil && k.block == nil }

// firstKey returns the key of epoch 0.
func firstKey(s packetSuite, key [32]byte) (packetKey, error) {
	return packetKey{suite: s, key: key, salt: sha256.Sum256(key[:])}.ready()
}

// following returns the key of the next epoch.
func (k *packetKey) following() packetKey {
	b, err := hkdf.Key(sha256.New, k.key[:], k.salt[:], "o7s-key-rotation", len(k.key))
	if err != nil {
		panic("crypt: " + err.Error()) // lengths are constants within the limits of HKDF
	}
	n, err := packetKey{suite: k.suite, key: [32]byte(b), salt: k.salt, epoch: k.epoch + 1}.ready()
	if err != nil {
		panic("crypt: " + err.Error()) // the suite took the first key
	}
	return n
}

// ready makes the cipher.
func (k packetKey) ready() (packetKey, error) {
	var err error
	if k.suite.chacha {
		k.aead, err = chacha20poly1305.New(k.key[:])
		return k, err
	}
	if k.block, err = aes.NewCipher(k.key[:k.suite.key]); err != nil {
		return k, err
	}
	if k.suite.tag > 0 {
		k.aead, err = cipher.NewGCM(k.block)
	}
	return k, err
}
