package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// toolLab is two systems with an Ethernet shim each; all tools are bound and published on the second.
func toolLab(t *testing.T) *lab {
	t.Helper()
	l := newLab(t, "n1", "n2")
	l.wire("n1", "v12", "n2", "v21")
	l.run(`
		n1: irmd --stdout &
		n1: irm ipcp bootstrap type eth-dix name shim layer eth dev v12
		n2: irmd --stdout &
		n2: irm ipcp bootstrap type eth-dix name shim layer eth dev v21
	`)
	for _, tool := range []string{"oping", "operf", "ocbr", "oecho"} {
		l.run(fmt.Sprintf("n2: irm bind program %s name %s.n2 ; irm name register %s.n2 layer eth", tool, tool, tool))
	}
	return l
}

var fractions = regexp.MustCompile(`\d+\.\d+ (ms|µs)|\d+\.\d+`)

// masked replaces the figures that the clock makes.
func masked(out string) string { return fractions.ReplaceAllString(out, "N") }

// TestToolsBetweenSystems: each tool does its work between two systems and prints what the prototype's prints (spec 15
// §15.4).
func TestToolsBetweenSystems(t *testing.T) {
	l := toolLab(t)
	n1, n2 := l.node("n1"), l.node("n2")

	server := n2.start("oping --listen")
	server.await("Ouroboros ping server started.")
	same(t, "oping", masked(n1.sh("oping -n oping.n2 -c 3 -i 10")), `
Pinging oping.n2 with 64 bytes of data (3 packets):

64 bytes from oping.n2: seq=0 time=N
64 bytes from oping.n2: seq=1 time=N
64 bytes from oping.n2: seq=2 time=N

--- oping.n2 ping statistics ---
3 packets transmitted, 3 received, 0 out-of-order, 0% packet loss, time: N
rtt min/avg/max/mdev = N/N/N/N`)
	pinged(t, n1.sh("oping -n oping.n2 -c 5 -i 10 -s 1400 -q data --encrypt"), "oping.n2", 5)
	server.await("Received 1400 bytes on fd 65.")
	same(t, "the oping server", strings.SplitAfterN(server.out.String(), "fd 64.\n", 2)[0], `
Ouroboros ping server started.
New flow 64.
Received 64 bytes on fd 64.`)

	echo := n2.start("oecho --listen")
	l.eventually("oecho is served", func() bool { code, _ := n1.try("oecho -n oecho.n2"); return code == 0 })
	same(t, "oecho", n1.sh("oecho -n oecho.n2 -q data"), "Server replied with Client says hi!")
	if got := strings.Count(echo.stop(), "Message from client is Client says hi!.\n"); got < 2 {
		t.Errorf("the oecho server has printed %d messages", got)
	}

	perf := n2.start("operf --listen")
	l.eventually("operf is served", func() bool { code, _ := n1.try("operf -n operf.n2 -d 10 -r 1M -s 1000"); return code == 0 })
	out := n1.sh("operf -n operf.n2 -t bi -d 500 -r 2M -s 1000 --percentiles")
	same(t, "operf", masked(out), `
Doing a bidirectional test.
Sending 1000 byte packets to operf.n2 at N Mb/s for N seconds.
Test finished.

--- operf.n2 perf statistics ---
125 packets transmitted, 125 received, 0% packet loss, time: N, bandwidth: N Mb/s
rtt min/p50/p90/p99/pN/max = N/N/N/N/N/N`)
	perf.await("Seqno 0 from fd 64: ")

	cbr := n2.start("ocbr --listen -i 200ms -t 400ms")
	cbr.await("") // ocbr says nothing before the first flow
	l.eventually("ocbr is served", func() bool { code, _ := n1.try("ocbr -n ocbr.n2 -d 50ms -r 1M"); return code == 0 })
	if out := n1.sh("ocbr -n ocbr.n2 -d 1 -r 800k"); !strings.HasPrefix(out, "Client started, duration 1, rate 800000 b/s, size 1000 B.\nsent statistics:       100 packets,       100000 bytes in ") {
		t.Errorf("ocbr prints\n%s", out)
	}
	cbr.await(" timed out.")
	if m := regexp.MustCompile(`Flow {3}6\d: +\d+ packets \( +\d+ bytes\) in +\d+ ms => \d+\.\d{4} pps, \d+\.\d{4} Mbps`).FindAllString(cbr.out.String(), -1); len(m) < 3 {
		t.Errorf("the ocbr server prints\n%s", cbr.out)
	}
}

