package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestClientsKilledInMidFlow: the flows of an application that dies end in its daemon at once, and at the peer when it
// has been silent; the server goes on. The prototype's daemon does not survive it.
func TestClientsKilledInMidFlow(t *testing.T) {
	t.Parallel()
	l := couple(t, "eth-dix")
	n1, n2 := l.node("n1"), l.node("n2")
	end, check := l.beside("n1", "aside"), l.steady("n1", "n2")
	here, there := n1.counter("flows"), n2.counter("flows")
	reliable := int64(0)
	for i := range 50 {
		qos := []string{"raw", "best", "data"}[i%3]
		if qos == "data" {
			reliable++
		}
		c := n1.start("oping -n oping -i 1 -q " + qos)
		c.await("seq=1 ")
		c.kill()
	}
	l.eventually("their flows have ended at the daemon", func() bool { return n1.counter("flows") <= here })
	pinged(t, n1.sh("oping -n oping -c 3 -i 10"), "oping", 3)
	// The ends of reliable flows may last until the peer counts as dead, 120 s: what they have sent is not acknowledged.
	l.eventually("the server has given them up", func() bool { return n2.counter("flows") <= there+reliable })
	l.eventually("nobody is left but the traffic beside it", func() bool { return n1.counter("applications") == 1 })
	check()
	end()
}

// TestPeerThatHasGone: a flow to a peer that has gone, with its interface or with its daemon, is closed without it; its
// end is released after delta-t.
func TestPeerThatHasGone(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"interface", "daemon"} {
		t.Run(how, func(t *testing.T) {
			l := couple(t, "eth-dix")
			n1, n2 := l.node("n1"), l.node("n2")
			var flows []*process
			for _, qos := range []string{"raw", "best", "data"} {
				p := n1.start("oping -n oping -i 5 -q " + qos)
				p.await("seq=1 ")
				flows = append(flows, p)
			}
			check := l.steady("n1")
			end := func() {}
			if how == "interface" {
				end = l.beside("n1", "aside")
				if err := n2.ns.SetUp("v21", false); err != nil {
					t.Fatal(err)
				}
			} else {
				n2.daemon().kill()
			}
			for _, p := range flows {
				p.signal(syscall.SIGINT)
				_ = p.wait() // it ends, within patience
			}
			none := regexp.MustCompile(`(?m)^\s*Flows:\s+0$`)
			l.eventually("the ends are released", func() bool { return none.MatchString(n1.sh("irm rib shim/stats")) })
			check()
			end()
		})
	}
}

