package oap

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/wire"
)

// system is a host whose entropy is as good as random and the same in every run.
func system(seed byte) core.Env {
	return core.Env{Wall: func() int64 { return epoch }, Entropy: rand.NewChaCha8([32]byte{seed})}
}

// ca is the authority of these tests.
func ca(t testing.TB) (*crypt.Authority, *crypt.Roots) {
	t.Helper()
	a, err := crypt.NewAuthority(rand.NewChaCha8([32]byte{'c', 'a'}), epoch)
	if err != nil {
		t.Fatal(err)
	}
	roots, err := a.Roots()
	if err != nil {
		t.Fatal(err)
	}
	return a, roots
}

func issue(t testing.TB, a *crypt.Authority, name string) *crypt.Credentials {
	t.Helper()
	c, err := a.Issue(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func enc(t testing.TB, text string) *crypt.Config {
	t.Helper()
	c, err := crypt.ParseConfig("enc.conf", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pair is a client and a server of the name "oenc".
type pair struct {
	client, server *Config
	responder      Server
	between        func(request bool, b []byte) []byte // what happens to a message on its way; nil: nothing
}

// run exchanges a request and a response. serverErr is what the server said; then there is no response.
func (p *pair) run(t testing.TB) (client, server Outcome, clientErr, serverErr error) {
	t.Helper()
	return p.runAs(t, 1, 2)
}

func (p *pair) runAs(t testing.TB, clientSeed, serverSeed byte) (client, server Outcome, clientErr, serverErr error) {
	t.Helper()
	c := system(clientSeed)
	r, request, clientErr := NewRequest(c, "oenc", p.client)
	if clientErr != nil {
		return client, server, clientErr, nil
	}
	response, server, serverErr := p.responder.Respond(system(serverSeed), p.server, p.pass(true, request))
	if serverErr != nil {
		return client, server, nil, serverErr
	}
	client, clientErr = r.Verify(c, p.pass(false, response))
	return client, server, clientErr, nil
}

func (p *pair) pass(request bool, b []byte) []byte {
	if p.between == nil {
		return b
	}
	return p.between(request, bytes.Clone(b))
}

// messages are a request of the client, what the client remembers, and the server's response and outcome.
func (p *pair) messages(t testing.TB) (r *Request, request, response []byte, at Outcome) {
	t.Helper()
	r, request, err := NewRequest(system(1), "oenc", p.client)
	if err != nil {
		t.Fatal(err)
	}
	var s Server
	response, at, err = s.Respond(system(2), p.server, request)
	if err != nil {
		t.Fatal(err)
	}
	return r, request, response, at
}

// pairs are one of each kind of exchange.
func pairs(t testing.TB) map[string]pair {
	t.Helper()
	a, roots := ca(t)
	server, client := issue(t, a, "oenc"), issue(t, a, "alice")
	static, err := crypt.X25519MLKEM768.Generate(rand.NewChaCha8([32]byte{'s'}))
	if err != nil {
		t.Fatal(err)
	}
	x25519, hybrid := enc(t, "kex=X25519"), enc(t, "kex=X25519MLKEM768")
	toStatic := enc(t, "kex=X25519MLKEM768\nkem_mode=client\nkdf=sha512\ndigest=sha384")
	return map[string]pair{
		"plain":  {client: &Config{}, server: &Config{}},
		"X25519": {client: &Config{Enc: x25519}, server: &Config{Enc: x25519}},
		"hybrid": {client: &Config{Enc: hybrid}, server: &Config{Enc: hybrid}},
		"static": {client: &Config{Enc: toStatic, StaticPublic: static.Public()}, server: &Config{Enc: toStatic, StaticKey: static}},
		"signed by the server": {
			client: &Config{Enc: x25519, Roots: roots, RequirePeer: true},
			server: &Config{Enc: x25519, Credentials: server},
		},
		"signed by both": {
			client: &Config{Enc: x25519, Roots: roots, RequirePeer: true, Credentials: client},
			server: &Config{Enc: x25519, Credentials: server, Roots: roots, RequirePeer: true},
		},
		"signed, in clear": {
			client: &Config{Roots: roots, RequirePeer: true, Credentials: client},
			server: &Config{Credentials: server, Roots: roots, RequirePeer: true},
		},
		"signed, static": {
			client: &Config{Enc: toStatic, StaticPublic: static.Public(), Roots: roots, RequirePeer: true, Credentials: client},
			server: &Config{Enc: toStatic, StaticKey: static, Credentials: server, Roots: roots, RequirePeer: true},
		},
	}
}

// kindsOf returns the names of the pairs in order.
func kindsOf(all map[string]pair) []string { return slices.Sorted(maps.Keys(all)) }

func TestEveryKindOfExchangeAgrees_11_3(t *testing.T) {
	for name, p := range pairs(t) {
		client, server, clientErr, serverErr := p.run(t)
		if clientErr != nil || serverErr != nil {
			t.Errorf("%s: %v, %v", name, clientErr, serverErr)
			continue
		}
		encrypted := p.client.Enc != nil
		if (client.Security != nil) != encrypted || (server.Security != nil) != encrypted {
			t.Errorf("%s: %+v, %+v", name, client, server)
			continue
		}
		if encrypted {
			c, s := *client.Security, *server.Security
			if c.Key != s.Key || c.Cipher != s.Cipher || !c.Initiator || s.Initiator || c.Peer != client.Peer || s.Peer != server.Peer {
				t.Errorf("%s: %+v, %+v", name, c, s)
			}
			if c.Key == [32]byte{} {
				t.Errorf("%s: no key", name)
			}
		}
		wantServer, wantClient := "", ""
		if p.client.Credentials != nil {
			wantClient = "alice"
		}
		if p.server.Credentials != nil {
			wantServer = "oenc"
		}
		if client.Peer != wantServer || server.Peer != wantClient {
			t.Errorf("%s: client sees %q, server %q", name, client.Peer, server.Peer)
		}
	}
}

// The bytes are a function of the entropy, and each draw counts.
func TestSameEntropyGivesTheSameExchange(t *testing.T) {
	for name, p := range pairs(t) {
		_, q1, a1, o1 := p.messages(t)
		_, q2, a2, o2 := p.messages(t)
		if !bytes.Equal(q1, q2) || !bytes.Equal(a1, a2) || o1.Peer != o2.Peer {
			t.Errorf("%s: two runs differ", name)
		}
		if p.client.Enc == nil {
			continue
		}
		one, _, _, _ := p.runAs(t, 1, 2)
		var fresh pair
		fresh.client, fresh.server = p.client, p.server
		two, _, _, _ := fresh.runAs(t, 3, 2)
		if one.Security.Key == two.Security.Key {
			t.Errorf("%s: two exchanges have the same key", name)
		}
	}
}

// A signature of ECDSA is one over all that is in front of it, with the digest that the message names.
func TestSignatureCoversEverythingInFrontOfIt_11_2(t *testing.T) {
	a, roots := ca(t)
	for _, k := range []crypt.Kex{crypt.P256, crypt.P384, crypt.P521} {
		key, err := crypt.NewECDSAKey(rand.NewChaCha8([32]byte{9}), k)
		if err != nil {
			t.Fatal(err)
		}
		own, err := a.IssueKey("oenc", key)
		if err != nil {
			t.Fatal(err)
		}
		for _, digest := range crypt.Digests() {
			conf := enc(t, "kex=X25519\ndigest="+crypt.DigestName(digest))
			p := pair{client: &Config{Enc: conf, Roots: roots, RequirePeer: true}, server: &Config{Enc: conf, Credentials: own}}
			if _, _, cerr, serr := p.run(t); cerr != nil || serr != nil {
				t.Errorf("%s, %s: %v, %v", k, crypt.DigestName(digest), cerr, serr)
			}
			r, _, response, _ := p.messages(t)
			m, err := wire.ParseOAP(response, len(r.hash))
			if err != nil || len(m.Signature) == 0 {
				t.Fatalf("%v", err)
			}
			if _, err := roots.Verify(epoch, m.Certificate, digest, response[:len(response)-len(m.Signature)], m.Signature); err != nil {
				t.Error(err)
			}
		}
	}
}

// A certificate without enc.conf: no digest is named, and the key's own default signs.
func TestCertificateWithoutEncConf_11_5(t *testing.T) {
	p := pairs(t)["signed, in clear"]
	_, request, response, _ := p.messages(t)
	for _, b := range [][]byte{request, response} {
		if b[28] != 0 || b[29] != 0 {
			t.Errorf("md_nid %x", b[28:30])
		}
	}
}

// Validity is judged by the wall clock of the one who judges.
func TestExpiredCertificateIsRefused_11_5(t *testing.T) {
	a, roots := ca(t)
	expired, err := a.IssueUntil("oenc", epoch-int64(2*time.Hour), epoch-int64(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	p := pair{client: &Config{Roots: roots}, server: &Config{Credentials: expired}}
	_, _, err, _ = p.run(t)
	mustFail(t, err, core.ErrAuth, "expired")
}
