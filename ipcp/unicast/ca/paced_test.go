package ca

import (
	"math"
	"testing"
	"time"

	"ouroboros/core"
)

// TestPacer: packets leave evenly at the rate of the flow, whatever their size, to a nanosecond each.
func TestPacer(t *testing.T) {
	p := pacer{rate: 3_000_000}
	now, bytes := core.Time(0), 0
	for i := range 30_000 {
		n := 1 + i%1500
		now = now.Add(p.send(now, n))
		bytes += n
	}
	// The last packet has gone, but its time is not over. At first there is a credit.
	want := float64(bytes-1+30_000%1500)/3e6 - credit.Seconds()
	if got := now.Seconds(); math.Abs(got-want) > 1e-3 {
		t.Errorf("%d bytes took %.6f s, want %.6f", bytes, got, want)
	}
}

// TestPacerCredit: a flow that was behind its rate may catch up what it could have sent in a millisecond,
// no more; and a pause is never longer than a second.
func TestPacerCredit(t *testing.T) {
	p := pacer{rate: 1_000_000}
	now, free := core.Time(time.Minute), 0
	for p.send(now, 100) == 0 {
		free++
	}
	if free != 10+1 { // and the one whose time it is
		t.Errorf("%d packets of 100 bytes at once, want 11", free)
	}
	p = pacer{rate: 1}
	for range 5 {
		if wait := p.send(now, 9000); wait > maxPause {
			t.Errorf("pause %v", wait)
		} else {
			now = now.Add(wait)
		}
	}
}

// TestOneBitMarks: from threshold packets on a packet is marked, and a mark stays on the way.
func TestOneBitMarks(t *testing.T) {
	for _, policy := range []string{"aimd", "dctcp"} {
		m := newAvoidance(t, policy, map[string]any{"threshold": 30}).NewPort(1e9)
		for _, tc := range []struct {
			ecn    uint8
			queued int
			want   uint8
		}{{0, 0, 0}, {0, 29, 0}, {0, 30, 1}, {0, 5000, 1}, {1, 0, 1}, {1, 30, 1}} {
			if got := m.Mark(0, tc.ecn, tc.queued, 1000); got != tc.want {
				t.Errorf("%s: ECN %d, queue %d: %d, want %d", policy, tc.ecn, tc.queued, got, tc.want)
			}
		}
	}
}

// TestThresholdByRate: without a given threshold it follows the rate of the N-1 flow, K = C·T/14 in packets of 1500
// bytes, within 8 and 512, also when the rate changes; it is 20 when the rate is not known. With an interval of 1 ms
// it is 59 packets at 10 Gb/s, where the publication of DCTCP uses 65.
func TestThresholdByRate(t *testing.T) {
	first := func(m Marker) (k int) {
		for m.Mark(0, 0, k, 1000) == 0 {
			k++
		}
		return k
	}
	for _, tc := range []struct {
		interval string
		rate     int64
		want     int
	}{
		{"50ms", 10e6, 8},
		{"50ms", 100e6, 29},
		{"50ms", 1e9, 297},
		{"50ms", 10e9, 512},
		{"50ms", 0, 20},
		{"1ms", 1e9, 8},
		{"1ms", 10e9, 59},
	} {
		for _, policy := range []string{"aimd", "dctcp"} {
			a := newAvoidance(t, policy, map[string]any{"interval": tc.interval})
			changed := a.NewPort(123e6)
			changed.SetRate(tc.rate)
			if got, later := first(a.NewPort(tc.rate)), first(changed); got != tc.want || later != tc.want {
				t.Errorf("%s, %s, %d bit/s: %d and %d after a change, want %d", policy, tc.interval, tc.rate, got, later, tc.want)
			}
		}
	}
	given := newAvoidance(t, "dctcp", map[string]any{"threshold": 30}).NewPort(1e9)
	given.SetRate(1e6)
	if got := first(given); got != 30 {
		t.Errorf("a given threshold of 30 has become %d", got)
	}
}

// TestIncreaseByInterval: a packet of 1500 bytes per half interval more in each half interval, so a tenth of the
// interval makes it a hundred times as fast.
func TestIncreaseByInterval(t *testing.T) {
	for _, tc := range []struct {
		given    int64
		interval time.Duration
		want     int64
	}{{0, 50 * time.Millisecond, 19.2e6}, {0, 5 * time.Millisecond, 1.92e9}, {8000, time.Millisecond, 8000}} {
		if got := increaseOf(tc.given, tc.interval) * 8; got != tc.want {
			t.Errorf("%d, %v: %d bit/s per second, want %d", tc.given, tc.interval, got, tc.want)
		}
	}
}

