package experiment_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/scenarios/experiment"
	"ouroboros/scenarios/node"
	"ouroboros/sim"
)

// trial is a random layer on a random connected graph, with random faults.
type trial struct {
	rand  *rand.Rand
	nodes int
	wires [][2]int
	text  strings.Builder // of the scenario
}

// Times of a trial in seconds: faults begin and end between calm and quiet, then nothing happens until the end. A
// silent peer counts as dead after 4 s; members try to connect again at the latest every 35 s and to enroll with the
// next neighbour after 20 s.
const (
	trialCalm  = 5
	trialQuiet = 45
	trialEnd   = 130
)

func newTrial(seed uint64) *trial {
	tr := &trial{rand: rand.New(rand.NewPCG(seed, 1))}
	tr.nodes = 6 + tr.rand.IntN(15)
	tr.graph()
	p := func(format string, args ...any) { fmt.Fprintf(&tr.text, format+"\n", args...) }
	p("schema: 1\nname: trial\nduration: %ds\ntopology:\n  defaults: {rate: 100Mbps, delay: 1ms, detect: 10ms}", trialEnd)
	p("  nodes: [%s]\n  wires:", strings.Join(tr.names(), ", "))
	for k, w := range tr.wires {
		p("    - {name: w%d, ends: [n%d, n%d]}", k, w[0], w[1])
	}
	p("layers:\n  - name: net\n    qos: {preset: raw, timeout: 4s}\n    shims:")
	for k := range tr.wires {
		p("      - {link: w%d, shim: %s}", k, tr.one("eth-dix", "eth-llc", "udp4", "direct"))
	}
	p("    params: {max_ttl: 30}\n    policies:\n      routing: %s\n      forwarding: %s\n      addressing: %s\n      congestion: none",
		tr.one("link-state", "link-state", "path-vector"), tr.one("simple", "lfa", "ecmp"), tr.one("flat-random", "sequential"))
	p("      directory: {name: dht, params: {t_expire: 60s, t_refresh: 10s, t_replicate: 10s}}\nnames:")
	for _, n := range tr.names() {
		p("  - {name: svc-%s, nodes: [%s]}", n, n)
	}
	p("faults:")
	for i := range 3 + tr.rand.IntN(10) {
		tr.fault(i)
	}
	return tr
}

// graph draws a tree and some more wires.
func (tr *trial) graph() {
	for i := 1; i < tr.nodes; i++ {
		tr.wires = append(tr.wires, [2]int{tr.rand.IntN(i), i})
	}
	for range tr.rand.IntN(tr.nodes) {
		a, b := tr.rand.IntN(tr.nodes), tr.rand.IntN(tr.nodes)
		if a > b {
			a, b = b, a
		}
		if a != b && !slices.Contains(tr.wires, [2]int{a, b}) {
			tr.wires = append(tr.wires, [2]int{a, b})
		}
	}
}

func (tr *trial) names() (out []string) {
	for i := range tr.nodes {
		out = append(out, fmt.Sprintf("n%d", i))
	}
	return out
}

func (tr *trial) one(of ...string) string { return of[tr.rand.IntN(len(of))] }

// fault draws a fault, most of which end.
func (tr *trial) fault(i int) {
	at := trialCalm*1000 + tr.rand.IntN((trialQuiet-trialCalm)*1000)
	left := trialQuiet*1000 - at
	period := fmt.Sprintf("%dms", 1+tr.rand.IntN(left))
	if tr.rand.IntN(5) == 0 {
		period = "forever"
	}
	link, n := fmt.Sprintf("w%d", tr.rand.IntN(len(tr.wires))), fmt.Sprintf("n%d", tr.rand.IntN(tr.nodes))
	p := func(format string, args ...any) {
		fmt.Fprintf(&tr.text, "  - {name: f%d, at: %dms, %s}\n", i, at, fmt.Sprintf(format, args...))
	}
	switch tr.rand.IntN(6) {
	case 0, 1:
		p("link: %s, down: %s", link, period)
	case 2, 3:
		p("node: %s, kill: true, for: %s", n, period)
	case 4:
		p("node: %s, %s: net", n, tr.one("leave", "join"))
	case 5:
		p("link: %s, set: {loss: 0.4}, for: %dms", link, 1+tr.rand.IntN(left))
	}
}

