package broadcast

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ouroboros/core"
)

// mesh is a network of trees over links of the test: every message and every packet is an event.
type mesh struct {
	t      fataler
	rnd    *rand.Rand
	now    core.Time
	nodes  []*Tree // nil for a member that is dead
	links  []*meshLink
	events []meshEvent
	order  int
	loss   float64 // of messages
	slow   int     // largest delay of a link in ms
	copies map[int]int
	spread int // packets made so far
}

type fataler interface {
	Fatalf(format string, args ...any)
	Helper()
}

type meshLink struct {
	node  [2]int
	port  [2]Port
	delay time.Duration
	up    bool
	deaf  int // end that hears no message, -1 for none
}

type meshEvent struct {
	at    core.Time
	order int
	fn    func()
}

func newMesh(t fataler, seed uint64, n int) *mesh {
	m := &mesh{t: t, rnd: rand.New(rand.NewPCG(seed, 1)), copies: map[int]int{}, slow: 20}
	for range n {
		m.nodes = append(m.nodes, NewTree(0, m.rnd.Uint64(), TreeConfig{}))
	}
	return m
}

func (m *mesh) after(d time.Duration, fn func()) {
	m.order++
	m.events = append(m.events, meshEvent{m.now.Add(d), m.order, fn})
}

// link connects two members with a delay of 1 to slow ms.
func (m *mesh) link(a, b int) *meshLink {
	l := &meshLink{node: [2]int{a, b}, delay: time.Duration(1+m.rnd.IntN(m.slow)) * time.Millisecond, up: true, deaf: -1}
	m.links = append(m.links, l)
	for side, i := range l.node {
		l.port[side] = m.nodes[i].Add(m.now)
		m.drain(i)
	}
	return l
}

func (m *mesh) setUp(l *meshLink, up bool) {
	if l.up == up {
		return
	}
	l.up = up
	for side, i := range l.node {
		if m.nodes[i] != nil {
			m.nodes[i].SetUp(m.now, l.port[side], up)
			m.drain(i)
		}
	}
}

// drain sends what a member has to say. One in twenty messages takes longer than the next.
func (m *mesh) drain(i int) {
	for _, s := range m.nodes[i].Out() {
		l, side := m.at(i, s.Port)
		if l == nil || !l.up || m.rnd.Float64() < m.loss || l.deaf == 1-side {
			continue
		}
		sdu, delay := slices.Clone(s.SDU), l.delay
		if m.rnd.IntN(20) == 0 {
			delay *= 3
		}
		m.after(delay, func() {
			to := l.node[1-side]
			if m.nodes[to] != nil {
				m.nodes[to].Recv(m.now, l.port[1-side], sdu)
				m.drain(to)
			}
		})
	}
	m.noLoop()
}

// at returns the link at a port of a member, and its side.
func (m *mesh) at(i int, p Port) (*meshLink, int) {
	for _, l := range m.links {
		for side := range l.node {
			if l.node[side] == i && l.port[side] == p {
				return l, side
			}
		}
	}
	return nil, 0
}

// run lets d pass.
func (m *mesh) run(d time.Duration) {
	for end := m.now.Add(d); ; {
		next, node := end, -1
		for i, t := range m.nodes {
			if t != nil && t.Deadline() < next {
				next, node = t.Deadline(), i
			}
		}
		var first *meshEvent
		for k := range m.events {
			if e := &m.events[k]; e.at <= next && (first == nil || cmp.Or(cmp.Compare(e.at, first.at), cmp.Compare(e.order, first.order)) < 0) {
				first = e
			}
		}
		switch {
		case first != nil:
			fn := first.fn
			m.now = max(m.now, first.at)
			m.events = slices.DeleteFunc(m.events, func(e meshEvent) bool { return e.order == first.order })
			fn()
		case node >= 0:
			m.now = max(m.now, next)
			m.nodes[node].Tick(m.now)
			m.drain(node)
		default:
			m.now = end
			return
		}
	}
}

