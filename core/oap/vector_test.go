package oap

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/wire"
)

// spelled is an Env whose entropy is the given bytes and no more.
func spelled(wall int64, b ...byte) core.Env {
	return core.Env{Wall: func() int64 { return wall }, Entropy: bytes.NewReader(b)}
}

func count(from byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = from + byte(i)
	}
	return b
}

// The example with X25519, AES-256-GCM and SHA-256, from the configuration to the key.
func TestKeyedExchangeIsThatOfTheExample_11_9(t *testing.T) {
	enc, err := crypt.ParseConfig("enc.conf", []byte("kex=X25519"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := &Config{Enc: enc}
	r, request, err := NewRequest(spelled(epoch, append(count(0x10, 16), count(1, 32)...)...), "oenc", cfg)
	if err != nil {
		t.Fatal(err)
	}
	want := mustHex(t, "101112131415161718191a1b1c1d1e1f 1896a1bf33fe5400 0385 02a0 02a0 0000 002c 0000"+
		"302a300506032b656e03210007a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c")
	if !bytes.Equal(request, want) {
		t.Errorf("request  %x\nwant     %x", request, want)
	}
	var s Server
	response, at, err := s.Respond(spelled(epoch+int64(3*time.Millisecond), count(0x80, 32)...), cfg, request)
	if err != nil {
		t.Fatal(err)
	}
	want = mustHex(t, "101112131415161718191a1b1c1d1e1f 1896a1bf342c1ac0 0385 02a0 02a0 0000 002c 0000"+
		"302a300506032b656e032100493e82fc74464a59268817623d2053c5eb8e2cc4a988b4fee179ec6b010d531d"+
		"1f1e051d43e0acd3c08d4a530c48668eb668329b6568f8233c9791b64efe518b")
	if !bytes.Equal(response, want) {
		t.Errorf("response %x\nwant     %x", response, want)
	}
	got, err := r.Verify(spelled(epoch), response)
	if err != nil {
		t.Fatal(err)
	}
	key := [32]byte(mustHex(t, "67c832cbf96cb988c826484349b25f0c97c0d1f7b451c1e5a5504f2882ab08da"))
	if *got.Security != (core.Security{Cipher: 901, Key: key, Initiator: true}) ||
		*at.Security != (core.Security{Cipher: 901, Key: key}) {
		t.Errorf("client %+v, server %+v", got, at)
	}
}

// The kex_len words of the examples.
func TestKexLenWords_11_9(t *testing.T) {
	static := func(k crypt.Kex) *Config {
		own, err := k.Generate(newHost())
		if err != nil {
			t.Fatal(err)
		}
		enc := crypt.DefaultConfig()
		enc.Kex, enc.KEMMode = k, crypt.KEMClient
		return &Config{Enc: enc, StaticPublic: own.Public(), StaticKey: own}
	}
	for _, c := range []struct {
		name              string
		kex               crypt.Kex
		client            bool
		request, response uint16
	}{
		{"X25519MLKEM768 public key and ciphertext", crypt.X25519MLKEM768, false, 0x84c0, 0x8460},
		{"X25519MLKEM768 ciphertext of the client", crypt.X25519MLKEM768, true, 0xc460, 0},
		{"ML-KEM-768 ciphertext of the client", crypt.MLKEM768, true, 0x4440, 0},
		{"ML-KEM-768 public key and ciphertext", crypt.MLKEM768, false, 0x04b6, 0x0440},
		{"ML-KEM-1024 ciphertext of the client", crypt.MLKEM1024, true, 0x4620, 0},
	} {
		cfg := static(c.kex)
		if !c.client {
			cfg.Enc.KEMMode = crypt.KEMServer
		}
		h := newHost()
		r, request, err := NewRequest(h.env(), "oenc", cfg)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var s Server
		response, at, err := s.Respond(h.env(), cfg, request)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		got, err := r.Verify(h.env(), response)
		if err != nil || got.Security.Key != at.Security.Key {
			t.Errorf("%s: %v", c.name, err)
		}
		word := func(b []byte) uint16 { return uint16(b[32])<<8 | uint16(b[33]) }
		if word(request) != c.request || word(response) != c.response {
			t.Errorf("%s: %#04x and %#04x", c.name, word(request), word(response))
		}
	}
}

// Every exchange in the captures of the prototype: what is parsed is written the same, the hash in the response
// is that of the request, our client accepts the response, and our server answers the request alike.
func TestCapturedExchanges_11_2(t *testing.T) {
	text, err := os.ReadFile("testdata/captures.hex")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")[1:]
	encrypted := 0
	for ; len(lines) >= 3; lines = lines[3:] {
		request, response := mustHex(t, lines[1]), mustHex(t, lines[2])
		m := again(t, request, 0)
		nid := hashOf(m.Digest)
		answer := again(t, response, len(crypt.Sum(nid, nil)))
		if !bytes.Equal(answer.RequestHash, crypt.Sum(nid, request)) {
			t.Errorf("%s: hash of the request", lines[0])
		}
		var cfg *Config
		if len(m.Kex) > 0 {
			encrypted++
			public, err := crypt.ParsePublicKey(false, m.Kex)
			if err != nil {
				t.Fatal(err)
			}
			cfg = &Config{Enc: &crypt.Config{Kex: public.Kex(), Cipher: m.Cipher, KDF: m.KDF, Digest: m.Digest}}
		}
		var s Server
		env := core.Env{Wall: func() int64 { return int64(answer.Timestamp) }, Entropy: newHost()}
		ours, _, err := s.Respond(env, cfg, request)
		if err != nil {
			t.Fatalf("%s: %v", lines[0], err)
		}
		// The fresh key is another one; there is nothing else that could differ.
		copy(ours[wire.OAPHeaderLen:], answer.Kex)
		if !bytes.Equal(ours, response) {
			t.Errorf("%s: our response %x\nthat of the prototype %x", lines[0], ours, response)
		}
		r := clientOf(t, cfg, m, nid, request)
		if out, err := r.Verify(env, response); err != nil || (out.Security != nil) != (cfg != nil) {
			t.Errorf("%s: %+v, %v", lines[0], out, err)
		}
	}
	if len(lines) != 0 || encrypted != 3 {
		t.Errorf("%d lines left, %d encrypted", len(lines), encrypted)
	}
}

// clientOf is a client of ours in the place of the one that sent m; its key is another one.
func clientOf(t *testing.T, cfg *Config, m wire.OAP, nid uint16, request []byte) *Request {
	t.Helper()
	r := &Request{id: m.ID, digest: nid, hash: crypt.Sum(nid, request)}
	if cfg == nil {
		return r
	}
	r.cfg = *cfg
	var err error
	if r.own, err = cfg.Enc.Kex.Generate(newHost()); err != nil {
		t.Fatal(err)
	}
	return r
}

func again(t *testing.T, b []byte, hashLen int) wire.OAP {
	t.Helper()
	m, err := wire.ParseOAP(b, hashLen)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Append(nil); !bytes.Equal(got, b) {
		t.Errorf("%x is written as %x", b, got)
	}
	return m
}