// TestALayerGetsOverAnyFaults: after any sequence of faults a layer that is left in peace comes to tables without
// loops by which all members of a component reach each other, in which names resolve, and from which no packet is
// missing at the end. OUROBOROS_TRIALS=1000 runs as many trials, OUROBOROS_TRIAL=17 only the one of that seed.
func TestALayerGetsOverAnyFaults(t *testing.T) {
	first, n := uint64(1), uint64(12)
	if testing.Short() || raced {
		n = 4
	}
	if x, err := strconv.ParseUint(os.Getenv("OUROBOROS_TRIALS"), 10, 64); err == nil {
		n = x
	}
	if x, err := strconv.ParseUint(os.Getenv("OUROBOROS_TRIAL"), 10, 64); err == nil {
		first, n = x, 1
	}
	for seed := first; seed < first+n; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			tr := newTrial(seed)
			tr.run(t, seed)
			if t.Failed() {
				t.Logf("OUROBOROS_TRIAL=%d:\n%s", seed, tr.text.String())
			}
		})
	}
}

func (tr *trial) run(t *testing.T, seed uint64) {
	e, w := build(t, load(t, "trial.yaml", []byte(tr.text.String())), seed)
	defer w.Close()
	cut := false
	if err := e.Run(trialEnd, func(core.Time) { cut = cut || newChecked(t, e, w, "net").components() > 1 }); err != nil {
		t.Fatal(err)
	}
	c := newChecked(t, e, w, "net")
	c.tables()
	c.whole()
	if directoryHeals || !cut {
		c.resolve(tr.rand)
	}
	run, err := e.Finish()
	if err != nil && !explained(err) {
		t.Errorf("%v", err)
	}
	if left := run.Totals.BuffersLeft.Or(1); left != 0 {
		t.Errorf("%d buffers were not returned", left)
	}
	if n := e.Network.Connecting(); n != 0 {
		t.Errorf("%d connections are still being made", n)
	}
}

// checked is a layer as it has settled.
type checked struct {
	t     *testing.T
	w     *sim.World
	n     *node.Network
	layer *node.Layer
	part  map[*node.System]int // number of the component, of members that live
	next  map[*node.System]map[*node.System]bool
	in    []*node.System
}

func newChecked(t *testing.T, e *experiment.Experiment, w *sim.World, layer string) *checked {
	c := &checked{t: t, w: w, n: e.Network, layer: e.Network.Layer(layer)}
	c.next = map[*node.System]map[*node.System]bool{}
	for _, s := range c.layer.Members {
		if s.Alive() && s.Member(layer).In() {
			c.in, c.next[s] = append(c.in, s), map[*node.System]bool{}
		}
	}
	for _, x := range c.n.Wires {
		if a, _ := x.Ends(); a.Info().Up && c.next[x.A] != nil && c.next[x.B] != nil {
			c.next[x.A][x.B], c.next[x.B][x.A] = true, true
		}
	}
	c.part = map[*node.System]int{}
	for i, s := range c.in {
		c.paint(s, i+1)
	}
	return c
}

func (c *checked) paint(s *node.System, number int) {
	if c.part[s] == 0 {
		c.part[s] = number
		for x := range c.next[s] {
			c.paint(x, number)
		}
	}
}

// hop returns the member to which s sends packets for an address; none without a route, and ok is false where the
// route leads to nobody or over no wire that is up.
func (c *checked) hop(s *node.System, dst uint64, hash uint32) (to *node.System, none, ok bool) {
	p := s.IPCP(c.layer.Name)
	out := p.Forwarding().Next(dst, hash)
	if out == pff.None {
		return nil, true, true
	}
	peer := uint64(0)
	p.DT().Ports(func(i pff.Port, addr uint64, _ dt.Stats, _ int) {
		if i == out {
			peer = addr
		}
	})
	for x := range c.next[s] {
		if x.IPCP(c.layer.Name).Address() == peer {
			return x, false, true
		}
	}
	return nil, false, false
}

