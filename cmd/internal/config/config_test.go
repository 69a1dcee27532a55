package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ouroboros/cmd/internal/control/controltest"
	"ouroboros/core"
)

// apply runs a file against a daemon without a network and returns the calls that it makes.
func apply(t *testing.T, text string) []string {
	t.Helper()
	f, err := Parse("irmd.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	h := &controltest.Fake{}
	if err := f.Apply(context.Background(), h); err != nil {
		t.Fatal(err)
	}
	return h.Calls()
}

// tool makes a program and returns its path.
func tool(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tool")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each table of spec 13 §13.7 does what is written there; the defects that it lists are mended.
func TestTables(t *testing.T) {
	prog := tool(t)
	const unicast = `bootstrap "u" unicast layer="net" hash=1 `
	sizes := "addr=4 eid=8 ttl=60"
	for _, c := range []struct {
		rule, file string
		want       []string
	}{
		{"neither bootstrap nor enrol: the IPCP is only created", "[unicast.u]", []string{`create ipcp "u" unicast`}},
		{"bootstrap with the defaults", "[unicast.u]\nbootstrap='net'", []string{`create ipcp "u" unicast`, unicast + sizes}},
		{
			"every key of a unicast layer", `[unicast.u]
bootstrap = "net"
addr_size = 8
eid_size = 8
max_ttl = 255
addr-auth = "flat"
routing = "link-state"
congestion = "mb-ecn"
directory = "dht"
dht_alpha = 1
dht_k = 20
dht_t_expire = 86400
dht_t_refresh = 3
dht_t_replicate = 3600
ls_t_recalc = 1
ls_t_update = 2
ls_t_timeo = 4
`, []string{`create ipcp "u" unicast`, unicast + "addr=8 eid=8 ttl=255 addressing=flat-random congestion=mb-ecn " +
				"directory=dht,alpha=1,k=20,t_expire=86400s,t_refresh=3s,t_replicate=3600s routing=link-state,recalc=1s,timeout=4s,update=2s"},
		},
		{"congestion none (13.7 [D])", "[unicast.u]\nbootstrap='net'\ncongestion='none'", []string{`create ipcp "u" unicast`, unicast + sizes + " congestion=none"}},
		{"the hash of a unicast layer counts (13.7 [D])", "[unicast.u]\nbootstrap='net'\nhash='SHA3_512'", []string{`create ipcp "u" unicast`, `bootstrap "u" unicast layer="net" hash=3 ` + sizes}},
		{"routing lfa and ecmp", "[unicast.u]\nbootstrap='net'\nrouting='lfa'\n[unicast.v]\nbootstrap='n'\nrouting='ecmp'", []string{
			`create ipcp "u" unicast`, unicast + sizes + " forwarding=lfa routing=link-state",
			`create ipcp "v" unicast`, `bootstrap "v" unicast layer="n" hash=1 ` + sizes + " forwarding=ecmp routing=link-state",
		}},
		{"autobind = false does not bind (13.7 [D])", "[unicast.u]\nbootstrap='net'\nautobind=false", []string{`create ipcp "u" unicast`, unicast + sizes}},
		{"autobind", "[unicast.u]\nautobind=true\nbootstrap='net'", []string{`create ipcp "u" unicast`, unicast + "autobind " + sizes}},
		{"enrol wins over bootstrap", "[unicast.u]\nbootstrap='net'\nenrol='other'\nautobind=true\nconn=['a','b']\nreg=['x']", []string{
			`create ipcp "u" unicast`, `enroll "u" layer="" dst="other" autobind=true`,
			`create name "x" spillover senc="" scrt="" skey="" cenc="" ccrt="" ckey=""`, `register "x" ipcps=["u"] layers=[]`,
			`connect "u" dst="a" component=mgmt, dt qos=raw`, `connect "u" dst="b" component=mgmt, dt qos=raw`,
		}},
		{"broadcast", "[broadcast.b]\nbootstrap='news'\nautobind=true", []string{`create ipcp "b" broadcast`, `bootstrap "b" broadcast layer="news" hash=1 autobind`}},
		{"local with a hash", "[local.l]\nbootstrap='loop'\nhash='SHA3_224'", []string{`create ipcp "l" local`, `bootstrap "l" local layer="loop" hash=0`}},
		{"eth-dix: the default ethertype", "[eth-dix.e]\nbootstrap='eth'\ndev='v0'", []string{`create ipcp "e" eth-dix`, `bootstrap "e" eth-dix layer="eth" hash=1 device=v0 ethertype=a000`}},
		{"eth-dix: an ethertype", "[eth-dix.e]\nbootstrap='eth'\ndev='v0'\nethertype=0xFFFE\nhash='SHA3_384'", []string{`create ipcp "e" eth-dix`, `bootstrap "e" eth-dix layer="eth" hash=2 device=v0 ethertype=fffe`}},
		{"eth-llc", "[eth-llc.e]\nbootstrap='eth'\ndev='v0'", []string{`create ipcp "e" eth-llc`, `bootstrap "e" eth-llc layer="eth" hash=1 device=v0`}},
		{"udp4", "[udp4.s]\nbootstrap='udp'\nip='10.1.1.1'\nport=1\ndns='10.1.1.9'", []string{`create ipcp "s" udp4`, `bootstrap "s" udp4 layer="udp" hash=5 ip=10.1.1.1 port=1 dns=10.1.1.9`}},
		{"the address of udp6 is kept (13.7 [D])", "[udp6.s]\nbootstrap='udp'\nip='2001:db8::1'", []string{`create ipcp "s" udp6`, `bootstrap "s" udp6 layer="udp" hash=5 ip=2001:db8::1 port=3435`}},
		{"a name: spill is the default", "[name.n]", []string{`create name "n" spillover senc="" scrt="" skey="" cenc="" ccrt="" ckey=""`}},
		{"programs; those with arguments are started", fmt.Sprintf("[name.n]\nlb='round-robin'\nprog=[%q,%q]\nargs=['-l  --quiet']", prog, prog), []string{
			`create name "n" round-robin senc="" scrt="" skey="" cenc="" ccrt="" ckey=""`,
			fmt.Sprintf(`bind program %q name="n" auto=true args=["-l" "--quiet"]`, prog), fmt.Sprintf(`bind program %q name="n" auto=false args=[]`, prog),
		}},
		{"files of a name", fmt.Sprintf("[name.n]\nserver_enc_file=%[1]q\nserver_crt_file=%[1]q\nserver_key_file=%[1]q\nclient_enc_file=%[1]q\nclient_crt_file=%[1]q\nclient_key_file=%[1]q", prog), []string{
			fmt.Sprintf(`create name "n" spillover senc=%[1]q scrt=%[1]q skey=%[1]q cenc=%[1]q ccrt=%[1]q ckey=%[1]q`, prog),
		}},
		{"the order of the file counts", "[unicast.u]\n[name.n]\n[local.l]\n[unicast.a]", []string{
			`create ipcp "u" unicast`, `create name "n" spillover senc="" scrt="" skey="" cenc="" ccrt="" ckey=""`, `create ipcp "l" local`, `create ipcp "a" unicast`,
		}},
		{"a table in one line, and names in quotes", "unicast = {\"a.b c\" = {}}", []string{`create ipcp "a.b c" unicast`}},
		{"policies of ours, with parameters", `[unicast.u]
bootstrap = "net"
routing = "path-vector"
scheduler = {name = "drr", quantum_voice = 3000}
mpl = "250ms"
mtu = 9000
queue = 5
cubes = true
[unicast.u.congestion]
name = "dctcp"
gain = 0.125
interval = "20ms"
`, []string{`create ipcp "u" unicast`, unicast + sizes + " mpl=250ms mtu=9000 queue=5 cubes congestion=dctcp,gain=0.125,interval=20ms routing=path-vector scheduler=drr,quantum_voice=3000"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if d := cmp.Diff(c.want, apply(t, c.file)); d != "" {
				t.Error(d)
			}
		})
	}
}

// The tables of the daemon.
func TestSettings(t *testing.T) {
	f, err := Parse("irmd.toml", []byte(`
[daemon]
dir = "/run/o"
app_mode = "0666"
manage_mode = 0o600
rib = "/tmp/o"
[security]
force = true
dir = "/etc/o"
[metrics]
listen = "[::1]:9100"
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &File{
		Path: "irmd.toml", Daemon: Daemon{Dir: "/run/o", AppMode: 0o666, ManageMode: 0o600, RIB: "/tmp/o"},
		Security: Security{Force: true, Dir: "/etc/o"}, Metrics: Metrics{Listen: "[::1]:9100"},
	}
	if d := cmp.Diff(want, f); d != "" {
		t.Error(d)
	}
}

// Anything that is not known or not accepted is an error with file, line, key, value and what is accepted.
func TestErrorsSayWhereAndWhat(t *testing.T) {
	for _, c := range []struct {
		file string
		want []string
	}{
		{"[unicats.u]", []string{"irmd.toml:1: unicats: unknown table", "unicast"}},
		{"x = 1", []string{"irmd.toml:1: x: unknown table"}},
		{"\nunicast = 3", []string{"irmd.toml:2: unicast: is 3, accepted is a table"}},
		{"[unicast]\nu = 3", []string{"irmd.toml:2: unicast.u: is 3, accepted is a table"}},
		{"[[unicast.u]]", []string{"irmd.toml:1: unicast.u: is a list"}},
		{"[[name]]", []string{"irmd.toml:1: name: is a list"}},
		{"[unicast.u]\n[unicast.u]", []string{"irmd.toml:2"}},
		{"[unicast.u]\nhash='SHA3_256'\nhash='SHA3_256'", []string{"irmd.toml:3"}},
		{"[unicast.u\n", []string{"irmd.toml:1"}},
		{"[unicast.u]\nbootstrap='net'\ndht_t_expiry = 1", []string{"irmd.toml:3: unicast.u.dht_t_expiry: unknown key", "dht_t_expire"}},
		{"[unicast.u]\nbootstrap=1", []string{"irmd.toml:2: unicast.u.bootstrap: is 1, accepted is a string"}},
		{"[unicast.u]\nbootstrap=''", []string{"irmd.toml:2: unicast.u.bootstrap: is an empty string"}},
		{"[unicast.u]\nbootstrap='n'\naddr_size='4'", []string{`irmd.toml:3: unicast.u.addr_size: is the string "4", accepted is an integer: 1 to 8`}},
		{"[unicast.u]\nbootstrap='n'\naddr_size=9", []string{`irmd.toml:3: unicast.u.addr_size: "9", accepted is 1 to 8`}},
		{"[unicast.u]\nbootstrap='n'\neid_size=4", []string{"irmd.toml:3: unicast.u.eid_size", "only 8"}},
		{"[unicast.u]\nbootstrap='n'\nmax_ttl=256", []string{"irmd.toml:3: unicast.u.max_ttl", "1 to 255"}},
		{"[unicast.u]\nbootstrap='n'\nautobind=1", []string{"irmd.toml:3: unicast.u.autobind: is 1, accepted is true or false"}},
		{"[unicast.u]\nbootstrap='n'\ncubes='yes'", []string{"irmd.toml:3: unicast.u.cubes", "boolean"}},
		{"[unicast.u]\nbootstrap='n'\ncongestion='lfa'", []string{`irmd.toml:3: unicast.u.congestion: unknown congestion policy "lfa"`, "mb-ecn"}},
		{"[unicast.u]\nbootstrap='n'\ncongestion={name='dctcp',gian=1}", []string{"irmd.toml:3: unicast.u.congestion", "gian", "gain"}},
		{"[unicast.u]\nbootstrap='n'\ncongestion={gain=1}", []string{"irmd.toml:3: unicast.u.congestion: a policy without a name"}},
		{"[unicast.u]\nbootstrap='n'\ncongestion={name='dctcp',gain=[1]}", []string{"irmd.toml:3", "parameter gain is a list"}},
		{"[unicast.u]\nbootstrap='n'\ncongestion='dctcp,gain=1'", []string{"irmd.toml:3: unicast.u.congestion"}},
		{"[unicast.u]\nbootstrap='n'\nrouting=1979-05-27", []string{"irmd.toml:3: unicast.u.routing: is a date"}},
		{"[unicast.u]\nbootstrap='n'\ndht_alpha=11", []string{"irmd.toml:3: unicast.u.dht_alpha", "1 to 10"}},
		{"[unicast.u]\nbootstrap='n'\ndht_t_refresh=2", []string{"irmd.toml:3: unicast.u.dht_t_refresh", "3 to 3600"}},
		{"[unicast.u]\nbootstrap='n'\nls_t_recalc=0", []string{"irmd.toml:3: unicast.u.ls_t_recalc", "1 to"}},
		{"[unicast.u]\nbootstrap='n'\nrouting='path-vector'\nls_t_recalc=1", []string{"irmd.toml:1: unicast.u: ls_t_recalc belongs to routing link-state, but routing is path-vector"}},
		{"[unicast.u]\nbootstrap='n'\nrouting='lfa'\nforwarding='ecmp'", []string{"irmd.toml:1: unicast.u: routing lfa stands for forwarding lfa, but forwarding is ecmp"}},
		{"[unicast.u]\nbootstrap='n'\naddr-auth='flat'\naddressing='flat'", []string{"stands twice"}},
		{"[unicast.u]\nbootstrap='n'\nmpl='soon'", []string{"irmd.toml:3: unicast.u.mpl", "1ms to 10m"}},
		{"[unicast.u]\nbootstrap='n'\ndev='v0'", []string{"irmd.toml:3: unicast.u.dev: unknown key"}},
		{"[unicast.u]\nbootstrap='n'\nconn=['a']", []string{"irmd.toml:3: unicast.u.conn", "enrol"}},
		{"[unicast.u]\nreg=['a']", []string{"irmd.toml:2: unicast.u.reg"}},
		{"[unicast.u]\nbootstrap='n'\nreg='a'", []string{"irmd.toml:3: unicast.u.reg: is the string \"a\", accepted is a list"}},
		{"[unicast.u]\nbootstrap='n'\nreg=['a',\n1]", []string{"irmd.toml:3: unicast.u.reg: element 2 is 1"}},
		{"[local.l]\nenrol='x'", []string{"irmd.toml:2: local.l.enrol: local cannot enroll"}},
		{"[local.l]\nbootstrap='x'\nautobind=true", []string{"irmd.toml:3: local.l.autobind"}},
		{"[local.l]\nhash='MD5'\nbootstrap='x'", []string{"irmd.toml:2: local.l.hash", "SHA3_512"}},
		{"[eth-dix.e]\nbootstrap='x'", []string{"irmd.toml:1: eth-dix.e: dev is missing"}},
		{"[eth-dix.e]\nbootstrap='x'\ndev='v'\nethertype=0x5ff", []string{"irmd.toml:4: eth-dix.e.ethertype", "0600 to FFFE"}},
		{"[eth-dix.e]\nbootstrap='x'\ndev='v'\nethertype=-1", []string{"irmd.toml:4: eth-dix.e.ethertype"}},
		{"[eth-llc.e]\nbootstrap='x'\ndev='v'\nethertype=0xa000", []string{"irmd.toml:4: eth-llc.e.ethertype: unknown key"}},
		{"[udp4.s]\nbootstrap='x'", []string{"irmd.toml:1: udp4.s: ip is missing"}},
		{"[udp4.s]\nbootstrap='x'\nip='0.0.0.0'", []string{"irmd.toml:3: udp4.s.ip", "unspecified"}},
		{"[udp4.s]\nbootstrap='x'\nip='::1'", []string{"irmd.toml:3: udp4.s.ip", "udp4"}},
		{"[udp6.s]\nbootstrap='x'\nip='10.0.0.1'", []string{"irmd.toml:3: udp6.s.ip", "udp6"}},
		{"[udp6.s]\nbootstrap='x'\nip='host'", []string{"irmd.toml:3: udp6.s.ip", "no IP address"}},
		{"[udp4.s]\nbootstrap='x'\nip='10.0.0.1'\nport=0", []string{"irmd.toml:4: udp4.s.port", "1 to 65535"}},
		{"[udp4.s]\nbootstrap='x'\nip='10.0.0.1'\ndns='x'", []string{"irmd.toml:4: udp4.s.dns"}},
		{"[name.n]\nlb='random'", []string{`irmd.toml:2: name.n.lb: "random", accepted are spill, round-robin`}},
		{"[name.n]\nargs=['x']", []string{"irmd.toml:2: name.n.args: 1 elements for 0 programs"}},
		{"[name.n]\nprogs=['x']", []string{"irmd.toml:2: name.n.progs: unknown key, accepted are prog"}},
		{"[name.\"\"]", []string{"irmd.toml:1: name.\"\"", "1 to 255"}},
		{"[name." + strings.Repeat("x", 256) + "]", []string{"irmd.toml:1", "1 to 255"}},
		{"[name.\"a\\u0000b\"]", []string{"irmd.toml:1", "zero"}},
		{"[daemon]\ndir='run'", []string{"irmd.toml:2: daemon.dir", "absolute"}},
		{"[daemon]\nmode='0666'", []string{"irmd.toml:2: daemon.mode: unknown key, accepted are dir, app_mode"}},
		{"[daemon]\napp_mode='0999'", []string{"irmd.toml:2: daemon.app_mode", "0660"}},
		{"[daemon]\napp_mode=true", []string{"irmd.toml:2: daemon.app_mode: is true"}},
		{"[daemon]\nmanage_mode=0o1777", []string{"irmd.toml:2: daemon.manage_mode"}},
		{"[security]\nforce='yes'", []string{"irmd.toml:2: security.force"}},
		{"[metrics]\nlisten='9100'", []string{"irmd.toml:2: metrics.listen", "HOST:PORT"}},
		{"[metrics]\nlisten='h:99999'", []string{"irmd.toml:2: metrics.listen"}},
		{"a = " + strings.Repeat("[", 100), []string{"irmd.toml: line 1: nested too deeply"}},
	} {
		_, err := Parse("irmd.toml", []byte(c.file))
		if err == nil {
			t.Errorf("%q is accepted", c.file)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: %v\nwant %q in it", c.file, err, w)
			}
		}
	}
}

// The first step that fails ends it, and says where it stands (spec 13 §13.7).
func TestFirstFailureEndsIt(t *testing.T) {
	f, err := Parse("irmd.toml", []byte("[local.a]\n\n[local.b]\nbootstrap='l'\n[local.c]"))
	if err != nil {
		t.Fatal(err)
	}
	h := &controltest.Fake{}
	h.SetFail(func(_ context.Context, call string) error {
		if strings.HasPrefix(call, "bootstrap") {
			return core.ErrIPCPState
		}
		return nil
	})
	err = f.Apply(context.Background(), h)
	if want := "irmd.toml:3: local.b: bootstrap: IPCP is in another state"; err == nil || err.Error() != want || !errors.Is(err, core.ErrIPCPState) {
		t.Errorf("%v, want %s", err, want)
	}
	if calls := h.Calls(); len(calls) != 3 {
		t.Errorf("calls: %q", calls)
	}
}

// Programs and files must exist when their step runs.
func TestMissingFiles(t *testing.T) {
	for file, want := range map[string]string{
		"[name.n]\nprog=['/nowhere/tool']":      "bind the program /nowhere/tool: invalid argument: /nowhere/tool does not exist",
		"[name.n]\nclient_enc_file='/nowhere'":  "client_enc_file: invalid argument: file /nowhere does not exist",
		"[name.n]\nserver_key_file='" + "/'":    "is a directory",
		"[name.n]\nprog=['no-such-program-xy']": "on PATH",
	} {
		f, err := Parse("irmd.toml", []byte(file))
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Apply(context.Background(), &controltest.Fake{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
}

const example = "../../../docs/irmd.toml"

// The example is a file that is accepted, and has every table.
func TestExample(t *testing.T) {
	f, err := Load(example)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range objects {
		found := false
		for _, s := range f.Steps {
			found = found || strings.HasPrefix(s.Table, table+".")
		}
		if !found && table != "udp6" {
			t.Errorf("no table %s.X", table)
		}
	}
	if f.Daemon.ManageMode != fs.FileMode(0o660) || f.Metrics.Listen == "" || f.Security.Dir == "" {
		t.Errorf("%+v", f)
	}
}

// A file that cannot be read, or is no configuration by its length, is an error.
func TestLoad(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	long := filepath.Join(t.TempDir(), "long")
	os.WriteFile(long, make([]byte, maxFile+1), 0o600)
	if _, err := Load(long); err == nil || !strings.Contains(err.Error(), "accepted are 262144") {
		t.Error(err)
	}
}

// No content crashes the parser, and what it accepts can be applied.
func FuzzParse(f *testing.F) {
	data, err := os.ReadFile(example)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	for _, s := range []string{
		"[unicast.u]\nbootstrap='n'\ncongestion={name='dctcp',gain=0.5}", "[name.n]\nargs=['x']", "[[unicast.u]]", "unicast.u.bootstrap='x'",
		"unicast={u={bootstrap='n'}}", "[daemon]\napp_mode=0o666", "a=1979-05-27T07:32:00Z", "[udp6.\"x\\u0000\"]\nip='::1'",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("f", data)
		if err != nil {
			if file != nil || !strings.HasPrefix(err.Error(), "f:") {
				t.Errorf("%v, %v", file, err)
			}
			return
		}
		for _, s := range file.Steps {
			if s.Line < 1 || s.Run == nil || s.Table == "" {
				t.Errorf("step %+v", s)
			}
		}
	})
}
