package irm_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/core/oap"
)

// folder returns the files of a system: texts by path.
func folder(files map[string]string) fstest.MapFS {
	f := fstest.MapFS{}
	for name, text := range files {
		f[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return f
}

func openFiles(t *testing.T, f fstest.MapFS) *irm.Files {
	t.Helper()
	x, err := irm.OpenFiles(f)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// pems returns the certificate and key of a name.
func (a *authority) pems(t *testing.T, name string) (cert, key string) {
	t.Helper()
	c, err := a.Issue(name)
	if err != nil {
		t.Fatal(err)
	}
	crt, k, err := c.PEM()
	if err != nil {
		t.Fatal(err)
	}
	return string(crt), string(k)
}

// Files in the layout of the prototype secure a flow from end to end, and a change of them holds for the next
// allocation (spec 11 §11.8).
func TestFilesSecureFlows_11_8(t *testing.T) {
	ca := newAuthority(t, 1)
	crt, key := ca.pems(t, "srv")
	client := folder(map[string]string{"cacert/ca.pem": string(ca.PEM()), "client/srv/enc.conf": "cipher=chacha20-poly1305\npeer=required\n"})
	server := folder(map[string]string{"server/srv/crt.pem": crt, "server/srv/key.pem": key})
	p := newPair(t, irm.Security{Client: openFiles(t, client).Client}, irm.Security{Server: openFiles(t, server).Server})
	a, b, err, err2 := p.alloc(core.Request{QoS: core.QoSData})
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	if i := a.Info(); i.Cipher != 1018 || i.Peer != "srv" {
		t.Errorf("%+v", i)
	}
	p.talk(a, b)
	delete(server, "server/srv/crt.pem")
	delete(server, "server/srv/key.pem")
	if f, _, err, _ := p.alloc(core.Request{QoS: core.QoSData}); core.CodeOf(err) != core.ErrAuth {
		t.Errorf("%v, %v: the server has lost its certificate", f, err)
	}
	client["client/srv/enc.conf"] = &fstest.MapFile{Data: []byte("none\n")}
	a, b, err, err2 = p.alloc(core.Request{QoS: core.QoSData})
	if err != nil || err2 != nil || a.Info().Cipher != 0 {
		t.Fatalf("%v, %v", err, err2)
	}
	a.Close(0)
	b.Close(0)
}

// A file that cannot be used fails the allocation with its name; no file is no error.
func TestBadFilesAreNamed_11_8(t *testing.T) {
	ca := newAuthority(t, 1)
	crt, key := ca.pems(t, "srv")
	for _, c := range []struct{ file, text, want string }{
		{"server/srv/enc.conf", "cipher=rot13\n", `server/srv/enc.conf:1: cipher "rot13" is unknown`},
		{"server/srv/enc.conf", "kex=X448\n", "server/srv/enc.conf:1: kex X448 cannot be had here"},
		{"server/srv/enc.conf", "peer=maybe\n", `server/srv/enc.conf:1: peer "maybe" is unknown, accepted are optional, required`},
		{"server/srv/crt.pem", crt, "server/srv/crt.pem, server/srv/key.pem: of certificate and key there is only one"},
		{"server/srv/key.pem", key, "server/srv/crt.pem, server/srv/key.pem: of certificate and key there is only one"},
		{"server/srv/kex.key.pem", "nonsense", "server/srv/kex.key.pem"},
	} {
		_, err := openFiles(t, folder(map[string]string{c.file: c.text})).Server("srv")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.file, err, c.want)
		}
	}
	for _, n := range []core.Name{"srv", "../srv", "/etc/passwd", "a/../srv", "."} {
		if cfg, err := openFiles(t, folder(map[string]string{"server/x": ""})).Server(n); err != nil || cfg.Enc != nil || cfg.Credentials != nil {
			t.Errorf("%q: %+v, %v", n, cfg, err)
		}
	}
	if _, err := irm.OpenFiles(folder(map[string]string{"cacert/a.pem": "nonsense"})); err == nil || !strings.Contains(err.Error(), "cacert/a.pem") {
		t.Error(err)
	}
}

// A certificate in untrusted helps to build chains and is not trusted, also if it has signed itself; the prototype
// would trust it (spec 11 §11.5).
func TestUntrustedIsNotTrusted_11_5(t *testing.T) {
	ca := newAuthority(t, 1)
	crt, key := ca.pems(t, "srv")
	server := openFiles(t, folder(map[string]string{"server/srv/crt.pem": crt, "server/srv/key.pem": key}))
	for dir, ok := range map[string]bool{"cacert": true, "untrusted": false} {
		client := openFiles(t, folder(map[string]string{dir + "/ca.pem": string(ca.PEM())}))
		p := newPair(t, irm.Security{Client: client.Client}, irm.Security{Server: server.Server})
		a, b, err, _ := p.alloc(core.Request{Authenticate: true})
		if (err == nil) != ok {
			t.Errorf("%s: %v", dir, err)
		}
		if ok {
			a.Close(0)
		}
		if b != nil {
			b.Close(0)
		}
	}
}

// The administrator can name files for a name that stand in for those of its folder, in either role and each by
// itself. One that is named and is not there fails the allocation; it does not make the flow one in clear
// (spec 13 §13.4: sencpath, scrtpath, skeypath, cencpath, ccrtpath, ckeypath).
func TestNamedFilesStandInForTheFolder_13_4(t *testing.T) {
	ca := newAuthority(t, 1)
	crt, key := ca.pems(t, "srv")
	other, otherKey := ca.pems(t, "other")
	elsewhere := map[string]string{"/a/enc": "cipher=aes-128-gcm\n", "/a/crt": crt, "/a/key": key, "/a/bad": "cipher=rot13\n"}
	read := func(file string) ([]byte, error) {
		if text, ok := elsewhere[file]; ok {
			return []byte(text), nil
		}
		return nil, fmt.Errorf("open %s: %w", file, fs.ErrNotExist)
	}
	base := openFiles(t, folder(map[string]string{
		"server/srv/crt.pem": other, "server/srv/key.pem": otherKey, "server/srv/enc.conf": "cipher=chacha20-poly1305\n",
	}))
	get := func(p irm.SecurityPaths, client bool) (*oap.Config, error) {
		f := base.Override(func(n core.Name) irm.SecurityPaths {
			if n == "srv" {
				return p
			}
			return irm.SecurityPaths{}
		}, read)
		if client {
			return f.Client("srv")
		}
		return f.Server("srv")
	}
	c, err := get(irm.SecurityPaths{}, false)
	if err != nil || c.Enc == nil || c.Credentials == nil {
		t.Fatalf("%+v, %v: the folder is in force", c, err)
	}
	plain, cred := c.Enc.Cipher, c.Credentials
	c, err = get(irm.SecurityPaths{ServerEnc: "/a/enc"}, false)
	if err != nil || c.Enc.Cipher == plain || c.Credentials == nil {
		t.Errorf("%+v, %v: another enc.conf", c, err)
	}
	c, err = get(irm.SecurityPaths{ServerCrt: "/a/crt", ServerKey: "/a/key"}, false)
	if err != nil || c.Enc.Cipher != plain || bytes.Equal(c.Credentials.Certificate(), cred.Certificate()) {
		t.Errorf("%+v, %v: another certificate", c, err)
	}
	c, err = get(irm.SecurityPaths{ClientEnc: "/a/enc"}, true)
	if err != nil || c.Enc == nil {
		t.Errorf("%+v, %v: the client's file", c, err)
	}
	for want, p := range map[string]irm.SecurityPaths{
		"open /a/none":               {ServerEnc: "/a/none"},
		"open /a/gone":               {ServerCrt: "/a/gone"},
		`/a/bad:1: cipher "rot13"`:   {ServerEnc: "/a/bad"},
		"/a/crt, server/srv/key.pem": {ServerCrt: "/a/crt"}, // a key of another certificate
	} {
		if _, err := get(p, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", p, err, want)
		}
	}
}
