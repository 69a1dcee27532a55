package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/irm"
	"ouroboros/internal/netns"
	"ouroboros/ipcp/local"
	"ouroboros/shim/host"
	"ouroboros/shim/host/app"
)

// asCommand has the test binary be the command itself.
const asCommand = "OVPN_TEST_IS_THE_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// lab is a daemon, and two namespaces whose programs use it: sockets of files reach across namespaces.
type lab struct {
	t    *testing.T
	dir  string
	ns   []*netns.Namespace
	stop func() // the daemon
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{t: t, ns: netns.ForTest(t, 2)}
	var err error
	l.dir, err = os.MkdirTemp("", "ovpn") // a short path: those of sockets are limited
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(l.dir) })
	w := host.New(1)
	env := w.Node("irmd")
	broker := irm.New(env.Derive("irm"), irm.Config{})
	layer, err := local.New(env.Derive("local"), local.Config{Name: "local", Layer: "loop", Hash: core.SHA3_256})
	must(t, err, broker.AddProvider(layer), broker.BindProgram("/usr/bin/ovpn", "vpn", false, nil))
	_, err = w.ServeApps(env, filepath.Join(l.dir, app.Socket), 0o600, broker)
	must(t, err)
	var ended sync.WaitGroup
	ended.Go(func() {
		if err := w.Run(clock.Never); err != nil {
			t.Errorf("the daemon: %v", err)
		}
	})
	l.stop = sync.OnceFunc(func() {
		w.Stop()
		ended.Wait()
		w.Close()
	})
	t.Cleanup(l.stop)
	return l
}

// process is the command as it runs in a namespace.
type process struct {
	*netns.Cmd
	t    *testing.T
	line chan string // first line of the output
	done chan error
	out  bytes.Buffer
	err  bytes.Buffer
}

// start runs the command in a namespace.
func (l *lab) start(i int, line string) *process {
	l.t.Helper()
	p := &process{t: l.t, line: make(chan string, 1), done: make(chan error, 1)}
	p.Cmd = l.ns[i].Command(os.Args[0], append([]string{"--dir", l.dir}, strings.Fields(line)...)...)
	p.Env = append(os.Environ(), asCommand+"=1")
	p.Cmd.Stderr = &p.err
	pipe, err := p.StdoutPipe()
	must(l.t, err, p.Start())
	l.t.Cleanup(func() { _ = p.Process.Kill() })
	go func() {
		r := bufio.NewReader(io.TeeReader(pipe, &p.out))
		first, _ := r.ReadString('\n')
		p.line <- first
		_, _ = io.Copy(io.Discard, r)
		p.done <- p.Wait()
	}()
	return p
}

// wait waits for the end of the command and returns its exit code.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case err := <-p.done:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			p.t.Fatal(err)
		}
		return p.ProcessState.ExitCode()
	case <-time.After(20 * time.Second):
		p.t.Fatalf("the command does not end: %q, %q", p.out.String(), p.err.String())
		return -1
	}
}

// tunnel sets one up, from namespace 0 to 1. It returns the names of the interfaces.
func (l *lab) tunnel(more string) (a, b *process) {
	l.t.Helper()
	b = l.start(1, "-i 10.7.0.2 -m 255.255.255.0 -i fd07::2/64 "+more)
	for {
		a = l.start(0, "-n vpn -i 10.7.0.1 -m 255.255.255.0 -i fd07::1/64 "+more)
		if got := <-a.line; strings.Contains(got, "is up") {
			break
		}
		// The other end listens when its process has reached the daemon.
		if a.wait(); !strings.Contains(a.err.String(), "name") && !strings.Contains(a.err.String(), "IPCP") && !strings.Contains(a.err.String(), "layer") {
			l.t.Fatalf("%q, %q", a.out.String(), a.err.String())
		}
		time.Sleep(50 * time.Millisecond)
	}
	select {
	case got := <-b.line:
		if !strings.Contains(got, "is up") {
			l.t.Fatalf("the server: %q, %q", got, b.err.String())
		}
	case <-time.After(10 * time.Second):
		l.t.Fatal("the server has no interface")
	}
	return a, b
}

