package host_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/irm"
	"ouroboros/core/irm/remote"
	"ouroboros/frcp"
	"ouroboros/shim/eth"
	"ouroboros/shim/host"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serve puts a broker with an Ethernet shim on a node and serves applications at a socket.
func serve(t *testing.T, w *host.World, env core.Env, link core.Link, path string) {
	t.Helper()
	shim, err := eth.New(env.Derive("eth"), link, eth.Config{Layer: "lan", Hash: core.SHA3_256})
	check(t, err)
	broker := irm.New(env.Derive("irm"), irm.Config{})
	check(t, broker.AddProvider(shim))
	_, err = w.ServeApps(env, path, 0o666, broker)
	check(t, err)
}

// connectApps sets up a flow between two applications over real sockets to their daemons, which are nodes of the
// same world.
func connectApps(t *testing.T, q core.QoS) coretest.Connect {
	return func(h *coretest.Harness, spec core.LinkSpec) coretest.Pair {
		w := h.World.(*host.World)
		dir := t.TempDir()
		spec.Kind, spec.Name = core.LinkEthernet, "wire"
		daemons := [2]core.Env{h.Node("a.daemon"), h.Node("b.daemon")}
		p := coretest.Pair{Env: [2]core.Env{h.Node("a"), h.Node("b")}}
		p.Wire = h.Wire(spec, daemons[0], daemons[1])
		a, b := p.Wire.Ends()
		var clients [2]*remote.Client
		for i, link := range []core.Link{a, b} {
			path := filepath.Join(dir, []string{"a", "b"}[i])
			serve(t, w, daemons[i], link, path)
			var err error
			clients[i], err = w.DialApps(p.Env[i], path, "test")
			check(t, err)
		}
		p.Flow = coretest.Establish(h, p.Env, clients[0], clients[1], q)
		if q.Mode() == core.ModeRaw {
			return p
		}
		p.Raise(h, true, func(env core.Env, below core.Flow) (core.Flow, error) {
			return frcp.WrapWith(env, below, frcp.Params{A: 100 * time.Millisecond, R: 1500 * time.Millisecond})
		})
		return p
	}
}

// TestApplicationFlowsConform holds the contract of core.Flow for flows of applications that reach their daemon by a
// socket of the operating system.
func TestApplicationFlowsConform(t *testing.T) {
	for _, q := range []core.QoS{core.QoSRaw, core.QoSData} {
		t.Run(q.Mode().String(), func(t *testing.T) { coretest.TestFlow(t, newWorld, connectApps(t, q)) })
	}
}

// The socket has the mode that was asked for. One that a dead daemon has left is replaced; that of a living one, and
// a file that is no socket, are not.
func TestTheSocketOfTheDaemon(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "app.sock")
	w := host.New(1)
	defer w.Close()
	env := w.Node("n")
	broker := irm.New(env.Derive("irm"), irm.Config{})
	s, err := w.ServeApps(env, path, 0o640, broker)
	check(t, err)
	info, err := os.Stat(path)
	check(t, err)
	if info.Mode() != fs.ModeSocket|0o640 {
		t.Errorf("mode %v", info.Mode())
	}
	if _, err := w.ServeApps(env, path, 0o666, broker); err == nil || !strings.Contains(err.Error(), "another daemon serves there") {
		t.Errorf("two daemons: %v", err)
	}
	s.Close()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file after Close: %v", err)
	}
	// A daemon that was killed leaves its file.
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	check(t, unix.Bind(fd, &unix.SockaddrUnix{Name: path}))
	check(t, unix.Listen(fd, 1))
	check(t, unix.Close(fd))
	if _, err := w.DialApps(env, path, "test"); !errors.Is(err, core.ErrIRMD) {
		t.Errorf("DialApps without a daemon: %v", err)
	}
	s, err = w.ServeApps(env, path, 0o666, broker)
	check(t, err)
	check(t, os.Remove(path)) // another daemon has the place by now
	check(t, os.WriteFile(path, nil, 0o600))
	s.Close()
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file of another daemon was removed: %v", err)
	}
	if _, err := w.ServeApps(env, path, 0o666, broker); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file that is no socket: %v", err)
	}
	long := filepath.Join(dir, strings.Repeat("x", 108))
	_, errServe := w.ServeApps(env, long, 0o666, broker)
	_, errDial := w.DialApps(env, long, "test")
	for _, err := range []error{errServe, errDial} {
		if err == nil || !strings.Contains(err.Error(), "accepted are 107") {
			t.Errorf("a long path: %v", err)
		}
	}
}
