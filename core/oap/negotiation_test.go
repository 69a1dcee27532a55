package oap

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"ouroboros/core/crypt"
	"ouroboros/core/wire"
)

// TestNegotiations replays testdata/negotiation.txt: what a client and a server with the given configurations
// agree on, or why they do not. Each side has a line
//
//	client WORD...    server WORD...
//
// of words: KEY=VALUE of an enc.conf, conf for an empty one, certificate=NAME to show one, roots to judge those
// of others, demand-certificate, demand-encryption, and static=KEX for the lasting key of the server.
func TestNegotiations_11_4(t *testing.T) {
	datadriven.RunTest(t, "testdata/negotiation.txt", func(t *testing.T, d *datadriven.TestData) string {
		var p pair
		for _, line := range strings.Split(d.Input, "\n") {
			side, words, _ := strings.Cut(line, " ")
			cfg := configOf(t, strings.Fields(words))
			switch side {
			case "client":
				p.client = cfg
			case "server":
				p.server = cfg
			default:
				t.Fatalf("%q", line)
			}
		}
		client, server, clientErr, serverErr := p.run(t)
		switch {
		case serverErr != nil:
			return "server: " + serverErr.Error() + "\n"
		case clientErr != nil:
			return "client: " + clientErr.Error() + "\n"
		}
		return describe(t, &p, client, server)
	})
}

func configOf(t *testing.T, words []string) *Config {
	t.Helper()
	a, roots := ca(t)
	c := &Config{}
	var conf []string
	configured := false
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "conf":
			configured = true
		case "certificate":
			c.Credentials = issue(t, a, value)
		case "roots":
			c.Roots = roots
		case "demand-certificate":
			c.RequirePeer = true
		case "demand-encryption":
			c.RequireEncryption = true
		case "static":
			kex, _ := crypt.KexByName(value)
			own, err := kex.Generate(system('s').Entropy)
			if err != nil {
				t.Fatal(err)
			}
			c.StaticKey, c.StaticPublic = own, own.Public()
		default:
			configured = true
			conf = append(conf, w)
		}
	}
	if configured {
		c.Enc = enc(t, strings.Join(conf, "\n"))
	}
	return c
}

// describe says what both ends agreed on, and holds that it is the same.
func describe(t *testing.T, p *pair, client, server Outcome) string {
	t.Helper()
	var b strings.Builder
	if (client.Security == nil) != (server.Security == nil) {
		t.Fatalf("in clear at one end only: %+v, %+v", client, server)
	}
	if client.Security == nil {
		b.WriteString("in clear")
	} else {
		if client.Security.Key != server.Security.Key || client.Security.Cipher != server.Security.Cipher {
			t.Fatalf("%v, %v", client.Security, server.Security)
		}
		r, _, response, _ := p.messages(t)
		m, err := wire.ParseOAP(response, len(r.hash))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s with %s, kdf %s", p.client.Enc.Kex, crypt.CipherName(client.Security.Cipher), crypt.DigestName(m.KDF))
	}
	if client.Peer != "" {
		fmt.Fprintf(&b, ", server is %s", client.Peer)
	}
	if server.Peer != "" {
		fmt.Fprintf(&b, ", client is %s", server.Peer)
	}
	b.WriteString("\n")
	return b.String()
}
