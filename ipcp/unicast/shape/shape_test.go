package shape

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ouroboros/core"
	"ouroboros/core/clock"
)

func newShaper(t testing.TB, name string, params map[string]any) Shaper {
	t.Helper()
	c, err := Policies().Choose(name, params)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.New(core.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newFlow(t testing.TB, name string, burst int, bandwidth uint64) Flow {
	t.Helper()
	f := newShaper(t, name, map[string]any{"burst": burst}).NewFlow(0, core.QoS{Bandwidth: bandwidth})
	if f == nil {
		t.Fatalf("a flow of %d bit/s is not limited", bandwidth)
	}
	return f
}

// sent is a packet that was let go.
type sent struct {
	at core.Time
	n  int
}

// earliest is the rule in its plain form, in exact numbers of any size: the earliest time from at on at which
// a packet of n bytes can go, so that over every interval that ends there no more than burst + rate·t is sent.
func earliest(history []sent, at core.Time, n, burst int, rate uint64) core.Time {
	bits := big.NewInt(int64(n) * 8)
	room := big.NewInt(int64(burst) * 8)
	for i := len(history) - 1; i >= 0; i-- {
		bits.Add(bits, big.NewInt(int64(history[i].n)*8))
		// bits ≤ room + rate·(t - history[i].at)/10^9, solved for t and rounded up to a whole ns.
		over := new(big.Int).Sub(bits, room)
		if over.Sign() <= 0 {
			continue
		}
		r := new(big.Int).SetUint64(rate)
		over.Mul(over, big.NewInt(1e9)).Add(over, r).Sub(over, big.NewInt(1)).Div(over, r)
		at = max(at, history[i].at+core.Time(over.Int64()))
	}
	return at
}

// source draws packets with the times at which they come: bursts, silences, odd times.
func source(rt *rapid.T, burst int) []sent {
	gap := rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 2000), rapid.IntRange(0, 1e9))
	size := rapid.IntRange(0, burst)
	now := core.Time(0)
	out := make([]sent, rapid.IntRange(0, 80).Draw(rt, "packets"))
	for i := range out {
		now += core.Time(gap.Draw(rt, "gap"))
		out[i] = sent{now, size.Draw(rt, "size")}
	}
	return out
}

func drawRate(rt *rapid.T) uint64 {
	return rapid.OneOf(
		rapid.Uint64Range(1000, 1e6), rapid.Uint64Range(1e6, 1e9), rapid.Uint64Range(1e9, 1e12),
	).Draw(rt, "rate")
}

// TestShapeLetsGoAsEarlyAsTheBoundAllows: each packet goes at the earliest nanosecond at which no interval
// holds more than burst + rate·t, behind those before it. So the bound holds, a source that keeps to it is
// never delayed, and nothing drifts.
func TestShapeLetsGoAsEarlyAsTheBoundAllows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		burst, rate := rapid.IntRange(1, 20000).Draw(rt, "burst"), drawRate(rt)
		f := newFlow(t, "shape", burst, rate)
		var gone []sent
		last := core.Time(0)
		for i, p := range source(rt, burst) {
			now := p.at
			if rapid.Bool().Draw(rt, "in turn") {
				now = max(now, last) // as the flow allocator does: it asks when the one before has gone
			}
			want := earliest(gone, max(now, last), p.n, burst, rate)
			wait, drop := f.Send(now, p.n)
			if got := now.Add(wait); got != want || drop {
				rt.Fatalf("packet %d of %d bytes at %d goes at %d, want %d; dropped %v", i, p.n, now, got, want, drop)
			}
			gone, last = append(gone, sent{want, p.n}), want
		}
	})
}

// TestPoliceDropsWhatExceeds: a packet goes if no interval that ends with it holds more than burst + rate·t of
// what has gone, and is dropped otherwise; one that is dropped takes nothing from those after it.
func TestPoliceDropsWhatExceeds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		burst, rate := rapid.IntRange(1, 20000).Draw(rt, "burst"), drawRate(rt)
		f := newFlow(t, "police", burst, rate)
		var gone []sent
		for i, p := range source(rt, burst+burst/4) {
			fits := p.n <= burst && earliest(gone, p.at, p.n, burst, rate) == p.at
			if wait, drop := f.Send(p.at, p.n); drop == fits || wait != 0 {
				rt.Fatalf("packet %d of %d bytes at %v: dropped %v, waits %v; it conforms: %v", i, p.n, p.at, drop, wait, fits)
			}
			if fits {
				gone = append(gone, p)
			}
		}
	})
}

// TestRateIsExactForEver: a rate that divides nothing evenly, over a million packets and a year of silence.
func TestRateIsExactForEver(t *testing.T) {
	const rate, n = 7_777_777, 1001
	f := newFlow(t, "shape", 2*n, rate) // room for the part of a ns that each packet waits too long
	const year = core.Time(365 * 24 * time.Hour)
	for _, start := range []core.Time{0, year} {
		now := start
		const packets = 1_000_000
		for range packets + 2 {
			wait, _ := f.Send(now, n)
			now = now.Add(wait)
		}
		bits := new(big.Int).Mul(big.NewInt(packets*n*8), big.NewInt(1e9))
		want := bits.Add(bits, big.NewInt(rate-1)).Div(bits, big.NewInt(rate)).Int64()
		if int64(now-start) != want {
			t.Errorf("%d packets take %d ns, want %d", packets, now-start, want)
		}
	}
}