// TestCtrlCPrintsTheStatistics: of the client, with exit code 0; the server ends as well, without a word.
func TestCtrlCPrintsTheStatistics(t *testing.T) {
	l := toolLab(t)
	server := l.node("n2").start("oping --listen")
	server.await("started")
	client := l.node("n1").start("oping -n oping.n2 -i 10")
	client.await("seq=2 ")
	client.signal(syscall.SIGINT)
	if err := client.wait(); err != nil || !strings.Contains(client.out.String(), "rtt min/avg/max/mdev = ") {
		t.Errorf("%v\n%s", err, client.out)
	}
	server.signal(syscall.SIGINT)
	if err := server.wait(); err != nil {
		t.Errorf("%v\n%s", err, server.out)
	}
}

// TestTheDaemonDies: programs that use it, and those that wait for it, end with an error at once, and do not hang; others
// start when it is there again. A program that is started without a daemon says what is missing.
func TestTheDaemonDies(t *testing.T) {
	l := newLab(t, "n1")
	n := l.node("n1")
	n.fails("oping -n x -c 1", "is irmd running, and --dir its directory?")
	n.fails("oping -n x -c 1 --dir /nowhere", "is irmd running")
	start := func() *process {
		daemon := n.start("irmd --stdout")
		l.run(`
			irm ipcp bootstrap type local name local layer loop
			irm bind program oping name x ; irm name register x layer loop
		`)
		return daemon
	}
	daemon := start()
	server := n.start("oping --listen")
	server.await("started")
	raw, reliable := n.start("oping -n x -i 10"), n.start("oping -n x -i 10 -q data")
	raw.await("seq=1 ")
	reliable.await("seq=1 ")
	killed := time.Now()
	daemon.kill()
	for _, p := range []*process{server, raw, reliable} {
		if err := p.wait(); err == nil || p.cmd.ProcessState.ExitCode() != 1 || !strings.Contains(p.out.String(), "oping: ") {
			t.Errorf("%v: %v\n%s", p, err, p.out)
		}
	}
	if d := time.Since(killed); d > 10*time.Second {
		t.Errorf("the programs ended after %v", d)
	}
	for _, p := range []*process{raw, reliable} {
		if !strings.Contains(p.out.String(), "rtt min/avg/max/mdev = ") {
			t.Errorf("%v has not printed what it had seen:\n%s", p, p.out)
		}
	}
	start()
	n.start("oping --listen").await("started")
	pinged(t, n.sh("oping -n x -c 2 -i 10"), "x", 2)
}

// TestTheServerDies: a client on a reliable flow hears of it, one on a raw flow notices that nothing comes; both say what
// they have seen. A new server takes the next clients.
func TestTheServerDies(t *testing.T) {
	l := toolLab(t)
	server := l.node("n2").start("oping --listen")
	server.await("started")
	raw, reliable := l.node("n1").start("oping -n oping.n2 -i 10"), l.node("n1").start("oping -n oping.n2 -i 10 -q data")
	raw.await("seq=1 ")
	reliable.await("seq=1 ")
	server.kill()
	for _, p := range []*process{raw, reliable} {
		_ = p.wait()
		if out := p.out.String(); !strings.Contains(out, "rtt min/avg/max/mdev = ") {
			t.Errorf("%v:\n%s", p, out)
		}
	}
	l.node("n2").start("oping --listen").await("started")
	pinged(t, l.node("n1").sh("oping -n oping.n2 -c 2 -i 10"), "oping.n2", 2)
}

// TestManyProcessesAtOnce: one server, which is one program on an event set, serves clients that are processes of their own
// on two systems, on flows of each kind.
func TestManyProcessesAtOnce(t *testing.T) {
	l := toolLab(t)
	server := l.node("n2").start("oping --listen")
	server.await("started")
	var clients []*process
	for i := range 12 {
		qos := []string{"raw", "best", "data"}[i%3]
		clients = append(clients, l.nodes[i%2].start("oping -n oping.n2 -c 5 -i 10 -q "+qos))
	}
	for _, c := range clients {
		if err := c.wait(); err != nil {
			t.Errorf("%v: %v", c, err)
		}
		pinged(t, c.out.String(), "oping.n2", 5)
	}
	if n := strings.Count(server.stop(), "Received 64 bytes on fd "); n != 60 {
		t.Errorf("the server has received %d messages, want 60", n)
	}
}
