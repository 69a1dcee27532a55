package soak

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"ouroboros/core"
	"ouroboros/scenarios"
)

// The times of a plan: the network comes up, everything is talking, everything is silent for longer than
// delta-t remembers, everything is talking again, and in peace for the settling time.
const (
	bringUp  = 12 * time.Second
	talk     = 250 * time.Second // until the silence
	talkMore = 60 * time.Second  // after the silence, until the last fault has ended
	settle   = 120 * time.Second
	peace    = 30 * time.Second // after settling, when every flow must deliver
	// Sources end some time before the flows are closed, so that what is under way arrives.
	flush = 40 * time.Second
	// shortest is how long a plan is at least.
	shortest = 600 * time.Second
)

// drawer draws a plan.
type drawer struct {
	*rand.Rand
	p       *Plan
	nodes   []string
	wires   []drawn
	hops    int
	faults  int
	silence [2]time.Duration // from, until
	layers  []string         // unicast, in order

	certified bool // systems have certificates
	jumbo     bool // frames are long
}

// drawn is a link of the plan with the values that others are chosen by.
type drawn struct {
	name string
	a, b int
	rate int64
}

// Draw draws the plan of a seed.
func Draw(seed uint64) (*Plan, error) {
	d := &drawer{Rand: rand.New(rand.NewPCG(seed, 0x50AC)), p: &Plan{Seed: seed}}
	sc := &d.p.Scenario
	sc.Schema, sc.Name, sc.Seeds = scenarios.SchemaVersion, fmt.Sprintf("soak-%d", seed), []uint64{seed}
	sc.Description = "drawn for the fault campaign"
	d.topology()
	d.security()
	d.stack()
	end := d.times()
	sc.Duration = scenarios.Duration(end)
	d.flows(end)
	d.misfortunes()
	d.p.Settle = scenarios.Duration(settle)
	text, err := d.p.Text()
	if err != nil {
		return nil, err
	}
	// What is read back has the defaults, and is known to be sound.
	return Parse(sc.Name, text)
}

// times fixes the silence and returns the end of the run.
func (d *drawer) times() time.Duration {
	longest := 150 * time.Second
	d.silence[0] = bringUp + talk + d.upTo(20*time.Second)
	d.silence[1] = d.silence[0] + longest + d.upTo(20*time.Second)
	return max(d.silence[1]+talkMore+settle+peace+flush+10*time.Second, shortest)
}

// calm returns when the last fault must have ended.
func (d *drawer) calm() time.Duration { return d.silence[1] + talkMore }

func (d *drawer) upTo(t time.Duration) time.Duration { return time.Duration(d.Int64N(int64(t))) }

func (d *drawer) between(from, to time.Duration) time.Duration { return from + d.upTo(to-from) }

// odds reports true once in n times.
func (d *drawer) odds(n int) bool { return d.IntN(n) == 0 }

func pick[T any](d *drawer, of ...T) T { return of[d.IntN(len(of))] }

// seconds draws one of some numbers of seconds.
func (d *drawer) seconds(of ...int) scenarios.Duration {
	return scenarios.Duration(time.Duration(pick(d, of...)) * time.Second)
}

// moment draws a time, one in three at the edge of a whole second: delta-t counts in those.
func (d *drawer) moment(from, to time.Duration) time.Duration {
	t := d.between(from, to)
	if d.odds(3) {
		t = t.Truncate(time.Second) + pick(d, -1, 0, time.Duration(1))
	}
	return max(min(t, to), from)
}

// topology draws nodes and wires.
func (d *drawer) topology() {
	n := pick(d, 2, 2, 3, 3, 4, 4, 5, 6, 8, 10)
	for i := range n {
		d.nodes = append(d.nodes, fmt.Sprintf("n%d", i))
	}
	add := func(a, b int) {
		d.wires = append(d.wires, drawn{name: fmt.Sprintf("w%d", len(d.wires)), a: min(a, b), b: max(a, b)})
	}
	shape := pick(d, "line", "ring", "star", "tree", "random")
	for i := 1; i < n; i++ {
		switch shape {
		case "star":
			add(0, i)
		case "tree":
			add((i-1)/2, i)
		case "random":
			add(d.IntN(i), i)
		default:
			add(i-1, i)
		}
	}
	d.hops = n - 1
	if n > 2 && shape == "ring" {
		add(n-1, 0)
	}
	if shape == "random" {
		for range d.IntN(n) {
			if a, b := d.IntN(n), d.IntN(n); a != b && !d.wired(min(a, b), max(a, b)) {
				add(a, b)
			}
		}
	}
	t := &d.p.Scenario.Topology
	t.Nodes = d.nodes
	for i := range d.wires {
		t.Wires = append(t.Wires, d.wire(&d.wires[i]))
	}
}

