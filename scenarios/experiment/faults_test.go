package experiment_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/ipcp"
	"ouroboros/ipcp/rib"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/scenarios/node"
	"ouroboros/sim"
	"ouroboros/sim/capture"
)

// TestAddressesThatAreDrawnTwice: decision 6. Of 24 members with random addresses of one byte about one pair draws the
// same (n²/2/255); the layer settles with an address for each.
func TestAddressesThatAreDrawnTwice(t *testing.T) {
	conflicts, seeds := 0, uint64(8)
	if raced {
		seeds = 2
	}
	for seed := range seeds {
		e, w := build(t, load(t, "ring.yaml", []byte(ringOf(24, "60s", "params: {addr_size: 1, max_ttl: 60}, "+reliablyDead, ""))), seed)
		at(t, w, 60*time.Second)
		c := newChecked(t, e, w, "net")
		if c.tables(); len(c.in) != 24 {
			t.Errorf("seed %d: %d members, want 24", seed, len(c.in))
		}
		for _, s := range c.in {
			conflicts += s.IPCP("net").Conflicts()
		}
		finish(t, e)
		w.Close()
	}
	if conflicts == 0 {
		t.Error("no address was drawn twice")
	}
}

// TestNamesOfOthersOutliveTheirHolders: spec 05. Right after 30 % of the members of a DHT have been killed all names of
// the others resolve, since k members hold each.
func TestNamesOfOthersOutliveTheirHolders(t *testing.T) {
	const n, dead = 40, 12
	r := rand.New(rand.NewPCG(1, 1))
	var text strings.Builder
	fmt.Fprintf(&text, `schema: 1
name: star
duration: 60s
topology: {generator: star, params: {leaves: %d, rate: 100Mbps, delay: 1ms}}
layers: [{name: net, %s}]
names:
  - {name: svc-hub, nodes: hub}
`, n, strings.Replace(reliablyDead, "congestion: none", "congestion: none, directory: dht", 1))
	for i := range n {
		fmt.Fprintf(&text, "  - {name: svc-n%d, nodes: [n%d]}\n", i, i)
	}
	victims := r.Perm(n)[:dead]
	fmt.Fprintf(&text, "faults:\n")
	for _, v := range victims {
		fmt.Fprintf(&text, "  - {name: f%d, at: 30s, node: n%d, kill: true}\n", v, v)
	}
	e, w := build(t, load(t, "star.yaml", []byte(text.String())), 1)
	defer w.Close()
	at(t, w, 30*time.Second+time.Millisecond)
	c := newChecked(t, e, w, "net")
	if len(c.in) != n+1-dead {
		t.Fatalf("%d members live", len(c.in))
	}
	asked, found := 0, 0
	var took time.Duration
	for _, from := range c.in[:4] {
		for _, to := range c.in {
			if from == to {
				continue
			}
			p, began := from.IPCP("net"), w.Now()
			asked++
			p.Query(p.Layer().Hash.Sum(core.Name("svc-"+to.Name)), func(ok bool) {
				if took = max(took, w.Now().Sub(began)); ok {
					found++
				}
			})
		}
	}
	at(t, w, 45*time.Second)
	t.Logf("%d of %d names found, the last after %v", found, asked, took)
	if found != asked {
		t.Errorf("%d of %d names found", found, asked)
	}
	c.resolve(r)
}

