package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDaemonRestartsWhileApplicationsRun: applications of a daemon that ends are told, not hung; a new daemon in the
// same place serves, also after one that was killed, and its neighbour, which has run on, reaches it again.
func TestDaemonRestartsWhileApplicationsRun(t *testing.T) {
	t.Parallel() // it waits more than it works
	for _, crash := range []bool{false, true} {
		t.Run(fmt.Sprintf("crash=%v", crash), func(t *testing.T) {
			l := newLab(t, "n1", "n2")
			l.wire("n1", "v12", "n2", "v21")
			const member = `
[eth-dix.shim]
bootstrap = "eth"
dev = "v21"
[name.oping]
prog = ["/bin/oping"]
[name.uni1]
[unicast.uni2]
enrol = "net"
autobind = true
conn = ["uni1"]
reg = ["oping"]
`
			conf := l.file("n2.toml", strings.Replace(member, "/bin", l.bin, 1))
			l.run(`
				n1: irmd --stdout &
				n1: irm ipcp bootstrap type eth-dix name shim layer eth dev v12
				n1: irm ipcp bootstrap type unicast name uni1 layer net autobind ls_t_recalc 1
				n1: irm name register uni1 layer eth ; irm name register net layer eth
			`)
			n1, n2 := l.node("n1"), l.node("n2")
			d := n2.start("irmd --stdout --config " + conf)
			server := n2.start("oping -l")
			l.reachable("n1", "oping")
			client := n1.start("oping -n oping -i 50")
			client.await("seq=2")

			if crash {
				d.kill()
			} else {
				d.stop()
			}
			_ = server.wait()
			if out := server.out.String(); !strings.Contains(out, "broker") {
				t.Errorf("the application was not told: %s", out)
			}
			n2.start("irmd --stdout --config " + conf)
			n2.start("oping -l")
			l.reachable("n1", "oping")
			client.signal(syscall.SIGINT)
			_ = client.wait()
		})
	}
}

// TestTermSaysFarewell: a daemon that is told to end does so within seconds, and its neighbour knows then that the
// member has left (spec 13 §13.5), long before the time-out of link state.
func TestTermSaysFarewell(t *testing.T) {
	l := newLab(t, "n1", "n2")
	l.wire("n1", "v12", "n2", "v21")
	two(t, l, "eth-dix", "dev v12", "dev v21")
	n1, n2 := l.node("n1"), l.node("n2")
	var before string
	l.eventually("there is a route", func() bool {
		before = n1.sh("irm rib uni1/routing/table")
		return strings.TrimSpace(before) != ""
	})
	began := time.Now()
	for _, p := range n2.run {
		if p.isDaemon() {
			p.stop()
			break
		}
	}
	if d := time.Since(began); d > 6*time.Second {
		t.Errorf("it took %v", d)
	}
	l.eventually("the neighbour has no route to it any more", func() bool {
		return n1.sh("irm rib uni1/routing/table") != before
	})
	if d := time.Since(began); d > 15*time.Second { // the time-out of link state is 60 s
		t.Errorf("the neighbour has noticed after %v", d)
	}
}

// TestInterfaceGoesDownAndUp: flows over it stall and go on, and the layer needs nobody's help.
func TestInterfaceGoesDownAndUp(t *testing.T) {
	l := newLab(t, "n1", "n2")
	l.wire("n1", "v12", "n2", "v21")
	two(t, l, "eth-dix", "dev v12", "dev v21")
	n1 := l.node("n1")
	client := n1.start("oping -n oping -i 20 -c 100000")
	client.await("seq=3")
	if err := n1.ns.SetUp("v12", false); err != nil {
		t.Fatal(err)
	}
	l.eventually("the shim knows", func() bool { return strings.Contains(n1.sh("irm rib shim/link"), "false") })
	if err := n1.ns.SetUp("v12", true); err != nil {
		t.Fatal(err)
	}
	l.reachable("n1", "oping")
	client.signal(syscall.SIGINT)
	_ = client.wait()
}