// TestPacketLongerThanTheBurst: shape keeps the rate and lets it go; police can only drop it.
func TestPacketLongerThanTheBurst(t *testing.T) {
	const rate = 8000 // 1000 bytes/s
	f := newFlow(t, "shape", 1000, rate)
	now := core.Time(0)
	for i, want := range []time.Duration{2 * time.Second, 3 * time.Second, 3 * time.Second} {
		wait, drop := f.Send(now, 3000)
		if drop || wait != want {
			t.Errorf("packet %d waits %v, dropped %v, want %v", i, wait, drop, want)
		}
		now = now.Add(wait)
	}
	if _, drop := newFlow(t, "police", 1000, rate).Send(core.Time(time.Hour), 1001); !drop {
		t.Error("police lets a packet go that is longer than the burst")
	}
}

// TestExtremesDoNotOverflow: the longest packet at the lowest rate goes at the end of time, not before the
// next; the highest rate holds nobody up.
func TestExtremesDoNotOverflow(t *testing.T) {
	f := newFlow(t, "shape", 1, 1)
	for range 3 {
		if wait, _ := f.Send(5, 1<<31-1); wait != clock.Never.Sub(5) {
			t.Errorf("waits %v", wait)
		}
	}
	f = newFlow(t, "shape", 1<<30, 1<<64-2)
	for i := range 3 {
		if wait, _ := f.Send(core.Time(i), 1<<30); wait > 1 {
			t.Errorf("waits %v", wait)
		}
	}
}

// TestOnlyABandwidthIsShaped: 0 is no wish, 2^64-1 (the preset video) all there is; neither limits a flow.
func TestOnlyABandwidthIsShaped(t *testing.T) {
	for _, name := range []string{"none", "shape", "police"} {
		s := newShaper(t, name, nil)
		for _, q := range []core.QoS{core.QoSRaw, core.QoSVideo, core.QoSData} {
			if s.NewFlow(0, q) != nil {
				t.Errorf("%s limits a flow of %d bit/s", name, q.Bandwidth)
			}
		}
		if limited := s.NewFlow(0, core.QoSVoice) != nil; limited != (name != "none") {
			t.Errorf("%s limits voice: %v", name, limited)
		}
	}
}

// TestBurst: by default 10 ms of the rate, at least ten packets of 1500 bytes, at most 1 GiB; the headroom
// counts in the rate.
func TestBurst(t *testing.T) {
	for _, c := range []struct {
		params    map[string]any
		bandwidth uint64
		want      int
	}{
		{nil, 100_000, 15_000},
		{nil, 12_000_000, 15_000},
		{nil, 100_000_000, 125_000},
		{map[string]any{"headroom": 2.0}, 100_000_000, 250_000},
		{map[string]any{"headroom": 0.5}, 100_000_000, 62_500},
		{nil, 1 << 63, 1 << 30},
		{map[string]any{"burst": 1}, 100_000_000, 1},
		{map[string]any{"burst": 40_000}, 100, 40_000},
	} {
		q := core.QoS{Bandwidth: c.bandwidth}
		f := newShaper(t, "police", c.params).NewFlow(0, q)
		if _, drop := f.Send(0, c.want+1); !drop {
			t.Errorf("%d bit/s, %v: more than %d bytes go at once", c.bandwidth, c.params, c.want)
		}
		if _, drop := f.Send(0, c.want); drop {
			t.Errorf("%d bit/s, %v: %d bytes do not go at once", c.bandwidth, c.params, c.want)
		}
	}
}

// TestHeadroomIsAFactorOfTheRate: a flow of 8 kbit/s with a headroom of 1.25 gets 1250 bytes/s.
func TestHeadroomIsAFactorOfTheRate(t *testing.T) {
	f := newShaper(t, "shape", map[string]any{"burst": 1, "headroom": 1.25}).NewFlow(0, core.QoS{Bandwidth: 8000})
	f.Send(0, 1)
	if wait, _ := f.Send(0, 1250); wait != time.Second {
		t.Errorf("1250 bytes wait %v, want 1s", wait)
	}
}

// TestParametersAreChecked: an impossible value is an error that names the parameter.
func TestParametersAreChecked(t *testing.T) {
	for _, policy := range []string{"shape", "police"} {
		for name, values := range map[string][]any{
			"burst": {-1, maxBurst + 1}, "headroom": {0, -1.0, 0.009, 101, "x"},
		} {
			for _, v := range values {
				_, err := Policies().Choose(policy, map[string]any{name: v})
				if err == nil || !strings.Contains(err.Error(), name) {
					t.Errorf("%s with %s %v: %v", policy, name, v, err)
				}
			}
		}
	}
}

// BenchmarkSend is one packet of a flow at its rate.
func BenchmarkSend(b *testing.B) {
	for _, name := range []string{"shape", "police"} {
		b.Run(name, func(b *testing.B) {
			f, now := newFlow(b, name, 15_000, 100_000_000), core.Time(0)
			b.ReportAllocs()
			for b.Loop() {
				wait, _ := f.Send(now, 1000)
				now = now.Add(wait + 70*time.Microsecond)
			}
		})
	}
}