// TestForgeriesFromOutside: spec 04 §4.6. Whoever gets a management connection can write what it likes. What it says
// of links that their ends do not know leads nobody astray, and what it says in the name of members they overrule.
func TestForgeriesFromOutside(t *testing.T) {
	e, w := build(t, load(t, "line.yaml", []byte(`schema: 1
name: line
duration: 40s
topology: {generator: line, params: {nodes: 5, rate: 100Mbps, delay: 1ms}}
layers: [{name: net, policies: {congestion: none}}]
faults: [{name: late, at: 39s, node: n4, join: net}]
`)), 1)
	defer w.Close()
	at(t, w, 5*time.Second)
	addr := func(name string) uint64 { return e.Network.System(name).IPCP("net").Address() }
	intruder := e.Network.System("n4")
	lsa := func(l wire.LSA) []byte { return l.Append(nil) }
	now := uint64(intruder.Env.Wall() / 1e9)
	var msgs [][]byte
	for _, s := range []string{"n0", "n1", "n2", "n3"} {
		msgs = append(msgs,
			lsa(wire.LSA{Src: 0xBAD, Dst: addr(s), Seq: now}),              // a link that s does not know
			lsa(wire.LSA{Src: addr(s), Dst: 0xBAD, Seq: now + 1}),          // in the name of s
			lsa(wire.LSA{Src: addr(s), Dst: addr("n0"), Seq: 1}),           // long outdated
			lsa(wire.LSA{Src: addr(s), Dst: addr("n1"), Seq: 1<<63 + now}), // from the far future
			lsa(wire.LSA{Src: addr(s), Dst: addr("n2"), Seq: now, Ext: true, // s takes back its link
				Flags: wire.LSAWithdrawn, Metric: 1}),
			[]byte("nonsense"), make([]byte, wire.LSALen))
	}
	intruder.Broker.Alloc(core.Request{Name: "net.n3", Layer: "n3-n4", QoS: core.QoSRaw}, func(f core.Flow, err error) {
		if err != nil {
			t.Errorf("the intruder has no flow: %v", err)
			return
		}
		ipcp.Initiate(intruder.Env, f, ipcp.Management.At(0xBAD), func(int) {}, func(_ ipcp.Announcement, err error) {
			if err != nil {
				t.Errorf("the intruder is refused: %v", err)
				return
			}
			for _, m := range msgs {
				if err := f.Write(intruder.Env.Pool.GetCopy(f.Info().Headroom, m)); err != nil {
					t.Errorf("the intruder cannot write: %v", err)
				}
			}
		})
	})
	at(t, w, 6*time.Second)
	st := e.Network.System("n3").IPCP("net").Routing().Stats()
	if st.Invalid == 0 || st.Duplicates == 0 || st.Ahead == 0 || st.Stale == 0 {
		t.Errorf("n3 has counted %+v", st)
	}
	c := newChecked(t, e, w, "net")
	c.tables()
	for _, s := range c.in {
		if p := s.IPCP("net").Forwarding().Next(0xBAD, 0); p != pff.None {
			t.Errorf("%s has a route to the intruder's address", s.Name)
		}
	}
}

// TestTTLEndsALoop: spec 02 §6. In tables that loop a packet is sent on until its TTL is used up, and counted.
func TestTTLEndsALoop(t *testing.T) {
	const ttl, packets = 20, 10
	e, w := build(t, load(t, "line.yaml", []byte(`schema: 1
name: line
duration: 20s
topology: {generator: line, params: {nodes: 3, rate: 100Mbps, delay: 1ms}}
layers: [{name: net, params: {max_ttl: 20}, policies: {congestion: none}}]
`)), 1)
	defer w.Close()
	at(t, w, 5*time.Second)
	const nowhere = 0xBAD
	members := []*node.System{e.Network.System("n0"), e.Network.System("n1")}
	sums := func() (sent, expired uint64) {
		for _, s := range members {
			s.IPCP("net").DT().Ports(func(_ pff.Port, _ uint64, st dt.Stats, _ int) {
				sent, expired = sent+st.Sent.Packets, expired+st.DropTTL.Packets
			})
		}
		return sent, expired
	}
	for i, s := range members {
		p := s.IPCP("net")
		var routes []pff.Route
		p.DT().Ports(func(port pff.Port, peer uint64, _ dt.Stats, _ int) {
			if peer == members[1-i].IPCP("net").Address() {
				routes = append(routes, pff.Route{Dst: nowhere, Ports: []pff.Port{port}})
			}
		})
		p.Forwarding().Replace(routes)
	}
	_, before := sums()
	env := members[0].Env
	for range packets {
		if err := members[0].IPCP("net").DT().Send(nowhere, core.CubeBestEffort, 99, 0, env.Pool.GetPhantom(100, 0, 50), nil); err != nil {
			t.Fatal(err)
		}
	}
	at(t, w, 5*time.Second+100*time.Millisecond)
	sent, expired := sums()
	if expired-before != packets {
		t.Errorf("%d packets ended by their TTL, want %d", expired-before, packets)
	}
	if sent < packets*(ttl-1) {
		t.Errorf("%d packets sent in all, want at least %d times %d", sent, packets, ttl-1)
	}
}

