package crypt

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
)

// spki is the SubjectPublicKeyInfo of RFC 5280 §4.1.
type spki struct {
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

// The object identifiers that are told apart. Those of ML-KEM are in draft-ietf-lamps-kyber-certificates; the
// algorithm has no parameters.
func oidEC() asn1.ObjectIdentifier     { return asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1} }
func oidX25519() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 101, 110} }
func oidPSS() asn1.ObjectIdentifier    { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10} }

func oidMLKEM768() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 4, 2}
}

func oidMLKEM1024() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 4, 3}
}

// algorithmName names the public key algorithm of an object identifier for errors.
func algorithmName(oid asn1.ObjectIdentifier) string {
	s := oid.String()
	for _, known := range [...]struct{ oid, name string }{
		{"1.3.101.111", "X448"},
		{"1.3.101.112", "Ed25519"},
		{"1.3.101.113", "Ed448"},
		{"1.2.840.113549.1.1.1", "RSA"},
		{"1.2.840.113549.1.1.10", "RSA-PSS"},
		{"1.2.840.113549.1.3.1", "ffdhe (finite-field Diffie-Hellman)"},
		{"1.2.840.10046.2.1", "ffdhe (finite-field Diffie-Hellman)"},
		{"2.16.840.1.101.3.4.4.1", "ML-KEM-512"},
		{"2.16.840.1.101.3.4.3.17", "ML-DSA-44"},
		{"2.16.840.1.101.3.4.3.18", "ML-DSA-65"},
		{"2.16.840.1.101.3.4.3.19", "ML-DSA-87"},
	} {
		if known.oid == s {
			return known.name
		}
	}
	// The twelve parameter sets of SLH-DSA follow on each other.
	var set int
	if n, err := fmt.Sscanf(s, "2.16.840.1.101.3.4.3.%d", &set); n == 1 && err == nil && set >= 20 && set <= 31 {
		return "SLH-DSA"
	}
	return "algorithm " + s
}

var errTrailing = errors.New("bytes behind the key")

// parseSPKI reads a DER SubjectPublicKeyInfo and nothing behind it.
func parseSPKI(der []byte) (spki, error) {
	var k spki
	rest, err := asn1.Unmarshal(der, &k)
	switch {
	case err != nil:
		return k, fmt.Errorf("public key: %w", err)
	case len(rest) > 0:
		return k, fmt.Errorf("public key: %d %w", len(rest), errTrailing)
	}
	return k, nil
}

// marshalSPKI returns the SubjectPublicKeyInfo of a key whose algorithm has no parameters.
func marshalSPKI(oid asn1.ObjectIdentifier, key []byte) ([]byte, error) {
	return asn1.Marshal(spki{
		Algorithm: pkix.AlgorithmIdentifier{Algorithm: oid},
		Key:       asn1.BitString{Bytes: key, BitLength: 8 * len(key)},
	})
}
