package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// tunnel sets up a tunnel from n1 to n2, whose ovpn is bound to the name "ovpn".
func (l *lab) tunnel(client, server string) (a, b *process) {
	l.t.Helper()
	b = l.node("n2").start(server)
	l.eventually("the tunnel is up", func() bool {
		a = l.node("n1").start(client)
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if strings.Contains(a.out.String(), " is up, ") {
				return true
			}
			select {
			case <-a.done: // the server does not listen yet
				_ = a.wait()
				return false
			default:
			}
		}
		return false
	})
	b.await(" is up, ")
	return a, b
}

// TestTunnel is the tunnel of spec 15 §15.3 between two systems, over a unicast layer over UDP: IP with the commands
// as they stand there, then IPv6 with encryption, then Ethernet.
func TestTunnel(t *testing.T) {
	l := newLab(t, "n1", "n2")
	l.wire("n1", "v12", "n2", "v21")
	l.node("n1").addr("v12", "10.1.1.1/24")
	l.node("n2").addr("v21", "10.1.1.2/24")
	hosts := l.hosts("10.1.1.1", "uni1", "10.1.1.1", "net")
	two(t, l, "udp4", "ip 10.1.1.1 hosts "+hosts, "ip 10.1.1.2 hosts "+hosts)
	l.run(`
		n2: irm bind program ovpn name ovpn ; irm name register ovpn layer net
		n1: irm name create ovpn
	`)
	for _, c := range []struct{ client, server, ping string }{
		{"-i 10.7.0.1 -m 255.255.255.0", "-i 10.7.0.2 -m 255.255.255.0", "10.7.0.2"},
		{"-i fd07::1/64 --encrypt -q data", "-i fd07::2/64 --encrypt", "fd07::2"},
		{"-i 10.8.0.1/24 --tap", "-i 10.8.0.2/24 --tap", "10.8.0.2"},
	} {
		a, b := l.tunnel("ovpn -n ovpn "+c.client, "ovpn "+c.server)
		if _, err := exec.LookPath("ping"); err != nil {
			t.Log("NOT TESTED: ping through the tunnel, since there is no ping here")
		} else {
			for _, size := range []int{56, 1400, 8000} {
				line := fmt.Sprintf("ping -n -c 1 -W 5 -s %d %s", size, c.ping)
				for range 3 { // one by one: -W holds for the first answer only, later ones get two round trips
					if out := l.node("n1").sh(line); !strings.Contains(out, " 0% packet loss") {
						t.Errorf("%s:\n%s", line, out)
					}
				}
			}
		}
		if out := a.stop(); !strings.Contains(out, " received, 0 dropped.\n") {
			t.Errorf("the client has printed\n%s", out)
		}
		b.stop()
	}
	for _, n := range []string{"n1", "n2"} {
		if out := l.node(n).sh("ip -o link"); strings.Contains(out, "tun") || strings.Contains(out, "tap") {
			t.Errorf("%s: an interface is left:\n%s", n, out)
		}
	}
}
