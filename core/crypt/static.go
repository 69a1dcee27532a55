package crypt

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
)

// hybridExpanded is the length of a private key of X25519MLKEM768 as OpenSSL exports it.
const hybridExpanded = 2432

// ParseStaticPublic reads the lasting public key of a server, kex.srv.pub.pem or .raw (spec 11 §11.8): PEM with
// a SubjectPublicKeyInfo for ML-KEM, the raw bytes for a hybrid. file is its name in errors.
func ParseStaticPublic(file string, data []byte) (*PublicKey, error) {
	raw := true
	if block, err := onePEM(data, "PUBLIC KEY"); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	} else if block != nil {
		raw, data = false, block
	}
	p, err := ParsePublicKey(raw, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if !p.kex.KEM() {
		return nil, fmt.Errorf("%s: %s cannot encapsulate, kem_mode=client needs a KEM", file, p.kex)
	}
	return p, nil
}

// ParseStaticKey reads the lasting private key of a server, kex.key.pem or .raw (spec 11 §11.8): PEM with a
// PKCS #8 key for ML-KEM, which must hold the seed, or the raw bytes for a hybrid: the 64 bytes of the seed of
// ML-KEM-768, then the 32 of the X25519 key. Expanded keys of ML-KEM, without the seed, are refused: the
// standard library cannot use them.
func ParseStaticKey(file string, data []byte) (*PrivateKey, error) {
	block, err := onePEM(data, "PRIVATE KEY")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	kex, seed := X25519MLKEM768, data
	if block != nil {
		if kex, seed, err = parseSeed(block); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	} else if len(data) == hybridExpanded {
		return nil, fmt.Errorf("%s: expanded key of %s: %w", file, kex, errNoSeed)
	}
	if want, _ := kex.seedLen(); len(seed) != want {
		return nil, fmt.Errorf("%s: %d bytes, the seed of %s has %d", file, len(seed), kex, want)
	}
	k, err := kex.fromSeed(seed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return k, nil
}

var errNoSeed = errors.New("the key holds no seed, and cannot be used without")

// onePEM returns what is in a file of one PEM block of that type, nil for a file that is no PEM.
func onePEM(data []byte, kind string) ([]byte, error) {
	block, rest := pem.Decode(data)
	switch {
	case block == nil && bytes.Contains(data, []byte("-----BEGIN")):
		return nil, errors.New("broken PEM")
	case block == nil:
		return nil, nil
	case block.Type != kind:
		return nil, fmt.Errorf("PEM of a %s, wanted is a %s", block.Type, kind)
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("bytes behind the PEM block")
	}
	return block.Bytes, nil
}

// pkcs8 is the PrivateKeyInfo of RFC 5208.
type pkcs8 struct {
	Version    int
	Algorithm  pkix.AlgorithmIdentifier
	PrivateKey []byte
}

// parseSeed finds the seed in a PKCS #8 key of ML-KEM. The key is either the seed, tagged [0], or a sequence of
// seed and expanded key (draft-ietf-lamps-kyber-certificates §6).
func parseSeed(der []byte) (Kex, []byte, error) {
	var info pkcs8
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return 0, nil, fmt.Errorf("private key: %w", err)
	}
	var kex Kex
	switch oid := info.Algorithm.Algorithm; {
	case oid.Equal(oidMLKEM768()):
		kex = MLKEM768
	case oid.Equal(oidMLKEM1024()):
		kex = MLKEM1024
	default:
		return 0, nil, fmt.Errorf("private key of %s, kem_mode=client accepts %s, %s, %s",
			algorithmName(oid), MLKEM768, MLKEM1024, X25519MLKEM768)
	}
	var seed asn1.RawValue
	if _, err := asn1.Unmarshal(info.PrivateKey, &seed); err != nil {
		return 0, nil, fmt.Errorf("private key: %w", err)
	}
	switch {
	case seed.Class == asn1.ClassContextSpecific && seed.Tag == 0:
		return kex, seed.Bytes, nil
	case seed.Class == asn1.ClassUniversal && seed.Tag == asn1.TagSequence:
		var both struct{ Seed, Expanded []byte }
		if _, err := asn1.Unmarshal(info.PrivateKey, &both); err != nil {
			return 0, nil, fmt.Errorf("private key: %w", err)
		}
		return kex, both.Seed, nil
	}
	return 0, nil, fmt.Errorf("private key of %s: %w", kex, errNoSeed)
}

// seed returns the bytes that determine the key.
func (k *PrivateKey) seed() []byte {
	switch k.Kex() {
	case MLKEM768:
		return k.dk768.Bytes()
	case MLKEM1024:
		return k.dk1k.Bytes()
	case X25519MLKEM768:
		return append(k.dk768.Bytes(), k.curve.Bytes()...)
	}
	return k.curve.Bytes()
}

// MarshalStatic returns the contents of the files that ParseStaticKey and ParseStaticPublic read: PEM for
// ML-KEM, raw for a hybrid.
func (k *PrivateKey) MarshalStatic() (private, public []byte, err error) {
	if !k.Kex().KEM() {
		return nil, nil, fmt.Errorf("%s cannot encapsulate, kem_mode=client needs a KEM", k.Kex())
	}
	if k.Kex().Hybrid() {
		return k.seed(), bytes.Clone(k.public.wire), nil
	}
	oid := oidMLKEM768()
	if k.Kex() == MLKEM1024 {
		oid = oidMLKEM1024()
	}
	seed, err := asn1.MarshalWithParams(k.seed(), "tag:0")
	if err != nil {
		return nil, nil, err
	}
	der, err := asn1.Marshal(pkcs8{Algorithm: pkix.AlgorithmIdentifier{Algorithm: oid}, PrivateKey: seed})
	if err != nil {
		return nil, nil, err
	}
	private = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return private, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: k.public.wire}), nil
}
