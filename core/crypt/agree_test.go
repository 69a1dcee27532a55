package crypt

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"io"
	"strings"
	"testing"
)

// spaced is unhex of a text with blanks.
func spaced(t testing.TB, s string) []byte {
	t.Helper()
	return unhex(t, strings.Join(strings.Fields(s), ""))
}

func count(from byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = from + byte(i)
	}
	return b
}

// The X25519 vector: keys, their encoding, salt and the two flow keys.
func TestX25519Vector_11_9(t *testing.T) {
	client, err := X25519.Generate(bytes.NewReader(count(0x01, 32)))
	if err != nil {
		t.Fatal(err)
	}
	want := spaced(t, "302a300506032b656e032100 07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c")
	if !bytes.Equal(client.Public().Bytes(), want) {
		t.Errorf("client key %x", client.Public().Bytes())
	}
	for kdf, key := range map[uint16]string{
		SHA256: "67c832cbf96cb988c826484349b25f0c97c0d1f7b451c1e5a5504f2882ab08da",
		SHA512: "3398d20d129e8141fb322a68b7496c4d732e4d299d4cedab6e6ad1353409cd34",
	} {
		public, err := ParsePublicKey(false, want)
		if err != nil {
			t.Fatal(err)
		}
		answer, got, err := public.Answer(bytes.NewReader(count(0x80, 32)), kdf)
		if err != nil {
			t.Fatal(err)
		}
		spki := spaced(t, "302a300506032b656e032100 493e82fc74464a59268817623d2053c5eb8e2cc4a988b4fee179ec6b010d531d")
		if !bytes.Equal(answer, spki) || !bytes.Equal(got[:], spaced(t, key)) {
			t.Errorf("kdf %s: answer %x, key %x", DigestName(kdf), answer, got)
		}
		if own, err := client.Complete(kdf, answer); err != nil || own != got {
			t.Errorf("kdf %s at the client: %x, %v", DigestName(kdf), own, err)
		}
	}
	salt := saltDH(want, spaced(t, "302a300506032b656e032100 493e82fc74464a59268817623d2053c5eb8e2cc4a988b4fee179ec6b010d531d"))
	if !bytes.Equal(salt[:], spaced(t, "26e41307fc786b4b6d993cd0ac3215d95b5aaffcfc501e56a47acd2191e2a05e")) {
		t.Errorf("salt %x", salt)
	}
}

// Both ends find the same key with every key exchange and every KDF; sizes are those of the wire.
func TestEveryKeyExchangeAgrees_11_9(t *testing.T) {
	sizes := map[Kex][2]int{
		P256: {91, 91}, P384: {120, 120}, P521: {158, 158}, X25519: {44, 44},
		MLKEM768: {1206, 1088}, MLKEM1024: {1590, 1568}, X25519MLKEM768: {1216, 1120},
	}
	for _, k := range Kexes() {
		own, err := k.Generate(entropyOf(1))
		if err != nil {
			t.Fatal(err)
		}
		public, err := ParsePublicKey(k.Hybrid(), own.Public().Bytes())
		if err != nil || public.Kex() != k {
			t.Fatalf("%s: %v, %v", k, public, err)
		}
		seen := map[[KeyLen]byte]bool{}
		for _, kdf := range Digests() {
			answer, key, err := public.Answer(entropyOf(2), kdf)
			if err != nil {
				t.Fatalf("%s: %v", k, err)
			}
			got, err := own.Complete(kdf, answer)
			if err != nil || got != key || seen[key] {
				t.Errorf("%s with %s: %x and %x, %v", k, DigestName(kdf), key, got, err)
			}
			seen[key] = true
			if s := sizes[k]; len(own.Public().Bytes()) != s[0] || len(answer) != s[1] {
				t.Errorf("%s: public key of %d bytes, answer of %d", k, len(own.Public().Bytes()), len(answer))
			}
		}
	}
}