// TestDaemonKilledUnderApplications: applications get a named error at once; the daemon that is started after it takes
// the directory over, comes back into the layer by its configuration, and its neighbour accepts it. That holds for the
// member that has joined a layer, and for the one that has begun it.
func TestDaemonKilledUnderApplications(t *testing.T) {
	t.Parallel()
	for _, victim := range []string{"n2", "n1"} {
		t.Run(victim, func(t *testing.T) {
			l := newLab(t, "n1", "n2", "n3")
			l.wire("n1", "v12", "n2", "v21")
			other := map[string]string{"n1": "n2", "n2": "n1"}[victim]
			l.wire(other, "w", "n3", "w")
			first := l.file("n1.toml", restartable("v12", "uni1", `bootstrap = "net"`+"\nls_t_recalc = 1", "uni2"))
			second := l.file("n2.toml", restartable("v21", "uni2", `enrol = "net"`+"\nconn = [\"uni1\"]", "uni1"))
			start := map[string]string{"n1": "irmd --stdout --config " + first, "n2": "irmd --stdout --config " + second}
			l.node("n1").start(start["n1"])
			l.run(`n1: irm name register uni1 layer eth ; irm name register net layer eth`)
			l.node("n2").start(start["n2"])
			l.run(`
				n3: irmd --stdout &
				n3: irm ipcp bootstrap type eth-dix name side layer side dev w ; irm bind program oping name aside ; irm name register aside layer side
				n3: oping --listen &
				` + other + `: irm ipcp bootstrap type eth-dix name side layer side dev w
				` + victim + `: irm name register ` + victim + ` layer net
				` + other + `: irm name create ` + victim + `
			`)
			v, o := l.node(victim), l.node(other)
			server := v.start("oping --listen -n " + victim)
			l.reachable(other, "aside")
			l.reachable(other, victim)
			end, check := l.beside(other, "aside"), l.steady(other)
			client := o.start("oping -n " + victim + " -i 10 -q data")
			client.await("seq=1 ")

			d := v.daemon()
			d.signal(syscall.SIGKILL)
			_ = d.wait() // its files stay
			began := time.Now()
			if err := server.wait(); err == nil || !strings.Contains(server.out.String(), "no contact with the broker") {
				t.Errorf("the server has ended: %v\n%s", err, server.out)
			}
			t.Logf("the application has its error after %v", time.Since(began).Round(time.Millisecond))

			v.start(start[victim])
			if victim == "n1" {
				l.run(`n1: irm name register uni1 layer eth ; irm name register net layer eth`)
			}
			l.run(victim + `: irm name register ` + victim + ` layer net`)
			v.start("oping --listen -n " + victim).await("started")
			began = time.Now()
			l.eventually("it can be reached again", func() bool {
				code, _ := o.try("timeout 1 oping -n " + victim + " -c 1 -i 10")
				return code == 0
			})
			t.Logf("reachable %v after the start", time.Since(began).Round(time.Millisecond))
			pinged(t, o.sh("oping -n "+victim+" -c 3 -i 10"), victim, 3)
			client.signal(syscall.SIGINT)
			_ = client.wait()
			check()
			end()
		})
	}
}

// restartable is the configuration of a member of layer "net" over Ethernet.
func restartable(dev, name, how, peer string) string {
	return fmt.Sprintf("[eth-dix.shim]\nbootstrap = \"eth\"\ndev = %q\n\n[name.net]\n[name.%s]\n[name.oping]\n\n[unicast.%s]\nautobind = true\n%s\n", dev, peer, name, how)
}

