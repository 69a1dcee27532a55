package crypt

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"
)

// noon is when the certificates of these tests are made.
const noon = 1771781346_000000000

func authority(t testing.TB, seed uint64) (*Authority, *Roots) {
	t.Helper()
	a, err := NewAuthority(entropyOf(seed), noon)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Roots()
	if err != nil {
		t.Fatal(err)
	}
	return a, r
}

func issue(t testing.TB, a *Authority, name string) *Credentials {
	t.Helper()
	c, err := a.Issue(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// judge signs a message and has it verified at the time wall.
func judge(t testing.TB, r *Roots, c *Credentials, wall int64) error {
	t.Helper()
	message := []byte("message")
	s, err := c.Sign(entropyOf(9), SHA256, message)
	if err != nil {
		t.Fatal(err)
	}
	name, err := r.Verify(wall, c.Certificate(), SHA256, message, s)
	if err == nil && name != c.Name() {
		t.Errorf("name %q, want %q", name, c.Name())
	}
	return err
}

func TestAuthorityIsAFunctionOfItsEntropy(t *testing.T) {
	run := func() []byte {
		a, _ := authority(t, 1)
		all := a.PEM()
		keys := []crypto.Signer{}
		for _, k := range []Kex{P256, P384, P521} {
			key, err := NewECDSAKey(a.entropy, k)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, key)
		}
		key, _ := NewEd25519Key(a.entropy)
		for _, key := range append(keys, key) {
			c, err := a.IssueKey("server", key)
			if err != nil {
				t.Fatal(err)
			}
			cert, private, err := c.PEM()
			if err != nil {
				t.Fatal(err)
			}
			s, _ := c.Sign(entropyOf(2), 0, all)
			all = bytes.Join([][]byte{all, cert, private, s}, nil)
		}
		return all
	}
	if !bytes.Equal(run(), run()) {
		t.Error("two runs differ")
	}
	if _, err := NewECDSAKey(entropyOf(1), X25519); err == nil {
		t.Error("X25519 signs")
	}
}

func TestChains_11_5(t *testing.T) {
	top, roots := authority(t, 1)
	middle, err := top.Intermediate("middle")
	if err != nil {
		t.Fatal(err)
	}
	c := issue(t, middle, "server")
	both, err := middle.Roots()
	if err != nil {
		t.Fatal(err)
	}
	if err := judge(t, both, c, noon); err != nil {
		t.Error(err)
	}
	if err := judge(t, roots, c, noon); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("without the intermediate: %v", err)
	}
	// An intermediate alone is not trusted: there must be a self-signed certificate at the top.
	half, err := NewRoots(middle.chain[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := judge(t, half, c, noon); err == nil {
		t.Error("a chain without a top is accepted")
	}
	helped, err := roots.WithUntrusted(middle.chain[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := judge(t, helped, c, noon); err != nil {
		t.Error(err)
	}
	// A leaf is no CA: what it signs is worth nothing.
	leaf := &Authority{entropy: entropyOf(3), wall: noon, key: c.signer.key}
	if leaf.cert, err = x509.ParseCertificate(c.der); err != nil {
		t.Fatal(err)
	}
	if err := judge(t, both, issue(t, leaf, "other"), noon); err == nil {
		t.Error("a certificate signed by a leaf is accepted")
	}
}

// The prototype puts both folders in one store, and so trusts whatever signed itself (11.5).
func TestUntrustedSelfSignedIsNotTrusted_11_5(t *testing.T) {
	other, _ := authority(t, 2)
	_, roots := authority(t, 1)
	roots, err := roots.WithUntrusted(other.PEM())
	if err != nil {
		t.Fatal(err)
	}
	if err := judge(t, roots, issue(t, other, "server"), noon); err == nil {
		t.Error("accepted")
	}
}

func TestValidityIsJudgedByTheGivenClock_11_5(t *testing.T) {
	a, roots := authority(t, 1)
	const second = int64(time.Second)
	c, err := a.IssueUntil("server", noon, noon+10*second)
	if err != nil {
		t.Fatal(err)
	}
	for after, ok := range map[int64]bool{-second: false, 0: true, 10 * second: true, 11 * second: false} {
		if err := judge(t, roots, c, noon+after); (err == nil) != ok {
			t.Errorf("after %d s: %v", after/second, err)
		}
	}
}

func TestCredentialsSurviveTheirFiles_11_3(t *testing.T) {
	a, roots := authority(t, 1)
	cert, key, err := issue(t, a, "server").PEM()
	if err != nil {
		t.Fatal(err)
	}
	c, err := ParseCredentials(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := judge(t, roots, c, noon); err != nil {
		t.Error(err)
	}
	otherCert, otherKey, _ := issue(t, a, "other").PEM()
	for name, f := range map[string][2][]byte{
		"not the one of the certificate": {cert, otherKey},
		"certificate: no PEM":            {nil, key},
		"private key: no PEM":            {cert, nil},
		"wanted is a CERTIFICATE":        {key, key},
		"wanted is a PRIVATE KEY":        {cert, cert},
		"not encrypted":                  {cert, pemOf(t, "ENCRYPTED PRIVATE KEY", "3000")},
		"bytes behind":                   {append(bytes.Clone(cert), otherCert...), key},
		"algorithm 1.2.3":                {cert, pemOf(t, "PRIVATE KEY", "300b020100300406022a030400")},
		"syntax error":                   {cert, pemOf(t, "PRIVATE KEY", "3000")},
	} {
		if _, err := ParseCredentials(f[0], f[1]); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A certificate speaks for exactly one name: the whole of its one common name.
func TestCommonName_11_5(t *testing.T) {
	a, _ := authority(t, 1)
	key, _ := NewEd25519Key(entropyOf(2))
	made := func(subject pkix.Name) ([]byte, error) {
		return x509.CreateCertificate(nil, &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: subject, NotAfter: time.Unix(0, 2*noon).UTC(),
		}, a.cert, key.Public(), a.key)
	}
	for want, subject := range map[string]pkix.Name{
		"oenc":              {CommonName: "oenc"},
		"a/b,c":             {CommonName: "a/b,c"},
		"real":              {Organization: []string{"CN=other"}, CommonName: "real"},
		"no common name":    {Organization: []string{"Test"}},
		"several common na": {CommonName: "a", ExtraNames: []pkix.AttributeTypeAndValue{{Type: []int{2, 5, 4, 3}, Value: "b"}, {Type: []int{2, 5, 4, 3}, Value: "c"}}},
	} {
		der, err := made(subject)
		if err != nil {
			t.Fatal(err)
		}
		c, err := parseCertificate(der)
		switch {
		case err != nil && !strings.Contains(err.Error(), want):
			t.Errorf("%s: %v", want, err)
		case err == nil && c.name != want:
			t.Errorf("%s: %q", want, c.name)
		}
	}
}

func TestBrokenStoresAreRefused_11_5(t *testing.T) {
	a, _ := authority(t, 1)
	_, key, _ := issue(t, a, "x").PEM()
	for name, text := range map[string][]byte{
		"empty": nil, "no PEM": []byte("hello"), "a key": key, "broken": certificatePEM([]byte{1}),
		"text behind": append(a.PEM(), 'x'),
	} {
		if _, err := NewRoots(a.PEM(), text); err == nil || !strings.Contains(err.Error(), "CA certificate 2: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every bit of a certificate counts, for the chain or for the signature by its key.
func TestChangedCertificateIsRefused_11_5(t *testing.T) {
	a, roots := authority(t, 1)
	c := issue(t, a, "server")
	message := []byte("message")
	s, _ := c.Sign(entropyOf(1), SHA256, message)
	for i := range c.der {
		for bit := range 8 {
			der := bytes.Clone(c.der)
			der[i] ^= 1 << bit
			if name, err := roots.Verify(noon, der, SHA256, message, s); err == nil {
				t.Errorf("byte %d, bit %d: accepted as %q", i, bit, name)
			}
		}
	}
}

func FuzzCredentials(f *testing.F) {
	a, err := NewAuthority(entropyOf(1), noon)
	if err != nil {
		f.Fatal(err)
	}
	cert, key, err := issue(f, a, "server").PEM()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(cert, key)
	f.Add(a.PEM(), pemOf(f, "EC PRIVATE KEY", "3000"))
	f.Fuzz(func(t *testing.T, cert, key []byte) {
		c, err := ParseCredentials(cert, key)
		if err != nil {
			return
		}
		message := []byte("message")
		s, err := c.Sign(entropyOf(1), SHA256, message)
		if err != nil || c.signer.verify(SHA256, message, s) != nil {
			t.Errorf("accepted credentials do not sign: %v", err)
		}
	})
}

func FuzzCertificate(f *testing.F) {
	a, roots := authority(f, 1)
	c := issue(f, a, "server")
	message := []byte("message")
	s, err := c.Sign(entropyOf(1), SHA256, message)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.der, s)
	block, _ := pem.Decode(a.PEM())
	f.Add(block.Bytes, s)
	f.Fuzz(func(t *testing.T, der, signature []byte) {
		name, err := roots.Verify(noon, der, SHA256, message, signature)
		if err == nil && (!bytes.Equal(der, c.der) || name != "server") {
			t.Errorf("accepted %x as %q", der, name)
		}
	})
}

func FuzzPublicKey(f *testing.F) {
	for _, k := range Kexes() {
		own, err := k.Generate(entropyOf(1))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(k.Hybrid(), own.Public().Bytes())
	}
	f.Fuzz(func(t *testing.T, raw bool, b []byte) {
		p, err := ParsePublicKey(raw, b)
		if err != nil {
			return
		}
		if !bytes.Equal(p.Bytes(), b) {
			t.Errorf("%x became %x", b, p.Bytes())
		}
		if _, _, err := p.Answer(entropyOf(2), SHA256); err == nil && !p.Kex().Available() {
			t.Errorf("an answer to %s", p.Kex())
		}
	})
}

func FuzzStaticKey(f *testing.F) {
	for _, k := range []Kex{MLKEM768, X25519MLKEM768} {
		own, _ := k.Generate(entropyOf(1))
		private, public, err := own.MarshalStatic()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(private, public)
	}
	f.Fuzz(func(t *testing.T, private, public []byte) {
		if k, err := ParseStaticKey("k", private); err == nil && !k.Kex().KEM() {
			t.Errorf("static key of %s", k.Kex())
		}
		if p, err := ParseStaticPublic("p", public); err == nil && !p.Kex().KEM() {
			t.Errorf("static key of %s", p.Kex())
		}
	})
}

// Keys of certificates that no library has are refused by the name of their algorithm.
func TestKeysThatCannotBeHadAreRefusedByName_11_5(t *testing.T) {
	for name, oid := range map[string]asn1.ObjectIdentifier{
		"ML-DSA-44":       {2, 16, 840, 1, 101, 3, 4, 3, 17},
		"ML-DSA-87":       {2, 16, 840, 1, 101, 3, 4, 3, 19},
		"SLH-DSA":         {2, 16, 840, 1, 101, 3, 4, 3, 31},
		"Ed448":           {1, 3, 101, 113},
		"algorithm 1.2.3": {1, 2, 3},
	} {
		der, err := marshalSPKI(oid, []byte{1})
		if err != nil {
			t.Fatal(err)
		}
		_, err = certifiedKey(&x509.Certificate{RawSubjectPublicKeyInfo: der})
		if err == nil || !strings.Contains(err.Error(), "key of "+name+" cannot be had") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