func (d *drawer) wired(a, b int) bool {
	for _, w := range d.wires {
		if w.a == a && w.b == b {
			return true
		}
	}
	return false
}

// wire draws the values of a link. Its queue is at most 60 ms long, so that packets do not live longer than
// the layers promise: a protocol with timers cannot do anything for those that do.
func (d *drawer) wire(w *drawn) scenarios.Wire {
	w.rate = pick[int64](d, 1, 2, 5, 10, 20, 100) * 1_000_000
	rate := scenarios.Rate(w.rate)
	delay := scenarios.Duration(pick(d, 100*time.Microsecond, time.Millisecond, 5*time.Millisecond, d.upTo(20*time.Millisecond)))
	detect := scenarios.Duration(pick(d, 0, time.Millisecond, 10*time.Millisecond, time.Second))
	out := scenarios.Wire{Name: w.name, Ends: []string{d.nodes[w.a], d.nodes[w.b]}}
	out.Rate, out.Delay, out.Detect = &rate, &delay, &detect
	out.Queue = &scenarios.Queue{Bytes: scenarios.Size(w.rate / 8 * 60 / 1000), Full: "drop"}
	if d.odds(6) {
		mtu := scenarios.Size(pick(d, 600, 1280, 1400))
		out.MTU = &mtu
	}
	return out
}

// stack draws the layers: one over the wires, and at times another over that.
func (d *drawer) stack() {
	l := d.unicast("net")
	l.Over, l.Shim = scenarios.Patterns{scenarios.Links}, d.shim()
	if d.odds(2) {
		for _, w := range d.wires {
			l.Shims = append(l.Shims, scenarios.ShimRule{Link: scenarios.Patterns{w.name}, Shim: d.shim()})
		}
	}
	l.Params.MTU = d.longest()
	if l.Policies.Scheduler.Name != "fifo" && d.odds(2) { // packets wait where they are ordered
		for i := range d.p.Scenario.Topology.Wires {
			d.p.Scenario.Topology.Wires[i].Queue = nil
		}
	}
	sc := &d.p.Scenario
	sc.Layers = append(sc.Layers, l)
	d.layers = append(d.layers, l.Name)
	if d.odds(3) {
		up := d.unicast("top")
		up.Over = scenarios.Patterns{"net"}
		if len(d.nodes) > 3 {
			up.Members = scenarios.Patterns{d.nodes[0], d.nodes[len(d.nodes)-1], d.nodes[len(d.nodes)/2]}
		}
		sc.Layers = append(sc.Layers, up)
		d.layers = append(d.layers, up.Name)
	}
}

// longest returns the longest packet that every way in the layer over the wires takes, whatever the shims.
func (d *drawer) longest() scenarios.Size {
	const headers = 150 // of shims, data transfer, and the protocol between members
	out := scenarios.Size(1 << 16)
	for _, w := range d.p.Scenario.Topology.Wires {
		mtu := scenarios.Size(1500)
		if w.MTU != nil {
			mtu = *w.MTU
		}
		out = min(out, mtu)
	}
	return out - headers
}

func (d *drawer) shim() string {
	if d.jumbo { // a length of 1500 is the most that an LLC frame can say
		return pick(d, "eth-dix", "udp4", "udp6", "direct")
	}
	return pick(d, "eth-dix", "eth-llc", "udp4", "udp6", "direct")
}

// unicast draws a layer.
func (d *drawer) unicast(name string) scenarios.Layer {
	l := scenarios.Layer{Name: name, Kind: scenarios.LayerUnicast}
	l.QoS = scenarios.QoS{Preset: pick(d, "raw", "raw", "raw_no_errors", "best", "data")}
	if d.odds(2) {
		t := d.seconds(2, 4, 10)
		l.QoS.Timeout = &t
	}
	l.Policies = d.policies()
	if l.Policies.Routing.Name == "static" { // its map keeps the address that a member had before
		l.Policies.Addressing = policy("sequential")
	}
	l.Params.MPL = d.seconds(1, 2)
	l.Params.Queue = pick(d, 4, 64, 256)
	l.Params.MaxTTL = pick(d, 20, 60)
	l.Params.AddrSize, l.Params.EIDSize = pick(d, 2, 4, 8), pick(d, 4, 8, 8)
	l.Params.Cubes = d.odds(2)
	return l
}

