// Package shimtest is what the tests of the shims run on: a virtual clock and wires whose every frame
// the test sees.
package shimtest

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
)

// Epoch is the wall clock at the start: 2026-02-22 17:29:06 UTC, that of the examples of spec 11 §11.9.
const Epoch = 1771781346_000000000

// World is a virtual clock with one actor.
type World struct {
	now    core.Time
	posts  []func()
	timers []*timer
	armed  uint64
	pool   *pkt.Pool
	hub    *trace.Hub
	nodes  uint64
	// Failf reports a broken rule of the contracts.
	Failf func(format string, args ...any)
}

// New returns a world at time 0.
func New(failf func(format string, args ...any)) *World {
	return &World{pool: pkt.NewPool(), hub: trace.NewHub(nil), Failf: failf}
}

// Env makes the Env of a component.
func (w *World) Env(name string) core.Env {
	w.nodes++
	seed := [32]byte{byte(w.nodes)}
	return core.NewEnv(core.Env{
		Exec: w, Path: name,
		Wall:    func() int64 { return Epoch + int64(w.now) },
		Rand:    rand.New(rand.NewPCG(w.nodes, 0)),
		Entropy: rand.NewChaCha8(seed),
		Pool:    w.pool,
		Trace:   w.hub.Stream(w.nodes, name),
	}, func(_ core.Env, part string) core.Env { return w.Env(name + "/" + part) })
}

// Pool returns the pool of all buffers.
func (w *World) Pool() *pkt.Pool { return w.pool }

// Now returns the time.
func (w *World) Now() core.Time { return w.now }

// Post runs fn after the current call.
func (w *World) Post(fn func()) { w.posts = append(w.posts, fn) }

type timer struct {
	w     *World
	fn    func()
	at    core.Time
	order uint64
	armed bool
}

// NewTimer returns a stopped timer.
func (w *World) NewTimer(fn func()) core.Timer {
	t := &timer{w: w, fn: fn}
	w.timers = append(w.timers, t)
	return t
}

func (t *timer) Reset(d time.Duration) {
	t.w.armed++
	t.at, t.order, t.armed = t.w.now.Add(max(d, 0)), t.w.armed, true
}

func (t *timer) Stop() bool {
	was := t.armed
	t.armed = false
	return was
}

// Armed returns the number of armed timers.
func (w *World) Armed() int {
	n := 0
	for _, t := range w.timers {
		if t.armed {
			n++
		}
	}
	return n
}

// Settle runs what is posted, without letting time pass.
func (w *World) Settle() {
	for len(w.posts) > 0 {
		fn := w.posts[0]
		w.posts = w.posts[1:]
		fn()
	}
}

// Run lets d pass.
func (w *World) Run(d time.Duration) {
	until := w.now.Add(d)
	for {
		w.Settle()
		var next *timer
		for _, t := range w.timers {
			if t.armed && t.at <= until && (next == nil || t.at < next.at || t.at == next.at && t.order < next.order) {
				next = t
			}
		}
		if next == nil {
			break
		}
		w.now, next.armed = max(w.now, next.at), false
		next.fn()
	}
	w.now = until
}

// End is one end of a wire.
type End struct {
	w     *World
	info  core.LinkInfo
	peers []*End
	user  core.LinkUser
	delay time.Duration

	// Sent holds a copy of every frame sent, as bytes.
	Sent [][]byte
	// Lose, when set, decides which frames are lost.
	Lose func(frame []byte) bool
	// Through hands packets straight to the first other end, on the stack of Send and without a record:
	// for benchmarks only.
	Through bool
	// Room is how many packets may be sent before the end blocks; negative: no limit.
	Room    int
	blocked bool
}

