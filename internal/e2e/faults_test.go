package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// couple makes two systems with two wires between them: one for the fault, with a shim of the kind in layer "low", where
// "oping" is served; and one for the traffic beside it, with layer "side" and the name "aside". The oping of n2 serves
// both.
func couple(t *testing.T, kind string) *lab {
	t.Helper()
	l := newLab(t, "n1", "n2")
	l.wire("n1", "v12", "n2", "v21")
	l.wire("n1", "w12", "n2", "w21")
	at1, at2 := "dev v12", "dev v21"
	if kind == "udp4" {
		l.node("n1").addr("v12", "10.9.0.1/24")
		l.node("n2").addr("v21", "10.9.0.2/24")
		hosts := " hosts " + l.hosts("10.9.0.2", "oping", "10.9.0.1", "uni1", "10.9.0.1", "net")
		at1, at2 = "ip 10.9.0.1"+hosts, "ip 10.9.0.2"+hosts
	}
	l.run(`
		n1: irmd --stdout &
		n2: irmd --stdout &
		n1: irm ipcp bootstrap type ` + kind + ` name shim layer low ` + at1 + `
		n2: irm ipcp bootstrap type ` + kind + ` name shim layer low ` + at2 + `
		n1: irm ipcp bootstrap type eth-dix name side layer side dev w12
		n2: irm ipcp bootstrap type eth-dix name side layer side dev w21
		n2: irm bind program oping name oping ; irm bind program oping name aside
		n2: irm name register aside layer side ; irm name register oping layer low
	`)
	l.node("n2").start("oping --listen").await("started")
	l.reachable("n1", "oping")
	l.reachable("n1", "aside")
	return l
}

// unify puts a unicast layer "net" over the layer "low" of a couple, and has "far" served there.
func (l *lab) unify() {
	l.t.Helper()
	l.run(`
		n1: irm ipcp bootstrap type unicast name uni1 layer net autobind ls_t_recalc 1
		n1: irm name register uni1 layer low ; irm name register net layer low
		n2: irm name create net ; irm name create uni1
		n2: irm ipcp enroll name uni2 layer net autobind ; irm ipcp connect name uni2 dst uni1
		n2: irm bind program oping name far ; irm name register far layer net
		n1: irm name create far
	`)
	l.reachable("n1", "far")
}

var transmitted = regexp.MustCompile(`(\d+) packets transmitted, (\d+) received`)

// beside has reliable traffic run from a system to a name until end is called, which checks that all of it came back.
// The last packet may be under way then.
func (l *lab) beside(from, name string) (end func()) {
	l.t.Helper()
	p := l.node(from).start("oping -n " + name + " -q data -i 10")
	p.await("seq=1 ")
	return func() {
		l.t.Helper()
		p.signal(syscall.SIGINT)
		_ = p.wait()
		out := p.out.String()
		m := transmitted.FindStringSubmatch(out)
		if m == nil {
			l.t.Errorf("the traffic beside it has ended:\n%s", out)
			return
		}
		sent, _ := strconv.Atoi(m[1])
		got, _ := strconv.Atoi(m[2])
		if got < sent-1 || strings.Count(out, " bytes from "+name+": seq=") != got {
			l.t.Errorf("of the traffic beside it came %d of %d packets back", got, sent)
		}
	}
}

// counter is a number that the daemon of a system keeps.
func (n *node) counter(name string) int64 {
	n.l.t.Helper()
	var st struct{ Counters map[string]int64 }
	if err := json.Unmarshal([]byte(n.sh("irm status --json")), &st); err != nil {
		n.l.t.Fatal(err)
	}
	v, ok := st.Counters[name]
	if !ok {
		n.l.t.Fatalf("%s: there is no counter %q: %v", n.name, name, st.Counters)
	}
	return v
}

// daemon is the daemon of a system.
func (n *node) daemon() *process {
	n.l.t.Helper()
	for _, p := range n.run {
		if p.isDaemon() {
			return p
		}
	}
	n.l.t.Fatalf("%s has no daemon", n.name)
	return nil
}

// steady watches what daemons have in use; the function returned checks that it is the same again.
func (l *lab) steady(names ...string) (check func()) {
	l.t.Helper()
	t, ok := l.t.(*testing.T)
	if !ok {
		l.t.Fatal("not a test")
	}
	type size struct{ memory, files int }
	before := map[string]size{}
	for _, name := range names {
		memory, files := usage(t, l.node(name).daemon())
		before[name] = size{memory, files}
	}
	return func() {
		l.t.Helper()
		for _, name := range names {
			was := before[name]
			l.eventually(fmt.Sprintf("the daemon of %s is as small as before: %d MiB, %d files", name, was.memory>>20, was.files), func() bool {
				memory, files := usage(t, l.node(name).daemon())
				return memory <= was.memory+spareMemory && files <= was.files+spareFiles
			})
		}
	}
}
