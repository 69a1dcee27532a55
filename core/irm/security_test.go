package irm_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/irm"
	"ouroboros/core/oap"
	"ouroboros/core/pkt"
	"ouroboros/frcp"
	"ouroboros/shim/direct"
	"ouroboros/sim"
)

// pair is two systems on a wire, and what crosses it.
type pair struct {
	t   *testing.T
	w   *sim.World
	env [2]core.Env
	b   [2]*irm.Broker
}

func newPair(t *testing.T, client, server irm.Security) *pair {
	t.Helper()
	p := &pair{t: t, w: sim.New(1)}
	p.env = [2]core.Env{p.w.Node("a"), p.w.Node("b")}
	wire, err := p.w.Link(core.LinkSpec{Kind: core.LinkDirect, Delay: time.Millisecond}, p.env[0], p.env[1])
	if err != nil {
		t.Fatal(err)
	}
	la, lb := wire.Ends()
	for i, l := range []core.Link{la, lb} {
		s, err := direct.New(p.env[i].Derive("shim"), l, direct.Config{Layer: "wire", Hash: core.SHA3_256})
		if err != nil {
			t.Fatal(err)
		}
		p.b[i] = irm.New(p.env[i].Derive("irm"), irm.Config{Security: []irm.Security{client, server}[i]})
		if err := p.b[i].AddProvider(s); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// alloc asks for a flow from the first system to the second.
func (p *pair) alloc(r core.Request) (client, server core.Flow, clientErr, serverErr error) {
	p.t.Helper()
	r.Name = "srv"
	stop, err := p.b[1].Listen("srv", func(in core.Incoming) { server, serverErr = in.Accept() })
	if err != nil {
		p.t.Fatal(err)
	}
	defer stop()
	p.b[0].Alloc(r, func(f core.Flow, err error) { client, clientErr = f, err })
	if err := p.w.Run(p.w.Now().Add(30 * time.Second)); err != nil {
		p.t.Fatal(err)
	}
	return client, server, clientErr, serverErr
}

// heard is a user that keeps what it gets.
type heard struct{ got []string }

func (h *heard) Deliver(p *pkt.Buf) {
	h.got = append(h.got, string(p.Bytes()))
	p.Release()
}
func (h *heard) Writable()    {}
func (h *heard) State(bool)   {}
func (h *heard) Closed(error) {}

// talk sends a message each way over a pair of flows.
func (p *pair) talk(client, server core.Flow) {
	p.t.Helper()
	var users [2]heard
	for i, f := range []core.Flow{client, server} {
		e, err := frcp.Wrap(p.env[i].Derive("frcp"), f)
		if err != nil {
			p.t.Fatal(err)
		}
		e.Attach(&users[i])
		if err := e.Write(p.env[i].Pool.GetCopy(e.Info().Headroom, []byte("hello"))); err != nil {
			p.t.Fatal(err)
		}
		defer e.Close(0)
	}
	if err := p.w.Run(p.w.Now().Add(time.Second)); err != nil {
		p.t.Fatal(err)
	}
	for i := range users {
		if len(users[i].got) != 1 || users[i].got[0] != "hello" {
			p.t.Errorf("end %d got %q", i, users[i].got)
		}
	}
}

// fixed configures every name alike.
func fixed(c oap.Config) func(core.Name) (*oap.Config, error) {
	return func(core.Name) (*oap.Config, error) { return &c, nil }
}

func enc(t *testing.T, text string) *crypt.Config {
	t.Helper()
	c, err := crypt.ParseConfig("enc.conf", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Who demands encryption gets it or no flow: the administrator of a system for all its flows, that of a name in
// either role, or the application (spec 11 §11.4, §11.8; decision 9).
func TestWhoDemandsEncryption_11_8(t *testing.T) {
	chacha := enc(t, "cipher=chacha20-poly1305\n")
	for _, c := range []struct {
		name           string
		client, server irm.Security
		request        core.Request
		cipher         uint16
	}{
		{"nobody", irm.Security{}, irm.Security{}, core.Request{}, 0},
		{"the application", irm.Security{}, irm.Security{}, core.Request{Encrypt: true}, 901},
		{"the client's system", irm.Security{Force: true}, irm.Security{}, core.Request{}, 901},
		{"both systems", irm.Security{Force: true}, irm.Security{Force: true, Default: chacha}, core.Request{}, 1018},
		{"the client's system, its way", irm.Security{Force: true, Default: chacha}, irm.Security{}, core.Request{}, 1018},
		{"the client's name", irm.Security{Client: fixed(oap.Config{Enc: chacha})}, irm.Security{}, core.Request{}, 1018},
		{"both names, the stronger counts", irm.Security{Client: fixed(oap.Config{Enc: enc(t, "cipher=aes-128-gcm\n")})}, irm.Security{Server: fixed(oap.Config{Enc: chacha})}, core.Request{}, 1018},
		{"the name and the application", irm.Security{Client: fixed(oap.Config{Enc: chacha})}, irm.Security{}, core.Request{Encrypt: true}, 1018},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, q := range []core.QoS{core.QoSRaw, core.QoSVoice, core.QoSData} {
				p := newPair(t, c.client, c.server)
				c.request.QoS = q
				client, server, err, err2 := p.alloc(c.request)
				if err != nil || err2 != nil {
					t.Fatal(err, err2)
				}
				if a, b := client.Info().Cipher, server.Info().Cipher; a != c.cipher || b != c.cipher {
					t.Fatalf("ciphers %d and %d, want %d", a, b, c.cipher)
				}
				p.talk(client, server)
			}
		})
	}
}

// A system that encrypts everything and has no algorithms configured takes the key exchange that the client's
// administrator has chosen, and no cipher weaker than its own default (spec 11 §11.4).
func TestForcedServerTakesTheClientsKeyExchange_11_4(t *testing.T) {
	for text, want := range map[string]uint16{
		"": crypt.AES256GCM, "cipher=aes-128-ctr": crypt.AES256GCM, "cipher=chacha20-poly1305": crypt.ChaCha20Poly1305,
	} {
		p := newPair(t, irm.Security{Client: fixed(oap.Config{Enc: enc(t, text)})}, irm.Security{Force: true})
		client, server, err, err2 := p.alloc(core.Request{QoS: core.QoSData})
		if err != nil || err2 != nil {
			t.Fatalf("%q: %v, %v", text, err, err2)
		}
		if c := client.Info().Cipher; c != want {
			t.Errorf("%q: %s", text, crypt.CipherName(c))
		}
		p.talk(client, server)
	}
	// Algorithms that are configured for the system hold.
	p := newPair(t, irm.Security{Client: fixed(oap.Config{Enc: enc(t, "")})}, irm.Security{Force: true, Default: crypt.DefaultConfig()})
	_, _, _, err := p.alloc(core.Request{QoS: core.QoSData})
	if core.CodeOf(err) != core.ErrCrypt || !strings.Contains(err.Error(), "prime256v1, weaker than the server's X25519") {
		t.Error(err)
	}
}

// What is demanded and cannot be had fails the allocation, with the reason, at both ends; nothing falls back.
func TestWhatCannotBeHadFails_11_8(t *testing.T) {
	broken := errors.New("enc.conf:1: no")
	ca, other := newAuthority(t, 1), newAuthority(t, 2)
	for _, c := range []struct {
		name           string
		client, server irm.Security
		request        core.Request
		code           core.Code
		reason         string // of the end that finds it
	}{
		{"the server's system demands it", irm.Security{}, irm.Security{Force: true}, core.Request{}, core.ErrCrypt, "demands encryption"},
		{"the server's name demands it", irm.Security{}, irm.Security{Server: fixed(oap.Config{Enc: crypt.DefaultConfig()})}, core.Request{}, core.ErrCrypt, "demands encryption"},
		{"the client cannot read its file", irm.Security{Client: func(core.Name) (*oap.Config, error) { return nil, broken }}, irm.Security{}, core.Request{}, core.ErrCrypt, "enc.conf:1"},
		{"the server cannot read its file", irm.Security{}, irm.Security{Server: func(core.Name) (*oap.Config, error) { return nil, broken }}, core.Request{}, core.ErrCrypt, "enc.conf:1"},
		{"nobody to vouch", irm.Security{}, irm.Security{}, core.Request{Authenticate: true}, core.ErrAuth, "authority"},
		{"a server without certificate", irm.Security{Client: fixed(oap.Config{Roots: ca.roots})}, irm.Security{}, core.Request{Authenticate: true}, core.ErrAuth, "no certificate"},
		{"a server of another authority", irm.Security{Client: fixed(oap.Config{Roots: ca.roots})}, irm.Security{Server: fixed(other.shows(t, "srv"))}, core.Request{Authenticate: true}, core.ErrAuth, "unknown authority"},
		{"a server of another name", irm.Security{Client: fixed(oap.Config{Roots: ca.roots})}, irm.Security{Server: fixed(ca.shows(t, "evil"))}, core.Request{Authenticate: true}, core.ErrAuth, "evil"},
		{"a client without certificate", irm.Security{Client: fixed(oap.Config{Roots: ca.roots})}, irm.Security{Server: fixed(oap.Config{Roots: ca.roots, RequirePeer: true})}, core.Request{}, core.ErrAuth, "no certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t, c.client, c.server)
			client, server, err, err2 := p.alloc(c.request)
			if client != nil || core.CodeOf(err) != c.code && core.CodeOf(err) != core.ErrCrypt {
				t.Fatalf("client: %v, %v", client, err)
			}
			if !strings.Contains(errors.Join(err, err2).Error(), c.reason) {
				t.Errorf("client: %v; server: %v", err, err2)
			}
			if server != nil {
				server.Close(0)
			}
		})
	}
}

// Ends that have shown certificates know each other, also on a flow in clear.
func TestPeersKnowEachOther_11_5(t *testing.T) {
	ca := newAuthority(t, 1)
	for _, encrypt := range []bool{false, true} {
		p := newPair(t, irm.Security{Client: fixed(ca.shows(t, "alice"))}, irm.Security{Server: fixed(ca.shows(t, "srv"))})
		client, server, err, err2 := p.alloc(core.Request{Authenticate: true, Encrypt: encrypt, QoS: core.QoSData})
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if a, b := client.Info(), server.Info(); a.Peer != "srv" || b.Peer != "alice" || (a.Cipher != 0) != encrypt {
			t.Errorf("%+v and %+v", a, b)
		}
		p.talk(client, server)
	}
}

// A user who does not encrypt can neither send nor hear anything on a flow that must be encrypted.
func TestLockedFlowTakesNothing(t *testing.T) {
	p := newPair(t, irm.Security{}, irm.Security{})
	client, server, err, err2 := p.alloc(core.Request{Encrypt: true})
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	var users [2]heard
	client.Attach(&users[0])
	server.Attach(&users[1])
	for i, f := range []core.Flow{client, server} {
		if err := f.Write(p.env[i].Pool.GetCopy(f.Info().Headroom, []byte("in clear"))); !errors.Is(err, core.ErrCrypt) {
			t.Errorf("%v", err)
		}
	}
	if err := p.w.Run(p.w.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if len(users[0].got)+len(users[1].got) != 0 || p.w.Pool().Live() != 0 {
		t.Errorf("%q, %q, %d buffers", users[0].got, users[1].got, p.w.Pool().Live())
	}
	client.Close(0)
	server.Close(0)
}

// A broadcast layer has no handshake: on a system that encrypts every flow nobody joins one.
func TestForcedSystemJoinsNothing_11_1(t *testing.T) {
	p := newPair(t, irm.Security{Force: true}, irm.Security{})
	if err := p.b[0].AddProvider(hub{}); err != nil {
		t.Fatal(err)
	}
	var got error
	p.b[0].Join("all", func(_ core.Flow, err error) { got = err })
	if err := p.w.Run(p.w.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(got, core.ErrCrypt) || !strings.Contains(got.Error(), `"all"`) {
		t.Error(got)
	}
}

// hub is a member of a broadcast layer.
type hub struct{ core.Provider }

func (hub) Layer() core.LayerInfo                { return core.LayerInfo{Name: "all", Kind: core.KindBroadcast} }
func (hub) OnRequest(func(in core.IncomingFlow)) {}

// authority vouches for names.
type authority struct {
	*crypt.Authority
	roots *crypt.Roots
}

func newAuthority(t *testing.T, seed byte) *authority {
	t.Helper()
	a, err := crypt.NewAuthority(rand.NewChaCha8([32]byte{seed}), sim.Epoch)
	if err != nil {
		t.Fatal(err)
	}
	roots, err := a.Roots()
	if err != nil {
		t.Fatal(err)
	}
	return &authority{a, roots}
}

// shows returns the configuration of who has a certificate for a name and trusts the authority.
func (a *authority) shows(t *testing.T, name string) oap.Config {
	t.Helper()
	c, err := a.Issue(name)
	if err != nil {
		t.Fatal(err)
	}
	return oap.Config{Credentials: c, Roots: a.roots}
}
