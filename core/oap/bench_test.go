package oap

import (
	"testing"

	"ouroboros/core"
	"ouroboros/core/crypt"
)

// BenchmarkHandshake is one exchange, both sides: request, response and its verification.
func BenchmarkHandshake(b *testing.B) {
	plain := pairs(b)["plain"]
	b.Run("plain", func(b *testing.B) { handshakes(b, plain.client, plain.server) })
	for _, k := range crypt.Kexes() {
		conf := crypt.DefaultConfig()
		conf.Kex = k
		b.Run(k.String(), func(b *testing.B) { handshakes(b, &Config{Enc: conf}, &Config{Enc: conf}) })
		if !k.KEM() {
			continue
		}
		own, err := k.Generate(system('s').Entropy)
		if err != nil {
			b.Fatal(err)
		}
		static := *conf
		static.KEMMode = crypt.KEMClient
		b.Run(k.String()+"-client", func(b *testing.B) {
			handshakes(b, &Config{Enc: &static, StaticPublic: own.Public()}, &Config{Enc: &static, StaticKey: own})
		})
	}
	both := pairs(b)["signed by both"]
	b.Run("X25519-Ed25519-certificates", func(b *testing.B) { handshakes(b, both.client, both.server) })
	a, roots := ca(b)
	key, err := crypt.NewECDSAKey(system('k').Entropy, crypt.P256)
	if err != nil {
		b.Fatal(err)
	}
	own, err := a.IssueKey("oenc", key)
	if err != nil {
		b.Fatal(err)
	}
	conf := crypt.DefaultConfig()
	b.Run("X25519-ECDSA-server", func(b *testing.B) {
		handshakes(b, &Config{Enc: conf, Roots: roots, RequirePeer: true}, &Config{Enc: conf, Credentials: own})
	})
}

func handshakes(b *testing.B, client, server *Config) {
	c, at := system(1), system(2)
	wall := int64(epoch)
	clock := func() int64 { return wall }
	c.Wall, at.Wall = clock, clock
	var s Server
	b.ReportAllocs()
	for b.Loop() {
		// A millisecond for each, so that the list of requests forgets.
		wall += 1e6
		once(b, &s, c, at, client, server)
	}
}

func once(b *testing.B, s *Server, c, at core.Env, client, server *Config) {
	r, request, err := NewRequest(c, "oenc", client)
	if err != nil {
		b.Fatal(err)
	}
	response, _, err := s.Respond(at, server, request)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := r.Verify(c, response); err != nil {
		b.Fatal(err)
	}
}