// TestInterfaceIsGoneAndComesBack: the shim waits for an interface of the same name.
func TestInterfaceIsGoneAndComesBack(t *testing.T) {
	t.Parallel() // it waits more than it works
	l := newLab(t, "n1", "n2")
	l.wire("n1", "v12", "n2", "v21")
	l.run(`
		n1: irmd --stdout &
		n1: irm ipcp bootstrap type eth-dix name shim layer eth dev v12
		n2: irmd --stdout &
		n2: irm ipcp bootstrap type eth-dix name shim layer eth dev v21
		n2: irm bind program oping name oping ; irm name register oping layer eth ; oping -l &
	`)
	l.reachable("n1", "oping")
	if err := l.node("n1").ns.Delete("v12"); err != nil {
		t.Fatal(err)
	}
	l.node("n1").fails("timeout 5 oping -n oping -c 1", "")
	l.wire("n1", "v12", "n2", "v21")
	l.reachable("n1", "oping")
}

// TestAddressChanges: a member whose Ethernet address, or IP address, has changed is found again.
func TestAddressChanges(t *testing.T) {
	l := newLab(t, "n1", "n2")
	l.wire("n1", "v12", "n2", "v21")
	l.run(`
		n1: irmd --stdout &
		n1: irm ipcp bootstrap type eth-dix name shim layer eth dev v12
		n2: irmd --stdout &
		n2: irm ipcp bootstrap type eth-dix name shim layer eth dev v21
		n2: irm bind program oping name oping ; irm name register oping layer eth ; oping -l &
	`)
	l.reachable("n1", "oping")
	if err := l.node("n1").ns.SetMAC("v12", []byte{2, 0, 0, 0, 0, 0x77}); err != nil { // who asks
		t.Fatal(err)
	}
	l.reachable("n1", "oping")
}

// TestShimIsDestroyedUnderTraffic: flows end with an error, and nothing else suffers.
func TestShimIsDestroyedUnderTraffic(t *testing.T) {
	t.Parallel() // it waits more than it works
	l := newLab(t, "n1", "n2")
	l.wire("n1", "v12", "n2", "v21")
	two(t, l, "eth-dix", "dev v12", "dev v21")
	n1, n2 := l.node("n1"), l.node("n2")
	client := n1.start("oping -n oping -i 5 -c 100000")
	client.await("seq=3")
	l.run(`n2: irm ipcp destroy name shim`)
	same(t, "irm ipcp list", n2.sh("irm ipcp list | grep -c eth-dix || true"), "0")
	l.run(`
		n2: irm ipcp bootstrap type eth-dix name shim layer low dev v21
		n2: irm ipcp destroy name uni2
		n2: irm ipcp enroll name uni2 layer net autobind ; irm ipcp connect name uni2 dst uni1
		n2: irm name register oping layer net
	`)
	l.reachable("n1", "oping")
	client.signal(syscall.SIGINT)
	_ = client.wait()
}

// TestImpairedLink: what irm puts on the link of a shim is felt, and can be taken away.
func TestImpairedLink(t *testing.T) {
	l := newLab(t, "n1", "n2")
	l.wire("n1", "v12", "n2", "v21")
	two(t, l, "eth-dix", "dev v12", "dev v21")
	out := l.run(`
		n2: irm shape shim delay 30ms
		n1: oping -n oping -c 5 -i 10
	`)
	pinged(t, out, "oping", 5)
	var least float64
	if _, after, ok := strings.Cut(out, "min/avg/max/mdev = "); !ok {
		t.Errorf("no times:\n%s", out)
	} else if _, err := fmt.Sscanf(after, "%f/", &least); err != nil || least < 60 {
		t.Errorf("30 ms each way were not felt, the least time is %v ms:\n%s", least, out)
	}
	l.run(`n2: irm shape shim clear`)
	out = l.run(`n1: oping -n oping -c 5 -i 10`)
	if _, after, ok := strings.Cut(out, "min/avg/max/mdev = "); !ok {
		t.Errorf("no times:\n%s", out)
	} else if _, err := fmt.Sscanf(after, "%f/", &least); err != nil || strings.Contains(after, " ms") && least > 30 {
		t.Errorf("30 ms each way are still felt:\n%s", out)
	}
}

