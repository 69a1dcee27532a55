package oap

import (
	"testing"

	"ouroboros/core/crypt"
)

// The lengths in bytes of request and response by key exchange, with SHA-256 as digest and without certificates.
// docs/security.md shows this table: whether a message fits into a layer's packet is for its user to know.
func TestMessageSizes_11_2(t *testing.T) {
	for _, c := range []struct {
		kex               crypt.Kex
		mode              crypt.KEMMode
		request, response int
	}{
		{crypt.X25519, 0, 80, 112},
		{crypt.P256, 0, 127, 159},
		{crypt.P384, 0, 156, 188},
		{crypt.P521, 0, 194, 226},
		{crypt.MLKEM768, 0, 1242, 1156},
		{crypt.X25519MLKEM768, 0, 1252, 1188},
		{crypt.MLKEM1024, 0, 1626, 1636},
		{crypt.MLKEM768, crypt.KEMClient, 1124, 68},
		{crypt.X25519MLKEM768, crypt.KEMClient, 1156, 68},
		{crypt.MLKEM1024, crypt.KEMClient, 1604, 68},
	} {
		own, err := c.kex.Generate(system('s').Entropy)
		if err != nil {
			t.Fatal(err)
		}
		conf := crypt.DefaultConfig()
		conf.Kex, conf.KEMMode = c.kex, c.mode
		p := pair{client: &Config{Enc: conf}, server: &Config{Enc: conf}}
		if c.kex.KEM() {
			p.client.StaticPublic, p.server.StaticKey = own.Public(), own
		}
		_, request, response, _ := p.messages(t)
		if len(request) != c.request || len(response) != c.response {
			t.Errorf("%s, %s: %d and %d", c.kex, c.mode, len(request), len(response))
		}
	}
}
