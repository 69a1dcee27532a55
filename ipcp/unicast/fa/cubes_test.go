package fa

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
)

// transit is a member that only forwards, over an N-1 flow of 1 Mbit/s that takes one packet at a time, with
// the given scheduler. left is called when a packet leaves.
func transit(t *testing.T, scheduler policyOf, left func(now core.Time, cube core.Cube, n int)) *bench {
	b := newBenchWith(t, setup{scheduler: scheduler, rate: 1_000_000})
	b.below.quiet = true
	b.below.seen = func(p *pkt.Buf) { left(b.w.Now(), core.Cube(wire.DefaultPCI.Cube(p.Front())), p.Len()) }
	return b
}

// pass hands in a packet of n bytes with its header for another member.
func (b *bench) pass(cube core.Cube, n int) {
	l := wire.DefaultPCI
	p := b.env.Pool.GetPhantom(64, 0, n-l.Len())
	l.Put(p.Push(l.Len()), second, uint8(cube), 60, 0, 64)
	b.below.sink.Deliver(p)
}

// TestVoiceIsNotDelayedByABacklogOfBestEffort: with strict-priority a packet of voice waits for the packet that
// is being sent and at most one other of 12 ms each, with fifo for all 100 (spec 02 §8.2). Transit members go
// by the cube in the header (decision 3).
func TestVoiceIsNotDelayedByABacklogOfBestEffort(t *testing.T) {
	const slot = 12 * time.Millisecond // 1500 bytes at 1 Mbit/s
	for _, c := range []struct {
		scheduler string
		least     time.Duration
		most      time.Duration
	}{
		{"strict-priority", 0, 2 * slot},
		{"fifo", 100 * slot, 101 * slot},
	} {
		var gone core.Time
		b := transit(t, policyOf{name: c.scheduler}, func(now core.Time, cube core.Cube, _ int) {
			if cube == core.CubeVoice {
				gone = now
			}
		})
		for range 101 {
			b.pass(core.CubeBestEffort, 1500)
		}
		b.run(slot / 2)
		came := b.w.Now()
		b.pass(core.CubeVoice, 160)
		b.run(time.Minute)
		if d := gone.Sub(came); d < c.least || d > c.most {
			t.Errorf("%s: voice has waited %v, want %v to %v", c.scheduler, d, c.least, c.most)
		}
	}
}

// TestDRRSharesALinkByQuantum: cubes that always have packets get rates in the ratio of their quanta, whatever
// the lengths of their packets.
func TestDRRSharesALinkByQuantum(t *testing.T) {
	var sent [core.NumCubes]int
	b := transit(t, policyOf{"drr", map[string]any{
		"quantum_best_effort": 1500, "quantum_video": 3000, "quantum_voice": 4500,
	}}, func(_ core.Time, cube core.Cube, n int) { sent[cube] += n })
	for range 900 {
		b.pass(core.CubeBestEffort, 1500)
		b.pass(core.CubeVideo, 700)
		b.pass(core.CubeVoice, 700)
	}
	b.run(5 * time.Second) // the time for 625,000 of 2.6 million bytes: all cubes are backlogged throughout
	for cube, weight := range map[core.Cube]int{core.CubeBestEffort: 1, core.CubeVideo: 2, core.CubeVoice: 3} {
		if want := 625_000 * weight / 6; sent[cube] < want-2*4500 || sent[cube] > want+2*4500 {
			t.Errorf("cube %d sent %d bytes, want %d but for a round", cube, sent[cube], want)
		}
	}
}
