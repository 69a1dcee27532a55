package e2e

import (
	"regexp"
	"strings"
	"testing"
)

// pinged checks what oping has printed at its end: that all packets came back.
func pinged(t *testing.T, out, name string, n int) {
	t.Helper()
	want := regexp.MustCompile(`(?m)^--- ` + regexp.QuoteMeta(name) + ` ping statistics ---\n(\d+) packets transmitted, (\d+) received, 0 out-of-order, 0% packet loss`)
	m := want.FindStringSubmatch(out)
	if m == nil || m[1] != m[2] || strings.Count(out, " bytes from "+name+": seq=") != n {
		t.Errorf("not all of %d packets came back:\n%s", n, out)
	}
}

// same compares the output of a command with what the prototype prints (spec 15).
func same(t *testing.T, what, got, want string) {
	t.Helper()
	if strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("%s prints\n%s\nwant\n%s", what, got, want)
	}
}

// TestTutorial1 is spec 15 §15.1 as it is written: a local layer and a program in it.
func TestTutorial1(t *testing.T) {
	l := newLab(t, "n1")
	l.run(`
		irmd --stdout &
		irm ipcp bootstrap type local name local-ipcp layer local-layer
		irm bind program oping name oping_server
		irm name register oping_server layer local-layer
		oping --listen &
	`)
	pinged(t, l.run(`oping -n oping_server -c 4 -i 200`), "oping_server", 4)
	same(t, "irm ipcp list", l.run("irm ipcp list"), `
+---------+----------------------+------------+----------------------+
|     pid |                 name |       type |                layer |
+---------+----------------------+------------+----------------------+
|       1 |           local-ipcp |      local |          local-layer |
+---------+----------------------+------------+----------------------+`)
	same(t, "irm name list", l.run("irm name list"), `
+----------------------------------------------------+----------------------+
|                                               name |  load-balance policy |
+----------------------------------------------------+----------------------+
|                                       oping_server |            spillover |
+----------------------------------------------------+----------------------+`)
}

// TestTutorial2 is spec 15 §15.2: a unicast layer over a local one, on one system.
func TestTutorial2(t *testing.T) {
	l := newLab(t, "n1")
	l.run(`
		irmd --stdout &
		irm ipcp bootstrap type local name local-ipcp layer local-layer
		irm ipcp bootstrap type unicast name uni-1 layer unicast-layer autobind
		irm name register uni-1 layer local-layer ; irm name register unicast-layer layer local-layer
		irm ipcp enroll name uni-2 layer unicast-layer autobind
		irm ipcp connect name uni-2 dst uni-1
		irm bind program oping name oping_server ; irm name register oping_server layer unicast-layer
		oping --listen &
	`)
	pinged(t, l.run(`oping -n oping_server -c 3 -i 10`), "oping_server", 3)
	same(t, "irm ipcp list", l.run("irm ipcp list"), `
+---------+----------------------+------------+----------------------+
|     pid |                 name |       type |                layer |
+---------+----------------------+------------+----------------------+
|       1 |           local-ipcp |      local |          local-layer |
|       2 |                uni-1 |    unicast |        unicast-layer |
|       3 |                uni-2 |    unicast |        unicast-layer |
+---------+----------------------+------------+----------------------+`)
}

// two makes the lab of spec 15 §15.3: two systems over a shim each, in a unicast layer, with oping on the second.
// shim1 and shim2 are the parameters of the shims.
func two(t *testing.T, l *lab, kind, shim1, shim2 string) {
	t.Helper()
	l.run(`
		n1: irmd --stdout &
		n1: irm ipcp bootstrap type ` + kind + ` name shim layer low ` + shim1 + `
		n1: irm ipcp bootstrap type unicast name uni1 layer net autobind ls_t_recalc 1
		n1: irm name register uni1 layer low ; irm name register net layer low
		n2: irmd --stdout &
		n2: irm ipcp bootstrap type ` + kind + ` name shim layer low ` + shim2 + `
		n2: irm name create net ; irm name create uni1      # an allocating system must know the name
		n2: irm ipcp enroll name uni2 layer net autobind
		n2: irm ipcp connect name uni2 dst uni1             # management and data transfer
		n2: irm bind program oping name oping ; irm name register oping layer net ; oping -l &
	`)
	l.run(`n1: irm name create oping`)
	l.reachable("n1", "oping")
	pinged(t, l.run(`n1: oping -n oping -c 3 -i 10`), "oping", 3)
}

// reachable waits until a name can be pinged: routes and directory take a moment to settle after members have
// connected.
func (l *lab) reachable(from, name string) {
	l.t.Helper()
	n := l.node(from)
	l.eventually(name+" can be reached from "+from, func() bool {
		code, _ := n.try("timeout 5 oping -n " + name + " -c 1 -i 10")
		return code == 0
	})
}

// TestTwoSystemsOverEthernet is spec 15 §15.3 over both kinds of frames.
func TestTwoSystemsOverEthernet(t *testing.T) {
	for _, kind := range []string{"eth-dix", "eth-llc"} {
		t.Run(kind, func(t *testing.T) {
			l := newLab(t, "n1", "n2")
			l.wire("n1", "v12", "n2", "v21")
			two(t, l, kind, "dev v12", "dev v21")
		})
	}
}

