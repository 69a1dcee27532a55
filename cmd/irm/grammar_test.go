package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// files makes a program, a file that cannot be executed, and a directory, and goes there.
func workDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"prog": 0o755, "plain": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	return dir
}

// Every row of the grammar of spec 13 §13.4: the command line, and what the daemon is told.
func TestGrammar(t *testing.T) {
	b := newBench(t)
	dir := workDir(t)
	t.Setenv("PATH", dir)
	sizes := " addr=4 eid=8 ttl=60"
	uni := `bootstrap "u" unicast layer="l" hash=1`
	for _, c := range []struct {
		line string
		want []string // without the lists that precede bootstrap and enroll
	}{
		{"ipcp create name u type unicast", []string{`create ipcp "u" unicast`}},
		{"ipcp create type eth-dix name u", []string{`create ipcp "u" eth-dix`}},
		{"ipcp destroy name u", []string{`destroy ipcp "u"`}},
		{"ipcp bootstrap name u layer l type unicast", []string{`create ipcp "u" unicast`, uni + sizes}},
		{"ipcp bootstrap type u name u layer l", []string{`create ipcp "u" unicast`, uni + sizes}},
		{"ipcp bootstrap type b name u layer l autobind", []string{`create ipcp "u" broadcast`, `bootstrap "u" broadcast layer="l" hash=1 autobind`}},
		{"ipcp bootstrap type l name u layer l hash SHA3_512", []string{`create ipcp "u" local`, `bootstrap "u" local layer="l" hash=3`}},
		{"ipcp bootstrap type udp4 name u layer l ip 10.1.1.1", []string{`create ipcp "u" udp4`, `bootstrap "u" udp4 layer="l" hash=5 ip=10.1.1.1 port=3435`}},
		{"ipcp bootstrap type udp6 name u layer l ip fe80::1 port 9 dns 10.0.0.1", []string{`create ipcp "u" udp6`, `bootstrap "u" udp6 layer="l" hash=5 ip=fe80::1 port=9 dns=10.0.0.1`}},
		{"ipcp bootstrap type udp4 name u layer l ip 10.1.1.1 dns none", []string{`create ipcp "u" udp4`, `bootstrap "u" udp4 layer="l" hash=5 ip=10.1.1.1 port=3435`}},
		{"ipcp bootstrap type udp4 name u layer l ip 10.1.1.1 hosts plain", []string{`create ipcp "u" udp4`, `bootstrap "u" udp4 layer="l" hash=5 ip=10.1.1.1 port=3435 hosts=` + dir + `/plain`}},
		{"ipcp bootstrap type eth-dix name u layer l dev v0", []string{`create ipcp "u" eth-dix`, `bootstrap "u" eth-dix layer="l" hash=1 device=v0 ethertype=a000`}},
		{"ipcp bootstrap type eth-dix name u layer l device v0 ethertype 0600", []string{`create ipcp "u" eth-dix`, `bootstrap "u" eth-dix layer="l" hash=1 device=v0 ethertype=0600`}},
		{"ipcp bootstrap type eth-dix name u layer l dev v0 ethertype 0xfffe", []string{`create ipcp "u" eth-dix`, `bootstrap "u" eth-dix layer="l" hash=1 device=v0 ethertype=fffe`}},
		{"ipcp bootstrap type eth-l name u layer l dev v0 hash SHA3_224", []string{`create ipcp "u" eth-llc`, `bootstrap "u" eth-llc layer="l" hash=0 device=v0`}},
		{"ipcp bootstrap type unicast name u layer l addr 8 eid 8 ttl 255 addr_auth flat directory DHT hash SHA3_384 routing link_state congestion none", []string{
			`create ipcp "u" unicast`, `bootstrap "u" unicast layer="l" hash=2 addr=8 eid=8 ttl=255 addressing=flat-random congestion=none directory=dht routing=link-state`,
		}},
		{"ipcp bootstrap type unicast name u layer l dht_alpha 10 dht_k 20 dht_t_expire 10 dht_t_refresh 3 dht_t_replicate 3600", []string{
			`create ipcp "u" unicast`, uni + sizes + ` directory=dht,alpha=10,k=20,t_expire=10s,t_refresh=3s,t_replicate=3600s`,
		}},
		{"ipcp bootstrap type unicast name u layer l ls_t_recalc 1 ls_t_update 2 ls_t_timeo 4", []string{
			`create ipcp "u" unicast`, uni + sizes + ` routing=link-state,recalc=1s,timeout=4s,update=2s`,
		}},
		{"ipcp bootstrap type unicast name u layer l routing lfa", []string{`create ipcp "u" unicast`, uni + sizes + ` forwarding=lfa routing=link-state`}},
		{"ipcp bootstrap type unicast name u layer l routing ecmp,recalc=2s", []string{`create ipcp "u" unicast`, uni + sizes + ` forwarding=ecmp routing=link-state,recalc=2s`}},
		{"ipcp bootstrap type unicast name u layer l routing path-vector forwarding ecmp scheduler drr,quantum_voice=3000 cost delay shaping shape admission bandwidth", []string{
			`create ipcp "u" unicast`, uni + sizes + ` admission=bandwidth cost=delay forwarding=ecmp routing=path-vector scheduler=drr,quantum_voice=3000 shaping=shape`,
		}},
		{"ipcp bootstrap type unicast name u layer l congestion dctcp,gain=0.125,interval=20ms addressing sequential", []string{
			`create ipcp "u" unicast`, uni + sizes + ` addressing=sequential congestion=dctcp,gain=0.125,interval=20ms`,
		}},
		{"ipcp bootstrap type unicast name u layer l mpl 250ms mtu 1400 queue 9 cubes", []string{`create ipcp "u" unicast`, uni + sizes + ` mpl=250ms mtu=1400 queue=9 cubes`}},
		{"ipcp enroll name u layer l", []string{`create ipcp "u" unicast`, `enroll "u" layer="l" dst="l" autobind=false`}},
		{"ipcp enroll name u dst d", []string{`create ipcp "u" unicast`, `enroll "u" layer="" dst="d" autobind=false`}},
		{"ipcp enroll name u layer l dst d type broadcast autobind", []string{`create ipcp "u" broadcast`, `enroll "u" layer="l" dst="d" autobind=true`}},
		{"ipcp connect name u dst d", []string{`connect "u" dst="d" component=mgmt, dt qos=raw`}},
		{"ipcp connect name u dst d component dt qos video", []string{`connect "u" dst="d" component=dt qos=video`}},
		{"ipcp connect name u dst d component m* qos data", []string{`connect "u" dst="d" component=mgmt qos=data`}},
		{"ipcp connect name u dst d component * qos best", []string{`connect "u" dst="d" component=mgmt, dt qos=best`}},
		{"ipcp disconnect name u dst d", []string{`disconnect "u" dst="d" component=mgmt, dt`}},
		{"ipcp disconnect name u dst d component mgmt", []string{`disconnect "u" dst="d" component=mgmt`}},

		{"bind program prog name n", []string{`bind program "` + dir + `/prog" name="n" auto=false args=[]`}},
		{"bind program ./prog name n auto", []string{`bind program "` + dir + `/prog" name="n" auto=true args=[]`}},
		{"bind program folder/../prog auto name n -- --listen name x", []string{`bind program "` + dir + `/prog" name="n" auto=true args=["--listen" "name" "x"]`}},
		{"bind process 4711 name n", []string{`bind process 4711 name="n"`}},
		{"bind ipcp u name n", []string{`bind ipcp "u" name="n"`}},
		{"unbind program prog name n", []string{`unbind program "prog" name="n"`}},
		{"unbind program gone", []string{`unbind program "gone" name=""`}},
		{"unbind program ./gone", []string{`unbind program "` + dir + `/gone" name=""`}},
		{"unbind process 4711", []string{`unbind process 4711 name=""`}},
		{"unbind process 4711 name n", []string{`unbind process 4711 name="n"`}},
		{"unbind ipcp u name n", []string{`unbind ipcp "u" name="n"`}},

		{"name create n", []string{`create name "n" round-robin senc="" scrt="" skey="" cenc="" ccrt="" ckey=""`}},
		{"name create n lb spillover", []string{`create name "n" spillover senc="" scrt="" skey="" cenc="" ccrt="" ckey=""`}},
		{"name create n lb round-robin sencpath plain scrtpath plain skeypath plain cencpath plain ccrtpath plain ckeypath plain", []string{
			strings.ReplaceAll(`create name "n" round-robin senc="F" scrt="F" skey="F" cenc="F" ccrt="F" ckey="F"`, "F", dir+"/plain"),
		}},
		{"name destroy n", []string{`destroy name "n"`}},
		{"name register n ipcp a", []string{`register "n" ipcps=["a"] layers=[]`}},
		{"name register n layer l ipcp a layer m* ipcp b", []string{`register "n" ipcps=["a" "b"] layers=["l" "m*"]`}},
		{"name unregister n layer *", []string{`unregister "n" ipcps=[] layers=["*"]`}},

		// A name may be a word of the grammar: values are never shortened or taken for keywords.
		{"ipcp create name type type local", []string{`create ipcp "type" local`}},
		{"bind program prog name auto", []string{`bind program "` + dir + `/prog" name="auto" auto=false args=[]`}},
	} {
		must(t, "ipcp destroy name u")
		must(t, "ipcp destroy name type")
		b.Calls()
		must(t, c.line)
		var got []string
		for _, call := range b.Calls() {
			if call != "list ipcps" {
				got = append(got, call)
			}
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("irm %s:\n%s", c.line, d)
		}
	}
}

