package ca

import (
	"math"
	"testing"
	"time"

	"ouroboros/core"
)

func newAvoidance(t testing.TB, name string, params map[string]any) Avoidance {
	t.Helper()
	c, err := Policies().Choose(name, params)
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.New(core.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// refuses checks that each of the parameters is refused by itself.
func refuses(t *testing.T, name string, params map[string]any) {
	t.Helper()
	for param, v := range params {
		if _, err := Policies().Choose(name, map[string]any{param: v}); err == nil {
			t.Errorf("%s: %s = %v is accepted", name, param, v)
		}
	}
}

func newMB(t testing.TB, now core.Time) *mbFlow {
	return newAvoidance(t, "mb-ecn", nil).NewFlow(now).(*mbFlow)
}

// TestMarkTable is the table of spec 06 §3.
func TestMarkTable(t *testing.T) {
	m := newAvoidance(t, "mb-ecn", nil).NewPort(0)
	for _, tc := range []struct {
		ecn    uint8
		queued int
		want   uint8
	}{
		{0, 0, 0},
		{0, 15, 0},
		{0, 16, 1},
		{0, 31, 1},
		{0, 32, 2},
		{0, 47, 2},
		{0, 160, 10},
		{0, 175, 10},
		{0, 1008, 63},
		{0, 1023, 63},
		{1, 32, 3},
		{5, 96, 7}, // OR, not the larger
		{9, 0, 9},
		{0, 256 * 16, 0}, // mod 256
	} {
		if got := m.Mark(0, tc.ecn, tc.queued, 1000); got != tc.want {
			t.Errorf("ECN %d, queue %d: %d, want %d", tc.ecn, tc.queued, got, tc.want)
		}
	}
}

// TestReceiverTrace is the trace of spec 06 §4: e = 10, then 0; negative numbers are reported.
func TestReceiverTrace(t *testing.T) {
	f := newMB(t, 0)
	step := func(ecn uint8, want int) {
		t.Helper()
		report, ece := f.Recv(0, 1000, ecn)
		if report != (want < 0) || int(ece) != max(want, -want) {
			t.Errorf("ECN %d: level %d, report %v, want %d", ecn, ece, report, want)
		}
	}
	for _, want := range []int{-10, 20, -30, 40, 49, 58, 67, 75, 83, 91, -99} {
		step(10, want)
	}
	for _, want := range []int{24, 6, 1} {
		step(0, want)
	}
	if report, ece := f.Recv(0, 1000, 0); !report || ece != 0 {
		t.Errorf("end of congestion: level %d, report %v, want 0 reported", ece, report)
	}
	step(0, 0) // and only once
}

// TestReceiverFixedPoint: spec 06 §4. A constant level e settles near 32·e, at most 2016 for 63.
func TestReceiverFixedPoint(t *testing.T) {
	for _, e := range []uint8{1, 10, 63, 255} {
		f := newMB(t, 0)
		for range 2000 {
			f.Recv(0, 0, e)
		}
		if got, want := int(f.congested), 32*int(e); got < want || got >= want+32 {
			t.Errorf("level %d settles at %d, want about %d", e, got, want)
		}
	}
}

// TestTraceA is trace A of spec 06 §5.4: 4000-byte packets, each sent 0.5 ms after the one before, from
// the creation of the flow at t = 1000 s; after 59 ms a report of 320.
func TestTraceA(t *testing.T) {
	const start = core.Time(1000 * time.Second)
	f := newMB(t, start)
	if f.slot != 59604 || f.limit != 65536 {
		t.Fatalf("start: slot %d, limit %d", f.slot, f.limit)
	}
	type row struct{ slot, limit int64 }
	var rows []row
	var pauses []time.Duration
	reported := false
	for now := start; len(rows) < 7; now = now.Add(500 * time.Microsecond) {
		if !reported && now.Sub(start) >= 59*time.Millisecond {
			f.Report(now, 320)
			reported = true
		}
		before := f.slot
		wait := f.Send(now, 4000)
		if f.slot != before {
			rows = append(rows, row{f.slot, f.limit})
		}
		if wait > 0 {
			pauses = append(pauses, now.Sub(start), wait)
			now = now.Add(wait)
		}
	}
	want := []row{
		{59605, 65536},
		{59606, 131072},
		{59607, 262144},
		{59608, 262144},
		{59609, 251904},
		{59610, 201536},
		{59611, 197536},
	}
	for i := range want {
		if rows[i] != want[i] {
			t.Errorf("boundary %d: %+v, want %+v", i, rows[i], want[i])
		}
	}
	if len(pauses) != 2 || pauses[0] != 14500*time.Microsecond || pauses[1].Round(time.Microsecond) != 8237*time.Microsecond {
		t.Errorf("pauses %v, want 8.237 ms at 14.5 ms", pauses)
	}
}

// TestTraceB is trace B of spec 06 §5.4: a 100-byte packet every 40 ms makes the slots longer, keeping
// the rate.
func TestTraceB(t *testing.T) {
	const start = core.Time(2000 * time.Second)
	f := newMB(t, start)
	type row struct {
		exp        uint8
		limit, inc int64
	}
	var rows []row
	for now := start.Add(40 * time.Millisecond); len(rows) < 3; now = now.Add(40 * time.Millisecond) {
		before := f.exp
		f.Send(now, 100)
		if f.exp != before {
			rows = append(rows, row{f.exp, f.limit, f.inc})
			if f.packets != 0 || f.bytes != 0 {
				t.Errorf("2^%d: %d packets carried over, want none", f.exp, f.packets)
			}
		}
	}
	want := []row{{27, 1 << 19, 1 << 19}, {29, 1 << 21, 1 << 21}, {30, 1 << 22, 1 << 22}}
	for i := range want {
		if rows[i] != want[i] {
			t.Errorf("scaling %d: %+v, want %+v", i, rows[i], want[i])
		}
	}
	if f.slot != 1863 {
		t.Errorf("slot %d, want 1863", f.slot)
	}
}

// TestCarry: spec 06 §5.3, step 4.3. When the new slot number is divisible by 2^f the slot is the next
// one and the counters stay.
func TestCarry(t *testing.T) {
	f := newMB(t, 0)
	f.Send(1, 100)
	f.Send(core.Time(8<<24), 100) // P = 2, f = 2: slot 8 becomes 2, not divisible by 4
	if f.exp != 26 || f.slot != 2 || f.packets != 0 {
		t.Errorf("2^%d, slot %d, %d packets", f.exp, f.slot, f.packets)
	}
	f = newMB(t, 0)
	f.Send(1, 100)
	f.Send(core.Time(16<<24), 100) // slot 16 becomes 4, divisible by 4
	if f.exp != 26 || f.slot != 5 || f.packets != 2 || f.bytes != 200 {
		t.Errorf("2^%d, slot %d, %d packets of %d bytes, want 2^26, 5, 2 of 200", f.exp, f.slot, f.packets, f.bytes)
	}
}

// TestManyPacketsShortenTheSlot: spec 06 §5.3, step 4.3, and §5.3 6d: limit and increment per time stay.
func TestManyPacketsShortenTheSlot(t *testing.T) {
	f := newMB(t, 0)
	for range 259 {
		f.Send(1, 10)
	}
	f.Send(core.Time(1<<24), 10) // P = 260: ⌊260/4⌋ = 65 is too many, f = 3
	if f.exp != 21 || f.slot != 8 || f.limit != 8192 || f.inc != 8192 || f.packets != 0 {
		t.Errorf("2^%d, slot %d, limit %d, increment %d, %d packets", f.exp, f.slot, f.limit, f.inc, f.packets)
	}
}

// TestReportWindow: spec 06 §5.3, step 3. Congestion is over when more than 32 packets have been sent
// without a report; a report of 0 ends slow start as well (§5.2).
func TestReportWindow(t *testing.T) {
	f := newMB(t, 0)
	f.Report(0, 320)
	for i := range 33 {
		if s := f.Snapshot(); s.Regime != Decrease || s.Upstream != 320 {
			t.Fatalf("after %d packets: %+v", i, s)
		}
		f.Send(1, 0)
	}
	if s := f.Snapshot(); s.Regime != Increase || s.Upstream != 0 || s.UpPackets != 33 {
		t.Errorf("after 33 packets: %+v", s)
	}
	f = newMB(t, 0)
	if f.Snapshot().Regime != SlowStart {
		t.Error("does not start slowly")
	}
	f.Report(0, 0)
	if f.Snapshot().Regime != Increase {
		t.Error("a report of 0 does not end slow start")
	}
}

// TestInitialRate: spec 06 §5.1, 3.906 MB/s.
func TestInitialRate(t *testing.T) {
	if got := newMB(t, 0).Snapshot().Rate; math.Abs(got-3.90625e6) > 1 {
		t.Errorf("%v B/s, want 3.90625e6", got)
	}
}

// TestPauseIsClamped: D3. A pause is never longer than a second.
func TestPauseIsClamped(t *testing.T) {
	f := newAvoidance(t, "mb-ecn", map[string]any{"slot_exponent": 40}).NewFlow(0)
	if got := f.Send(0, 1<<20); got != time.Second {
		t.Errorf("pause %v, want 1s", got)
	}
}

// TestCappedSlowStart: a greedy source fills its limit in every slot. The specification doubles the limit
// each time, while the slots get shorter; capped doubles it once in the time of a first slot, so that after k
// of them the rate is at most 2^k times the first one. Reports end either.
func TestCappedSlowStart(t *testing.T) {
	rate := func(mode string, slots int) float64 {
		f := newAvoidance(t, "mb-ecn", map[string]any{"slow_start": mode}).NewFlow(0)
		for now := core.Time(0); now < core.Time(slots)<<24; {
			now = now.Add(f.Send(now, 1000) + 1000) // as fast as 8 Gb/s
		}
		return f.Snapshot().Rate
	}
	const initial = 65536 / 16.777216e-3
	for slots := 1; slots <= 5; slots++ {
		if got, most := rate("capped", slots), initial*float64(int(1)<<slots); got > most*1.001 || got < most/8 {
			t.Errorf("capped, %d slots: %.3g B/s, want up to %.3g", slots, got, most)
		}
	}
	if got := rate("spec", 3); got < 100*initial {
		t.Errorf("spec: %.3g B/s, it should have run away", got)
	}
}

// TestMaxRate: the limit of a slot follows the largest rate whatever the length of the slot.
func TestMaxRate(t *testing.T) {
	for _, size := range []int{100, 1500} {
		f := newAvoidance(t, "mb-ecn", map[string]any{"max_rate": 8e6}).NewFlow(0)
		sent, start := 0, core.Time(0)
		now := start
		for ; now < core.Time(4*time.Second); now += 1000 {
			now = now.Add(f.Send(now, size))
			sent += size
		}
		// Beyond the rate there is the first slot of 64 KiB, and in each slot, of at least 8, two packets:
		// the one that waited for it and the one that opened it (spec 06 §5.3, 6a and 6b).
		if most := 4e6*(1+2./8) + 65536; float64(sent) > most || sent < 3e6 {
			t.Errorf("packets of %d: %d bytes in 4 s at 1 MB/s", size, sent)
		}
	}
}

// TestParametersAreChecked: each out of range is refused by name; the defaults are the constants of spec
// 06 §9.
func TestParametersAreChecked(t *testing.T) {
	refuses(t, "mb-ecn", map[string]any{
		"queue_shift": -1, "average_shift": 9, "report_every": 1, "slot_exponent": 7, "initial_limit": 0,
		"increment": 0, "min_packets": 33, "max_packets": 1, "decrease_shift": 31, "report_window": 0,
		"max_pause": "2s", "slots": 3, "slow_start": "fast", "max_rate": 999,
	})
	if err := defaults().Validate(); err != nil {
		t.Error(err)
	}
}

func BenchmarkMark(b *testing.B) {
	for _, name := range []string{"mb-ecn", "dctcp", "lgc"} {
		b.Run(name, func(b *testing.B) {
			m := newAvoidance(b, name, nil).NewPort(1e9)
			b.ReportAllocs()
			now := core.Time(0)
			for b.Loop() {
				now += 8000
				m.Mark(now, 0, 3, 1000)
			}
		})
	}
}

func BenchmarkSend(b *testing.B) {
	var f Flow = newMB(b, 0)
	f.Report(0, 0)
	b.ReportAllocs()
	now := core.Time(0)
	for b.Loop() {
		now += 80_000
		f.Send(now, 1000)
	}
}

func BenchmarkRecv(b *testing.B) {
	var f Flow = newMB(b, 0)
	b.ReportAllocs()
	for b.Loop() {
		f.Recv(0, 1000, 3)
	}
}