// tables walks along the tables from each member to each other one, for many flows.
func (c *checked) tables() {
	addrs := map[uint64]string{}
	for _, s := range c.in {
		a := s.IPCP(c.layer.Name).Address()
		if addrs[a] != "" {
			c.t.Errorf("%s and %s have the address %#x", s.Name, addrs[a], a)
		}
		addrs[a] = s.Name
	}
	for _, from := range c.in {
		for _, to := range c.in {
			if from == to {
				continue
			}
			for h := range uint32(16) {
				if !c.walk(from, to, h*0x9E3779B9) {
					return
				}
			}
		}
	}
}

func (c *checked) walk(from, to *node.System, hash uint32) bool {
	dst, path := to.IPCP(c.layer.Name).Address(), []string{from.Name}
	for s := from; s != to; {
		x, none, ok := c.hop(s, dst, hash)
		switch {
		case c.part[from] != c.part[to] && (none || !ok): // nobody there, or a route into nothing
			return true
		case none || !ok:
			c.t.Errorf("from %s to %s, flow %#x: no way on after %q, none %v", from.Name, to.Name, hash, path, none)
			return false
		}
		if path = append(path, x.Name); len(path) > len(c.in)+1 {
			c.t.Errorf("from %s to %s, flow %#x: the tables loop: %q", from.Name, to.Name, hash, path)
			return false
		}
		s = x
	}
	return true
}

// resolve allocates flows to names of members of the same component.
func (c *checked) resolve(r *rand.Rand) {
	done := 0
	var asked []string
	for _, s := range c.in {
		_, err := s.Broker.Listen(core.Name("svc-"+s.Name), func(in core.Incoming) {
			if f, err := in.Accept(); err == nil {
				f.Close(0)
			}
		})
		if err != nil {
			c.t.Error(err)
		}
	}
	for range 3 * len(c.in) {
		from, to := c.in[r.IntN(len(c.in))], c.in[r.IntN(len(c.in))]
		if from == to || c.part[from] != c.part[to] {
			continue
		}
		what := from.Name + " to " + to.Name
		asked = append(asked, what)
		from.Broker.Alloc(core.Request{Name: core.Name("svc-" + to.Name), QoS: core.QoSRaw}, func(f core.Flow, err error) {
			done++
			if err != nil {
				c.t.Errorf("a flow from %s: %v", what, err)
				return
			}
			f.Close(0)
		})
	}
	if err := c.w.Run(c.w.Now().Add(25 * time.Second)); err != nil {
		c.t.Fatal(err)
	}
	if done != len(asked) {
		c.t.Errorf("%d of %d requests were answered", done, len(asked))
	}
}

// components returns how many there are.
func (c *checked) components() int {
	different := map[int]bool{}
	for _, number := range c.part {
		different[number] = true
	}
	return len(different)
}

// whole checks that only those are outside of the layer who have no wire to anybody who is in it.
func (c *checked) whole() {
	for _, x := range c.n.Wires {
		if a, _ := x.Ends(); !a.Info().Up || !x.A.Alive() || !x.B.Alive() {
			continue
		}
		a, b := x.A.Member(c.layer.Name), x.B.Member(c.layer.Name)
		for _, m := range []*node.Member{a, b} {
			if m.Wanted() && !m.In() && (a.In() || b.In()) {
				c.t.Errorf("%s is not in the layer, although %s is up", m.Name(), x.Name)
			}
		}
	}
}

// explained reports whether an error only says who could not enroll and who could not connect, which whole and
// tables have found to be so for want of a wire.
func explained(err error) bool {
	for line := range strings.Lines(err.Error()) {
		if !strings.HasPrefix(line, "layer net: ") {
			return false
		}
	}
	return true
}

// directoryHeals is whether a DHT that was cut in two for longer than its contacts are kept becomes one again.
const directoryHeals = true
