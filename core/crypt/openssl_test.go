package crypt

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"strings"
	"testing"
)

// The vectors of testdata/openssl come from OpenSSL and from the text of spec 11, not from this package.
func load(t *testing.T, file string, v any) {
	t.Helper()
	b, err := os.ReadFile("testdata/openssl/" + file)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

type agreement struct {
	Kex, Seed, Public, Answer string
	Keys                      map[string]string
	PrivatePEM                string `json:"private_pem"`
	PublicPEM                 string `json:"public_pem"`
}

// The keys of flows, with every key exchange and every KDF, are those that OpenSSL finds.
func TestKeysOfOpenSSL_11_9(t *testing.T) {
	var all []agreement
	load(t, "agreements.json", &all)
	seen := map[Kex]bool{}
	for _, a := range all {
		k, ok := KexByName(a.Kex)
		if !ok {
			t.Fatalf("kex %q", a.Kex)
		}
		seen[k] = true
		own, err := k.Generate(bytes.NewReader(unhex(t, a.Seed)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(own.Public().Bytes(), unhex(t, a.Public)) {
			t.Errorf("%s: public key %x", k, own.Public().Bytes())
		}
		for name, want := range a.Keys {
			kdf, ok := DigestByName(name)
			if !ok {
				t.Fatalf("kdf %q", name)
			}
			if got, err := own.Complete(kdf, unhex(t, a.Answer)); err != nil || !bytes.Equal(got[:], unhex(t, want)) {
				t.Errorf("%s with %s: %x, %v", k, name, got, err)
			}
		}
		if len(a.Keys) != len(Digests()) {
			t.Errorf("%s: %d KDFs", k, len(a.Keys))
		}
		if a.PrivatePEM != "" {
			static, err := ParseStaticKey("kex.key.pem", []byte(a.PrivatePEM))
			if err != nil || !bytes.Equal(static.Public().Bytes(), own.Public().Bytes()) {
				t.Errorf("%s: %v", k, err)
			}
			public, err := ParseStaticPublic("kex.srv.pub.pem", []byte(a.PublicPEM))
			if err != nil || !bytes.Equal(public.Bytes(), own.Public().Bytes()) {
				t.Errorf("%s: %v", k, err)
			}
		}
	}
	if len(seen) != len(Kexes()) {
		t.Errorf("vectors for %d of %d key exchanges", len(seen), len(Kexes()))
	}
}

type peers struct {
	Message    string
	Wall       int64
	MarkedFrom int64 `json:"marked_from"`
	Peers      []struct {
		Name, Certificate, Key string
		Signatures             map[string]string
	}
}

// Certificates, keys and signatures of OpenSSL are understood, and what cannot be had is refused by name.
func TestSignaturesOfOpenSSL_11_5(t *testing.T) {
	var all peers
	load(t, "certificates.json", &all)
	ca, err := os.ReadFile("testdata/openssl/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	roots, err := NewRoots(ca)
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]string{"ed448": "Ed448", "rsa 1024": "1024 bits", "ecdsa secp256k1": "elliptic curve"}
	message := unhex(t, all.Message)
	for _, p := range all.Peers {
		block, _ := pem.Decode([]byte(p.Certificate))
		own, err := ParseCredentials([]byte(p.Certificate), []byte(p.Key))
		if text := refused[p.Name]; text != "" {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v", p.Name, err)
			}
			if _, err := roots.Verify(all.Wall, block.Bytes, 0, message, unhex(t, p.Signatures["none"])); err == nil {
				t.Errorf("%s: accepted", p.Name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
			continue
		}
		wall := all.Wall
		if p.Name == "rsa-pss marked" {
			wall = all.MarkedFrom
		}
		for digest, signature := range p.Signatures {
			nid, ok := DigestByName(digest)
			if !ok && digest != none {
				t.Fatalf("digest %q", digest)
			}
			s := unhex(t, signature)
			if name, err := roots.Verify(wall, block.Bytes, nid, message, s); err != nil || name != p.Name {
				t.Errorf("%s with %s: %q, %v", p.Name, digest, name, err)
			}
			s[len(s)/2] ^= 1
			if _, err := roots.Verify(wall, block.Bytes, nid, message, s); err == nil {
				t.Errorf("%s with %s: a changed signature is accepted", p.Name, digest)
			}
		}
		signEach(t, own, roots, wall, message)
	}
}

// signEach holds that what we sign is verified, with every digest that the key can do.
func signEach(t *testing.T, own *Credentials, roots *Roots, wall int64, message []byte) {
	t.Helper()
	for _, nid := range append([]uint16{0}, Digests()...) {
		signature, err := own.Sign(entropyOf(1), nid, message)
		if err != nil {
			// PKCS #1 v1.5 has no identifiers for these.
			if !strings.Contains(DigestName(nid), "blake2") || own.Name() == "rsa-pss marked" {
				t.Errorf("%s with %s: %v", own.Name(), DigestName(nid), err)
			}
			continue
		}
		if name, err := roots.Verify(wall, own.Certificate(), nid, message, signature); err != nil || name != own.Name() {
			t.Errorf("%s with %s: %q, %v", own.Name(), DigestName(nid), name, err)
		}
		again, _ := own.Sign(entropyOf(1), nid, message)
		if !bytes.Equal(again, signature) {
			t.Errorf("%s with %s: the same entropy gives another signature", own.Name(), DigestName(nid))
		}
		if _, err := roots.Verify(wall, own.Certificate(), nid, append(bytes.Clone(message), 0), signature); err == nil {
			t.Errorf("%s with %s: verified over another message", own.Name(), DigestName(nid))
		}
	}
}

// A key that is marked for RSA-PSS signs no other way; PKCS #1 v1.5 by the same key is refused.
func TestMarkedKeySignsByPSSOnly_11_5(t *testing.T) {
	var all peers
	load(t, "certificates.json", &all)
	for _, p := range all.Peers {
		if p.Name != "rsa-pss marked" {
			continue
		}
		own, err := ParseCredentials([]byte(p.Certificate), []byte(p.Key))
		if err != nil {
			t.Fatal(err)
		}
		plain := own.signer
		plain.pss = false
		signature, err := (&Credentials{signer: plain}).Sign(entropyOf(1), SHA256, []byte("message"))
		if err != nil {
			t.Fatal(err)
		}
		if own.signer.verify(SHA256, []byte("message"), signature) == nil {
			t.Error("PKCS #1 v1.5 is accepted")
		}
		if plain.verify(SHA256, []byte("message"), signature) != nil {
			t.Error("PKCS #1 v1.5 of a plain key is refused")
		}
		return
	}
	t.Error("no such key")
}

// The store of the operating system is never asked, and a CA's certificate itself has a place in the store.
func TestOnlyTheGivenRootsAreTrusted_11_5(t *testing.T) {
	var all peers
	load(t, "certificates.json", &all)
	block, _ := pem.Decode([]byte(all.Peers[0].Certificate))
	signature := unhex(t, all.Peers[0].Signatures["sha256"])
	a, err := NewAuthority(entropyOf(1), all.Wall)
	if err != nil {
		t.Fatal(err)
	}
	other, err := a.Roots()
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*Roots{"none": nil, "empty": {x509.NewCertPool(), x509.NewCertPool()}, "another": other} {
		if _, err := r.Verify(all.Wall, block.Bytes, SHA256, unhex(t, all.Message), signature); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
