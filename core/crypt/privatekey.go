package crypt

import (
	"bytes"
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// PrivateKey is the own key of a key exchange: the fresh one of a handshake, or the lasting one of a server
// (KEMClient). It is not written after it was made.
type PrivateKey struct {
	public PublicKey
	curve  *ecdh.PrivateKey
	dk768  *mlkem.DecapsulationKey768
	dk1k   *mlkem.DecapsulationKey1024
}

// Kex returns the key exchange that the key belongs to.
func (k *PrivateKey) Kex() Kex { return k.public.kex }

// Public returns the public half.
func (k *PrivateKey) Public() *PublicKey { return &k.public }

// draws is how often a private scalar is drawn anew when it is out of range. Even for P-256, where that is
// likeliest, it happens once in 2^32 draws; the bound is for a source of entropy that is broken.
const draws = 64

// Generate returns a fresh key made of bytes from entropy alone.
func (k Kex) Generate(entropy io.Reader) (*PrivateKey, error) {
	size, err := k.seedLen()
	if err != nil {
		return nil, err
	}
	seed := make([]byte, size)
	var own *PrivateKey
	for range draws {
		if _, err := io.ReadFull(entropy, seed); err != nil {
			return nil, fmt.Errorf("key of %s: %w", k, err)
		}
		if k == P521 {
			seed[0] &= 1 // the order has 521 bits
		}
		if own, err = k.fromSeed(seed); err == nil {
			return own, nil
		}
	}
	return nil, fmt.Errorf("key of %s: no usable bytes in %d draws: %w", k, draws, err)
}

// seedLen returns how many bytes determine a private key.
func (k Kex) seedLen() (int, error) {
	switch k {
	case X25519, P256:
		return 32, nil
	case P384:
		return 48, nil
	case P521:
		return 66, nil
	case MLKEM768, MLKEM1024:
		return mlkem.SeedSize, nil
	case X25519MLKEM768:
		return mlkem.SeedSize + x25519Len, nil
	}
	return 0, fmt.Errorf("key exchange %s cannot be had, %s", k, haveKexes())
}

// fromSeed makes the key that the bytes determine: the scalar of a curve, the seed of ML-KEM, or both.
func (k Kex) fromSeed(seed []byte) (own *PrivateKey, err error) {
	own = &PrivateKey{public: PublicKey{kex: k}}
	p := &own.public
	switch k {
	case MLKEM1024:
		if own.dk1k, err = mlkem.NewDecapsulationKey1024(seed); err == nil {
			p.ek1k = own.dk1k.EncapsulationKey()
		}
	case MLKEM768, X25519MLKEM768:
		if own.dk768, err = mlkem.NewDecapsulationKey768(seed[:min(mlkem.SeedSize, len(seed))]); err == nil {
			p.ek768 = own.dk768.EncapsulationKey()
			seed = seed[mlkem.SeedSize:]
		}
	}
	if err == nil && (!k.KEM() || k.Hybrid()) {
		if own.curve, err = k.curve().NewPrivateKey(seed); err == nil {
			p.curve = own.curve.PublicKey()
		}
	}
	if err == nil {
		p.wire, err = p.marshal()
	}
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", k, err)
	}
	return own, nil
}

// curve returns the curve of k; that of a KEM is the classical half of a hybrid.
func (k Kex) curve() ecdh.Curve {
	switch k {
	case P256:
		return ecdh.P256()
	case P384:
		return ecdh.P384()
	case P521:
		return ecdh.P521()
	}
	return ecdh.X25519()
}

func kexOf(c ecdh.Curve) Kex {
	switch c {
	case ecdh.P256():
		return P256
	case ecdh.P384():
		return P384
	case ecdh.P521():
		return P521
	}
	return X25519
}

// Complete finds the key of a flow from the answer of the other side: its public key, or a ciphertext for this
// key. A ciphertext that was changed gives another key, and no error (FIPS 203 §6.3).
func (k *PrivateKey) Complete(kdf uint16, answer []byte) (key [KeyLen]byte, err error) {
	if !k.Kex().KEM() {
		p, err := ParsePublicKey(false, answer)
		if err != nil {
			return key, err
		}
		return k.agree(kdf, p)
	}
	secret, err := k.decapsulate(answer)
	if err != nil {
		return key, err
	}
	return derive(kdf, secret, sha256.Sum256(k.public.wire), infoKEM)
}

func (k *PrivateKey) agree(kdf uint16, p *PublicKey) (key [KeyLen]byte, err error) {
	switch {
	case p.kex != k.public.kex:
		return key, fmt.Errorf("public key of %s, wanted is one of %s", p.kex, k.public.kex)
	case bytes.Equal(p.wire, k.public.wire):
		return key, errors.New("public key of the peer is our own")
	}
	secret, err := k.curve.ECDH(p.curve)
	if err != nil {
		return key, err
	}
	return derive(kdf, secret, saltDH(k.public.wire, p.wire), infoDH)
}

func (k *PrivateKey) decapsulate(ciphertext []byte) (secret []byte, err error) {
	switch k.Kex() {
	case MLKEM1024:
		secret, err = k.dk1k.Decapsulate(ciphertext)
	case MLKEM768:
		secret, err = k.dk768.Decapsulate(ciphertext)
	default:
		return k.decapsulateHybrid(ciphertext)
	}
	if err != nil {
		return nil, fmt.Errorf("ciphertext of %d bytes for %s: %w", len(ciphertext), k.Kex(), err)
	}
	return secret, nil
}

func (k *PrivateKey) decapsulateHybrid(ciphertext []byte) ([]byte, error) {
	if len(ciphertext) != hybridCipher {
		return nil, fmt.Errorf("ciphertext of %d bytes, %s has %d", len(ciphertext), k.Kex(), hybridCipher)
	}
	secret, err := k.dk768.Decapsulate(ciphertext[:mlkem.CiphertextSize768])
	if err != nil {
		return nil, err
	}
	p, err := parseX25519(ciphertext[mlkem.CiphertextSize768:])
	if err != nil {
		return nil, err
	}
	second, err := k.curve.ECDH(p)
	if err != nil {
		return nil, err
	}
	return append(secret, second...), nil
}