// Wire makes a segment with n ends.
func (w *World) Wire(kind core.LinkKind, n int, delay time.Duration) []*End {
	ends := make([]*End, n)
	for i := range ends {
		ends[i] = &End{w: w, delay: delay, Room: -1, info: core.LinkInfo{
			Kind: kind, MTU: 1500, Up: true, Shared: n > 2, Headroom: 2, Tailroom: 1,
			Addr: core.MACAddr([6]byte{0x02, 0xaa, 0xbb, 0xcc, 0xdd, byte(i + 1)}),
		}}
		if kind == core.LinkDatagram {
			ends[i].SetAddr(core.IPAddr(netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), 3435)))
		}
	}
	for i, e := range ends {
		e.peers = append(append(e.peers, ends[:i]...), ends[i+1:]...)
	}
	return ends
}

// SetAddr changes the address of the end, before a shim reads it.
func (e *End) SetAddr(a core.Addr) { e.info.Addr = a }

// SetMTU changes the MTU of the end, before a shim reads it.
func (e *End) SetMTU(n int) { e.info.MTU = n }

// Info describes the end.
func (e *End) Info() core.LinkInfo { return e.info }

// Queued is always 0: the wire is infinitely fast.
func (e *End) Queued() int { return 0 }

// Attach sets the user.
func (e *End) Attach(u core.LinkUser) { e.user = u }

// Send delivers to all other ends after the delay, a datagram to the one with the address.
func (e *End) Send(p *pkt.Buf, to core.Addr) error {
	if e.Through {
		e.peers[0].user.Receive(p, e.from())
		return nil
	}
	if e.blocked {
		e.w.Failf("send on a blocked link before Writable")
	}
	if e.Room == 0 {
		e.blocked = true
		return core.ErrWouldBlock
	}
	e.Room--
	if p.Headroom() < e.info.Headroom {
		e.w.Failf("headroom of %d bytes, the link needs %d", p.Headroom(), e.info.Headroom)
	}
	frame := append([]byte(nil), p.Bytes()...)
	e.Sent = append(e.Sent, frame)
	if !e.info.Up || e.Lose != nil && e.Lose(frame) {
		p.Release()
		return nil
	}
	for _, peer := range e.peers {
		if e.info.Kind != core.LinkDatagram || peer.info.Addr == to {
			peer.inject(p.Clone(), e.delay, e.from())
		}
	}
	p.Release()
	return nil
}

// from returns what a receiver learns of the sender: its address on links that tell it.
func (e *End) from() core.Addr {
	if e.info.Kind == core.LinkDatagram {
		return e.info.Addr
	}
	return core.Addr{}
}

// inject has the end receive a packet after d.
func (e *End) inject(p *pkt.Buf, d time.Duration, from core.Addr) {
	t := e.w.NewTimer(func() { e.user.Receive(p, from) })
	t.Reset(d)
}

// Frame has the end receive a frame now, from the first other end where links tell who sent it.
func (e *End) Frame(b []byte) { e.FrameFrom(b, e.peers[0].from()) }

// FrameFrom has the end receive a frame now.
func (e *End) FrameFrom(b []byte, from core.Addr) {
	e.user.Receive(e.w.pool.GetCopy(0, b), from)
	e.w.Settle()
}

// Unblock makes room for n packets and tells the user.
func (e *End) Unblock(n int) {
	e.Room, e.blocked = n, false
	e.user.Writable()
	e.w.Settle()
}

// SetUp takes the end down or up.
func (e *End) SetUp(up bool) {
	e.info.Up = up
	e.user.LinkState(up)
	e.w.Settle()
}

// Sink is a user of a flow that records everything.
type Sink struct {
	Got       []string
	Writables int
	States    []bool
	Err       error
	// OnDeliver and OnWritable run after the record is made.
	OnDeliver  func()
	OnWritable func()
}

// Deliver records the packet.
func (s *Sink) Deliver(p *pkt.Buf) {
	s.Got = append(s.Got, string(p.Bytes()))
	p.Release()
	if s.OnDeliver != nil {
		s.OnDeliver()
	}
}

// Writable counts the call.
func (s *Sink) Writable() {
	s.Writables++
	if s.OnWritable != nil {
		s.OnWritable()
	}
}

// State records the state.
func (s *Sink) State(up bool) { s.States = append(s.States, up) }

// Closed records the error.
func (s *Sink) Closed(err error) { s.Err = fmt.Errorf("closed: %w", err) }
