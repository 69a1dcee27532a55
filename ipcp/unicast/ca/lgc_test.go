package ca

import (
	"math"
	"testing"
	"time"

	"ouroboros/core"
)

// TestCapacityCodes: the code of a rate stands for the rate or up to a quarter of an octave more, codes rise with
// rates, and each stands for itself.
func TestCapacityCodes(t *testing.T) {
	last := uint8(0)
	for rate := 64e3; rate < 1e13; rate *= 1.01 {
		c := capacityCode(int64(rate))
		if c < last || c < capacityBit {
			t.Fatalf("%.4g bit/s: code %d after %d", rate, c, last)
		}
		last = c
		if r := float64(capacityOf(c)) / rate; r < 1-1e-4 || r > 1.19 {
			t.Fatalf("%.4g bit/s: code %d stands for %.4g of it", rate, c, r)
		}
	}
	for c := capacityBit; c < 256; c++ {
		if got := capacityCode(capacityOf(uint8(c))); int(got) != c {
			t.Errorf("code %d becomes %d", c, got)
		}
	}
}

// lgcPort returns a marker whose packets all carry the load: the capacity is set.
func lgcPort(t testing.TB, rate int64, params map[string]any) *loadMarker {
	p := map[string]any{"capacity": 1e9, "target": 1.0}
	for k, v := range params {
		p[k] = v
	}
	return newAvoidance(t, "lgc", p).NewPort(rate).(*loadMarker)
}

// TestLoadOfAPort: the mean of the marks is the share of the rate that packets take, whatever their size and
// although a step is 1/64; it saturates below 2; packets that wait add to it, a few do not.
func TestLoadOfAPort(t *testing.T) {
	const rate = 80e6
	for _, tc := range []struct {
		load   float64
		size   int
		queued int
		want   float64
	}{
		{0.1, 1000, 0, 0.1},
		{0.5, 100, 0, 0.5},
		{0.505, 1500, 0, 0.505},
		{0.95, 1000, 0, 0.95},
		{0.95, 1000, 8, 0.95},
		{1.5, 1000, 0, 1.5},
		{5, 1000, 0, 126. / 64},
		// 100 packets beyond those that are free, over 16 windows of 167772 bytes
		{0.5, 1000, 108, 0.5 + 100_000./16/167772},
	} {
		m := lgcPort(t, rate, nil)
		sum, n := 0., 0
		gap := core.Time(float64(tc.size) * 8e9 / rate / tc.load)
		for now := core.Time(0); now < core.Time(2*time.Second); now += gap {
			if e := m.Mark(now, 0, tc.queued, tc.size); now > core.Time(time.Second) {
				sum += float64(e-1) / 64
				n++
			}
		}
		// The window holds 110 packets of 1500 bytes at full load; it is a packet out at most.
		if got := sum / float64(n); math.Abs(got-tc.want) > 0.02 {
			t.Errorf("load %v, packets of %d, %d waiting: %.4f, want %.4f", tc.load, tc.size, tc.queued, got, tc.want)
		}
	}
}

// TestLoadsCombine: along a path the largest load counts, and the smallest capacity; a port of unknown rate
// leaves both as they are. An idle port tells the packet itself alone.
func TestLoadsCombine(t *testing.T) {
	m := lgcPort(t, 1e9, nil)
	if e := m.Mark(0, 100, 0, 1000); e != 100 {
		t.Errorf("a larger load became %d", e)
	}
	if e := m.Mark(0, 0, 0, 1000); e < 1 || e > 2 {
		t.Errorf("an idle port: %d", e)
	}
	gig, ten := capacityCode(1e9), capacityCode(1e10)
	if a, b := m.Mark(0, ten, 0, 1000), m.Mark(0, gig-8, 0, 1000); a != gig || b != gig-8 {
		t.Errorf("capacities %d and %d, want %d and %d", a, b, gig, gig-8)
	}
	m.SetRate(0)
	for _, e := range []uint8{0, 1, 127, 128, 255} {
		if got := m.Mark(1, e, 500, 1000); got != e {
			t.Errorf("a port of unknown rate made %d of %d", got, e)
		}
	}
	m = lgcPort(t, 0, map[string]any{"port_rate": 1e9})
	if e := m.Mark(0, 0, 0, 1000); e == 0 {
		t.Error("port_rate stands for a rate that is not known, but no load was measured")
	}
}

// TestCapacityTravels: without the parameter a quarter of the packets carries the capacity, the receiver reports
// it once it is new and then now and then, and the sender relates its rate to it.
func TestCapacityTravels(t *testing.T) {
	a := newAvoidance(t, "lgc", nil)
	first, second := a.NewPort(1e9), a.NewPort(100e6)
	rx, tx := a.NewFlow(0), a.NewFlow(0).(*lgcFlow)
	capacities, told, reports := 0, 0, 0
	for i := range 4000 {
		now := core.Time(i) * 1e6
		e := second.Mark(now, first.Mark(now, 0, 0, 1000), 0, 1000)
		if e >= capacityBit {
			capacities++
		}
		tx.Send(now, 1000)
		if report, ece := rx.Recv(now, 1000, e); report {
			reports++
			if ece >= reportCapacity {
				told++
			}
			tx.Report(now, ece)
		}
	}
	if capacities < 850 || capacities > 1150 {
		t.Errorf("%d of 4000 packets carry the capacity, want a quarter", capacities)
	}
	// 200 intervals of 20 ms, one in 16 is followed by the capacity.
	if reports < 180 || reports > 220 || told < 10 || told > 15 {
		t.Errorf("%d reports, %d of the capacity", reports, told)
	}
	if want := 4 * capacityOf(capacityCode(100e6)) / 8; tx.full != want {
		t.Errorf("x = 1 is %d B/s, want %d", tx.full, want)
	}
}

// TestLogisticCurve: with a constant load x follows the logistic function to 1 - load, from below and from
// above, and one step is the equation.
func TestLogisticCurve(t *testing.T) {
	const k, load, full = 1.0, 0.25, 1e9 / 8
	for _, x0 := range []float64{0.01, 0.95} {
		f := newAvoidance(t, "lgc", map[string]any{
			"growth": k, "scale": 1.0, "capacity": 1e9, "initial_rate": x0 * 1e9, "interval": "10ms",
		}).NewFlow(0)
		for i := 1; i <= 2000; i++ {
			now := core.Time(i) * 10e6
			f.Send(now-1, int(f.Snapshot().Rate/100)) // all of it, in one piece
			f.Report(now, uint16(load*(1<<reportShift)))
			const end = 1 - load
			e := math.Exp(-k * end * float64(i) * 0.01)
			want := end / (1 + (end/x0-1)*e)
			if got := f.Snapshot().Rate / full; math.Abs(got-want) > 0.005 {
				t.Fatalf("from %v, %d ms: x = %.4f, want %.4f", x0, 10*i, got, want)
			}
		}
	}
}