// Every word may be shortened to any prefix; the first in the listed order wins (spec 13 §13.4).
func TestPrefixes(t *testing.T) {
	b := newBench(t)
	t.Chdir(workDir(t))
	for line, want := range map[string]string{
		"i c n u t unicast":            `create ipcp "u" unicast`,
		"ipcp cr na u ty local":        `create ipcp "u" local`,
		"i d n u":                      `destroy ipcp "u"`,
		"i co n u d x":                 `connect "u" dst="x" component=mgmt, dt qos=raw`,
		"i co n u d x c dt q voice":    `connect "u" dst="x" component=dt qos=voice`,
		"i di n u d x":                 `disconnect "u" dst="x" component=mgmt, dt`,
		"i b t loc n u l x":            `bootstrap "u" local layer="x" hash=1`,
		"i b t u n u l x a 2":          `bootstrap "u" unicast layer="x" hash=1 addr=2 eid=8 ttl=60`,
		"i b t u n u l x au":           `bootstrap "u" unicast layer="x" hash=1 autobind addr=4 eid=8 ttl=60`,
		"i b t u n u l x tt 9 con non": "",
		"i e n u l x":                  `enroll "u" layer="x" dst="x" autobind=false`,
		"i e n u d x a":                `enroll "u" layer="" dst="x" autobind=true`,
		"b p prog n x":                 `bind program "PWD/prog" name="x" auto=false args=[]`,
		"b proc 7 n x":                 `bind process 7 name="x"`,
		"b i u n x":                    `bind ipcp "u" name="x"`,
		"u p prog n x":                 `unbind program "prog" name="x"`,
		"u i u n x":                    `unbind ipcp "u" name="x"`,
		"n c x l spillover":            `create name "x" spillover senc="" scrt="" skey="" cenc="" ccrt="" ckey=""`,
		"n r x i u l y":                `register "x" ipcps=["u"] layers=["y"]`,
		"n u x l y":                    `unregister "x" ipcps=[] layers=["y"]`,
		"n d x":                        `destroy name "x"`,
	} {
		must(t, "ipcp destroy name u")
		b.Calls()
		code, out, _ := irm(strings.Fields(line)...)
		calls := b.Calls()
		if want == "" {
			if code != 1 || !strings.Contains(out, `unknown congestion policy "non"`) {
				t.Errorf("irm %s: a value was shortened: %s", line, out)
			}
			continue
		}
		wd, _ := os.Getwd()
		if want = strings.Replace(want, "PWD", wd, 1); code != 0 || len(calls) == 0 || calls[len(calls)-1] != want {
			t.Errorf("irm %s: exit %d, %s%q\nwant %s", line, code, out, calls, want)
		}
	}
}

