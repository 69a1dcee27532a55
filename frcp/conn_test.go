package frcp

import (
	"math/rand/v2"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

const testMPL = 100 * time.Millisecond

// newTestConn returns a Conn and its pool.
func newTestConn(t testing.TB, mode core.Mode, params Params, seed uint64) (*Conn, *pkt.Pool) {
	t.Helper()
	pool := pkt.NewPool()
	c, err := NewConn(Config{
		Params: params, Mode: mode, MPL: testMPL, Headroom: 32, Pool: pool,
		Rand: rand.New(rand.NewPCG(seed, 1)),
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return c, pool
}

// pump moves packets and messages between two Conns at one instant until nothing moves.
func pump(now clock.Time, a, b *Conn, got func(*pkt.Buf)) {
	for moved := true; moved; {
		moved = false
		for _, d := range [...]struct{ from, to *Conn }{{a, b}, {b, a}} {
			for p := d.from.Next(now); p != nil; p = d.from.Next(now) {
				moved = true
				d.to.Recv(now, p)
			}
			for p := d.to.Deliver(); p != nil; p = d.to.Deliver() {
				got(p)
			}
		}
	}
}

// benchmarkRound is what a message costs at both ends: the application writes it into a buffer, it is sent,
// received, acknowledged, delivered, and read out of the buffer. With duplex the other end sends one too, and acks
// travel on the data; without, one in two messages is acknowledged by a packet of its own.
func benchmarkRound(b *testing.B, size int, duplex bool) {
	round, check := rounds(b, size, duplex)
	for range 5000 {
		round()
	}
	b.ReportAllocs()
	for b.Loop() {
		round()
	}
	check()
}

// The packet path allocates nothing in steady state (design §2).
func TestRoundsAllocateNothing(t *testing.T) {
	for _, duplex := range []bool{false, true} {
		round, check := rounds(t, 1400, duplex)
		for range 5000 {
			round()
		}
		if n := testing.AllocsPerRun(5000, round); n != 0 {
			t.Errorf("duplex %v: %v allocations in a round", duplex, n)
		}
		check()
	}
}

// rounds returns what one round does, and a check of what all have done.
func rounds(b testing.TB, size int, duplex bool) (round, check func()) {
	pool := pkt.NewPool()
	var now clock.Time
	queue := 0
	mk := func(seed uint64) *Conn {
		c, err := NewConn(Config{
			Mode: core.ModeReliable, MPL: testMPL, Headroom: 32, Pool: pool,
			Rand: rand.New(rand.NewPCG(seed, 1)), Backlog: func() int { return queue },
		}, 0)
		if err != nil {
			b.Fatal(err)
		}
		return c
	}
	ends := [2]*Conn{mk(1), mk(2)}
	message, read := make([]byte, size), make([]byte, size)
	for i := range message {
		message[i] = byte(i)
	}
	delivered := 0
	move := func(from, to *Conn) {
		for p := from.Next(now); p != nil; p = from.Next(now) {
			to.Recv(now, p)
		}
		for p := to.Deliver(); p != nil; p = to.Deliver() {
			delivered += copy(read, p.Bytes())
			p.Release()
		}
		if now >= to.Deadline() {
			to.Tick(now)
		}
	}
	rounds := 0
	round = func() {
		now += 1000
		rounds++
		for i, c := range ends {
			if i > 0 && !duplex {
				break
			}
			if err := c.Send(now, pool.GetCopy(64, message)); err != nil {
				b.Fatal(err)
			}
		}
		move(ends[0], ends[1])
		move(ends[1], ends[0])
	}
	check = func() {
		for i, c := range ends {
			st := c.Stats()
			if st.Retransmitted != 0 || st.Outstanding > 2 || i == 1 && !duplex && st.Acks < uint64(rounds/2) {
				b.Fatalf("end %d: %+v", i, st)
			}
		}
		if want := rounds * size; delivered != want && delivered != 2*want || read[size-1] != message[size-1] {
			b.Fatalf("%d bytes delivered in %d rounds", delivered, rounds)
		}
	}
	return round, check
}

func BenchmarkRound64(b *testing.B)   { benchmarkRound(b, 64, false) }
func BenchmarkRound1400(b *testing.B) { benchmarkRound(b, 1400, false) }

// Two messages, one each way.
func BenchmarkDuplex64(b *testing.B)   { benchmarkRound(b, 64, true) }
func BenchmarkDuplex1400(b *testing.B) { benchmarkRound(b, 1400, true) }

func TestHelloIsDelivered(t *testing.T) {
	a, pool := newTestConn(t, core.ModeReliable, Params{}, 1)
	b, _ := newTestConn(t, core.ModeReliable, Params{}, 2)
	n := 0
	for i := range 100 {
		if err := a.Send(clock.Time(i), pool.GetCopy(64, []byte("hello"))); err != nil {
			t.Fatal(err)
		}
		pump(clock.Time(i), a, b, func(p *pkt.Buf) { n++; p.Release() })
	}
	b.Tick(b.Deadline())
	pump(clock.Time(time.Second), a, b, func(p *pkt.Buf) {})
	if n != 100 || a.Unacked() {
		t.Fatalf("%d delivered, stats %+v", n, a.Stats())
	}
}

// A needless retransmission takes back the packets that wait to be sent again for the first time. A
// packet whose retransmission was lost as well is in no other list: it must stay, or the flow stalls
// for ever (found by the scenario dumbbell, where a queue drops one packet in three).
func TestUndoKeepsAPacketThatWasLostTwice(t *testing.T) {
	c, pool := newTestConn(t, core.ModeReliable, Params{OwnPeer: true}, 1)
	for range 3 {
		if err := c.Send(0, pool.Get(32, 100)); err != nil {
			t.Fatal(err)
		}
	}
	for p := c.Next(0); p != nil; p = c.Next(0) {
		p.Release()
	}
	first, second := c.snd.lwe, c.snd.lwe+1
	c.snd.ring.at(first).resends = 1
	c.markLost(first)
	c.markLost(second)
	c.undo()
	if p := c.Next(1); p == nil || !c.snd.ring.at(first).lost && c.stats.Retransmitted != 1 {
		t.Fatal("the packet that was lost twice is not sent again")
	} else {
		p.Release()
	}
	if c.snd.ring.at(second).lost || c.stats.Retransmitted != 1 {
		t.Fatalf("%d packets sent again, want 1: the other was lost once and is taken back", c.stats.Retransmitted)
	}
	c.Release()
}
