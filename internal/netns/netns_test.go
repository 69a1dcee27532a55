package netns_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ouroboros/internal/netns"
)

// devices returns the names of the devices that the calling thread sees.
func devices() ([]string, error) {
	all, err := net.Interfaces()
	var names []string
	for _, d := range all {
		if d.Flags&net.FlagUp != 0 {
			names = append(names, d.Name)
		}
	}
	return names, err
}

// here is the namespace of the calling thread.
func here(t *testing.T) string {
	t.Helper()
	ns, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return ns
}

// A namespace has a loopback interface, up, and nothing else; Do runs in it and comes back.
func TestDo(t *testing.T) {
	ns := netns.ForTest(t, 2)
	outside := here(t)
	var inside [2]string
	for i := range ns {
		var seen []string
		if err := ns[i].Do(func() (err error) {
			inside[i] = here(t)
			seen, err = devices()
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(seen) != "[lo]" {
			t.Errorf("devices that are up in a new namespace: %v, want lo alone", seen)
		}
	}
	if inside[0] == inside[1] || inside[0] == outside || inside[1] == outside {
		t.Errorf("namespaces are not apart: %q, outside %q", inside, outside)
	}
	if now := here(t); now != outside {
		t.Errorf("after Do in %q, was in %q before", now, outside)
	}
	want := errors.New("mine")
	if err := ns[0].Do(func() error { return want }); !errors.Is(err, want) {
		t.Errorf("Do gives %v, want the error of its function", err)
	}
}

// A panic leaves the thread where it was.
func TestDoRestoresAfterPanic(t *testing.T) {
	ns := netns.ForTest(t, 1)[0]
	outside := here(t)
	func() {
		defer func() { _ = recover() }()
		_ = ns.Do(func() error { panic("in the namespace") })
	}()
	if now := here(t); now != outside {
		t.Errorf("after a panic in Do in %q, was in %q before", now, outside)
	}
}

// A veth pair with addresses carries packets at once, over IPv4 and IPv6.
func TestVeth(t *testing.T) {
	ns := netns.ForTest(t, 2)
	if err := netns.Veth(ns[0], "left", ns[1], "right", netns.VethOptions{MTU: 2000}); err != nil {
		t.Fatal(err)
	}
	for _, a := range []struct{ dev, cidr string }{
		{"left", "10.9.0.1/24"}, {"right", "10.9.0.2/24"}, {"left", "fd09::1/64"}, {"right", "fd09::2/64"},
	} {
		i := 0
		if a.dev == "right" {
			i = 1
		}
		if err := ns[i].AddAddr(a.dev, a.cidr); err != nil {
			t.Fatal(err)
		}
	}
	for _, server := range []string{"10.9.0.2", "fd09::2"} {
		greet(t, ns[0], ns[1], server)
	}
	if err := ns[1].Do(func() error {
		dev, err := net.InterfaceByName("right")
		if err == nil && dev.MTU != 2000 {
			t.Errorf("MTU of the far end is %d, want 2000", dev.MTU)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// greet opens a TCP connection from one namespace to an address of another.
func greet(t *testing.T, from, to *netns.Namespace, server string) {
	t.Helper()
	var l net.Listener
	if err := to.Do(func() (err error) {
		l, err = net.Listen("tcp", net.JoinHostPort(server, "7000"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = fmt.Fprintln(c, "hello")
			_ = c.Close()
		}
	}()
	if err := from.Do(func() error {
		// An address literal and no fallback: the dial stays on this thread.
		c, err := net.DialTimeout("tcp", l.Addr().String(), 5*time.Second)
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		line, err := bufio.NewReader(c).ReadString('\n')
		if line != "hello\n" {
			t.Errorf("read %q from %s, want hello", line, server)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// A device goes down and up, changes its address and MTU, and is removed with its peer.
func TestDevice(t *testing.T) {
	ns := netns.ForTest(t, 2)
	if err := netns.Veth(ns[0], "eth0", ns[1], "eth0", netns.VethOptions{}); err != nil {
		t.Fatal(err)
	}
	mac := net.HardwareAddr{2, 1, 2, 3, 4, 5}
	for _, err := range []error{
		ns[0].SetMAC("eth0", mac), ns[0].SetMTU("eth0", 1400), ns[1].SetUp("eth0", false),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	look := func(i int) (dev *net.Interface, err error) {
		err = ns[i].Do(func() error {
			var inner error
			dev, inner = net.InterfaceByName("eth0")
			return inner
		})
		return dev, err
	}
	a, err := look(0)
	if err != nil {
		t.Fatal(err)
	}
	if a.HardwareAddr.String() != mac.String() || a.MTU != 1400 || a.Flags&net.FlagUp == 0 {
		t.Errorf("device is %+v", a)
	}
	if b, err := look(1); err != nil || b.Flags&net.FlagUp != 0 {
		t.Errorf("device taken down is %+v, %v", b, err)
	}
	if err := ns[0].Delete("eth0"); err != nil {
		t.Fatal(err)
	}
	if b, err := look(1); err == nil {
		t.Errorf("the other end of a deleted veth is still there: %+v", b)
	}
}

// A command runs in the namespace, and its output and end are reported as those of exec.Cmd.
func TestCommand(t *testing.T) {
	ns := netns.ForTest(t, 1)[0]
	var inside string
	if err := ns.Do(func() error { inside = here(t); return nil }); err != nil {
		t.Fatal(err)
	}
	out, err := ns.Command("readlink", "/proc/self/ns/net").Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != inside {
		t.Errorf("the command ran in %q (%v), want %q", got, err, inside)
	}
	_, err = ns.Command("sh", "-c", "echo why >&2; exit 3").Output()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 3 || string(exit.Stderr) != "why\n" {
		t.Errorf("a command that fails gives %v", err)
	}
	out, err = ns.Command("sh", "-c", "echo one; echo two >&2").CombinedOutput()
	if err != nil || string(out) != "one\ntwo\n" {
		t.Errorf("combined output %q, %v", out, err)
	}
}

// Bad names and addresses are refused with what is accepted.
func TestErrors(t *testing.T) {
	ns := netns.ForTest(t, 1)[0]
	for _, c := range []struct {
		err  error
		want string
	}{
		{func() error { _, err := netns.New("a/b"); return err }(), "accepted are 1 to 64 letters"},
		{ns.AddAddr("lo", "10.0.0.1"), `address "10.0.0.1"`},
		{ns.DelAddr("lo", "10.0.0.1"), `address "10.0.0.1"`},
		{ns.DelAddr("lo", "10.9.9.9/32"), "remove address 10.9.9.9/32"},
		{ns.SetUp("eth7", true), "device eth7"},
		{ns.AddRoute("10.1.0.0/16", "x"), "gateway is no IP address"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", c.err, c.want)
		}
	}
}

// TestWithoutPrivilege: who may not make namespaces is told so in one line, with the capability that is missing.
func TestWithoutPrivilege(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, which it gives up")
	}
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread without privileges ends with the goroutine
		var none [2]unix.CapUserData
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		if err := unix.Capset(&header, &none[0]); err != nil {
			failed <- err
			return
		}
		ns, err := netns.New("without-privilege")
		if err == nil {
			err = errors.Join(ns.Close(), errors.New("a namespace was made"))
		}
		failed <- err
	}()
	err := <-failed
	if want := `network namespace "without-privilege": operation not permitted (needs root: CAP_SYS_ADMIN)`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// What a process that has ended left behind is removed; what belongs to a living one is not.
func TestSweep(t *testing.T) {
	mine := netns.ForTest(t, 1)[0]
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	names := []string{
		fmt.Sprintf("ouro-%d-1-left", dead.Process.Pid), // its process has ended
		fmt.Sprintf("ouro-%d-1-reused", os.Getpid()),    // the number is in use by a later process
		"ouro-mine", "other", // not made by this package
	}
	for _, name := range names {
		path := filepath.Join(filepath.Dir(mine.Path()), name)
		if err := os.WriteFile(path, nil, 0o444); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Remove(path) })
	}
	gone, err := netns.Sweep()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range names[:2] {
		if !strings.Contains(fmt.Sprint(gone), want) {
			t.Errorf("%s was not removed", want)
		}
	}
	for _, path := range []string{mine.Path(), filepath.Join(filepath.Dir(mine.Path()), "ouro-mine"), filepath.Join(filepath.Dir(mine.Path()), "other")} {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s was removed: %v", path, err)
		}
	}
}

// The end of a test leaves no namespace.
func TestForTestCleansUp(t *testing.T) {
	var path string
	t.Run("inner", func(t *testing.T) { path = netns.ForTest(t, 1)[0].Path() })
	if path == "" {
		t.Skip("SKIPPED: needs root: the removal of namespaces is not tested")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", path, err)
	}
}

// An address that was taken away can be given again.
func TestDelAddr(t *testing.T) {
	ns := netns.ForTest(t, 1)[0]
	for range 2 {
		if err := ns.AddAddr("lo", "10.9.9.9/32"); err != nil {
			t.Fatal(err)
		}
		if err := ns.DelAddr("lo", "10.9.9.9/32"); err != nil {
			t.Fatal(err)
		}
	}
}