// TestErrorsOfOperators: each says what is wrong, the exit code is 1, and the daemon goes on.
func TestErrorsOfOperators(t *testing.T) {
	l := newLab(t, "n1")
	n := l.node("n1")
	n.fails("irm ipcp list", "Failed to communicate with the Ouroboros IPC Resource Manager daemon.")
	l.run(`
		irmd --stdout &
		irm ipcp bootstrap type udp4 name udp layer udp ip 127.0.0.1
		irm ipcp bootstrap type unicast name uni layer net autobind
	`)
	for _, c := range []struct{ line, want string }{
		{"irm ipcp create name uni type unicast", `"uni" exists already`},
		{"irm ipcp bootstrap type udp4 name udp2 layer udp2 ip 127.0.0.1", "in use"},
		{"irm ipcp bootstrap type udp4 name udp3 layer udp3 ip 192.0.2.1", "192.0.2.1"},
		{"irm ipcp bootstrap type eth-dix name e layer e dev nowhere0", "there are: lo"},
		{"irm ipcp bootstrap type unicast name uni4 layer net", `there is a layer "net" on this system`},
		{"irm name register oping layer nolayer", "nolayer"},
		{"irm bind program /nowhere/prog name x", "does not exist"},
		{"irmd --stdout", "a daemon uses this directory already: process"},
	} {
		n.fails("timeout 30 "+c.line, c.want)
	}
	same(t, "irm ipcp list", n.sh("irm ipcp list | grep -c uni"), "1")
	same(t, "irm ipcp list", n.sh("irm ipcp list | grep -c e-dix || true"), "0")
}

// TestEnrollWithNobodyThere: an operator can interrupt it, and then enroll elsewhere.
func TestEnrollWithNobodyThere(t *testing.T) {
	l := newLab(t, "n1")
	n := l.node("n1")
	l.run("irmd --stdout &")
	n.fails("timeout -s INT 1 irm ipcp enroll name u layer nowhere", "")
	l.eventually("the daemon has given it up", func() bool { return !strings.Contains(n.sh("irm ipcp list"), "init") })
	l.run(`irm ipcp bootstrap type unicast name u layer here`)
}

