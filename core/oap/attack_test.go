package oap

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/wire"
)

// mustFail holds that err has the code and says why.
func mustFail(t testing.TB, err error, code core.Code, text string) {
	t.Helper()
	if !errors.Is(err, code) || core.CodeOf(err) != code || !strings.Contains(err.Error(), text) {
		t.Errorf("%v; want %v with %q", err, code, text)
	}
}

func TestReplayedRequestIsRefused_11_6(t *testing.T) {
	for name, p := range pairs(t) {
		_, request, _, _ := p.messages(t)
		var s Server
		if _, _, err := s.Respond(system(2), p.server, request); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, out, err := s.Respond(system(2), p.server, request)
		mustFail(t, err, core.ErrAuth, "repeated")
		if out != (Outcome{}) {
			t.Errorf("%s: %+v", name, out)
		}
	}
}

// What fails to authenticate is not noted: it cannot fill the list, nor have the true request taken for a copy.
func TestForgedRequestIsNotNoted_11_6(t *testing.T) {
	p := pairs(t)["signed by both"]
	_, request, _, _ := p.messages(t)
	var s Server
	forged := bytes.Clone(request)
	forged[len(forged)-1] ^= 1
	for range 3 {
		_, _, err := s.Respond(system(2), p.server, forged)
		mustFail(t, err, core.ErrAuth, "signature is wrong")
	}
	if len(s.replay.seen) != 0 {
		t.Errorf("%d requests noted", len(s.replay.seen))
	}
	if _, _, err := s.Respond(system(2), p.server, request); err != nil {
		t.Error(err)
	}
}

// A server that was started again has forgotten whom it answered. Where it has no part in the key, it refuses
// requests from before its start.
func TestRequestFromBeforeTheServerBringsNoOldKeyBack_11_6(t *testing.T) {
	p := pairs(t)["static"]
	_, request, _, _ := p.messages(t)
	s := Server{Since: epoch + int64(time.Second)}
	_, _, err := s.Respond(system(2), p.server, request)
	mustFail(t, err, core.ErrAuth, "before this server was there")
	fresh := pairs(t)["X25519"]
	if _, _, err := s.Respond(system(2), fresh.server, must(fresh.messages(t))); err != nil {
		t.Error(err)
	}
}

func must(_ *Request, request, _ []byte, _ Outcome) []byte { return request }

func TestReplayedResponseIsRefused_11_7(t *testing.T) {
	for name, p := range pairs(t) {
		_, _, old, _ := p.messages(t)
		r, _, err := NewRequest(system(7), "oenc", p.client)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Verify(system(7), old); err == nil {
			t.Errorf("%s: the response to an earlier request is accepted", name)
		}
		// Nor does the right id help.
		forged := bytes.Clone(old)
		copy(forged, r.id[:])
		if _, err := r.Verify(system(7), forged); err == nil {
			t.Errorf("%s: with the id of this request it is accepted", name)
		}
	}
}

func TestReflectedMessagesAreRefused_11_7(t *testing.T) {
	for name, p := range pairs(t) {
		r, request, response, _ := p.messages(t)
		if _, err := r.Verify(system(1), request); err == nil {
			t.Errorf("%s: our own request is accepted as the response", name)
		}
		var s Server
		server := *p.server
		server.RequirePeer = false
		if _, _, err := s.Respond(system(2), &server, response); err == nil {
			t.Errorf("%s: a response is accepted as a request", name)
		}
	}
}

// The attacker has no key, so he gives the client's own one back.
func TestReflectedKeyIsRefused_11_9(t *testing.T) {
	p := pairs(t)["X25519"]
	p.between = func(request bool, b []byte) []byte { return b }
	r, request, response, _ := p.messages(t)
	m, _ := wire.ParseOAP(request, 0)
	answer, _ := wire.ParseOAP(response, len(r.hash))
	answer.Kex = m.Kex
	_, err := r.Verify(system(1), answer.Append(nil))
	mustFail(t, err, core.ErrCrypt, "public key of the peer is our own")
}

// strip rewrites a message without its certificate.
func strip(m wire.OAP) []byte {
	m.Certificate, m.Signature = nil, nil
	return m.Append(nil)
}

