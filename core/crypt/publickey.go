package crypt

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/fips140"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Sizes in bytes of the raw keys and ciphertexts (spec 11 §11.12).
const (
	x25519Len    = 32
	hybridPublic = mlkem.EncapsulationKeySize768 + x25519Len
	hybridCipher = mlkem.CiphertextSize768 + x25519Len
	encapsRandom = 32
)

// PublicKey is the key of the other side of a key exchange: the fresh one of a client, or the lasting one of a
// server (KEMClient).
type PublicKey struct {
	kex   Kex
	wire  []byte // as it travels: SubjectPublicKeyInfo, raw for a hybrid
	curve *ecdh.PublicKey
	ek768 *mlkem.EncapsulationKey768
	ek1k  *mlkem.EncapsulationKey1024
}

// Kex returns the key exchange that the key belongs to.
func (p *PublicKey) Kex() Kex { return p.kex }

// Bytes returns the key as it travels. The caller does not change it.
func (p *PublicKey) Bytes() []byte { return p.wire }

// ParsePublicKey reads the key of a handshake message: raw (flag F) for a hybrid, told by its length, else DER.
// Only the one canonical encoding of a key is accepted, since the two sides hash its bytes. A key of an
// algorithm that cannot be had is refused by its name. The key keeps a copy of b.
func ParsePublicKey(raw bool, b []byte) (*PublicKey, error) {
	if raw {
		return parseHybrid(b)
	}
	info, err := parseSPKI(b)
	if err != nil {
		return nil, err
	}
	p := &PublicKey{wire: bytes.Clone(b)}
	switch oid := info.Algorithm.Algorithm; {
	case oid.Equal(oidX25519()), oid.Equal(oidEC()):
		err = p.parseCurve()
	case oid.Equal(oidMLKEM768()):
		p.kex = MLKEM768
		p.ek768, err = mlkem.NewEncapsulationKey768(info.Key.Bytes)
	case oid.Equal(oidMLKEM1024()):
		p.kex = MLKEM1024
		p.ek1k, err = mlkem.NewEncapsulationKey1024(info.Key.Bytes)
	default:
		err = fmt.Errorf("key exchange with %s cannot be had, %s", algorithmName(oid), haveKexes())
	}
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	return p, p.canonical()
}

func haveKexes() string { return "accepted are " + strings.Join(names(Kexes(), Kex.String), ", ") }

func (p *PublicKey) parseCurve() error {
	k, err := x509.ParsePKIXPublicKey(p.wire)
	if err != nil {
		return err
	}
	switch k := k.(type) {
	case *ecdh.PublicKey:
		if p.curve, err = parseX25519(k.Bytes()); err != nil {
			return err
		}
	case *ecdsa.PublicKey:
		if p.curve, err = k.ECDH(); err != nil {
			return fmt.Errorf("curve %s cannot be had, %s", k.Curve.Params().Name, haveKexes())
		}
	}
	p.kex = kexOf(p.curve.Curve())
	return nil
}

// canonical reports an encoding that differs from the one that everybody writes.
func (p *PublicKey) canonical() error {
	want, err := p.marshal()
	if err == nil && !bytes.Equal(want, p.wire) {
		err = errors.New("public key: not in the canonical encoding")
	}
	return err
}

func (p *PublicKey) marshal() ([]byte, error) {
	switch p.kex {
	case MLKEM768:
		return marshalSPKI(oidMLKEM768(), p.ek768.Bytes())
	case MLKEM1024:
		return marshalSPKI(oidMLKEM1024(), p.ek1k.Bytes())
	case X25519MLKEM768:
		return append(p.ek768.Bytes(), p.curve.Bytes()...), nil
	default:
		return x509.MarshalPKIXPublicKey(p.curve)
	}
}

// parseHybrid reads the raw public key of X25519MLKEM768: the part of ML-KEM, then that of X25519.
func parseHybrid(b []byte) (*PublicKey, error) {
	switch len(b) {
	case hybridPublic:
	case 1624:
		return nil, fmt.Errorf("raw public key: key exchange X448MLKEM1024 cannot be had, %s", haveKexes())
	default:
		return nil, fmt.Errorf("raw public key of %d bytes, %s has %d", len(b), X25519MLKEM768, hybridPublic)
	}
	p := &PublicKey{kex: X25519MLKEM768, wire: bytes.Clone(b)}
	var err error
	if p.ek768, err = mlkem.NewEncapsulationKey768(b[:mlkem.EncapsulationKeySize768]); err != nil {
		return nil, fmt.Errorf("raw public key: %w", err)
	}
	if p.curve, err = parseX25519(b[mlkem.EncapsulationKeySize768:]); err != nil {
		return nil, fmt.Errorf("raw public key: %w", err)
	}
	return p, nil
}

// parseX25519 reads a bare X25519 key. RFC 7748 §5 ignores the highest bit, which no key that was computed has
// set; here it is refused, so that a message has one form only.
func parseX25519(b []byte) (*ecdh.PublicKey, error) {
	p, err := ecdh.X25519().NewPublicKey(b)
	if err == nil && b[len(b)-1]&0x80 != 0 {
		err = errors.New("X25519 key not in the canonical encoding")
	}
	return p, err
}

// Answer completes the key exchange with this key of the other side: by a fresh key of the same kind, or by
// encapsulation. answer is what the other side needs to find the same key.
func (p *PublicKey) Answer(entropy io.Reader, kdf uint16) (answer []byte, key [KeyLen]byte, err error) {
	if !p.kex.KEM() {
		own, err := p.kex.Generate(entropy)
		if err != nil {
			return nil, key, err
		}
		key, err = own.agree(kdf, p)
		return own.public.wire, key, err
	}
	secret, answer, err := p.encapsulate(entropy)
	if err != nil {
		return nil, key, err
	}
	key, err = derive(kdf, secret, sha256.Sum256(p.wire), infoKEM)
	return answer, key, err
}

func (p *PublicKey) encapsulate(entropy io.Reader) (secret, ciphertext []byte, err error) {
	random := make([]byte, encapsRandom)
	if _, err := io.ReadFull(entropy, random); err != nil {
		return nil, nil, fmt.Errorf("encapsulation: %w", err)
	}
	if p.kex == MLKEM1024 {
		if fips140.Enforced() {
			secret, ciphertext = p.ek1k.Encapsulate()
			return secret, ciphertext, nil
		}
		return mlkemtest.Encapsulate1024(p.ek1k, random)
	}
	if fips140.Enforced() {
		secret, ciphertext = p.ek768.Encapsulate()
	} else if secret, ciphertext, err = mlkemtest.Encapsulate768(p.ek768, random); err != nil {
		return nil, nil, err
	}
	if p.kex == MLKEM768 {
		return secret, ciphertext, nil
	}
	own, err := X25519.Generate(entropy)
	if err != nil {
		return nil, nil, err
	}
	second, err := own.curve.ECDH(p.curve)
	if err != nil {
		return nil, nil, err
	}
	return append(secret, second...), append(ciphertext, own.curve.PublicKey().Bytes()...), nil
}
