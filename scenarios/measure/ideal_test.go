package measure

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// The closed form of lossWait against what it stands for: messages that are sent again one round trip after
// each loss and delivered in order.
func TestLossWaitIsTheQuantileOfASimulation(t *testing.T) {
	const n = 1_000_000
	for _, c := range []struct {
		p             float64
		rtt, interval time.Duration
	}{
		{0.001, 200 * time.Millisecond, 5 * time.Millisecond},
		{0.01, 20 * time.Millisecond, 5 * time.Millisecond},
		{0.01, time.Millisecond, 5 * time.Millisecond},
		{0.1, 200 * time.Millisecond, 5 * time.Millisecond},
		{0.1, 7 * time.Millisecond, 3 * time.Millisecond},
		{0.3, time.Millisecond, 10 * time.Millisecond},
	} {
		rnd := rand.New(rand.NewPCG(1, 2))
		late := make([]float64, n)
		held := 0.0 // how much later than its own arrival the message before was delivered, less the interval
		for i := range late {
			k := 0.0
			for rnd.Float64() < c.p {
				k++
			}
			held = max(k*float64(c.rtt), held-float64(c.interval))
			late[i] = held
		}
		slices.Sort(late)
		for _, q := range []float64{0.5, 0.9, 0.99, 0.999} {
			x := float64(lossWait(q, c.p, c.rtt, c.interval))
			// The share of messages that are at most so late is q, and of those that are earlier less than q:
			// the distribution has steps.
			at, _ := slices.BinarySearch(late, x+1)
			before, _ := slices.BinarySearch(late, x)
			const tolerance = 0.004 // of shares: neighbours are late together
			if float64(at)/n < q-tolerance || float64(before)/n > q+tolerance {
				t.Errorf("p %v, rtt %v, interval %v: quantile %v is %v; shares up to it %v, before it %v", c.p, c.rtt, c.interval, q,
					time.Duration(x), float64(at)/n, float64(before)/n)
			}
		}
	}
}

// Where messages are so far apart that none waits for another, the delay is a multiple of the round trip.
func TestLossWaitOfSingleMessagesIsGeometric(t *testing.T) {
	for _, p := range []float64{0.001, 0.02, 0.2, 0.5} {
		for _, q := range []float64{0.5, 0.99, 0.9999} {
			k := max(0, math.Ceil(math.Log(1-q)/math.Log(p)-1)) // the smallest k with 1 - p^(k+1) ≥ q
			if got := lossWait(q, p, time.Millisecond, time.Hour); got != time.Duration(k)*time.Millisecond {
				t.Errorf("p %v, q %v: %v, want %v round trips of 1 ms", p, q, got, k)
			}
		}
	}
}
