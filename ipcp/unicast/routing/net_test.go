package routing

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/trace"
	"ouroboros/ipcp/unicast/pff"
)

const (
	ms  = time.Millisecond
	sec = time.Second
)

// wallEpoch is 2026-01-01 UTC.
const wallEpoch = 1767225600

// testNet is a layer of machines whose management flows deliver in order after a delay.
type testNet struct {
	t      testing.TB
	now    core.Time
	delay  time.Duration
	nodes  []*testNode
	links  []*testLink
	flight []message // in order of arrival
	events []trace.Event
	onSend func(from *testNode, port Port, sdu []byte)
	lose   func() bool          // asked for every message, if set
	jitter func() time.Duration // added to the delay, if set: messages overtake each other
}

type testNode struct {
	Routing
	name   string
	addr   uint64
	net    *testNet
	env    core.Env
	ends   []testEnd // by port, of data transfer and of management alike
	table  map[uint64]Port
	routes []pff.Route
	fwd    pff.PFF
	dead   bool
	hits   int // conflicts reported
}

type testEnd struct {
	peer *testNode
	port Port // at the peer
	link *testLink
}

type testLink struct {
	a, b   *testNode
	pa, pb Port
	cut    bool // carries nothing, see sever
}

type message struct {
	at   core.Time
	to   *testNode
	port Port
	link *testLink
	sdu  []byte
}

func newNet(t testing.TB) *testNet { return &testNet{t: t, delay: ms} }

func testConfig(edit func(*LinkStateConfig)) *LinkStateConfig {
	cfg := linkStateFactory().Config().(*LinkStateConfig)
	if edit != nil {
		edit(cfg)
	}
	return cfg
}

// add makes a member under link-state. edit may be nil.
func (n *testNet) add(addr uint64, edit func(*LinkStateConfig)) *testNode {
	cfg := testConfig(edit)
	if err := cfg.Validate(); err != nil {
		n.t.Fatal(err)
	}
	return n.addMember(addr, "simple", func(env core.Env) Routing { return newLinkState(env, cfg) })
}

// addMember makes a member under any policy with the given forwarding function.
func (n *testNet) addMember(addr uint64, forwarding string, policy func(core.Env) Routing) *testNode {
	name := fmt.Sprint(addr)
	hub := trace.NewHub(func(e trace.Event) { n.events = append(n.events, e) })
	node := &testNode{name: name, addr: addr, net: n, table: map[uint64]Port{}}
	node.env = core.Env{
		Path:  name,
		Wall:  func() int64 { return wallEpoch*1e9 + int64(n.now) },
		Rand:  rand.New(rand.NewPCG(addr, uint64(len(n.nodes)))),
		Trace: hub.Stream(uint64(len(n.nodes)), name),
	}
	choice, err := pff.Policies().Choose(forwarding, nil)
	if err == nil {
		node.fwd, err = choice.New(node.env)
	}
	if err != nil {
		n.t.Fatal(err)
	}
	node.Routing = policy(node.env)
	node.Start(n.now, addr, node.fwd.Wants())
	n.nodes = append(n.nodes, node)
	return node
}

// link connects two members, management first (spec 04 §2.2).
func (n *testNet) link(a, b *testNode) *testLink {
	l := &testLink{a: a, b: b, pa: Port(len(a.ends)), pb: Port(len(b.ends))}
	a.ends = append(a.ends, testEnd{b, l.pb, l})
	b.ends = append(b.ends, testEnd{a, l.pa, l})
	n.links = append(n.links, l)
	for _, kind := range []Kind{Mgmt, DT} {
		a.do(func() { a.AddNeighbour(n.now, kind, b.addr, l.pa) })
		b.do(func() { b.AddNeighbour(n.now, kind, a.addr, l.pb) })
	}
	return l
}

// fail takes the data transfer flow of a link down at both ends.
func (l *testLink) set(up bool) {
	n := l.a.net
	l.a.do(func() { l.a.PortState(n.now, l.pa, up) })
	l.b.do(func() { l.b.PortState(n.now, l.pb, up) })
}

// sever breaks a link altogether, or mends it: neither flow carries anything meanwhile, and both are noticed at
// once by members that live (decision 5). A management flow that comes back is a new one to the policy.
func (l *testLink) sever(cut bool) {
	n := l.a.net
	l.cut = cut
	for _, e := range []struct {
		x    *testNode
		peer uint64
		p    Port
	}{{l.a, l.b.addr, l.pa}, {l.b, l.a.addr, l.pb}} {
		if e.x.dead {
			continue
		}
		if cut {
			e.x.fwd.PortDown(e.p)
		} else {
			e.x.fwd.PortUp(e.p)
			e.x.do(func() { e.x.RemoveNeighbour(n.now, Mgmt, e.p) })
			e.x.do(func() { e.x.AddNeighbour(n.now, Mgmt, e.peer, e.p) })
		}
		e.x.do(func() { e.x.PortState(n.now, e.p, !cut) })
	}
}

