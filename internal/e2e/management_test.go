package e2e

import (
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestGarbageOnTheManagementSocket: whoever may open the socket can send anything to it and open it often. Flows do not
// notice, requests are answered again when it is over.
func TestGarbageOnTheManagementSocket(t *testing.T) {
	l := newLab(t, "n1")
	n := l.node("n1")
	l.run(`
		irmd --stdout &
		irm ipcp bootstrap type local name loc layer loop
		irm bind program oping name oping ; irm name register oping layer loop
		oping --listen &
	`)
	l.reachable("n1", "oping")
	traffic := n.start("oping -n oping -c 100 -i 10")
	traffic.await("seq=1 ")

	open := func() net.Conn {
		c, err := net.DialTimeout("unixpacket", filepath.Join(n.dir, "irm.sock"), patience)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const seed = 5
	random := rand.New(rand.NewPCG(seed, seed))
	for range 500 {
		c := open()
		b := make([]byte, 1+random.IntN(1400))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		c.SetDeadline(time.Now().Add(patience))
		c.Write(b)
		c.Close()
	}
	l.eventually("all of that is dealt with", func() bool {
		code, _ := n.try("irm ipcp list")
		return code == 0
	})
	var held []net.Conn
	for range 100 {
		held = append(held, open())
	}
	l.eventually("no more connections are accepted", func() bool {
		code, out := n.try("irm ipcp list")
		return code == 1 && strings.Contains(out, "management connections are open")
	})
	for _, c := range held {
		c.Close()
	}
	l.eventually("requests are answered again", func() bool {
		code, _ := n.try("irm ipcp list")
		return code == 0
	})
	if err := traffic.wait(); err != nil {
		t.Error(err)
	}
	pinged(t, traffic.out.String(), "oping", 100)
}