// The keys are made of the bytes of the entropy and of nothing else.
func TestSameEntropyGivesTheSameBytes(t *testing.T) {
	for _, k := range Kexes() {
		run := func() (public, answer []byte, key [KeyLen]byte) {
			own, err := k.Generate(entropyOf(3))
			if err != nil {
				t.Fatal(err)
			}
			answer, key, err = own.Public().Answer(entropyOf(4), SHA256)
			if err != nil {
				t.Fatal(err)
			}
			return own.Public().Bytes(), answer, key
		}
		p1, a1, k1 := run()
		p2, a2, k2 := run()
		if !bytes.Equal(p1, p2) || !bytes.Equal(a1, a2) || k1 != k2 {
			t.Errorf("%s: two runs differ", k)
		}
	}
}

// A scalar out of range is drawn anew; a source that gives nothing else is an error, not a loop.
func TestScalarOutOfRangeIsDrawnAnew(t *testing.T) {
	high := bytes.Repeat([]byte{0xff}, 32)
	want, _ := P256.Generate(bytes.NewReader(count(1, 32)))
	got, err := P256.Generate(io.MultiReader(bytes.NewReader(high), bytes.NewReader(make([]byte, 32)), bytes.NewReader(count(1, 32))))
	if err != nil || !bytes.Equal(got.Public().Bytes(), want.Public().Bytes()) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := P256.Generate(bytes.NewReader(make([]byte, 32*draws))); err == nil || !strings.Contains(err.Error(), "64 draws") {
		t.Error(err)
	}
	if _, err := P256.Generate(bytes.NewReader(nil)); err == nil {
		t.Error("a key from no entropy")
	}
}

func TestKeyExchangesThatCannotBeHadAreRefusedByName_11_11(t *testing.T) {
	algorithm := func(oid string, rest ...byte) []byte {
		o := spaced(t, oid)
		inner := append([]byte{0x30, byte(len(o))}, o...)
		inner = append(append(inner, 0x03, byte(len(rest)+1), 0), rest...)
		return append([]byte{0x30, byte(len(inner))}, inner...)
	}
	for name, c := range map[string]struct {
		raw bool
		b   []byte
	}{
		"X448":          {false, algorithm("06032b656f", make([]byte, 56)...)},
		"ffdhe":         {false, algorithm("06092a864886f70d010301", 2, 1, 1)},
		"ML-KEM-512":    {false, algorithm("0609608648016503040401", 1)},
		"X448MLKEM1024": {true, make([]byte, 1624)},
		"RSA":           {false, algorithm("06092a864886f70d010101", 1)},
		"1.2.3":         {false, algorithm("06022a03", 1)},
		"1217 bytes":    {true, make([]byte, 1217)},
	} {
		_, err := ParsePublicKey(c.raw, c.b)
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "X25519MLKEM768") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, k := range []Kex{X448, X448MLKEM1024, MLKEM512, FFDHE2048, FFDHE3072, FFDHE4096} {
		if _, err := k.Generate(entropyOf(1)); err == nil || !strings.Contains(err.Error(), k.String()) {
			t.Errorf("%s: %v", k, err)
		}
	}
}