// kill stops a member without a word; its links go down.
func (x *testNode) kill() {
	x.dead = true
	for _, e := range x.ends {
		if !e.link.cut {
			e.link.sever(true)
		}
	}
}

// do makes a call and carries out the effects.
func (x *testNode) do(call func()) {
	call()
	x.carryOut()
}

func (x *testNode) carryOut() {
	out := x.Out()
	for _, s := range out.Sends {
		e := x.ends[s.Port]
		if x.net.onSend != nil {
			x.net.onSend(x, s.Port, s.SDU)
		}
		x.net.fly(e, s.SDU)
	}
	if out.Install {
		x.routes = out.Routes
		x.fwd.Replace(out.Routes)
		clear(x.table)
		for _, r := range out.Routes {
			x.table[r.Dst] = r.Ports[0]
		}
	}
	if out.Conflict {
		x.hits++
	}
}

// fly puts a message on its way.
func (n *testNet) fly(e testEnd, sdu []byte) {
	if e.link != nil && e.link.cut || n.lose != nil && n.lose() {
		return
	}
	m := message{at: n.now.Add(n.delay), to: e.peer, port: e.port, link: e.link, sdu: append([]byte(nil), sdu...)}
	if n.jitter != nil {
		m.at = m.at.Add(n.jitter())
	}
	i := len(n.flight)
	for i > 0 && n.flight[i-1].at > m.at {
		i--
	}
	n.flight = slices.Insert(n.flight, i, m)
}

// deadline returns when the next timer of a member is due.
func (n *testNet) deadline() core.Time {
	at := clock.Never
	for _, x := range n.nodes {
		if !x.dead {
			at = min(at, max(x.Deadline(), n.now))
		}
	}
	return at
}

// run lets time pass. At one instant messages come before timers.
func (n *testNet) run(d time.Duration) {
	until := n.now.Add(d)
	for {
		next := n.deadline()
		if len(n.flight) > 0 && n.flight[0].at <= next {
			m := n.flight[0]
			if m.at > until {
				break
			}
			n.flight = n.flight[1:]
			n.now = m.at
			if !m.to.dead && (m.link == nil || !m.link.cut) {
				m.to.do(func() { m.to.Recv(n.now, m.port, m.sdu) })
			}
			continue
		}
		if next > until {
			break
		}
		n.now = next
		for _, x := range n.nodes {
			if !x.dead && x.Deadline() <= n.now {
				x.do(func() { x.Tick(n.now) })
			}
		}
	}
	n.now = until
}

// db returns the standing adjacencies of a member as text.
func (x *testNode) db() []string {
	var out []string
	x.Database(func(a Adjacency) {
		if !a.Withdrawn {
			out = append(out, fmt.Sprintf("%d>%d", a.Src, a.Dst))
		}
	})
	return out
}

// entry returns one entry of the database.
func (x *testNode) entry(src, dst uint64) (Adjacency, bool) {
	var found Adjacency
	ok := false
	x.Database(func(a Adjacency) {
		if a.Src == src && a.Dst == dst {
			found, ok = a, true
		}
	})
	return found, ok
}

// hops returns the table with the addresses of the next hops.
func (x *testNode) hops() map[uint64]uint64 {
	out := map[uint64]uint64{}
	for dst, p := range x.table {
		out[dst] = x.ends[p].peer.addr
	}
	return out
}

// arcs are directed links with costs; those that stand in one direction only are not used.
type arcs map[[2]uint64]uint32

// oracle is Dijkstra's algorithm as spec 04 §6.3 tells it, without any structure.
func oracle(links arcs, self uint64) map[uint64]uint64 {
	vertices := map[uint64]bool{}
	for l := range links {
		vertices[l[0]], vertices[l[1]] = true, true
	}
	var order []uint64
	for v := range vertices {
		order = append(order, v)
	}
	sort.Slice(order, func(i, j int) bool { return order[i] < order[j] })
	dist, next, settled := map[uint64]uint64{self: 0}, map[uint64]uint64{}, map[uint64]bool{}
	for {
		u, best := uint64(0), ^uint64(0)
		for _, v := range order { // ascending, so a tie goes to the lowest address
			if d, ok := dist[v]; ok && !settled[v] && d < best {
				u, best = v, d
			}
		}
		if u == 0 {
			delete(next, self)
			return next
		}
		settled[u] = true
		for _, v := range order {
			c, ok := links[[2]uint64{u, v}]
			if _, back := links[[2]uint64{v, u}]; !ok || !back {
				continue
			}
			if old, known := dist[v]; known && best+uint64(c) >= old {
				continue
			}
			dist[v] = best + uint64(c)
			next[v] = next[u]
			if u == self {
				next[v] = v
			}
		}
	}
}