// finish ends both ends as Ctrl-C does. The interfaces are gone then.
func (l *lab) finish(a, b *process) {
	l.t.Helper()
	must(l.t, a.Process.Signal(syscall.SIGINT))
	if code := a.wait(); code != 0 {
		l.t.Errorf("the client: exit code %d, %q", code, a.err.String())
	}
	_ = b.Process.Signal(syscall.SIGINT) // it may have ended with the flow, which does not say why if it is raw
	if code := b.wait(); code != 0 && !strings.Contains(b.err.String(), "flow is down") {
		l.t.Errorf("the server: exit code %d, %q", code, b.err.String())
	}
	for _, p := range []*process{a, b} {
		if !regexp.MustCompile(`\d+ packets \(\d+ bytes\) sent, \d+ packets \(\d+ bytes\) received, \d+ dropped\.`).MatchString(p.out.String()) {
			l.t.Errorf("printed %q", p.out.String())
		}
	}
	l.bare()
}

// bare holds that no interface is left.
func (l *lab) bare() {
	l.t.Helper()
	for _, ns := range l.ns {
		must(l.t, ns.Do(func() error {
			links, err := netlink.LinkList()
			for _, dev := range links {
				if name := dev.Attrs().Name; name != "lo" {
					l.t.Errorf("interface %s is left", name)
				}
			}
			return err
		}))
	}
}

// ping has namespace 0 ping an address.
func (l *lab) ping(to string) {
	l.t.Helper()
	if _, err := exec.LookPath("ping"); err != nil {
		l.t.Log("NOT TESTED: ping through the tunnel, since there is no ping here")
		return
	}
	out, err := l.ns[0].Command("ping", "-n", "-c", "3", "-i", "0.05", "-W", "5", to).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(" 0% packet loss")) {
		l.t.Errorf("ping %s: %v\n%s", to, err, out)
	}
}

// tcp moves bytes both ways through a TCP connection from namespace 0 to an address in 1.
func (l *lab) tcp(addr string, n int) {
	l.t.Helper()
	var server net.Listener
	must(l.t, l.ns[1].Do(func() (err error) {
		server, err = net.Listen("tcp", addr)
		return err
	}))
	defer server.Close()
	echoed := make(chan error, 1)
	go func() {
		c, err := server.Accept()
		if err == nil {
			_, err = io.Copy(c, c)
			_ = c.Close()
		}
		echoed <- err
	}()
	var c net.Conn
	must(l.t, l.ns[0].Do(func() (err error) {
		c, err = net.DialTimeout("tcp", server.Addr().String(), 10*time.Second)
		return err
	}))
	defer c.Close()
	must(l.t, c.SetDeadline(time.Now().Add(30*time.Second)))
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i * i >> 7)
	}
	wrote := make(chan error, 1)
	go func() {
		_, err := c.Write(data)
		wrote <- errors.Join(err, c.(*net.TCPConn).CloseWrite())
	}()
	got, err := io.ReadAll(c)
	must(l.t, err, <-wrote, <-echoed)
	if !bytes.Equal(got, data) {
		l.t.Errorf("%d bytes came back of %d, or others", len(got), n)
	}
}

// IP passes the tunnel: ICMP, ICMPv6 and TCP, over a raw flow as well as over a reliable and an encrypted one
// (spec 14 §14.8, 15.3). The interfaces are gone when it has ended.
func TestTunnelCarriesIP_15_3(t *testing.T) {
	l := newLab(t)
	for _, flags := range []string{"", "-q data", "--encrypt"} {
		t.Run("flags "+flags, func(t *testing.T) {
			l.t = t
			a, b := l.tunnel(flags)
			l.ping("10.7.0.2")
			l.ping("fd07::2")
			l.tcp("10.7.0.2:7", 4<<20)
			l.tcp("[fd07::2]:7", 1<<20)
			l.finish(a, b)
		})
	}
}