// Keys that are no keys, or not in the one encoding that both sides hash.
func TestBrokenPublicKeysAreRefused(t *testing.T) {
	own, _ := P256.Generate(entropyOf(1))
	good := own.Public().Bytes()
	off := bytes.Clone(good)
	off[len(off)-1] ^= 1
	low := append(spaced(t, "302a300506032b656e032100"), make([]byte, 32)...)
	p224 := spaced(t, `304e301006072a8648ce3d020106052b81040021033a0004b70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21
		bd376388b5f723fb4c22dfe6cd4375a05a07476444d5819985007e34`)
	ml, _ := MLKEM768.Generate(entropyOf(1))
	high := bytes.Clone(ml.Public().Bytes())
	high[22], high[23] = 0xff, 0xff // a coefficient beyond the modulus (FIPS 203 §7.2)
	for name, b := range map[string][]byte{
		"empty": nil, "off the curve": off, "bytes behind": append(bytes.Clone(good), 0), "cut": good[:90],
		"P-224": p224, "ML-KEM coefficient": high,
	} {
		if p, err := ParsePublicKey(false, b); err == nil {
			t.Errorf("%s: accepted as %s", name, p.Kex())
		}
	}
	// Parameters where the algorithm has none: another encoding of the same key.
	loose, err := asn1.Marshal(spki{
		Algorithm: pkix.AlgorithmIdentifier{Algorithm: oidMLKEM768(), Parameters: asn1.NullRawValue},
		Key:       asn1.BitString{Bytes: ml.public.ek768.Bytes(), BitLength: 8 * len(ml.public.ek768.Bytes())},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParsePublicKey(false, loose); err == nil || !strings.Contains(err.Error(), "canonical") {
		t.Errorf("a key in another encoding: %v", err)
	}
	p, err := ParsePublicKey(false, low)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Answer(entropyOf(1), SHA256); err == nil {
		t.Error("a point of low order gives a key")
	}
}

func TestPeerKeyOfAnotherKindOrOurOwnIsRefused(t *testing.T) {
	own, _ := X25519.Generate(entropyOf(1))
	other, _ := P256.Generate(entropyOf(1))
	if _, err := own.Complete(SHA256, own.Public().Bytes()); err == nil || !strings.Contains(err.Error(), "our own") {
		t.Error(err)
	}
	if _, err := own.Complete(SHA256, other.Public().Bytes()); err == nil || !strings.Contains(err.Error(), "prime256v1") {
		t.Error(err)
	}
	if _, err := own.Complete(0, other.Public().Bytes()); err == nil {
		t.Error("a key without a kdf")
	}
}

func TestStaticKeysSurviveTheirFiles_11_8(t *testing.T) {
	for _, k := range []Kex{MLKEM768, MLKEM1024, X25519MLKEM768} {
		own, err := k.Generate(entropyOf(5))
		if err != nil {
			t.Fatal(err)
		}
		private, public, err := own.MarshalStatic()
		if err != nil {
			t.Fatal(err)
		}
		key, err := ParseStaticKey("kex.key", private)
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParseStaticPublic("kex.srv.pub", public)
		if err != nil {
			t.Fatal(err)
		}
		ciphertext, want, err := p.Answer(entropyOf(6), SHA256)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := key.Complete(SHA256, ciphertext); err != nil || got != want {
			t.Errorf("%s: %v", k, err)
		}
		// A changed ciphertext gives another key, never this one.
		ciphertext[0] ^= 1
		if got, err := key.Complete(SHA256, ciphertext); err == nil && got == want {
			t.Errorf("%s: a changed ciphertext gives the same key", k)
		}
		for n := range ciphertext {
			if _, err := key.Complete(SHA256, ciphertext[:n]); err == nil {
				t.Errorf("%s: ciphertext of %d bytes accepted", k, n)
			}
		}
	}
}

func TestStaticKeysThatCannotBeUsedAreRefused_11_8(t *testing.T) {
	curve, _ := X25519.Generate(entropyOf(1))
	if _, _, err := curve.MarshalStatic(); err == nil {
		t.Error("a static X25519 key is written")
	}
	for text, data := range map[string][]byte{
		"expanded key":            make([]byte, 2432),
		"95 bytes":                make([]byte, 95),
		"broken PEM":              []byte("-----BEGIN PRIVATE KEY-----\nx"),
		"wanted is":               certificatePEM(nil),
		"kem_mode=client accepts": pemOf(t, "PRIVATE KEY", "302e020100300506032b6570042204200000000000000000000000000000000000000000000000000000000000000000"),
	} {
		if _, err := ParseStaticKey("kex.key.pem", data); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
	p := pemOf(t, "PUBLIC KEY", hex.EncodeToString(curve.Public().Bytes()))
	if _, err := ParseStaticPublic("kex.srv.pub.pem", p); err == nil || !strings.Contains(err.Error(), "X25519 cannot encapsulate") {
		t.Error(err)
	}
}