// TestLoopsInABroadcastLayer: spec 02 §11. In a ring and in a full mesh everybody hears every message once, also when a
// hub has crashed and when it is there again.
func TestLoopsInABroadcastLayer(t *testing.T) {
	mesh := []string{}
	for i := range 5 {
		for j := range i {
			mesh = append(mesh, fmt.Sprintf("{ends: [n%d, n%d]}", j, i))
		}
	}
	for name, topology := range map[string]string{
		"ring": "{generator: ring, params: {nodes: 6, rate: 100Mbps, delay: 1ms}}",
		"mesh": "{nodes: [n0, n1, n2, n3, n4], wires: [" + strings.Join(mesh, ", ") + "], defaults: {rate: 100Mbps, delay: 1ms}}",
	} {
		t.Run(name, func(t *testing.T) {
			e, w := build(t, load(t, "loop.yaml", []byte(`schema: 1
name: loop
duration: 60s
topology: `+topology+`
layers: [{name: net, kind: broadcast, qos: {preset: raw, timeout: 4s}}]
workload:
  - {name: settled, kind: group, from: n0, to: all, size: 64B, interval: 10ms, start: 5s, stop: 9s}
  - {name: through, kind: group, from: n1, to: all, size: 64B, interval: 10ms, start: 5s, stop: 58s}
  - {name: without, kind: group, from: n0, to: [n1, n3, n4], size: 64B, interval: 10ms, start: 20s, stop: 25s}
  - {name: again, kind: group, from: n0, to: all, size: 64B, interval: 10ms, start: 50s, stop: 58s}
faults: [{name: crash, at: 10s, node: n2, kill: true, for: 20s}]
`)), 1)
			defer w.Close()
			run := finish(t, e)
			for i := range run.Flows {
				f := &run.Flows[i]
				if f.Duplicates != 0 || f.Failure != "" || f.SentPackets == 0 {
					t.Errorf("%s: %d sent, %d duplicates, %s", f.Name, f.SentPackets, f.Duplicates, f.Failure)
				}
				if f.Workload != "through" && f.DeliveredPackets < f.SentPackets {
					t.Errorf("%s: %d of %d heard", f.Name, f.DeliveredPackets, f.SentPackets)
				}
			}
		})
	}
}

// TestHubsConnectAgain: neighbours that have lost each other for longer than their connection lives.
func TestHubsConnectAgain(t *testing.T) {
	e, w := build(t, load(t, "line.yaml", []byte(`schema: 1
name: line
duration: 90s
topology: {generator: line, params: {nodes: 4, rate: 100Mbps, delay: 1ms}}
layers: [{name: net, kind: broadcast, qos: {preset: raw, timeout: 4s}}]
workload: [{name: again, kind: group, from: n0, to: all, size: 64B, interval: 100ms, start: 80s, stop: 88s}]
faults: [{name: cut, at: 10s, link: n1-n2, down: 20s}]
`)), 1)
	defer w.Close()
	run := finish(t, e)
	for i := range run.Flows {
		if f := &run.Flows[i]; f.SentPackets == 0 || f.DeliveredPackets != f.SentPackets {
			t.Errorf("%s: %d of %d heard", f.Name, f.DeliveredPackets, f.SentPackets)
		}
	}
}

// TestWatchingDoesNotChangeTheRun: neither a capture of all frames nor reading the management trees on the way moves
// the fingerprint.
func TestWatchingDoesNotChangeTheRun(t *testing.T) {
	for _, name := range []string{"membership", "broadcast", "recursion"} {
		set := slices.Clone(short[name])
		want := simulate(t, embedded(t, name, set...), 1).Fingerprint
		e, w := build(t, embedded(t, name, set...), 1)
		n := captureAll(t, e.Network, w)
		trees := 0
		if err := e.Run(20, func(core.Time) {
			_ = rib.Walk(e.Network.RIB(), func(string, []byte) error { trees++; return nil })
		}); err != nil {
			t.Fatal(err)
		}
		run, err := e.Finish()
		if err != nil || run.Fingerprint != want {
			t.Errorf("%s: fingerprint %s, want %s, %v", name, run.Fingerprint, want, err)
		}
		if *n == 0 || trees == 0 {
			t.Errorf("%s: %d bytes captured, %d entries read", name, *n, trees)
		}
		w.Close()
	}
}

// captureAll writes all frames of a network to a capture, as osim run does, and returns its length so far.
func captureAll(t *testing.T, n *node.Network, w *sim.World) *lengthOf {
	t.Helper()
	var length lengthOf
	out, err := capture.New(&length, capture.Options{Application: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[core.Wire][2]int{}
	for _, x := range n.Wires {
		a, b := x.Ends()
		var id [2]int
		for dir, ends := range [][2]core.Link{{a, b}, {b, a}} {
			if id[dir], err = out.End(fmt.Sprint(x.Name, dir), ends[0].Info(), ends[1].Info()); err != nil {
				t.Fatal(err)
			}
		}
		ids[x.Wire] = id
	}
	w.SetTap(func(x core.Wire, dir int, now core.Time, p *pkt.Buf) { out.Frame(ids[x][dir], now, sim.Epoch, p) })
	return &length
}

// lengthOf counts what is written.
type lengthOf int

func (n *lengthOf) Write(b []byte) (int, error) {
	*n += lengthOf(len(b))
	return len(b), nil
}
