package dir

import (
	"container/heap"
	"math/rand/v2"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// memNet is a layer of members of the policy dht in memory: every message arrives after a random delay
// or is lost, and nothing else of a network is there. It drives the machines that run in a layer, for
// experiments on the directory alone. A run depends on its seed only.
type memNet struct {
	cfg     *DHTConfig
	rand    *rand.Rand
	loss    float64 // share of messages lost
	now     core.Time
	seq     uint64
	events  memEvents
	members []*memMember
	sent    uint64 // messages
	bytes   uint64
}

// Delays of messages in a memNet: half of a round trip of 10 to 30 ms.
const (
	memDelayMin  = 5 * time.Millisecond
	memDelaySpan = 10 * time.Millisecond
)

// memEpoch is the UNIX time in s at which a memNet begins: 2026-01-01 UTC.
const memEpoch = 1767225600

// memMember is a member; its address is its number from 1.
type memMember struct {
	*DHT
	net   *memNet
	addr  uint64
	dead  bool
	timer core.Time // the earliest timer event under way
	posts []func()
}

// memEvent is a message to a member, or without one its timer. Events of one time come in the order in
// which they were made.
type memEvent struct {
	at  core.Time
	seq uint64
	to  *memMember
	sdu []byte
}

type memEvents []memEvent

func (h memEvents) Len() int      { return len(h) }
func (h memEvents) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *memEvents) Push(x any)   { *h = append(*h, x.(memEvent)) }
func (h memEvents) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}

func (h *memEvents) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = memEvent{}
	*h = old[:len(old)-1]
	return e
}

func newMemNet(cfg *DHTConfig, seed uint64) *memNet {
	return &memNet{cfg: cfg, rand: rand.New(rand.NewPCG(seed, 0))}
}

// add makes a member that joins through another, nil for the first.
func (n *memNet) add(peer *memMember) *memMember {
	m := &memMember{net: n, addr: uint64(len(n.members)) + 1, timer: clock.Never}
	m.DHT = newDHT(
		func(fn func()) { m.posts = append(m.posts, fn) },
		func() int64 { return memEpoch*1e9 + int64(n.now) },
		rand.New(rand.NewPCG(n.rand.Uint64(), m.addr)), n.cfg,
	)
	n.members = append(n.members, m)
	m.do(func() {
		m.SetAddress(n.now, m.addr)
		via := uint64(0)
		if peer != nil {
			via = peer.addr
		}
		m.Join(n.now, via)
	})
	return m
}

// do makes a call on a member, then what was posted, and carries out the effects.
func (m *memMember) do(call func()) {
	call()
	m.flush()
	for len(m.posts) > 0 {
		posts := m.posts
		m.posts = nil
		for _, fn := range posts {
			fn()
			m.flush()
		}
	}
	if at := max(m.Deadline(), m.net.now); at < m.timer {
		m.timer = at
		m.net.push(memEvent{at: at, to: m})
	}
}

func (m *memMember) flush() {
	n := m.net
	for _, msg := range m.Out() {
		n.sent++
		n.bytes += uint64(len(msg.SDU))
		if n.loss > 0 && n.rand.Float64() < n.loss || msg.To == 0 || msg.To > uint64(len(n.members)) {
			continue
		}
		at := n.now.Add(memDelayMin + time.Duration(n.rand.Int64N(int64(memDelaySpan))))
		n.push(memEvent{at: at, to: n.members[msg.To-1], sdu: append([]byte(nil), msg.SDU...)})
	}
}

func (n *memNet) push(e memEvent) {
	n.seq++
	e.seq = n.seq
	heap.Push(&n.events, e)
}

// run lets time pass.
func (n *memNet) run(d time.Duration) { n.runUntil(n.now.Add(d), func() bool { return false }) }

// runUntil lets time pass until a time or until stop says so.
func (n *memNet) runUntil(until core.Time, stop func() bool) {
	for len(n.events) > 0 && n.events[0].at <= until && !stop() {
		e := heap.Pop(&n.events).(memEvent)
		n.now = e.at
		switch m := e.to; {
		case m.dead:
		case e.sdu != nil:
			m.do(func() { m.Recv(n.now, e.sdu) })
		case m.timer == e.at:
			m.timer = clock.Never
			m.do(func() {
				if m.Deadline() <= n.now {
					m.Tick(n.now)
				}
			})
		}
	}
	if !stop() {
		n.now = until
	}
}

// random returns a random member that is alive.
func (n *memNet) random() *memMember {
	for {
		if m := n.members[n.rand.IntN(len(n.members))]; !m.dead {
			return m
		}
	}
}

// name returns the digest under which a member registers.
func (m *memMember) name() core.Hash {
	return core.SHA3_256.Sum(core.Name("member-" + core.Hash(addrValue(m.addr)).String()))
}

// grow makes members, one every gap, each of which joins through a random earlier one and registers a name.
func (n *memNet) grow(count int, gap time.Duration) error {
	for range count {
		var peer *memMember
		if len(n.members) > 0 {
			peer = n.random()
		}
		m := n.add(peer)
		var err error
		m.do(func() { err = m.Register(n.now, m.name()) })
		if err != nil {
			return err
		}
		n.run(gap)
	}
	return nil
}