// No word hides another: each, spelled out, stands for itself.
func TestWordsAreReachable(t *testing.T) {
	for _, o := range objects {
		if findObject(o.word) != o {
			t.Errorf("object %s is hidden", o.word)
		}
		commands := o.commands
		if o.alone != nil {
			commands = []*command{o.alone}
		}
		for _, c := range commands {
			if o.alone == nil && o.findCommand(c.word) != c {
				t.Errorf("%s is hidden", c.name())
			}
			for _, k := range c.keywords {
				if c.find(k.word) != k {
					t.Errorf("%s: %s is hidden", c.name(), k.word)
				}
			}
		}
	}
}

// The words of the prototype stand first, in its order, so that prefixes mean what they mean there.
func TestOursStandBehind(t *testing.T) {
	for _, o := range objects {
		for _, c := range o.commands {
			behind := false
			for _, k := range c.keywords {
				if behind && !k.ours {
					t.Errorf("%s: %s stands behind one that the prototype does not have", c.name(), k.word)
				}
				behind = behind || k.ours && k.word != "addressing"
			}
		}
	}
	if got := strings.Join(objectWords()[:5], " "); got != "ipcp bind unbind name help" {
		t.Errorf("objects %s", got)
	}
}

// An IPCP that exists is not created again, and keeps its type (spec 13 §13.4).
func TestBootstrapOfAnIPCPThatExists(t *testing.T) {
	b := newBench(t)
	must(t, "ipcp create name u type unicast")
	b.Calls()
	must(t, "ipcp bootstrap name u layer l")
	if d := cmp.Diff([]string{"list ipcps", "list ipcps", `bootstrap "u" unicast layer="l" hash=1 addr=4 eid=8 ttl=60`}, b.Calls()); d != "" {
		t.Error(d)
	}
	must(t, "ipcp create name v type local")
	for line, want := range map[string]string{
		"ipcp bootstrap name v layer l type unicast": "v is of type local, not unicast",
		"ipcp bootstrap name w layer l":              "there is no IPCP w; to create it, its type is needed",
		"ipcp bootstrap name u layer l":              "IPCP \"u\" is operational",
	} {
		if code, out, _ := irm(strings.Fields(line)...); code != 1 || !strings.HasPrefix(out, "Failed to bootstrap IPCP. ") || !strings.Contains(out, want) {
			t.Errorf("irm %s: exit %d, %s", line, code, out)
		}
	}
}