// TestTwoSystemsOverUDP is spec 15 §15.3 over both versions of IP. Names are found in a file.
func TestTwoSystemsOverUDP(t *testing.T) {
	for _, c := range []struct{ kind, a, b, bits string }{
		{"udp4", "10.1.1.1", "10.1.1.2", "/24"},
		{"udp6", "fd00:1::1", "fd00:1::2", "/64"},
	} {
		t.Run(c.kind, func(t *testing.T) {
			l := newLab(t, "n1", "n2")
			l.wire("n1", "v12", "n2", "v21")
			l.node("n1").addr("v12", c.a+c.bits)
			l.node("n2").addr("v21", c.b+c.bits)
			hosts := l.hosts(c.a, "uni1", c.a, "net")
			two(t, l, c.kind, "ip "+c.a+" hosts "+hosts, "ip "+c.b+" hosts "+hosts)
		})
	}
}

// line makes a line of three systems: the middle one is in the layer of each shim (spec 15 §15.3).
func line(l *lab) {
	l.wire("n1", "v12", "n2", "v21")
	l.wire("n2", "v23", "n3", "v32")
	l.run(`
		n1: irmd --stdout &
		n2: irmd --stdout &
		n3: irmd --stdout &
		n1: irm ipcp bootstrap type eth-dix name shim12 layer eth12 dev v12
		n2: irm ipcp bootstrap type eth-dix name shim21 layer eth12 dev v21
		n2: irm ipcp bootstrap type eth-dix name shim23 layer eth23 dev v23
		n3: irm ipcp bootstrap type eth-dix name shim32 layer eth23 dev v32
		n2: irm ipcp bootstrap type unicast name uni2 layer net autobind ls_t_recalc 1
		n2: irm name register uni2 layer eth12 layer eth23 ; irm name register net layer eth12 layer eth23
		n1: irm ipcp enroll name uni1 layer net autobind ; irm ipcp connect name uni1 dst uni2
		n3: irm ipcp enroll name uni3 layer net autobind ; irm ipcp connect name uni3 dst uni2
		n3: irm bind program oping name oping ; irm name register oping layer net ; oping -l &
	`)
}

// TestLineOfThree: over two hops, and again after the far member was disconnected and connected.
func TestLineOfThree(t *testing.T) {
	t.Parallel() // it waits more than it works
	l := newLab(t, "n1", "n2", "n3")
	line(l)
	l.reachable("n1", "oping")
	pinged(t, l.run(`n1: oping -n oping -c 3 -i 10`), "oping", 3)
	l.run(`n3: irm ipcp disconnect name uni3 dst uni2`)
	l.node("n1").fails("timeout 2 oping -n oping -c 1 -i 10", "")
	l.run(`n3: irm ipcp connect name uni3 dst uni2`)
	l.reachable("n1", "oping")
	pinged(t, l.run(`n1: oping -n oping -c 3 -i 10`), "oping", 3)
}

// TestBroadcast is the broadcast layer of spec 15 §15.3, over three systems.
func TestBroadcast(t *testing.T) {
	l := newLab(t, "n1", "n2", "n3")
	l.wire("n1", "v12", "n2", "v21")
	l.wire("n1", "v13", "n3", "v31")
	l.run(`
		n1: irmd --stdout &
		n2: irmd --stdout &
		n3: irmd --stdout &
		n1: irm ipcp bootstrap type eth-dix name shim12 layer eth12 dev v12
		n1: irm ipcp bootstrap type eth-dix name shim13 layer eth13 dev v13
		n2: irm ipcp bootstrap type eth-dix name shim layer eth12 dev v21
		n3: irm ipcp bootstrap type eth-dix name shim layer eth13 dev v31
		n1: irm ipcp bootstrap type broadcast name bc1 layer bcast autobind
		n1: irm name register bc1 layer eth12 layer eth13 ; irm name register bcast layer eth12 layer eth13
		n2: irm ipcp enroll name bc2 layer bcast type broadcast autobind ; irm ipcp connect name bc2 dst bc1 component dt
		n3: irm ipcp enroll name bc3 layer bcast type broadcast autobind ; irm ipcp connect name bc3 dst bc1 component dt
	`)
	a, b := l.node("n1").start("obc -n bcast -l"), l.node("n2").start("obc -n bcast -l")
	l.eventually("both hear it", func() bool {
		l.run(`n3: obc -n bcast -m "hello broadcast"`)
		const heard = "Message is hello broadcast."
		return strings.Contains(a.out.String(), heard) && strings.Contains(b.out.String(), heard)
	})
}

// TestEncryptionByFile: enc.conf of a name at the server, and the path of one at the client, have its flows
// encrypted (spec 11 §11.8, 15 §15.3).
func TestEncryptionByFile(t *testing.T) {
	l := newLab(t, "n1", "n2")
	l.wire("n1", "v12", "n2", "v21")
	const conf = "kex=X25519\ncipher=aes-256-gcm\nkdf=sha256\n"
	server := l.file("sec/server/oenc/enc.conf", conf)
	client := l.file("client.conf", conf)
	_ = server
	l.run(`
		n1: irmd --stdout &
		n1: irm ipcp bootstrap type eth-dix name shim layer eth dev v12
		n2: irmd --stdout --security ` + l.home + `/sec &
		n2: irm ipcp bootstrap type eth-dix name shim layer eth dev v21
		n2: irm bind program oping name oenc ; irm name register oenc layer eth ; oping -l &
		n1: irm name create oenc cencpath ` + client + `
	`)
	pinged(t, l.run(`n1: oping -n oenc -c 3 -i 10`), "oenc", 3)
	// A file that is named and gone fails the flow: it does not run in clear.
	l.run(`n1: rm ` + client)
	l.node("n1").fails("oping -n oenc -c 1 -i 10", "")
}
