package line

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// drawSpec makes a spec with any mixture of the values that a line can have, in small ranges, so that
// instants coincide.
func drawSpec(t *rapid.T) core.LinkSpec {
	pick := func(name string, vs ...int64) int64 { return rapid.SampledFrom(vs).Draw(t, name) }
	s := core.LinkSpec{
		Rate:         pick("rate", 0, 7_000_000, 8_000_000_000, 999_999_937, 3_000_000_000, 30_000_000_000),
		Delay:        time.Duration(pick("delay", 0, 1, 1000, 50_000)),
		QueuePackets: int(pick("packets", 0, 1, 2, 5)),
		QueueBytes:   pick("bytes", 0, 0, 1, 100, 3000),
		Overhead:     int(pick("overhead", 0, 0, 24)),
		Block:        rapid.Bool().Draw(t, "block"),
		Device:       int(pick("device", 0, 0, 1)),
	}
	if rapid.Bool().Draw(t, "impaired") {
		s.Loss = rapid.SampledFrom([]float64{0, 0.3}).Draw(t, "loss")
		s.Duplicate = rapid.SampledFrom([]float64{0, 0.4}).Draw(t, "duplicate")
		s.Reorder = rapid.SampledFrom([]float64{0, 0.4}).Draw(t, "reorder")
		s.ReorderBy = time.Duration(pick("by", 1, 2000, 20_000))
		s.Jitter = time.Duration(pick("jitter", 0, 1, 3000))
		s.Drop = rapid.SampledFrom([][]uint64{nil, {2, 5}}).Draw(t, "drop")
	}
	if s.QueuePackets == 0 && s.QueueBytes == 0 {
		s.QueuePackets = DefaultQueue
	}
	return s
}

// pair drives a line and its oracle through the same life.
type pair struct {
	t    *rapid.T
	pool *pkt.Pool
	line *Line
	o    *oracle
	now  clock.Time
	ids  int
}

// drain compares all arrivals up to and including to.
func (x *pair) drain(to clock.Time) {
	for {
		want, ok := x.o.arrival(to)
		at := x.line.Next()
		if !ok {
			if at <= to {
				x.t.Fatalf("arrival at %d, the oracle has none until %d", at, to)
			}
			return
		}
		if at != want.at {
			x.t.Fatalf("packet %d arrives at %d, next of the line is %d", want.id, want.at, at)
		}
		p := x.line.Pop(at)
		if (p == nil) != (want.fate != fine) {
			x.t.Fatalf("packet %d at %d: fate %d, got %v", want.id, at, want.fate, p)
		}
		if p != nil {
			if int(p.Meta.Flow) != want.id {
				x.t.Fatalf("packet %d arrives at %d, want packet %d", p.Meta.Flow, at, want.id)
			}
			p.Release()
		}
	}
}

func (x *pair) send(size int) (blocked bool) {
	p := x.pool.GetPhantom(0, 0, size)
	x.ids++
	p.Meta.Flow = uint32(x.ids)
	blocks := x.line.Blocks(x.now, size)
	err, want := x.line.Send(x.now, p), x.o.send(x.now, x.ids, size)
	if !errors.Is(err, want) {
		x.t.Fatalf("Send at %d: %v, want %v", x.now, err, want)
	}
	if blocks != errors.Is(err, core.ErrWouldBlock) {
		x.t.Fatalf("Blocks is %v, Send gives %v", blocks, err)
	}
	if errors.Is(err, core.ErrWouldBlock) {
		p.Release()
	}
	return blocks
}

// sendWhenRoom sends a packet that was refused just before there is room, and then.
func (x *pair) sendWhenRoom(size int) {
	room := x.line.Room(x.now)
	if room <= x.now {
		x.t.Fatalf("refused at %d, but room at %d", x.now, room)
	}
	if room-1 > x.now {
		x.now = room - 1
		x.drain(x.now)
		if !x.send(size) {
			x.t.Fatalf("taken at %d, there is to be room at %d", x.now, room)
		}
	}
	x.now = room
	if x.send(size) {
		x.t.Fatalf("refused at %d, there is to be room", room)
	}
}

func (x *pair) compare() {
	x.o.to(x.now)
	st := x.o.st
	st.Waiting = len(x.o.queue)
	if got := x.line.Stats(x.now); got != st {
		x.t.Fatalf("at %d: stats\n%+v, want\n%+v", x.now, got, st)
	}
	want := max(len(x.o.queue)-x.o.spec.Device, 0)
	if got := x.line.Queued(x.now); got != want {
		x.t.Fatalf("at %d: %d packets queued, want %d", x.now, got, want)
	}
}

// The one-event line of design §3 gives every packet the fate and the arrival, to the ns, that a line with
// explicit service events gives it, whatever is sent and changed meanwhile; and it counts the same.
func TestOneEventLineEqualsTwoEventOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec, seed := drawSpec(t), rapid.Uint64().Draw(t, "seed")
		ln, err := New(spec, rand.New(rand.NewPCG(seed, 1)), nil)
		if err != nil {
			t.Fatal(err)
		}
		x := &pair{t: t, pool: pkt.NewPool(), line: ln, o: newOracle(spec, seed)}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			switch op := rapid.IntRange(0, 15).Draw(t, "op"); {
			case op < 8:
				size := rapid.SampledFrom([]int{1, 40, 64, 100, 1500}).Draw(t, "size")
				if x.send(size) && rapid.Bool().Draw(t, "wait for room") {
					x.sendWhenRoom(size)
				}
			case op < 13:
				x.now += clock.Time(rapid.SampledFrom([]int64{0, 1, 2, 7, 80, 1500, 40_000}).Draw(t, "dt"))
				if rapid.Bool().Draw(t, "to an arrival") && x.line.Next() != clock.Never {
					x.now = max(x.now, x.line.Next())
				}
				x.drain(x.now - clock.Time(rapid.IntRange(0, 1).Draw(t, "arrivals last")))
			case op == 13:
				s := drawSpec(t)
				if rapid.Bool().Draw(t, "only the delay") {
					d := s.Delay
					s = x.o.spec
					s.Delay = d
				}
				if err := x.line.Set(x.now, s); err != nil {
					t.Fatal(err)
				}
				x.o.set(x.now, s)
			default:
				up := rapid.Bool().Draw(t, "up")
				x.line.SetUp(x.now, up)
				x.o.setUp(x.now, up)
				if x.line.Up() != up {
					t.Fatalf("up is %v", x.line.Up())
				}
			}
			x.compare()
		}
		x.drain(clock.Never - 1)
		st := ln.Stats(clock.Never - 1)
		if st.SentPackets+st.Duplicated != st.DeliveredPackets+st.DropQueue+st.DropLoss+st.DropError+st.DropDown {
			t.Fatalf("packets are not conserved: %+v", st)
		}
		if x.pool.Live() != 0 {
			t.Fatalf("%d packets are out", x.pool.Live())
		}
	})
}