func (m *mesh) forwards(l *meshLink, side int) bool {
	t := m.nodes[l.node[side]]
	return l.up && t != nil && t.Forwards(l.port[side])
}

// active reports whether a link carries data: both ends say so.
func (m *mesh) active(l *meshLink) bool { return m.forwards(l, 0) && m.forwards(l, 1) }

// groups returns the component of every member over the links that use says, and whether one of them
// closes a cycle.
func (m *mesh) groups(use func(*meshLink) bool) (of []int, cycle bool) {
	of = make([]int, len(m.nodes))
	for i := range of {
		of[i] = i
	}
	for _, l := range m.links {
		if !use(l) {
			continue
		}
		a, b := of[l.node[0]], of[l.node[1]]
		if a == b {
			cycle = true
		}
		for i := range of {
			if of[i] == b {
				of[i] = a
			}
		}
	}
	return of, cycle
}

// noLoop is the rule that holds at every instant, and what it follows from: on every link that carries data
// the label of the parent is less than that of the child.
func (m *mesh) noLoop() {
	m.t.Helper()
	if _, cycle := m.groups(m.active); cycle {
		m.t.Fatalf("at %v the links that carry data have a cycle", m.now)
	}
	for i, l := range m.links {
		if !m.active(l) {
			continue
		}
		above, below := m.nodes[l.node[0]], m.nodes[l.node[1]]
		if p, _ := above.Parent(); p == l.port[0] {
			above, below = below, above
		}
		if !above.label.less(below.label) {
			m.t.Fatalf("at %v link %d leads from %+v down to %+v", m.now, i, above.label, below.label)
		}
	}
}

// spans is the rule that holds in the end: two members are connected by links that carry data if they are
// connected at all, and no end is left open at one side.
func (m *mesh) spans() error {
	want, _ := m.groups(func(l *meshLink) bool {
		return l.up && m.nodes[l.node[0]] != nil && m.nodes[l.node[1]] != nil && l.deaf < 0
	})
	got, _ := m.groups(m.active)
	for i := range want {
		for k := range i {
			if (want[i] == want[k]) != (got[i] == got[k]) {
				return fmt.Errorf("members %d and %d: connected %v, by the tree %v", k, i, want[i] == want[k], got[i] == got[k])
			}
		}
	}
	for i, l := range m.links {
		if m.forwards(l, 0) != m.forwards(l, 1) && m.nodes[l.node[0]] != nil && m.nodes[l.node[1]] != nil {
			return fmt.Errorf("link %d is open at one end", i)
		}
	}
	return nil
}

// flood sends a packet from a member over the links as they are when it passes, as a broadcast layer does.
func (m *mesh) flood(from int) (id int) {
	m.spread++
	m.arrive(m.spread, from, noPort)
	return m.spread
}

func (m *mesh) arrive(id, at int, in Port) {
	if m.nodes[at] == nil || in != noPort && !m.nodes[at].Forwards(in) {
		return
	}
	m.copies[id]++
	if m.copies[id] > 50*len(m.nodes) {
		m.t.Fatalf("packet %d was received %d times by %d members", id, m.copies[id], len(m.nodes))
	}
	for _, l := range m.links {
		for side := range l.node {
			if l.node[side] == at && l.port[side] != in && m.forwards(l, side) {
				m.after(l.delay, func() {
					if l.up {
						m.arrive(id, l.node[1-side], l.port[1-side])
					}
				})
			}
		}
	}
}

// randomMesh has a connected graph: a random tree and links beside it, parallel ones among them.
func randomMesh(t fataler, seed uint64, n, more, slow int) *mesh {
	m := newMesh(t, seed, n)
	m.slow = slow
	for i := 1; i < n; i++ {
		m.link(i, m.rnd.IntN(i))
	}
	for range more {
		if a, b := m.rnd.IntN(n), m.rnd.IntN(n); a != b {
			m.link(a, b)
		}
	}
	return m
}

