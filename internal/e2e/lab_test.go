package e2e

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"ouroboros/internal/netns"
)

// givenPrograms is the environment variable with a directory of programs that are tested instead of those that this
// source builds: a release, for instance.
const givenPrograms = "OUROBOROS_E2E_BIN"

// programs builds all commands, once for all tests, and returns their directory.
var programs = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv(givenPrograms); dir != "" {
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "ouro-bin")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", dir, "ouroboros/cmd/...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if os.Geteuid() == 0 && os.Getenv(givenPrograms) == "" {
		if dir, _ := programs(); dir != "" {
			os.RemoveAll(dir)
		}
	}
	os.Exit(code)
}

// lab is a set of nodes.
type lab struct {
	t     testing.TB
	bin   string
	home  string // directory of this lab, with a short path: that of a socket has an end
	nodes []*node
}

// node is a system of the lab.
type node struct {
	l    *lab
	name string
	ns   *netns.Namespace
	dir  string            // of its daemon
	work string            // in which its commands run
	vars map[string]string // environment of its commands, besides what all have
	run  []*process        // started and not waited for, in their order
}

// newLab makes nodes without interfaces but the loopback one. It skips the test without root.
func newLab(t testing.TB, names ...string) *lab {
	t.Helper()
	spaces := netns.ForTest(t, len(names))
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	home, err := os.MkdirTemp("", "ouro")
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, bin: bin, home: home}
	for i, name := range names {
		n := &node{
			l: l, name: name, ns: spaces[i], dir: filepath.Join(home, name), work: filepath.Join(home, name+".d"),
			vars: map[string]string{},
		}
		l.nodes = append(l.nodes, n)
		if err := errors.Join(n.ns.SetUp("lo", true), os.Mkdir(n.work, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(l.close)
	return l
}

// node returns the node of that name.
func (l *lab) node(name string) *node {
	l.t.Helper()
	for _, n := range l.nodes {
		if n.name == name {
			return n
		}
	}
	l.t.Fatalf("the lab has no node %q", name)
	return nil
}

// wire connects two nodes by a pair of interfaces.
func (l *lab) wire(a, aDev, b, bDev string) {
	l.t.Helper()
	if err := netns.Veth(l.node(a).ns, aDev, l.node(b).ns, bDev, netns.VethOptions{}); err != nil {
		l.t.Fatal(err)
	}
}

// addr gives an interface an address with a prefix length, such as "10.1.1.1/24".
func (n *node) addr(dev, cidr string) {
	n.l.t.Helper()
	if err := n.ns.AddAddr(dev, cidr); err != nil {
		n.l.t.Fatal(err)
	}
}

// hosts writes a file of names for shims over UDP, from pairs of address and name, and returns its path. It has
// the digests of the names, as the shim looks them up (spec 15 §15.3).
func (l *lab) hosts(pairs ...string) string {
	l.t.Helper()
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		d := md5.Sum([]byte(pairs[i+1]))
		fmt.Fprintf(&b, "%s %s\n", pairs[i], hex.EncodeToString(d[:]))
	}
	return l.file("hosts", b.String())
}

// file writes a file into the lab's directory and returns its path.
func (l *lab) file(name, content string) string {
	l.t.Helper()
	path := filepath.Join(l.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		l.t.Fatal(err)
	}
	return path
}

// close ends what still runs, the youngest first, and looks that nothing stays.
func (l *lab) close() {
	for _, n := range l.nodes {
		for len(n.run) > 0 {
			n.run[len(n.run)-1].end()
		}
		if left, _ := os.ReadDir(n.dir); len(left) > 0 {
			l.t.Errorf("%s: the daemon has left %v in its directory", n.name, left)
		}
	}
	os.RemoveAll(l.home)
}
