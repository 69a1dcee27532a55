package sim

import (
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
)

// chatter is a node of a random network: it forwards, sends at random times and notes what it sees.
type chatter struct {
	name  string
	env   core.Env
	links []core.Link
	timer core.Timer
}

func (c *chatter) tick() {
	for range c.env.Rand.IntN(3) {
		c.forward(c.env.Pool.GetPhantom(32, 16, c.env.Rand.IntN(1400)))
	}
	c.timer.Reset(time.Duration(c.env.Rand.IntN(200_000)))
}

func (c *chatter) forward(p *pkt.Buf) {
	if err := c.links[c.env.Rand.IntN(len(c.links))].Send(p, core.Addr{}); errors.Is(err, core.ErrWouldBlock) {
		c.env.Trace.Note(c.env.Now(), trace.PacketDropped, uint64(p.Len()), 0)
		p.Release()
	}
}

func (c *chatter) Receive(p *pkt.Buf, _ core.Addr) {
	c.env.Trace.Note(c.env.Now(), trace.MessageDelivered, uint64(p.Len()), uint64(c.env.Wall()))
	if c.env.Rand.IntN(4) == 0 {
		p.Release()
		return
	}
	c.env.Post(func() { c.forward(p) })
}

func (c *chatter) Writable()         { c.env.Trace.Note(c.env.Now(), trace.LinkUp, 1, 1) }
func (c *chatter) LinkState(up bool) { c.env.Trace.Note(c.env.Now(), trace.LinkDown, 2, 0) }

// restart revives the node of a chatter, with a new chatter on its wires.
func restart(t *testing.T, w *World, c *chatter, wires []core.Wire) {
	w.Kill(c.name)
	env, err := w.Revive(c.name)
	if err != nil {
		t.Error(err)
		return
	}
	next := &chatter{name: c.name, env: env.Derive("chatter")}
	next.timer = next.env.NewTimer(next.tick)
	for _, wi := range wires {
		for _, e := range wi.(*wire).ends {
			if e.node == w.nodes[c.name] {
				e.Attach(next)
				next.links = append(next.links, e)
			}
		}
	}
	next.timer.Reset(0)
}

// scene runs a random network of chatters with programs, faults and changes of the links.
func scene(t *testing.T, seed uint64) (fingerprint, events uint64) {
	w := New(seed)
	defer w.Close()
	rng := w.Node("experiment")
	nodes := make([]*chatter, 6)
	for i := range nodes {
		env := w.Node(string(rune('a' + i)))
		c := &chatter{name: env.Path, env: env.Derive("chatter")}
		c.timer = c.env.NewTimer(c.tick)
		nodes[i] = c
	}
	var wires []core.Wire
	for i := range 12 {
		a, b := nodes[i%6], nodes[(i+1+i/6)%6]
		wi, err := w.Link(core.LinkSpec{
			Rate: int64(1e8 + rng.Rand.IntN(1e9)), Delay: time.Duration(rng.Rand.IntN(1e5)), QueuePackets: 5, Block: i%2 == 0,
			Loss: 0.02, Jitter: time.Duration(rng.Rand.IntN(1e4)), Reorder: 0.05, ReorderBy: 2e4, Duplicate: 0.02, BER: 1e-6, NoFCS: i%3 == 0,
		}, a.env, b.env)
		if err != nil {
			t.Fatal(err)
		}
		la, lb := wi.Ends()
		la.Attach(a)
		lb.Attach(b)
		a.links, b.links = append(a.links, la), append(b.links, lb)
		wires = append(wires, wi)
	}
	for _, c := range nodes {
		c.timer.Reset(0)
		w.Go(c.env, func(b core.Blocker) {
			for {
				b.Sleep(time.Duration(c.env.Rand.IntN(1e6)))
				c.forward(c.env.Pool.Get(32, 100))
			}
		})
	}
	w.Go(rng, func(b core.Blocker) {
		for i := range 40 {
			b.Sleep(1e6)
			wi := wires[rng.Rand.IntN(len(wires))]
			if i%3 == 0 {
				wi.SetUp(!wi.(*wire).up)
				continue
			}
			if i%10 == 5 {
				restart(t, w, nodes[rng.Rand.IntN(len(nodes))], wires)
			}
			s := wi.Spec(i % 2)
			s.Rate, s.Delay = int64(1e8+rng.Rand.IntN(1e9)), time.Duration(rng.Rand.IntN(1e5))
			if err := wi.Set(i%2, s); err != nil {
				t.Error(err)
			}
		}
		w.Kill("c")
	})
	_ = w.Run(clock.Time(50 * time.Millisecond))
	return w.Fingerprint(), w.Events()
}

// The same seed gives the same run, twice in one process and with any GOMAXPROCS; another seed gives another
// (design §3, Determinism).
func TestSameSeedSameRun(t *testing.T) {
	want, events := scene(t, 7)
	if events < 10_000 {
		t.Fatalf("only %d events: the scene does not show much", events)
	}
	for _, procs := range []int{1, 2} {
		old := runtime.GOMAXPROCS(procs)
		got, n := scene(t, 7)
		runtime.GOMAXPROCS(old)
		if got != want || n != events {
			t.Errorf("GOMAXPROCS %d: fingerprint %x of %d events, want %x of %d", procs, got, n, want, events)
		}
	}
	if other, _ := scene(t, 8); other == want {
		t.Error("two seeds give the same fingerprint")
	}
}

// Worlds that run at the same time in one process do not influence each other (design §3: no globals).
func TestParallelWorldsDoNotInfluenceEachOther(t *testing.T) {
	var want, got [4]uint64
	for i := range want {
		want[i], _ = scene(t, uint64(i))
	}
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i], _ = scene(t, uint64(i)) })
	}
	wg.Wait()
	if got != want {
		t.Errorf("in parallel %x, alone %x", got, want)
	}
}

// Streams of random numbers belong to components: adding one moves no other (design §3, Randomness).
func TestAddingAComponentMovesNoOther(t *testing.T) {
	draw := func(more bool) (v [2]uint64, key [16]byte) {
		w := New(3)
		env := w.Node("n")
		if more {
			env.Derive("first")
			w.Node("m").Derive("x")
		}
		part := env.Derive("part")
		v = [2]uint64{env.Rand.Uint64(), part.Rand.Uint64()}
		_, _ = part.Entropy.Read(key[:])
		return v, key
	}
	v1, k1 := draw(false)
	v2, k2 := draw(true)
	if v1 != v2 || k1 != k2 {
		t.Errorf("%x %x, with more components %x %x", v1, k1, v2, k2)
	}
}

// The wall clock is the epoch, the time of the run and the offset of the node (core.Env).
func TestWallClock(t *testing.T) {
	w := New(1)
	a, b := w.Node("a"), w.Node("b")
	part := a.Derive("x")
	w.SetClock("a", -5)
	w.SetClock("nobody", 5)
	_ = w.Run(100)
	if a.Wall() != Epoch+95 || part.Wall() != Epoch+95 || b.Wall() != Epoch+100 {
		t.Errorf("%d %d %d", a.Wall()-Epoch, part.Wall()-Epoch, b.Wall()-Epoch)
	}
	if want := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano(); Epoch != want {
		t.Errorf("epoch %d, want %d", Epoch, want)
	}
}