// settle is the time in which a tree is found whatever was before: a root is given up after 3.5 s, and again
// by who believed in it last, then labels spread; one that was asked in vain is left alone for 14 s.
const settle = 30 * time.Second

// Over any connected graph the links that carry data become a spanning tree, also after any faults, while
// messages are lost and reordered; at no instant is there a cycle among them; and a packet sent during the
// faults is received a bounded number of times.
func TestATreeIsFoundAndThereIsNeverALoop_02_11_2(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 12).Draw(t, "members")
		m := randomMesh(t, rapid.Uint64().Draw(t, "seed"), n, rapid.IntRange(0, 15).Draw(t, "more links"), 20)
		m.loss = rapid.SampledFrom([]float64{0, 0.05, 0.3}).Draw(t, "loss")
		for range rapid.IntRange(0, 25).Draw(t, "faults") {
			fault(t, m)
			m.flood(m.rnd.IntN(n))
			m.run(time.Duration(m.rnd.IntN(1500)) * time.Millisecond)
		}
		m.loss = 0
		m.run(settle)
		if err := m.spans(); err != nil {
			t.Fatalf("%v", err)
		}
		id := m.flood(0)
		m.run(time.Second)
		of, _ := m.groups(m.active)
		alive := 0
		for i, g := range of {
			if g == of[0] && m.nodes[i] != nil {
				alive++
			}
		}
		if m.nodes[0] != nil && m.copies[id] != alive {
			t.Fatalf("a packet was received %d times by %d members", m.copies[id], alive)
		}
	})
}

// However slow the connections are and however often they fail and come back, with messages that are seconds
// old when they arrive, lost or overtaken by others, there is never a cycle.
func TestNoLoopUnderChaos_02_11_2(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(3, 6).Draw(t, "members")
		slow := rapid.SampledFrom([]int{100, 700, 2500}).Draw(t, "slowest link in ms")
		m := randomMesh(t, rapid.Uint64().Draw(t, "seed"), n, rapid.IntRange(2, 8).Draw(t, "more links"), slow)
		m.loss = rapid.SampledFrom([]float64{0, 0.1, 0.3}).Draw(t, "loss")
		m.run(time.Duration(rapid.IntRange(0, 10).Draw(t, "start in s")) * time.Second)
		for range rapid.IntRange(0, 80).Draw(t, "faults") {
			l := m.links[m.rnd.IntN(len(m.links))]
			m.setUp(l, !l.up || m.rnd.IntN(3) == 0)
			m.run(time.Duration(m.rnd.IntN(slow)) * time.Millisecond)
		}
	})
}

// fault does one of the things that happen to a network.
func fault(t *rapid.T, m *mesh) {
	l := m.links[m.rnd.IntN(len(m.links))]
	switch rapid.SampledFrom([]string{"down", "down", "up", "leave", "die", "link"}).Draw(t, "fault") {
	case "down":
		m.setUp(l, false)
	case "up":
		m.setUp(l, true)
	case "leave", "die":
		i := m.rnd.IntN(len(m.nodes))
		if m.nodes[i] == nil || m.rnd.IntN(3) > 0 {
			return
		}
		if m.rnd.IntN(2) == 0 {
			for p := range m.nodes[i].ports {
				m.nodes[i].Remove(m.now, Port(p))
				m.drain(i)
			}
		}
		m.nodes[i] = nil
	case "link":
		a, b := m.rnd.IntN(len(m.nodes)), m.rnd.IntN(len(m.nodes))
		if a != b && m.nodes[a] != nil && m.nodes[b] != nil {
			m.link(a, b)
		}
	}
}