// security draws with what flows are encrypted, and whether all are. The agreement of the keys costs more than
// all the rest where it is not on Curve25519, so others are rare.
func (d *drawer) security() {
	if d.odds(3) {
		return
	}
	r := scenarios.SecurityRule{Nodes: scenarios.Patterns{scenarios.All}, Force: d.odds(5), Kex: "X25519"}
	if d.odds(4) {
		r.Kex = pick(d, "prime256v1", "secp384r1", "secp521r1", "ML-KEM-768", "ML-KEM-1024", "X25519MLKEM768")
	}
	if strings.Contains(r.Kex, "MLKEM") || strings.Contains(r.Kex, "ML-KEM") { // its keys do not fit in shorter frames
		d.jumbo = true
		jumbo := scenarios.Size(9000)
		fast := scenarios.Rate(50_000_000) // at less, a single frame is a load that congestion policies see for long
		for i := range d.p.Scenario.Topology.Wires {
			w := &d.p.Scenario.Topology.Wires[i]
			w.MTU = &jumbo
			if *w.Rate < fast {
				w.Rate, w.Queue = &fast, &scenarios.Queue{Bytes: scenarios.Size(fast / 8 * 60 / 1000), Full: "drop"}
			}
		}
	}
	r.Cipher = pick(d, "aes-128-gcm", "aes-192-gcm", "aes-256-gcm", "chacha20-poly1305", "chacha20-poly1305", "aes-128-ctr", "aes-256-ctr")
	r.KDF = pick(d, "sha256", "sha384", "sha512", "sha3-256", "blake2b512", "blake2s256")
	r.Digest = pick(d, "sha256", "sha512", "sha3-512", "blake2s256")
	if d.odds(4) && r.Kex != "ML-KEM-1024" { // both do not fit in a message of a shim
		r.Certificates, d.certified = pick(d, "ed25519", "ecdsa-p256"), true
		r.RequirePeer = d.odds(3)
		for i := range d.p.Scenario.Topology.Wires { // they do not fit in short frames
			if w := &d.p.Scenario.Topology.Wires[i]; !d.jumbo {
				w.MTU = nil
			}
		}
	}
	d.p.Scenario.Security = append(d.p.Scenario.Security, r)
}

func policy(name string, params ...any) scenarios.Policy {
	p := scenarios.Policy{Name: name}
	for i := 0; i+1 < len(params); i += 2 {
		if p.Params == nil {
			p.Params = map[string]any{}
		}
		p.Params[params[i].(string)] = params[i+1]
	}
	return p
}

// policies draws one of each kind: every policy that there is gets its turn. Queues within the layer are kept
// short like those of the wires.
func (d *drawer) policies() scenarios.Policies {
	few := pick(d, 4, 16, 40)
	return scenarios.Policies{
		Routing:    pick(d, policy("link-state"), policy("link-state"), policy("path-vector"), policy("static")),
		Forwarding: pick(d, policy("simple"), policy("lfa"), policy("ecmp")),
		Congestion: pick(d, policy("none"), policy("none"), policy("mb-ecn"), policy("mb-ecn-blog"), policy("aimd"), policy("dctcp"), policy("lgc")),
		Directory: pick(d, policy("static"), policy("dht", "t_expire", "60s", "t_refresh", "10s", "t_replicate", "10s"),
			policy("dht", "t_expire", "40s", "t_refresh", "5s", "t_replicate", "5s", "cache", "0s")),
		Scheduler: pick(d, policy("fifo", "limit", few), policy("fifo", "limit", 0),
			policy("strict-priority", "limit_best_effort", few, "limit_video", few, "limit_voice", few),
			policy("drr", "limit_best_effort", few, "limit_video", few, "limit_voice", few)),
		Addressing: pick(d, policy("flat-random"), policy("sequential")),
		Cost:       pick(d, policy("hops"), policy("delay"), policy("inverse-capacity")),
		Shaping:    pick(d, policy("none"), policy("none"), policy("shape"), policy("police")),
		Admission:  pick(d, policy("none"), policy("none"), policy("bandwidth")),
	}
}

// modeOf is a helper of flows and faults: the kind of a flow as summaries print it.
func (f *Flow) kind() string {
	k := f.mode().String()
	if f.mode() == core.ModeReliable && f.FRCP.Recovery == "prototype" {
		k += "-prototype"
	}
	if f.QoS.Spec().BER == 0 {
		k += "+crc"
	}
	if f.Encrypt {
		k += "+encrypted"
	}
	return k
}