// TestAIMDReceiver: the first packet is reported, then every interval is, and a mark after an interval without
// one at once.
func TestAIMDReceiver(t *testing.T) {
	f := newAvoidance(t, "aimd", map[string]any{"interval": "100ms"}).NewFlow(0)
	for _, tc := range []struct {
		ms     int
		ecn    uint8
		report bool
		ece    uint16
	}{
		{0, 0, true, 0},
		{1, 0, false, 0},
		{99, 0, false, 0},
		{100, 0, true, 0},
		{110, 1, true, 1}, // at once
		{120, 1, false, 0},
		{209, 0, false, 0},
		{210, 0, true, 1}, // 120 was marked
		{220, 1, false, 0},
		{310, 0, true, 1},
		{410, 0, true, 0},
		{9000, 0, true, 0}, // few packets: each is reported
		{20000, 1, true, 1},
	} {
		if report, ece := f.Recv(core.Time(tc.ms)*1e6, 1000, tc.ecn); report != tc.report || ece != tc.ece {
			t.Errorf("%d ms: report %v of %d, want %v of %d", tc.ms, report, ece, tc.report, tc.ece)
		}
	}
}

// saturate sends packets of 1000 bytes for a time, as a source that always has some does, and returns the
// time after it.
func saturate(f Flow, now core.Time, d time.Duration) core.Time {
	for end := now.Add(d); now < end; {
		now = now.Add(f.Send(now, 1000))
	}
	return now
}

// TestAIMDSender: slow start doubles the rate in an interval, a mark halves it, marks that are reported soon
// after do nothing, and then the rate grows by the increase.
func TestAIMDSender(t *testing.T) {
	f := newAvoidance(t, "aimd", map[string]any{"interval": "100ms", "increase": 8e6, "initial_rate": 8e6}).NewFlow(0)
	now := core.Time(0)
	want := func(rate float64, regime Regime) {
		t.Helper()
		if s := f.Snapshot(); math.Abs(s.Rate/rate-1) > 0.02 || s.Regime != regime {
			t.Errorf("%v: %.4g B/s, %v, want %.4g, %v", now, s.Rate, s.Regime, rate, regime)
		}
	}
	tell := func(ece uint16) {
		now = saturate(f, now, 100*time.Millisecond)
		f.Report(now, ece)
	}
	want(1e6, SlowStart)
	tell(0)
	want(2e6, SlowStart)
	tell(0)
	want(4e6, SlowStart)
	tell(1)
	want(2e6, Decrease)
	tell(1) // 100 ms after the cut
	want(2e6, Decrease)
	tell(1) // 200 ms
	want(1e6, Decrease)
	tell(0)
	want(1.1e6, Increase)
	tell(0)
	want(1.2e6, Increase)
}

// TestDCTCPAlpha: with a constant share F of marks α follows 1 - (1-F)·(1 - (1-g)^k), and the rate falls by α/2
// in every window.
func TestDCTCPAlpha(t *testing.T) {
	for _, g := range []float64{1. / 16, 1. / 256, 1} {
		for _, share := range []float64{0.001, 0.25, 0.5, 1} {
			f := newAvoidance(t, "dctcp", map[string]any{"gain": g, "initial_rate": 1e12, "min_rate": 1e3}).NewFlow(0).(*dctcpFlow)
			rate := 1e12 / 8
			for k := 1; k <= 60; k++ {
				f.Send(core.Time(k)*1e8-1, 1000)
				f.Report(core.Time(k)*1e8, uint16(share*65535))
				want := share + (1-share)*math.Pow(1-g, float64(k))
				if got := float64(f.alpha) / (1 << 30); math.Abs(got-want) > 2e-5 {
					t.Fatalf("g = %v, F = %v, window %d: α = %.6f, want %.6f", g, share, k, got, want)
				}
				if rate = max(rate*(1-want/2), 125); math.Abs(f.Snapshot().Rate/rate-1) > 0.02 && rate > 1e4 {
					t.Fatalf("g = %v, F = %v, window %d: %.4g B/s, want %.4g", g, share, k, f.Snapshot().Rate, rate)
				}
			}
		}
	}
}

