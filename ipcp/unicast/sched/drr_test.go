package sched

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// rounds is deficit round robin step by step, as it is published.
type rounds struct {
	quanta, deficit perCube
	turn            int
	granted         bool
}

func (r *rounds) pick(waiting []queued) int {
	for {
		queue := ofCube(waiting, r.turn)
		if len(queue) > 0 {
			if !r.granted {
				r.deficit[r.turn] += r.quanta[r.turn]
				r.granted = true
			}
			if queue[0].size <= r.deficit[r.turn] {
				for i := range waiting {
					if waiting[i] == queue[0] {
						return i
					}
				}
			}
		}
		r.turn, r.granted = (r.turn+2)%3, false
	}
}

// popped settles the account of the packet that was picked.
func (r *rounds) popped(size int, left []queued) {
	r.deficit[r.turn] -= size
	if len(ofCube(left, r.turn)) == 0 {
		r.deficit[r.turn] = 0
		r.turn, r.granted = (r.turn+2)%3, false
	}
}

func quantumParams(quanta, limits perCube) map[string]any {
	p := limitParams(limits)
	p["quantum_best_effort"], p["quantum_video"], p["quantum_voice"] = quanta[0], quanta[1], quanta[2]
	return p
}

// TestDRRFollowsItsRounds: the policy, which leaves out the rounds in which nobody can send, takes the same
// packets as the rounds one by one, for quanta longer and shorter than packets.
func TestDRRFollowsItsRounds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limits := drawPerCube(rt, "limit", 0, 20)
		r := &rounds{quanta: drawPerCube(rt, "quantum", 1, 4000), turn: 2}
		s := makeScheduler(t, "drr", quantumParams(r.quanta, limits))
		o := &oracle{full: fullPerCube(limits), pick: r.pick}
		checkAgainst(rt, &settled{Scheduler: s, o: o, r: r}, o)
	})
}

// settled tells the oracle of a packet that has left, which has an account to settle.
type settled struct {
	Scheduler
	o *oracle
	r *rounds
}

func (s *settled) Pop(now core.Time) *pkt.Buf {
	p := s.o.next()
	var left []queued
	size := 0
	for _, q := range s.o.waiting {
		if q.p == p {
			size = q.size
		} else {
			left = append(left, q)
		}
	}
	got := s.Scheduler.Pop(now)
	s.r.popped(size, left)
	return got
}

// TestDRRIsFair: between two cubes that are backlogged, what they have sent over their quanta differs by no
// more than the published bound: in any interval the smallest quantum and two packets of the largest length
// (Shreedhar and Varghese, 1995), and one packet from the beginning of the backlog. In units of
// 1/(quantum of a · quantum of b) all of it is exact.
func TestDRRIsFair(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const longest = 1500
		quanta := drawPerCube(rt, "quantum", 100, 6000)
		s := makeScheduler(t, "drr", quantumParams(quanta, perCube{maxLimit, maxLimit, maxLimit}))
		active := rapid.SampledFrom([][]int{{0, 1}, {0, 2}, {1, 2}, {0, 1, 2}}).Draw(rt, "backlogged")
		pool, sizes := pkt.NewPool(), rapid.IntRange(1, longest)
		for _, c := range active {
			for range 80 {
				s.Push(0, pool.GetPhantom(0, 0, sizes.Draw(rt, "size")), core.Cube(c))
			}
		}
		smallest := min(quanta[0], quanta[1], quanta[2])
		var sent perCube
		history := []perCube{sent}
		left := perCube{}
		for _, c := range active {
			left[c] = 80
		}
		for {
			p := s.Head(0)
			c := int(s.(*drr).shown)
			if left[c]--; left[c] == 0 {
				break // this cube is backlogged no longer
			}
			sent[c] += p.Len()
			s.Pop(0)
			history = append(history, sent)
		}
		for n, h := range history {
			for k, from := range history[:n] {
				packets := 2
				if k == 0 {
					packets = 1
				}
				for _, a := range active {
					for _, b := range active {
						diff := (h[a]-from[a])*quanta[b] - (h[b]-from[b])*quanta[a]
						// Divided by the product of both quanta and multiplied by the smallest of all.
						if diff*smallest > (smallest+packets*longest)*quanta[a]*quanta[b] {
							rt.Fatalf("from packet %d to %d: cube %d sent %d, cube %d %d with quanta %v",
								k, n, a, h[a]-from[a], b, h[b]-from[b], quanta)
						}
					}
				}
			}
		}
	})
}

// TestDRRSharesByQuantum: with packets of one length the shares are those of the quanta.
func TestDRRSharesByQuantum(t *testing.T) {
	s := makeScheduler(t, "drr", map[string]any{"quantum_best_effort": 1000, "quantum_video": 2000, "quantum_voice": 3000})
	pool := pkt.NewPool()
	for i := range 900 {
		s.Push(0, pool.GetPhantom(0, 0, 500), core.Cube(i%3))
	}
	var sent perCube
	for range 600 {
		s.Head(0)
		sent[s.(*drr).shown]++
		s.Pop(0)
	}
	if sent != (perCube{100, 200, 300}) {
		t.Errorf("%v packets of the cubes, want 100, 200 and 300", sent)
	}
}

// TestDRRTurnEndsWithTheQueue: a cube that has one packet at a time does not keep the turn: the others have
// theirs between two of its packets, and it has its own between two of theirs.
func TestDRRTurnEndsWithTheQueue(t *testing.T) {
	s, pool := makeScheduler(t, "drr", nil), pkt.NewPool()
	for range 11 {
		s.Push(0, pool.GetPhantom(0, 0, DefaultQuantum), core.CubeBestEffort)
	}
	s.Push(0, pool.GetPhantom(0, 0, 100), core.CubeVoice)
	for i := range 20 {
		if p, want := s.Pop(0), []int{100, DefaultQuantum}[i%2]; p.Len() != want {
			t.Fatalf("packet %d has %d bytes, want %d", i, p.Len(), want)
		}
		if i%2 == 0 {
			s.Push(0, pool.GetPhantom(0, 0, 100), core.CubeVoice)
		}
	}
}

// TestQuantaAreChecked: an impossible value is an error that names the parameter.
func TestQuantaAreChecked(t *testing.T) {
	for _, name := range []string{"quantum_best_effort", "quantum_video", "quantum_voice"} {
		for _, n := range []int{0, -5, maxQuantum + 1} {
			_, err := Policies().Choose("drr", map[string]any{name: n})
			if err == nil || !strings.Contains(err.Error(), name+":") {
				t.Errorf("%s %d: %v", name, n, err)
			}
		}
	}
}

// TestDRRSkipsRoundsAtOnce: a packet of 2 GiB, as the direct link can carry, with a quantum of one byte takes
// no longer than another: the next head is found without a round for each byte.
func TestDRRSkipsRoundsAtOnce(t *testing.T) {
	s := makeScheduler(t, "drr", quantumParams(perCube{1, 1, 2}, perCube{2, 2, 2}))
	pool := pkt.NewPool()
	be, voice := pool.GetPhantom(0, 0, 1<<30), pool.GetPhantom(0, 0, 1<<31-1)
	s.Push(0, be, core.CubeBestEffort)
	s.Push(0, voice, core.CubeVoice)
	if s.Pop(0) != voice || s.Pop(0) != be {
		t.Error("2^31-1 bytes at 2 a round come after 2^30 bytes at 1, though both need 2^30 rounds and voice has its turn first")
	}
}