// With --tap Ethernet passes: each end learns the hardware address of the other by ARP.
func TestTunnelCarriesEthernet(t *testing.T) {
	l := newLab(t)
	a, b := l.tunnel("--tap --device lan0")
	l.ping("10.7.0.2")
	l.tcp("10.7.0.2:7", 4<<20)
	var mac net.HardwareAddr
	must(t, l.ns[1].Do(func() error {
		dev, err := netlink.LinkByName("lan0")
		if err == nil {
			mac = dev.Attrs().HardwareAddr
		}
		return err
	}))
	must(t, l.ns[0].Do(func() error {
		neighs, err := netlink.NeighList(0, netlink.FAMILY_V4)
		for _, n := range neighs {
			if n.IP.String() == "10.7.0.2" && bytes.Equal(n.HardwareAddr, mac) {
				return nil
			}
		}
		return errors.Join(err, fmt.Errorf("%s is not known by ARP as %s: %v", "10.7.0.2", mac, neighs))
	}))
	l.finish(a, b)
}

// iperf3 runs through the tunnel. What it measures is in the log.
func TestTunnelCarriesIperf(t *testing.T) {
	if _, err := exec.LookPath("iperf3"); err != nil {
		t.Skip("SKIPPED: there is no iperf3 here: its traffic through a tunnel is not tested")
	}
	l := newLab(t)
	a, b := l.tunnel("")
	server := l.ns[1].Command("iperf3", "--server", "--one-off", "--bind", "10.7.0.2")
	must(t, server.Start())
	for _, args := range []string{"--time 1"} {
		var out []byte
		var err error
		for range 40 { // until the server listens
			if out, err = l.ns[0].Command("iperf3", append(strings.Fields(args), "--client", "10.7.0.2", "--format", "m")...).CombinedOutput(); err == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if err != nil || !bytes.Contains(out, []byte("receiver")) {
			t.Errorf("iperf3 %s: %v\n%s", args, err, out)
		}
		for l := range strings.Lines(string(out)) {
			if strings.Contains(l, "sender") || strings.Contains(l, "receiver") {
				t.Log(strings.TrimSpace(l))
			}
		}
	}
	_ = server.Process.Kill()
	_ = server.Wait()
	l.finish(a, b)
}

// When the daemon goes, both ends end with the reason, and leave no interface.
func TestTheDaemonEndsTheTunnel(t *testing.T) {
	l := newLab(t)
	a, b := l.tunnel("")
	l.stop()
	for _, p := range []*process{a, b} {
		if code := p.wait(); code != 1 || !strings.Contains(p.err.String(), "broker") {
			t.Errorf("exit code %d, %q", code, p.err.String())
		}
	}
	l.bare()
}

// An interface that cannot be made ends the command with the reason, and the other end with the flow.
func TestTheInterfaceCannotBeMade(t *testing.T) {
	l := newLab(t)
	b := l.start(1, "-i 10.7.0.2/24 --device lo")
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		a := l.start(0, "-n vpn -i 10.7.0.1/24")
		if strings.Contains(<-a.line, "is up") {
			if code := a.wait(); code != 1 || !strings.Contains(a.err.String(), "flow is down") {
				t.Errorf("the client: exit code %d, %q", code, a.err.String())
			}
			break
		}
		if a.wait(); time.Now().After(end) {
			t.Fatalf("the server does not accept: %q", a.err.String())
		}
	}
	if code := b.wait(); code != 1 || !strings.Contains(b.err.String(), `virtual interface "lo"`) {
		t.Errorf("the server: exit code %d, %q", code, b.err.String())
	}
	l.bare()
}
