package oap

import (
	"testing"

	"pgregory.net/rapid"

	"ouroboros/core"
	"ouroboros/core/crypt"
)

// whole draws what may be configured for a name at one side; nil is nothing.
func whole(t *rapid.T, of string, statics map[crypt.Kex]*crypt.PrivateKey, own *crypt.Credentials, roots *crypt.Roots) *Config {
	if rapid.IntRange(0, 7).Draw(t, of+" has nothing") == 0 {
		return nil
	}
	c := &Config{
		RequirePeer:       rapid.IntRange(0, 4).Draw(t, of+" demands a certificate") == 0,
		RequireEncryption: rapid.IntRange(0, 4).Draw(t, of+" demands encryption") == 0,
	}
	if rapid.IntRange(0, 3).Draw(t, of+" has an enc.conf") > 0 {
		c.Enc = &crypt.Config{
			Kex:     rapid.SampledFrom(crypt.Kexes()).Draw(t, of+" kex"),
			Cipher:  rapid.SampledFrom(crypt.Ciphers()).Draw(t, of+" cipher"),
			KDF:     rapid.SampledFrom(crypt.Digests()).Draw(t, of+" kdf"),
			Digest:  rapid.SampledFrom(crypt.Digests()).Draw(t, of+" digest"),
			KEMMode: rapid.SampledFrom([]crypt.KEMMode{crypt.KEMServer, crypt.KEMClient}).Draw(t, of+" mode"),
		}
	}
	if rapid.Bool().Draw(t, of+" has a certificate") {
		c.Credentials = own
	}
	if rapid.Bool().Draw(t, of+" has a CA store") {
		c.Roots = roots
	}
	if s := statics[rapid.SampledFrom(crypt.Kexes()).Draw(t, of+" static")]; s != nil {
		c.StaticKey, c.StaticPublic = s, s.Public()
	}
	return c
}

// Whatever is configured at the two sides, either both have the same key and cipher, none weaker than what either
// side configured, or the flow is in clear and neither side wanted anything else, or there is no flow and an error
// says why.
func TestBothSidesAgreeOrBothFail_11_4(t *testing.T) {
	a, roots := ca(t)
	server, client := issue(t, a, "oenc"), issue(t, a, "alice")
	statics := map[crypt.Kex]*crypt.PrivateKey{}
	for _, k := range []crypt.Kex{crypt.MLKEM768, crypt.MLKEM1024, crypt.X25519MLKEM768} {
		own, err := k.Generate(system('s').Entropy)
		if err != nil {
			t.Fatal(err)
		}
		statics[k] = own
	}
	rapid.Check(t, func(rt *rapid.T) {
		p := pair{client: whole(rt, "client", statics, client, roots), server: whole(rt, "server", statics, server, roots)}
		atClient, atServer, clientErr, serverErr := p.run(t)
		for _, err := range []error{clientErr, serverErr} {
			if code := core.CodeOf(err); err != nil && code != core.ErrCrypt && code != core.ErrAuth {
				rt.Fatalf("error without a reason: %v", err)
			}
		}
		if clientErr != nil || serverErr != nil {
			if atClient != (Outcome{}) {
				rt.Fatalf("client failed with %+v", atClient)
			}
			return
		}
		holds(rt, &p, atClient, atServer)
	})
}

// holds checks an exchange that has led to a flow.
func holds(rt *rapid.T, p *pair, atClient, atServer Outcome) {
	sides := []*Config{orNothing(p.client), orNothing(p.server)}
	for i, c := range sides {
		peer, other := []Outcome{atClient, atServer}[i].Peer, sides[1-i]
		if (peer != "") != (other.Credentials != nil) || c.RequirePeer && peer == "" {
			rt.Fatalf("peer %q", peer)
		}
		if atClient.Security == nil && (c.Enc != nil || c.RequireEncryption) {
			rt.Fatal("in clear, and one side wanted encryption")
		}
	}
	if atClient.Security == nil {
		if atServer.Security != nil {
			rt.Fatal("encrypted at the server only")
		}
		return
	}
	client, server := *atClient.Security, *atServer.Security
	if client.Key != server.Key || client.Cipher != server.Cipher || !client.Initiator || server.Initiator {
		rt.Fatalf("%v, %v", client, server)
	}
	for _, c := range sides {
		if c.Enc != nil && crypt.CipherRank(client.Cipher) < crypt.CipherRank(c.Enc.Cipher) {
			rt.Fatalf("%s, configured is %s", crypt.CipherName(client.Cipher), crypt.CipherName(c.Enc.Cipher))
		}
	}
	if c := sides[1].Enc; c != nil && sides[0].Enc.Kex.Rank() < c.Kex.Rank() {
		rt.Fatalf("%s, the server's is %s", sides[0].Enc.Kex, c.Kex)
	}
}

func orNothing(c *Config) *Config {
	if c == nil {
		return &Config{}
	}
	return c
}