func TestStrippedCertificateIsRefused_11_5(t *testing.T) {
	p := pairs(t)["signed by both"]
	r, request, response, _ := p.messages(t)
	m, _ := wire.ParseOAP(request, 0)
	var s Server
	_, _, err := s.Respond(system(2), p.server, strip(m))
	mustFail(t, err, core.ErrAuth, "request: no certificate, and one is demanded")
	m, _ = wire.ParseOAP(response, len(r.hash))
	_, err = r.Verify(system(1), strip(m))
	mustFail(t, err, core.ErrAuth, "response: no certificate, and one is demanded")
	// Where none is demanded a stripped request is still noticed, by its hash.
	lax := *p.server
	lax.RequirePeer = false
	m, _ = wire.ParseOAP(request, 0)
	response, out, err := s.Respond(system(2), &lax, strip(m))
	if err != nil || out.Peer != "" {
		t.Fatalf("%+v, %v", out, err)
	}
	_, err = r.Verify(system(1), response)
	mustFail(t, err, core.ErrCrypt, "request was changed on its way")
}

func TestStrippedKeyExchangeIsRefused_11_4(t *testing.T) {
	p := pairs(t)["X25519"]
	r, request, response, _ := p.messages(t)
	m, _ := wire.ParseOAP(request, 0)
	m.Kex = nil
	var s Server
	_, _, err := s.Respond(system(2), p.server, m.Append(nil))
	mustFail(t, err, core.ErrCrypt, "server demands encryption, request asks for none")
	_, _, err = s.Respond(system(2), nil, m.Append(nil))
	mustFail(t, err, core.ErrAuth, "repeated")
	m.ID[0]++
	_, _, err = s.Respond(system(2), nil, m.Append(nil))
	mustFail(t, err, core.ErrCrypt, "cipher aes-256-gcm without a key exchange")
	// Everything taken out: a server that demands nothing answers in clear, and the client does not take that.
	m.ID[0]--
	m.Cipher, m.KDF, m.Digest = 0, 0, 0
	var other Server
	plain, out, err := other.Respond(system(2), nil, m.Append(nil))
	if err != nil || out.Security != nil {
		t.Fatalf("%+v, %v", out, err)
	}
	_, err = r.Verify(system(1), plain)
	mustFail(t, err, core.ErrCrypt, "response")
	// The hash put right, which needs no key.
	answer, _ := wire.ParseOAP(response, len(r.hash))
	answer.Kex = nil
	_, err = r.Verify(system(1), answer.Append(nil))
	mustFail(t, err, core.ErrCrypt, "response: no key exchange, asked for was X25519")
	answer.Cipher, answer.KDF = 0, 0
	_, err = r.Verify(system(1), answer.Append(nil))
	mustFail(t, err, core.ErrCrypt, "response: no cipher, asked for was aes-256-gcm")
}

func TestWeakenedCipherIsRefused_11_7(t *testing.T) {
	for _, c := range []struct {
		change func(*wire.OAP)
		text   string
	}{
		{func(m *wire.OAP) { m.Cipher = crypt.AES128GCM }, "cipher aes-128-gcm, weaker than the aes-256-gcm that was asked for"},
		{func(m *wire.OAP) { m.Cipher = crypt.AES256CTR }, "cipher aes-256-ctr, weaker than the aes-256-gcm that was asked for"},
		{func(m *wire.OAP) { m.Cipher = 0 }, "no cipher, asked for was aes-256-gcm"},
		{func(m *wire.OAP) { m.KDF = crypt.BLAKE2s256 }, "kdf blake2s256, weaker than the sha256 that was asked for"},
	} {
		p := pairs(t)["X25519"]
		r, request, response, at := p.messages(t)
		// In the response.
		m, _ := wire.ParseOAP(response, len(r.hash))
		c.change(&m)
		_, err := r.Verify(system(1), m.Append(nil))
		mustFail(t, err, core.ErrCrypt, "response: "+c.text)
		// In the request: a server with a configuration takes its own, stronger one; the client sees the change.
		m, _ = wire.ParseOAP(request, 0)
		c.change(&m)
		var s Server
		response, out, err := s.Respond(system(2), p.server, m.Append(nil))
		if err != nil || out.Security.Cipher != at.Security.Cipher {
			t.Fatalf("%+v, %v", out, err)
		}
		_, err = r.Verify(system(1), response)
		mustFail(t, err, core.ErrCrypt, "request was changed on its way")
	}
}