// TestDCTCPReceiver: the share of marked packets in a window, of 65535; the first mark of a flow is reported
// at once, later ones are not.
func TestDCTCPReceiver(t *testing.T) {
	f := newAvoidance(t, "dctcp", map[string]any{"interval": "100ms"}).NewFlow(0)
	f.Recv(0, 1000, 0)
	if report, ece := f.Recv(1e6, 1000, 1); !report || ece != 65535 {
		t.Errorf("first mark: %v, %d", report, ece)
	}
	// Windows of 100 packets: 1 ms each, the last one closes it.
	for window, marked := range []int{0, 1, 25, 100, 0} {
		for i := range 100 {
			ecn := uint8(0)
			if i < marked {
				ecn = 1
			}
			now := core.Time(2e6 + window*100e6 + i*1e6)
			report, ece := f.Recv(now, 1000, ecn)
			if want := uint16(marked * 65535 / 100); report != (i == 99) || report && ece != want {
				t.Errorf("window %d, packet %d: report %v of %d, want %d", window, i, report, ece, want)
			}
		}
	}
	if s := f.Snapshot(); s.Downstream != 0 || s.DownPackets != 100 {
		t.Errorf("%+v", s)
	}
}

// TestLongRoundTrip: the first packet is reported at once, so the first report tells the round trip. Slow start
// doubles once in it, and dctcp cuts once in it, although reports come in every interval.
func TestLongRoundTrip(t *testing.T) {
	f := newAvoidance(t, "dctcp", map[string]any{"interval": "50ms", "initial_rate": 8e6}).NewFlow(0).(*dctcpFlow)
	now := saturate(f, 0, 200*time.Millisecond)
	f.Report(now, 0) // 200 ms after the first packet
	before := f.Snapshot().Rate
	for range 4 {
		now = saturate(f, now, 50*time.Millisecond)
		f.Report(now, 0)
	}
	// Four steps of a quarter each make 1.25^4 = 2.44.
	if got := f.Snapshot().Rate / before; math.Abs(got-2.44) > 0.1 {
		t.Errorf("grown by %.2f in a round trip, want 2.44", got)
	}
	before = f.Snapshot().Rate
	f.alpha = 1 << 30
	for range 4 {
		now = saturate(f, now, 50*time.Millisecond)
		f.Report(now, 65535)
	}
	if got := f.Snapshot().Rate / before; math.Abs(got-0.5) > 0.01 {
		t.Errorf("cut to %.2f in a round trip, want 0.5", got)
	}
}

// TestUnusedRateDoesNotGrow: a source that needs a tenth of its rate keeps it (RFC 7661 §4.3).
func TestUnusedRateDoesNotGrow(t *testing.T) {
	for _, policy := range []string{"aimd", "dctcp", "lgc"} {
		f := newAvoidance(t, policy, map[string]any{"initial_rate": 8e6}).NewFlow(0)
		f.Report(0, reportCapacity|uint16(capacityCode(1e9))) // for lgc; a mark for the others
		rate := f.Snapshot().Rate
		for now := core.Time(0); now < core.Time(10*time.Second); now += 20e6 {
			f.Send(now, 1000)
			f.Send(now, 1000)
			f.Report(now+19e6, 0)
		}
		if got := f.Snapshot().Rate; got != rate {
			t.Errorf("%s: %.4g B/s of which 0.1 MB/s are used have become %.4g", policy, rate, got)
		}
	}
}

// TestStartsAnewAfterIdling: a flow that has had nothing to send for a second has its initial rate again.
func TestStartsAnewAfterIdling(t *testing.T) {
	for _, policy := range []string{"aimd", "dctcp"} {
		f := newAvoidance(t, policy, map[string]any{"initial_rate": 8e6}).NewFlow(0)
		now := core.Time(0)
		for _, ece := range []uint16{0, 0, 1, 0} {
			now = saturate(f, now, 100*time.Millisecond)
			f.Report(now, ece)
		}
		if s := f.Snapshot(); s.Regime != Increase || s.Rate == 1e6 {
			t.Fatalf("%s: %+v", policy, s)
		}
		f.Send(now.Add(1100*time.Millisecond), 1000)
		if s := f.Snapshot(); s.Regime != SlowStart || s.Rate != 1e6 {
			t.Errorf("%s: %v, %.4g B/s", policy, s.Regime, s.Rate)
		}
	}
}

// TestPacedParametersAreChecked: each out of range is refused.
func TestPacedParametersAreChecked(t *testing.T) {
	for _, policy := range []string{"aimd", "dctcp", "lgc"} {
		refuses(t, policy, map[string]any{
			"interval": "100us", "initial_rate": 1e3, "min_rate": 999, "max_rate": 2e12, "silence": "10ms", "windows": 1,
		})
	}
	refuses(t, "aimd", map[string]any{"threshold": -1, "increase": 999, "decrease": 1.0})
	refuses(t, "dctcp", map[string]any{"threshold": 1 << 21, "increase": 1e13, "gain": 0.0})
	refuses(t, "lgc", map[string]any{
		"growth": 0.0, "scale": 0.5, "target": 1.1, "capacity": 10, "port_rate": -1, "load_exponent": 16,
	})
}
