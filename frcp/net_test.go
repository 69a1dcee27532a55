package frcp

import (
	"container/heap"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// constSource makes the initial sequence number that a test asks for.
type constSource uint32

func (s constSource) Uint64() uint64 { return uint64(s) << 32 }

// arrival is a packet on its way.
type arrival struct {
	at  clock.Time
	n   int // order of sending, for arrivals at one time
	dir int
	p   *pkt.Buf
}

type arrivals []arrival

func (a arrivals) Len() int { return len(a) }
func (a arrivals) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].n < a[j].n
}
func (a arrivals) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *arrivals) Push(x any)   { *a = append(*a, x.(arrival)) }
func (a *arrivals) Pop() any {
	old := *a
	x := old[len(old)-1]
	*a = old[:len(old)-1]
	return x
}

// channel is one direction of the path.
type channel struct {
	delay, jitter time.Duration
	loss, dup     float64
	rate          func(now clock.Time) time.Duration // time to send one packet; nil = none
	busy          clock.Time                         // with a rate: when the last packet has been sent
	down          bool
	waiting       []clock.Time // with a rate: when the packets that wait are sent
}

func (ch *channel) backlog(now clock.Time) int {
	for len(ch.waiting) > 0 && ch.waiting[0] <= now {
		ch.waiting = ch.waiting[1:]
	}
	return len(ch.waiting)
}

// world is two Conns and the path between them, with its own small event loop.
type world struct {
	now     clock.Time
	pool    *pkt.Pool
	rnd     *rand.Rand
	conn    [2]*Conn
	ch      [2]channel
	flight  arrivals
	n       int
	reading [2]bool
	got     [2][]uint32
	queue   [2][]uint32 // messages that wait for the window
}

// newWorld makes both ends with the same parameters.
func newWorld(mode core.Mode, params Params, seed uint64, isn uint32) *world {
	w := &world{pool: pkt.NewPool(), rnd: rand.New(rand.NewPCG(seed, 2)), reading: [2]bool{true, true}}
	for i := range w.conn {
		c, err := NewConn(Config{
			Params: params, Mode: mode, MPL: testMPL, Headroom: 32, Pool: w.pool,
			Rand:    rand.New(constSource(isn + uint32(i)*0x1000)),
			Backlog: func() int { return w.ch[i].backlog(w.now) },
		}, 0)
		if err != nil {
			panic(err)
		}
		w.conn[i] = c
	}
	return w
}

// send has end i send the message v now or when the window opens.
func (w *world) send(i int, v uint32) {
	w.queue[i] = append(w.queue[i], v)
	w.service()
}

// read has end i take messages, or not.
func (w *world) read(i int, on bool) {
	w.reading[i] = on
	w.service()
}

// transmit puts a packet of end i on the path.
func (w *world) transmit(i int, p *pkt.Buf) {
	ch := &w.ch[i]
	at := w.now
	if ch.rate != nil {
		ch.backlog(w.now)
		ch.busy = max(ch.busy, w.now).Add(ch.rate(max(ch.busy, w.now)))
		at = ch.busy
		ch.waiting = append(ch.waiting, at)
	}
	if ch.down || w.rnd.Float64() < ch.loss {
		p.Release()
		return
	}
	copies := 1
	if w.rnd.Float64() < ch.dup {
		copies = 2
	}
	for k := range copies {
		q := p
		if k+1 < copies {
			q = p.Clone()
		}
		d := ch.delay
		if ch.jitter > 0 {
			d += time.Duration(w.rnd.Int64N(int64(ch.jitter)))
		}
		w.n++
		heap.Push(&w.flight, arrival{at: at.Add(d), n: w.n, dir: i, p: q})
	}
}

// service moves everything that can move at this instant.
func (w *world) service() {
	for i, c := range w.conn {
		for len(w.queue[i]) > 0 && c.CanSend(w.now) {
			p := w.pool.Get(64, 4)
			binary.BigEndian.PutUint32(p.Bytes(), w.queue[i][0])
			if errors.Is(c.Send(w.now, p), core.ErrWouldBlock) {
				panic("refused although CanSend")
			}
			w.queue[i] = w.queue[i][1:]
		}
		if len(w.queue[i]) > 0 { // what a blocked user does once
			p := w.pool.Get(64, 4)
			if !errors.Is(c.Send(w.now, p), core.ErrWouldBlock) {
				panic("taken although not CanSend")
			}
			p.Release()
		}
		for w.reading[i] {
			p := c.Deliver()
			if p == nil {
				break
			}
			w.got[i] = append(w.got[i], binary.BigEndian.Uint32(p.Bytes()))
			p.Release()
		}
		for p := c.Next(w.now); p != nil; p = c.Next(w.now) {
			w.transmit(i, p)
		}
	}
}

// runUntil lets time pass.
func (w *world) runUntil(t clock.Time) {
	for {
		next := min(w.conn[0].Deadline(), w.conn[1].Deadline())
		if len(w.flight) > 0 {
			next = min(next, w.flight[0].at)
		}
		if next > t {
			w.now = max(w.now, t)
			return
		}
		w.now = max(w.now, next)
		for len(w.flight) > 0 && w.flight[0].at <= w.now {
			a := heap.Pop(&w.flight).(arrival)
			w.conn[1-a.dir].Recv(w.now, a.p)
			w.service()
		}
		for _, c := range w.conn {
			if c.Deadline() <= w.now {
				c.Tick(w.now)
				w.service()
			}
		}
	}
}

func (w *world) run(d time.Duration) { w.runUntil(w.now.Add(d)) }

// end releases everything and returns how many buffers are still out.
func (w *world) end() int {
	for _, c := range w.conn {
		c.Release()
	}
	for _, a := range w.flight {
		a.p.Release()
	}
	w.flight = nil
	return w.pool.Live()
}