// TestWithoutPrivilege: any user can run a system over UDP; for Ethernet the daemon says what it lacks.
func TestWithoutPrivilege(t *testing.T) {
	l := newLab(t, "n1")
	n := l.node("n1")
	if err := os.Chmod(l.home, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(l.bin, 0o755); err != nil {
		t.Fatal(err)
	}
	const nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs "
	if code, out := n.try(nobody + "true"); code != 0 {
		t.Skipf("NOT TESTED here: a daemon of another user: %s", out)
	}
	d := n.start(nobody + "irmd --stdout")
	d.await(ready)
	for _, line := range []string{
		"irm ipcp bootstrap type udp4 name udp layer udp ip 127.0.0.1",
		"irm ipcp bootstrap type local name l layer local",
		"irm ipcp bootstrap type unicast name u layer net autobind",
	} {
		n.sh(nobody + line)
	}
	n.fails(nobody+"irm ipcp bootstrap type eth-dix name e layer e dev lo", `IPCP "e": not permitted: ethernet device "lo": packet socket: operation not permitted: `+
		"sending and receiving Ethernet frames needs the capability CAP_NET_RAW")
	d.signal(syscall.SIGTERM)
	if err := d.wait(); err != nil {
		t.Errorf("it ends with %v\n%s", err, d.out)
	}
}

// TestProgramIsStarted: a name that nobody serves has its program started, which is there for the next flow too, and ends
// with the daemon (spec 13 §13.1).
func TestProgramIsStarted(t *testing.T) {
	l := newLab(t, "n1", "n2")
	l.wire("n1", "v12", "n2", "v21")
	l.run(`
		n1: irmd --stdout &
		n1: irm ipcp bootstrap type eth-dix name shim layer eth dev v12
		n2: irmd --stdout &
		n2: irm ipcp bootstrap type eth-dix name shim layer eth dev v21
		n2: irm bind program oping name oping auto -- --listen
		n2: irm name register oping layer eth
	`)
	n1, n2 := l.node("n1"), l.node("n2")
	for range 2 {
		pinged(t, n1.sh("oping -n oping -c 2 -i 10"), "oping", 2)
	}
	if n := strings.Count(n2.sh("irm status"), "programs_started_total"); n != 1 {
		t.Errorf("%s", n2.sh("irm status"))
	}
	log := n2.run[0].stop()
	if strings.Count(log, "Started "+filepath.Join(l.bin, "oping")) != 1 || !strings.Contains(log, "has ended.") {
		t.Errorf("log:\n%s", log)
	}
}

// TestSecondSignalEndsAtOnce: the first waits for a program that does not end.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	l := newLab(t, "n1")
	n := l.node("n1")
	prog := l.file("stubborn", "#!/bin/sh\ntrap '' TERM\necho $$ > "+l.home+"/pid\necho here\nsleep 30 &\nwait; wait\n")
	if err := os.Chmod(prog, 0o755); err != nil {
		t.Fatal(err)
	}
	d := n.start("irmd --stdout")
	n.sh("irm bind program " + prog + " name x auto -- a")
	n.fails("timeout 20 oping -n x -c 1", "")
	d.await("here")
	began := time.Now()
	d.signal(syscall.SIGTERM)
	d.await("stopping.")
	_ = syscall.Kill(d.cmd.Process.Pid, syscall.SIGINT)
	err := d.wait()
	if took := time.Since(began); err == nil || took > 1900*time.Millisecond {
		t.Errorf("ended after %v with %v", took, err)
	}
	n.sh("kill -KILL -$(cat " + l.home + "/pid)") // its process group: it has outlived the daemon
	os.RemoveAll(n.dir)
}

// TestNothingIsLeftOfIPCPs: what is made and destroyed again and again leaves no descriptor and no buffer in the daemon.
func TestNothingIsLeftOfIPCPs(t *testing.T) {
	l := newLab(t, "n1", "n2")
	l.wire("n1", "v12", "n2", "v21")
	two(t, l, "eth-dix", "dev v12", "dev v21")
	n := l.node("n1")
	n.addr("v12", "10.1.1.1/24")
	d := n.run[0]
	count := func() int {
		fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		return len(fds)
	}
	round := func() {
		l.run(`
			n1: irm ipcp bootstrap type udp4 name u layer udp ip 10.1.1.1
			n1: irm ipcp bootstrap type eth-llc name e layer llc dev v12
			n1: irm ipcp bootstrap type unicast name x layer other autobind
			n1: irm name register x layer udp layer llc
			n1: oping -n oping -c 1 -i 10 -Q
			n1: irm ipcp destroy name u ; irm ipcp destroy name x ; irm ipcp destroy name e
		`)
	}
	round()
	before := count()
	for range 5 {
		round()
	}
	l.eventually("its descriptors are as many as before", func() bool { return count() <= before })
	l.eventually("its buffers have come back", func() bool {
		return strings.Contains(n.sh("irm rib irmd/counters | grep -w buffers: | tr -s ' '"), ": 0")
	})
	same(t, "irm ipcp list", n.sh("irm ipcp list | grep -c -e udp4 -e eth-llc -e other || true"), "0")
}