// A ring loses one link of its tree: the one that was blocked takes over as soon as the root
// has given out a number, without a new root.
func TestABlockedLinkTakesOver(t *testing.T) {
	for seed := range uint64(20) {
		m := newMesh(t, seed, 6)
		for i := range 6 {
			m.link(i, (i+1)%6)
		}
		m.run(settle)
		if err := m.spans(); err != nil {
			t.Fatal(err)
		}
		root, _ := m.nodes[0].Root()
		for _, l := range m.links {
			if m.active(l) {
				m.setUp(l, false)
				break
			}
		}
		m.run(DefaultHello + 500*time.Millisecond)
		if err := m.spans(); err != nil {
			t.Errorf("seed %d: after the failure of a link: %v", seed, err)
		}
		for i, n := range m.nodes {
			if r, _ := n.Root(); r != root {
				t.Errorf("seed %d: member %d has another root", seed, i)
			}
		}
	}
}

// A neighbour that can be heard and does not hear is not waited for when there is another way.
func TestADeafParentIsGivenUp(t *testing.T) {
	m := newMesh(t, 3, 3)
	root, _ := slices.MinFunc([]int{0, 1, 2}, func(a, b int) int { return cmp.Compare(m.nodes[a].ID(), m.nodes[b].ID()) }), 0
	m.link(root, (root+1)%3).deaf = 0 // the root does not hear its neighbour
	m.link((root+1)%3, (root+2)%3)
	m.link((root+2)%3, root)
	m.run(settle)
	if err := m.spans(); err != nil {
		t.Error(err)
	}
}

// A tree at rest costs every link hardly more than one message a hello and direction, and no member changes its parent.
func TestATreeAtRest(t *testing.T) {
	m := randomMesh(t, 7, 10, 10, 20)
	m.run(settle)
	before := make([]TreeStats, len(m.nodes))
	for i, n := range m.nodes {
		before[i] = n.Stats()
	}
	m.run(20 * DefaultHello)
	sent := uint64(0)
	for i, n := range m.nodes {
		st := n.Stats()
		sent += st.Sent - before[i].Sent
		if st.Joins != before[i].Joins || st.Raised != before[i].Raised {
			t.Errorf("member %d changed its parent", i)
		}
	}
	if most := uint64(2*len(m.links)) * 25; sent > most {
		t.Errorf("%d messages in 20 hellos over %d links, want at most %d", sent, len(m.links), most)
	}
}

// A message is 36 bytes with the layout that is documented, and comes back as it was; shorter ones and those
// of another version are refused.
func TestMessageLayout(t *testing.T) {
	m := message{
		leaving: true, adrift: true, wanted: true, age: 0x0102, number: 0x03040506, label: label{root: 0x0708090A0B0C0D0E, seq: 0x0F101112, dist: 0x0314},
		join: 0x15161718, honoured: 0x191A1B1C, floor: 0x1D1E1F20,
	}
	want := "01070102030405060708090a0b0c0d0e0f1011120314000015161718191a1b1c1d1e1f20"
	b := m.append(nil)
	if got := fmt.Sprintf("%x", b); got != want || len(b) != MessageLen {
		t.Errorf("%s, want %s", got, want)
	}
	if back, ok := parseMessage(append(b, 9)); !ok || back != m {
		t.Errorf("%+v, %v", back, ok)
	}
	for name, bad := range map[string][]byte{"short": b[:35], "empty": nil, "version 2": append([]byte{2}, b[1:]...)} {
		if _, ok := parseMessage(bad); ok {
			t.Errorf("%s was accepted", name)
		}
	}
	m.label.dist = maxDistance + 1
	if _, ok := parseMessage(m.append(nil)); ok {
		t.Error("a distance beyond the limit was accepted")
	}
}

func TestBadHello(t *testing.T) {
	for d, ok := range map[time.Duration]bool{
		0: true, 10 * time.Millisecond: true, 10 * time.Second: true, time.Millisecond: false, 11 * time.Second: false, -1: false,
	} {
		if err := (TreeConfig{Hello: d}).Validate(); (err == nil) != ok {
			t.Errorf("hello %v: %v", d, err)
		}
	}
}