// The digest of the request's hash cannot be weakened either: the client expects the hash that it made.
func TestChangedDigestIsRefused_11_7(t *testing.T) {
	p := pairs(t)["static"]
	r, request, _, _ := p.messages(t)
	for _, digest := range append([]uint16{0}, crypt.Digests()...) {
		m, _ := wire.ParseOAP(request, 0)
		if m.Digest == digest {
			continue
		}
		m.Digest = digest
		var s Server
		response, _, err := s.Respond(system(2), p.server, m.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Verify(system(1), response); !errors.Is(err, core.ErrCrypt) {
			t.Errorf("%s: %v", crypt.DigestName(digest), err)
		}
	}
}

// A weaker key in the place of the client's.
func TestWeakenedKeyExchangeIsRefused_11_4(t *testing.T) {
	p := pairs(t)["hybrid"]
	r, request, response, _ := p.messages(t)
	weak, err := crypt.X25519.Generate(system(5).Entropy)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := wire.ParseOAP(request, 0)
	m.Kex, m.KexFlags = weak.Public().Bytes(), 0
	var s Server
	_, _, err = s.Respond(system(2), p.server, m.Append(nil))
	mustFail(t, err, core.ErrCrypt, "key exchange X25519, weaker than the server's X25519MLKEM768")
	answer, _ := wire.ParseOAP(response, len(r.hash))
	answer.Kex, answer.KexFlags = weak.Public().Bytes(), 0
	_, err = r.Verify(system(1), answer.Append(nil))
	mustFail(t, err, core.ErrCrypt, "flags 0x0000, an answer to X25519MLKEM768 has 0x8000")
}

// The kind of the exchange cannot be switched: R=1 at a server that has no key for it is refused, and so is an
// answer that claims it.
func TestSwitchedEncapsulationIsRefused_11_4(t *testing.T) {
	static := pairs(t)["static"]
	_, request, _, _ := static.messages(t)
	for text, cfg := range map[string]*Config{
		"the server has no key exchange configured":  nil,
		"the server's key exchange is X25519":        {Enc: enc(t, "kex=X25519\nkdf=sha256")},
		"the server has none":                        {Enc: enc(t, "kex=X25519MLKEM768")},
		"is of X25519MLKEM768, configured is ML-KEM": {Enc: enc(t, "kex=ML-KEM-768"), StaticKey: static.server.StaticKey},
		"kdf sha512, weaker than the server's":       {Enc: enc(t, "kex=X25519MLKEM768\nkdf=sha3-512"), StaticKey: static.server.StaticKey},
	} {
		var s Server
		_, _, err := s.Respond(system(2), cfg, request)
		mustFail(t, err, core.ErrCrypt, text)
	}
	p := pairs(t)["hybrid"]
	r, _, response, _ := p.messages(t)
	answer, _ := wire.ParseOAP(response, len(r.hash))
	answer.KexFlags |= wire.OAPKexClient
	_, err := r.Verify(system(1), answer.Append(nil))
	mustFail(t, err, core.ErrCrypt, "flags 0xc000")
	// When the client has encapsulated the key is made: the response brings neither another KDF nor another key.
	r, _, response, _ = static.messages(t)
	answer, _ = wire.ParseOAP(response, len(r.hash))
	answer.KDF = crypt.SHA3_512
	_, err = r.Verify(system(1), answer.Append(nil))
	mustFail(t, err, core.ErrCrypt, "kdf sha3-512, the key was made with sha512")
	answer.KDF, answer.Kex = crypt.SHA512, static.client.StaticPublic.Bytes()
	_, err = r.Verify(system(1), answer.Append(nil))
	mustFail(t, err, core.ErrCrypt, "key exchange of 1216 bytes, the client has encapsulated")
}

// A certificate of the same authority for another name does not speak for this one.
func TestImpersonationIsRefused_11_5(t *testing.T) {
	a, _ := ca(t)
	p := pairs(t)["signed by the server"]
	evil := *p.server
	evil.Credentials = issue(t, a, "evil")
	p.server = &evil
	_, _, err, _ := p.run(t)
	mustFail(t, err, core.ErrAuth, `certificate is for "evil", the flow for "oenc"`)
	// Nor does a certificate for the name by an authority of his own.
	other, err := crypt.NewAuthority(system(9).Entropy, epoch)
	if err != nil {
		t.Fatal(err)
	}
	evil.Credentials = issue(t, other, "oenc")
	_, _, err, _ = (&pair{client: p.client, server: &evil}).run(t)
	mustFail(t, err, core.ErrAuth, "unknown authority")
	// Nor the certificate of another, which everybody has seen, without its key.
	q := pairs(t)["signed by the server"]
	r, _, response, _ := q.messages(t)
	m, _ := wire.ParseOAP(response, len(r.hash))
	fresh, err := crypt.X25519.Generate(system(9).Entropy)
	if err != nil {
		t.Fatal(err)
	}
	m.Kex = fresh.Public().Bytes()
	_, err = r.Verify(system(1), m.Append(nil))
	mustFail(t, err, core.ErrAuth, "signature is wrong")
}

// An attacker in the middle of anonymous ends shares a key with each of them: nothing but a demanded certificate
// keeps him out. The test holds both, so that nobody believes otherwise.
func TestMiddlemanIsKeptOutByADemandedCertificate_11_5(t *testing.T) {
	middle := func(p pair) error {
		r, request, err := NewRequest(system(1), "oenc", p.client)
		if err != nil {
			t.Fatal(err)
		}
		m, _ := wire.ParseOAP(request, 0)
		public, err := crypt.ParsePublicKey(false, m.Kex)
		if err != nil {
			t.Fatal(err)
		}
		answer := wire.OAP{ID: m.ID, Cipher: m.Cipher, KDF: m.KDF, RequestHash: crypt.Sum(m.Digest, request)}
		var key [32]byte
		if answer.Kex, key, err = public.Answer(system(8).Entropy, m.KDF); err != nil {
			t.Fatal(err)
		}
		out, err := r.Verify(system(1), answer.Append(nil))
		if err == nil && out.Security.Key != key {
			t.Error("the attacker has another key")
		}
		return err
	}
	if err := middle(pairs(t)["X25519"]); err != nil {
		t.Errorf("anonymous exchange: %v; docs/security.md says that it does not notice", err)
	}
	mustFail(t, middle(pairs(t)["signed by the server"]), core.ErrAuth, "no certificate, and one is demanded")
}

// A request names no server: one server can pass a client's signed request on to another, which then believes
// rightly that it talks to that client. The client is not misled where it demands a certificate.
func TestRelayedRequestMisleadsNoClientThatDemandsACertificate_11_5(t *testing.T) {
	a, roots := ca(t)
	conf := enc(t, "kex=X25519")
	client := &Config{Enc: conf, Roots: roots, RequirePeer: true, Credentials: issue(t, a, "alice")}
	r, request, err := NewRequest(system(1), "evil", client)
	if err != nil {
		t.Fatal(err)
	}
	var s Server
	response, out, err := s.Respond(system(2), &Config{Enc: conf, Credentials: issue(t, a, "oenc"), Roots: roots}, request)
	if err != nil || out.Peer != "alice" {
		t.Fatalf("%+v, %v", out, err)
	}
	_, err = r.Verify(system(1), response)
	mustFail(t, err, core.ErrAuth, `certificate is for "oenc", the flow for "evil"`)
}

// What is demanded and cannot be had fails before anything is sent, or at the server, and says so.
func TestDemandsAreNotForgotten_9(t *testing.T) {
	_, roots := ca(t)
	_, _, err := NewRequest(system(1), "oenc", &Config{RequireEncryption: true})
	mustFail(t, err, core.ErrCrypt, `encryption is demanded for "oenc", and no key exchange is configured`)
	_, _, err = NewRequest(system(1), "oenc", &Config{RequirePeer: true})
	mustFail(t, err, core.ErrAuth, "there is no CA store")
	_, _, err = NewRequest(system(1), "oenc", &Config{Enc: enc(t, "kex=ML-KEM-768\nkem_mode=client")})
	mustFail(t, err, core.ErrCrypt, "the static key of \"oenc\" is not known")
	static := pairs(t)["static"].client.StaticPublic
	_, _, err = NewRequest(system(1), "oenc", &Config{Enc: enc(t, "kex=ML-KEM-768\nkem_mode=client"), StaticPublic: static})
	mustFail(t, err, core.ErrCrypt, "is of X25519MLKEM768, configured is ML-KEM-768")
	for _, c := range []struct {
		cfg  Config
		code core.Code
		text string
	}{
		{Config{RequireEncryption: true}, core.ErrCrypt, "server demands encryption, request asks for none"},
		{Config{Enc: enc(t, "")}, core.ErrCrypt, "server demands encryption, request asks for none"},
		{Config{RequirePeer: true, Roots: roots}, core.ErrAuth, "no certificate, and one is demanded"},
	} {
		p := pair{server: &c.cfg}
		_, _, clientErr, serverErr := p.run(t)
		if clientErr != nil {
			t.Error(clientErr)
		}
		mustFail(t, serverErr, c.code, c.text)
	}
}
