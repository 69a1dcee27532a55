package ca

import (
	"fmt"
	"math"
	"testing"
	"time"

	"ouroboros/core"
)

// even makes n sources of the given one-way delays in turn, which start one after the other.
func even(n int, delays ...time.Duration) (out []*source) {
	for i := range n {
		out = append(out, &source{delay: delays[i%len(delays)], start: core.Time(i) * 13e6})
	}
	return out
}

const (
	lan    = 100 * time.Microsecond
	region = 10 * time.Millisecond
	globe  = 100 * time.Millisecond
)

// TestFlowsShareEvenly: sources that always have packets share a bottleneck evenly, also with different
// round-trip times, use it, keep its queue short and lose nothing once they have started. The bounds of the
// one-bit policies follow from their sawtooth: aimd falls to half, so its mean without a queue is three
// quarters, less what is lost when a cut comes twice; the queue is threshold, 8, plus what n flows that grow
// by 19.2 Mb/s a second bring in until the cut: n·19.2e6·d²/2 bits in the time d of window, round trip and queue.
// That is much for a link of 20 Mb/s; the rates are kept low for the sake of the test's time.
func TestFlowsShareEvenly(t *testing.T) {
	for _, tc := range []struct {
		policy   string
		n        int
		rate     int64
		delays   []time.Duration
		util     float64
		jain     float64
		maxQueue int
	}{
		{"aimd", 1, 10e6, []time.Duration{lan}, 0.7, 1, 60},
		{"aimd", 2, 20e6, []time.Duration{lan}, 0.7, 0.99, 60},
		{"aimd", 2, 20e6, []time.Duration{lan, region}, 0.7, 0.98, 60},
		{"aimd", 10, 20e6, []time.Duration{region}, 0.7, 0.97, 250},
		{"aimd", 2, 20e6, []time.Duration{globe}, 0.6, 0.98, 400},
		{"dctcp", 1, 10e6, []time.Duration{lan}, 0.8, 1, 120},
		{"dctcp", 2, 20e6, []time.Duration{lan}, 0.8, 0.99, 120},
		{"dctcp", 2, 20e6, []time.Duration{lan, region}, 0.8, 0.98, 120},
		{"dctcp", 10, 20e6, []time.Duration{region}, 0.75, 0.95, 500},
		{"dctcp", 2, 20e6, []time.Duration{globe}, 0.75, 0.98, 450},
		{"lgc", 1, 10e6, []time.Duration{lan}, 0.74, 1, 10},
		{"lgc", 2, 20e6, []time.Duration{lan, globe}, 0.8, 0.99, 10},
		{"lgc", 10, 20e6, []time.Duration{lan, region, globe}, 0.88, 0.9, 20}, // they approach each other in 1/(α·x) = 16 s
	} {
		t.Run(fmt.Sprint(tc.policy, " ", tc.n, " ", tc.rate/1e6, " ", tc.delays), func(t *testing.T) {
			b := newBottleneck(t, tc.policy, nil, tc.rate, even(tc.n, tc.delays...)...)
			b.run(10 * time.Second)
			b.run(22 * time.Second)
			util := b.utilisation(12 * time.Second)
			t.Logf("utilisation %.3f, Jain %.4f, queue %.1f to %d", util, b.jain(), b.meanQueue(), b.maxQueue)
			if util < tc.util || util > 1.001 {
				t.Errorf("utilisation %.3f, want %v to 1", util, tc.util)
			}
			if b.jain() < tc.jain-1e-9 {
				t.Errorf("Jain index %.4f, want at least %v", b.jain(), tc.jain)
			}
			if b.maxQueue > tc.maxQueue || b.drops > 0 {
				t.Errorf("up to %d packets wait, want at most %d; %d drops", b.maxQueue, tc.maxQueue, b.drops)
			}
		})
	}
}

// TestArrivalAndDeparture: a second flow that comes gets its share, and when it goes the first one takes over
// what it leaves. The bounds in time are what the increase needs for half of 20 Mb/s, with a margin for
// the sawtooth; those in share are the sawtooth of each.
func TestArrivalAndDeparture(t *testing.T) {
	for _, policy := range []string{"aimd", "dctcp", "lgc"} {
		t.Run(policy, func(t *testing.T) {
			first := &source{delay: region}
			second := &source{delay: region, start: core.Time(10 * time.Second), stop: core.Time(30 * time.Second)}
			b := newBottleneck(t, policy, nil, 20e6, first, second)
			b.run(5 * time.Second)
			b.run(10 * time.Second)
			alone := first.bytes
			b.run(20 * time.Second)
			b.run(30 * time.Second)
			if j := b.jain(); j < 0.95 {
				t.Errorf("Jain index %.4f 10 s after the second flow came", j)
			}
			b.run(35 * time.Second)
			b.run(40 * time.Second)
			if again := float64(first.bytes) / float64(alone); again < 0.9 || again > 1.1 {
				t.Errorf("5 s after the second flow went the first gets %.2f of what it had", again)
			}
		})
	}
}

// TestLGCFixedPoint: the rate settles where x = 1 - load whatever the round-trip time, so that N flows have
//
//	rate = target·C / (N + target·C/full),   full = scale times the capacity as the ECN byte rounds it
//
// each, as derived from load = N·rate/(target·C).
func TestLGCFixedPoint(t *testing.T) {
	const rate = 10e6
	for _, n := range []int{1, 2, 5} {
		for _, scale := range []float64{1, 4} {
			for _, delay := range []time.Duration{lan, region, globe} {
				b := newBottleneck(t, "lgc", map[string]any{"scale": scale}, rate, even(n, delay)...)
				b.run(10 * time.Second)
				b.run(18 * time.Second)
				full := scale * float64(capacityOf(capacityCode(rate)))
				want := 0.95 * rate / (float64(n) + 0.95*rate/full)
				got := b.utilisation(8*time.Second) * rate / float64(n)
				if math.Abs(got/want-1) > 0.03 {
					t.Errorf("%d flows, scale %v, delay %v: %.4g bit/s each, want %.4g", n, scale, delay, got, want)
				}
				for _, s := range b.flows {
					snap := s.tx.Snapshot()
					x, load := snap.Rate*8/full, float64(snap.Upstream)/(1<<reportShift)
					// The load of a moment is known to some packets in a window of 21.
					if math.Abs(x-(1-load)) > 0.12 {
						t.Errorf("%d flows, scale %v, delay %v: x = %.3f at a load of %.3f", n, scale, delay, x, load)
					}
				}
			}
		}
	}
}

// TestLostFeedback: when all reports are lost a flow neither stops nor runs away: its rate does not grow, and
// falls to the initial rate.
func TestLostFeedback(t *testing.T) {
	for _, policy := range []string{"aimd", "dctcp", "lgc"} {
		t.Run(policy, func(t *testing.T) {
			b := newBottleneck(t, policy, nil, 50e6, &source{delay: region})
			b.run(5 * time.Second)
			b.cutFeedback = b.now
			b.run(5200 * time.Millisecond) // what is on its way still arrives
			rate := b.flows[0].tx.Snapshot().Rate
			for s := 6; s <= 15; s++ {
				b.run(time.Duration(s) * time.Second)
				if now := b.flows[0].tx.Snapshot().Rate; now > rate {
					t.Errorf("%d s: %.4g B/s after %.4g", s, now, rate)
				} else {
					rate = now
				}
			}
			if rate != 1e6/8 || b.flows[0].bytes < 100_000 {
				t.Errorf("%.4g B/s, %d bytes in the last second, want the initial 1 Mb/s", rate, b.flows[0].bytes)
			}
		})
	}
}