// TestLogOnFullDisk: a log that cannot be written is not waited for. Lines that are lost are counted, and the log says
// how many when there is room again.
func TestLogOnFullDisk(t *testing.T) {
	t.Parallel()
	l := newLab(t, "n1")
	n := l.node("n1")
	disk := l.home + "/disk"
	if err := os.Mkdir(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	d := n.start(`exec unshare -m /bin/sh -c "mount -t tmpfs -o size=64k none ` + disk + ` && head -c 61440 /dev/zero >` + disk + `/ballast && exec irmd --stdout --log-level debug >` + disk + `/log"`)
	defer d.stop()
	l.eventually("the daemon serves", func() bool { code, _ := n.try("irm status"); return code == 0 })
	l.run(`
		irm ipcp bootstrap type local name loc layer loop
		irm bind program oping name oping ; irm name register oping layer loop
	`)
	n.start("oping --listen").await("started")
	end := l.beside("n1", "oping")
	for i := 0; n.counter("log_lines_lost_total") == 0; i++ {
		if i == 200 {
			t.Fatal("nothing is lost: the disk is not full")
		}
		l.run(fmt.Sprintf("irm ipcp bootstrap type local name filler-%[1]d layer filler-%[1]d", i))
	}
	pinged(t, l.run("oping -n oping -c 3 -i 10"), "oping", 3)
	root := fmt.Sprintf("/proc/%d/root%s", d.cmd.Process.Pid, disk)
	if err := os.Remove(root + "/ballast"); err != nil {
		t.Fatal(err)
	}
	l.run("irm ipcp bootstrap type local name room layer room")
	l.eventually("the log says that lines were lost", func() bool {
		b, err := os.ReadFile(root + "/log")
		return err == nil && strings.Contains(string(b), "lost") && strings.Contains(string(b), "name=room")
	})
	end()
}

// TestTwoDaemonsInOneDirectory: the second says who has it, and ends. What a daemon that was killed has left is taken
// over.
func TestTwoDaemonsInOneDirectory(t *testing.T) {
	t.Parallel()
	l := newLab(t, "n1")
	n := l.node("n1")
	l.run(`
		irmd --stdout &
		irm ipcp bootstrap type local name loc layer loop
		irm bind program oping name oping ; irm name register oping layer loop
	`)
	n.start("oping --listen").await("started")
	end, check := l.beside("n1", "oping"), l.steady("n1")
	d := n.daemon()
	for range 3 {
		code, out := n.try("irmd --stdout")
		if want := fmt.Sprintf("a daemon uses this directory already: process %d", d.cmd.Process.Pid); code != 1 || !strings.Contains(out, want) {
			t.Errorf("exit code %d, want 1 and %q in\n%s", code, want, out)
		}
	}
	pinged(t, n.sh("oping -n oping -c 3 -i 10"), "oping", 3)
	check()
	end()

	d.signal(syscall.SIGKILL)
	_ = d.wait()
	if left, _ := os.ReadDir(n.dir); len(left) != 3 {
		t.Fatalf("a daemon that was killed leaves %v, want the lock and two sockets", left)
	}
	l.run(`
		irmd --stdout &
		irm ipcp bootstrap type local name loc layer loop
		irm bind program oping name oping ; irm name register oping layer loop
	`)
	n.start("oping --listen").await("started")
	pinged(t, n.sh("oping -n oping -c 3 -i 10"), "oping", 3)
}

// TestNamesThatExistTwice: a second layer or IPCP of a name is refused, and the first goes on; a configuration file that
// asks for it, or is wrong in any other way, is an error with its line.
func TestNamesThatExistTwice(t *testing.T) {
	t.Parallel()
	l := newLab(t, "n1")
	n := l.node("n1")
	l.run(`
		irmd --stdout &
		irm ipcp bootstrap type local name loc layer loop
		irm ipcp bootstrap type unicast name uni layer net
		irm bind program oping name oping ; irm name register oping layer loop
	`)
	n.start("oping --listen").await("started")
	end, check := l.beside("n1", "oping"), l.steady("n1")
	for range 3 {
		n.fails("irm ipcp bootstrap type local name other layer loop", "loop")
		n.fails("irm ipcp bootstrap type unicast name other layer net", "net")
		n.fails("irm ipcp create type local name loc", "loc")
		n.fails("irm ipcp bootstrap type unicast name loc layer third", "loc")
	}
	n.lists("ipcp list", "loc", "uni")

	n.vars["OUROBOROS_DIR"] = l.home + "/second"
	for _, c := range []struct{ text, want string }{
		{"[local.a]\nbootstrap = \"x\"\n\n[local.b]\nbootstrap = \"x\"\n", ":"},
		{"[local.a]\nbootstrap = \"x\"\n\n[local.a]\nbootstrap = \"y\"\n", ":4: "},
		{"[local.a]\nbootstrap = \"x\"\ncolour = \"red\"\n", ":3: "},
		{"[local.a]\nbootstrap = 7\n", ":2: "},
		{"[eth-dix.a]\nbootstrap = \"x\"\ndev = \"nowhere0\"\n", ":1: "},
		{"[local.a\n", ":1:"},
	} {
		path := l.file("bad.toml", c.text)
		code, out := n.try("timeout 20 irmd --stdout --config " + path)
		if code != 1 || !strings.Contains(out, path+c.want) {
			t.Errorf("exit code %d, want 1 and %q for\n%s\nin\n%s", code, path+c.want, c.text, out)
		}
	}
	delete(n.vars, "OUROBOROS_DIR")
	check()
	end()
}
