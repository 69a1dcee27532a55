package oap

import (
	"encoding/json"
	"os"
	"testing"

	"ouroboros/core"
	"ouroboros/core/crypt"
)

// Servers with keys and certificates that OpenSSL made: ECDSA on each curve, Ed25519, RSA and RSA-PSS.
func TestServersWithKeysOfOpenSSL_11_5(t *testing.T) {
	const folder = "../crypt/testdata/openssl/"
	var all struct {
		MarkedFrom int64 `json:"marked_from"` // all certificates are valid by then
		Peers      []struct{ Name, Certificate, Key string }
	}
	text, err := os.ReadFile(folder + "certificates.json")
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	top, err := os.ReadFile(folder + "ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	roots, err := crypt.NewRoots(top)
	if err != nil {
		t.Fatal(err)
	}
	conf := enc(t, "kex=X25519\ndigest=sha384")
	seen := 0
	for _, peer := range all.Peers {
		own, err := crypt.ParseCredentials([]byte(peer.Certificate), []byte(peer.Key))
		if err != nil {
			continue // refused, which package crypt tests
		}
		seen++
		c, at := system(1), system(2)
		c.Wall = func() int64 { return all.MarkedFrom }
		at.Wall = c.Wall
		r, request, err := NewRequest(c, core.Name(peer.Name), &Config{Enc: conf, Roots: roots, RequirePeer: true})
		if err != nil {
			t.Fatal(err)
		}
		var s Server
		response, out, err := s.Respond(at, &Config{Enc: conf, Credentials: own}, request)
		if err != nil {
			t.Errorf("%s: %v", peer.Name, err)
			continue
		}
		got, err := r.Verify(c, response)
		if err != nil || got.Peer != peer.Name || got.Security.Key != out.Security.Key {
			t.Errorf("%s: %+v, %v", peer.Name, got, err)
		}
		changed := response
		changed[20] ^= 1 // the timestamp, which only the signature protects
		_, err = r.Verify(c, changed)
		mustFail(t, err, core.ErrAuth, "signature is wrong")
	}
	if seen != 8 {
		t.Errorf("%d kinds of keys", seen)
	}
}
