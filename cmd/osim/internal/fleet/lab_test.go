package fleet

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"ouroboros/internal/netns"
	"ouroboros/scenarios/result"
)

// keyPair writes a throw-away key and returns its file and the public part.
func keyPair(t *testing.T, file string) ssh.PublicKey {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(priv, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// lab is two machines: namespaces with an SSH server each, joined by a cable.
func lab(t *testing.T, text string) *Hosts {
	t.Helper()
	needRoot(t)
	sshd, err := exec.LookPath("sshd")
	if err != nil {
		sshd = "/usr/sbin/sshd"
	}
	if _, err := os.Stat(sshd); err != nil {
		t.Skip("NOT TESTED without sshd: osim run --mode lab; install openssh-server")
	}
	spaces := netns.ForTest(t, 2)
	if err := netns.Veth(spaces[0], "eth0", spaces[1], "eth0", netns.VethOptions{}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	client := keyPair(t, filepath.Join(dir, "key"))
	authorized := filepath.Join(dir, "authorized_keys")
	if err := os.WriteFile(authorized, ssh.MarshalAuthorizedKey(client), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	const port = "2222"
	known := ""
	for i, ns := range spaces {
		file := filepath.Join(dir, fmt.Sprintf("host%d", i))
		known += fmt.Sprintf("[m%d]:%s %s", i, port, ssh.MarshalAuthorizedKey(keyPair(t, file)))
		config := filepath.Join(dir, fmt.Sprintf("sshd%d", i))
		if err := os.WriteFile(config, []byte(fmt.Sprintf("Port %s\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nPermitRootLogin prohibit-password\nPidFile none\n",
			port, file, authorized)), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := ns.Command(sshd, "-D", "-e", "-f", config)
		var log tail
		cmd.Stderr = &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if t.Failed() {
				t.Logf("sshd %d: %s", i, log.String())
			}
		})
		eventually(t, "the SSH server answers", func() bool {
			c, err := dialIn(ns, port)
			if err == nil {
				c.Close()
			}
			return err == nil
		})
	}
	if err := os.WriteFile(filepath.Join(dir, "known_hosts"), []byte(known), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "hosts.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	hosts, err := LoadHosts(file)
	if err != nil {
		t.Fatal(err)
	}
	hosts.dial = func(h Host) (net.Conn, error) {
		name, port, _ := net.SplitHostPort(h.Address)
		return dialIn(spaces[name[len(name)-1]-'0'], port)
	}
	return hosts
}

func dialIn(ns *netns.Namespace, port string) (c net.Conn, err error) {
	err = ns.Do(func() (err error) {
		c, err = net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
		return err
	})
	return c, err
}

const hostsText = `# two machines and a cable
max_offset: 5s
known_hosts: known_hosts
hosts:
  - {name: left, address: "m0:2222", key: key}
  - {name: right, address: "m1:2222", user: root, key: key}
nodes:
  - {node: a, host: left, links: {a-b: eth0}}
  - {node: b, host: right, links: {a-b: eth0}}
`

// A scenario on two machines over SSH: the executable is copied and removed again, clocks are compared, and the
// results are those of both.
func TestLab(t *testing.T) {
	hosts := lab(t, hostsText)
	sc := load(t, "two-hosts", "duration=2s", "workload.cbr.stop=1700ms", "workload.ping.count=15", "mode=lab")
	site, err := NewLab(sc.Scenario, sc.Graph, hosts)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(home(), site.file)
	if _, err := os.Stat(copied); err != nil {
		t.Error(err)
	}
	run, _, err := Run(Plan{Scenario: sc.Scenario, Graph: sc.Graph, Seed: 1, Version: testVersion, MaxOffset: hosts.MaxOffset}, site)
	if e := site.Close(); e != nil {
		t.Error(e)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(copied); !os.IsNotExist(err) {
		t.Errorf("%s is left behind: %v", copied, err)
	}
	if run.Mode != result.ModeLab {
		t.Errorf("mode %s", run.Mode)
	}
	for _, f := range run.Flows {
		if f.LostPackets != 0 || f.DeliveredPackets < 15 {
			t.Errorf("%s: %d of %d messages, %d lost", f.Name, f.DeliveredPackets, f.SentPackets, f.LostPackets)
		}
	}
	if notes := strings.Join(run.Notes, "\n"); strings.Count(notes, "the clock of ") != 2 {
		t.Errorf("the clocks are not in the notes:\n%s", notes)
	}
}

// A clock that is too far away, a key that is not known, and an executable that does not run are refused by name.
func TestLabRefuses(t *testing.T) {
	hosts := lab(t, hostsText)
	sc := load(t, "two-hosts", "mode=lab")
	site, err := NewLab(sc.Scenario, sc.Graph, hosts)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = Run(Plan{Scenario: sc.Scenario, Graph: sc.Graph, Seed: 1, Version: testVersion, MaxOffset: time.Nanosecond}, site)
	if err == nil || !strings.Contains(err.Error(), "its clock is ") || !strings.Contains(err.Error(), "accepted are 1ns") {
		t.Error(err)
	}
	if err := site.Close(); err != nil {
		t.Error(err)
	}
	stranger := *hosts
	stranger.Hosts = append([]Host(nil), hosts.Hosts...)
	stranger.Hosts[0].Address = "n0:2222"
	if _, err := NewLab(sc.Scenario, sc.Graph, &stranger); err == nil || !strings.Contains(err.Error(), "hosts.yaml:5: host left: its key is not in ") {
		t.Error(err)
	}
}

// Mistakes in a file of hosts are named by file and line, with what is accepted.
func TestHostsFile(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"max_offset: 5s", "max_ofset: 5s", `h.yaml:2: hosts file: "max_ofset": unknown key; accepted are max_offset, known_hosts, hosts, nodes`},
		{"max_offset: 5s", "max_offset: 5", `h.yaml:2: max_offset: "5": is no duration above 0; accepted are such as 5ms`},
		{"host: right", "host: middle", `h.yaml:9: nodes: host "middle": there is none; accepted are left, right`},
		{"name: right", "name: left", `h.yaml:6: hosts: "left": the name stands twice`},
		{"node: b", "node: a", `h.yaml:9: nodes: "a": the node stands twice`},
		{"m1:2222", "m1:99999", `h.yaml:6: address: "m1:99999": port "99999"; accepted are 1 to 65535`},
		{"host: right, links: {a-b: eth0}", "host: right, links: {a-b: 'a name of an interface'}", `h.yaml:9: links: a-b: "a name of an interface": is neither`},
		{"user: root", "password: x", `h.yaml:6: hosts: "password": unknown key; accepted are name, address, user, key`},
		{"name: left, ", "", `h.yaml:5: hosts: name or address is missing`},
		{"known_hosts: known_hosts", "known_hosts: [1]", `h.yaml:3: known_hosts: is no text`},
	} {
		_, err := ParseHosts("h.yaml", []byte(strings.Replace(hostsText, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.new, err, c.want)
		}
	}
	if _, err := ParseHosts("h.yaml", []byte(hostsText)); err != nil {
		t.Error(err)
	}
}

// What a scenario needs of the machines and does not find is named too.
func TestHostsFitTheScenario(t *testing.T) {
	for _, c := range []struct{ old, new, shim, want string }{
		{"{a-b: eth0}}\n  - {node: b", "{}}\n  - {node: b", "eth-dix", `h.yaml:8: nodes: a: link a-b of the scenario is joined to nothing`},
		{"node: b,", "node: c,", "eth-dix", `h.yaml:1: nodes: node b of the scenario runs nowhere`},
		{"node: b,", "node: c,", "eth-dix", `h.yaml:9: nodes: c: the scenario has no such node; accepted are a, b`},
		{"", "", "udp4", `h.yaml:8: nodes: a: link a-b carries udp4; accepted is an IP address`},
	} {
		h, err := ParseHosts("h.yaml", []byte(strings.Replace(hostsText, c.old, c.new, 1)))
		if err != nil {
			t.Fatal(err)
		}
		sc := load(t, "two-hosts", "mode=lab", "layers.eth.shim="+c.shim)
		if _, err := h.ports(sc.Scenario, sc.Graph); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func FuzzHosts(f *testing.F) {
	f.Add([]byte(hostsText))
	f.Add([]byte("hosts: [{name: a, address: '[::1]:22'}]\nnodes: [{node: a, host: a, links: {x: '10.0.0.1'}}]"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = ParseHosts("h.yaml", data) })
}
