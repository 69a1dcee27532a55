package crypt

import (
	"testing"
)

// The table of identifiers: names, NIDs and ranks.
func TestIdentifiers_11_11(t *testing.T) {
	for rank, c := range []struct {
		nid  uint16
		name string
	}{
		{0, "none"},
		{0x0388, "aes-128-ctr"},
		{0x0389, "aes-192-ctr"},
		{0x038a, "aes-256-ctr"},
		{0x037f, "aes-128-gcm"},
		{0x0382, "aes-192-gcm"},
		{0x0385, "aes-256-gcm"},
		{0x03fa, "chacha20-poly1305"},
	} {
		if CipherRank(c.nid) != rank || CipherName(c.nid) != c.name {
			t.Errorf("cipher %d: rank %d, name %q", c.nid, CipherRank(c.nid), CipherName(c.nid))
		}
		if nid, ok := CipherByName(c.name); rank > 0 && (nid != c.nid || !ok) {
			t.Errorf("cipher %q: %d, %v", c.name, nid, ok)
		}
	}
	for rank, c := range []struct {
		nid  uint16
		name string
		size int
	}{
		{0, "none", 0},
		{0x0421, "blake2s256", 32},
		{0x02a0, "sha256", 32},
		{0x0448, "sha3-256", 32},
		{0x02a1, "sha384", 48},
		{0x0449, "sha3-384", 48},
		{0x0420, "blake2b512", 64},
		{0x02a2, "sha512", 64},
		{0x044a, "sha3-512", 64},
	} {
		if DigestRank(c.nid) != rank || DigestName(c.nid) != c.name || len(Sum(c.nid, nil)) != c.size {
			t.Errorf("digest %d: rank %d, name %q, %d bytes", c.nid, DigestRank(c.nid), DigestName(c.nid), len(Sum(c.nid, nil)))
		}
		if nid, ok := DigestByName(c.name); rank > 0 && (nid != c.nid || !ok) {
			t.Errorf("digest %q: %d, %v", c.name, nid, ok)
		}
	}
	for rank, c := range []struct {
		kex  Kex
		name string
		have bool
	}{
		{0, "none", false},
		{1126, "ffdhe2048", false},
		{415, "prime256v1", true},
		{1034, "X25519", true},
		{1127, "ffdhe3072", false},
		{715, "secp384r1", true},
		{1128, "ffdhe4096", false},
		{1035, "X448", false},
		{716, "secp521r1", true},
		{1454, "ML-KEM-512", false},
		{1455, "ML-KEM-768", true},
		{1456, "ML-KEM-1024", true},
		{2053, "X25519MLKEM768", true},
		{2054, "X448MLKEM1024", false},
	} {
		if c.kex.Rank() != rank || c.kex.String() != c.name || c.kex.Available() != c.have || c.kex.KEM() != (rank >= 9) {
			t.Errorf("kex %d: rank %d, name %q, available %v, KEM %v", uint16(c.kex), c.kex.Rank(), c.kex, c.kex.Available(), c.kex.KEM())
		}
		if k, ok := KexByName(c.name); rank > 0 && (k != c.kex || !ok) {
			t.Errorf("kex %q: %v, %v", c.name, k, ok)
		}
	}
	if CipherRank(1) != -1 || DigestRank(1) != -1 || Kex(1).Rank() != -1 {
		t.Error("an unknown algorithm has a rank")
	}
}
