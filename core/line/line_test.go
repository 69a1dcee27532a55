package line

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

func mustNew(t testing.TB, s core.LinkSpec) *Line {
	t.Helper()
	l, err := New(s, rand.New(rand.NewPCG(1, 2)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// deliver sends n packets of size bytes, gap apart, and returns the numbers (from 1) and times of those
// that arrive, in the order of arrival.
func deliver(t testing.TB, l *Line, n, size int, gap time.Duration) (order []int, at []clock.Time) {
	t.Helper()
	pool := pkt.NewPool()
	pop := func(until clock.Time) {
		for l.Next() <= until {
			next := l.Next()
			if p := l.Pop(next); p != nil {
				order, at = append(order, int(p.Meta.Flow)), append(at, next)
				p.Release()
			}
		}
	}
	for i := range n {
		now := clock.Time(i) * clock.Time(gap)
		pop(now)
		p := pool.GetPhantom(0, 0, size)
		p.Meta.Flow = uint32(i + 1)
		if err := l.Send(now, p); err != nil {
			t.Fatal(err)
		}
	}
	pop(clock.Never - 1)
	if pool.Live() != 0 {
		t.Fatalf("%d packets are out", pool.Live())
	}
	return order, at
}

// On an empty path a packet takes its serialisation and the propagation delay, exact to the ns; what is
// below 1 ns is carried over a busy period (validation.md §6, design §3).
func TestEmptyPathIsExact(t *testing.T) {
	for _, c := range []struct {
		rate     int64
		delay    time.Duration
		size     int
		overhead int
		want     clock.Time
	}{
		{0, 0, 1500, 0, 0},
		{0, 7, 1500, 0, 7},
		{1_000_000_000, 0, 1500, 0, 12_000},
		{1_000_000_000, time.Millisecond, 1500, 0, 1_012_000},
		{100_000_000, 0, 1033, 0, 82_640},
		{1_000_000_000, 0, 1514, 24, 12_304},
		{3_000_000_000, 0, 1, 0, 2},                 // 2.67 ns
		{1, 0, 1, 0, 8_000_000_000},                 // 8 s
		{400_000_000_000, 0, 1000, 0, 20},           // 400 Gbit/s
		{9_600, 50, 65_535, 0, 54_612_500_000 + 50}, // 54.6 s
	} {
		l := mustNew(t, core.LinkSpec{Rate: c.rate, Delay: c.delay, Overhead: c.overhead})
		if _, at := deliver(t, l, 1, c.size, 0); at[0] != c.want {
			t.Errorf("%d bytes at %d bit/s and %v: %d ns, want %d", c.size, c.rate, c.delay, at[0], c.want)
		}
	}
}

// A thousand packets of 8/3 ns take 2666 ns: remainders add up and none is lost (design §3).
func TestRemaindersAreCarried(t *testing.T) {
	l := mustNew(t, core.LinkSpec{Rate: 3_000_000_000, QueuePackets: 2000})
	_, at := deliver(t, l, 1000, 1, 0)
	for i, a := range at {
		if want := clock.Time((i + 1) * 8 / 3); a != want {
			t.Fatalf("packet %d arrives at %d, want %d", i+1, a, want)
		}
	}
}

// Packets that were dropped with a link that went down hold up none that are sent after it came back.
func TestFlapForgetsTheArrivalsThatWillNotBe(t *testing.T) {
	l := mustNew(t, core.LinkSpec{Rate: 8_000, Delay: 10}) // 1 s a packet of 1000 bytes
	pool := pkt.NewPool()
	for range 100 {
		_ = l.Send(0, pool.Get(0, 1000))
	}
	l.SetUp(1, false)
	l.SetUp(2, true)
	if err := l.Send(2, pool.Get(0, 1)); err != nil {
		t.Fatal(err)
	}
	if want := clock.Time(2 + 1_000_000 + 10); l.Next() != want {
		t.Errorf("arrives at %v, want %v", l.Next(), want)
	}
	l.Abandon()
	if pool.Live() != 0 || l.Next() != clock.Never {
		t.Errorf("%d packets are out after Abandon", pool.Live())
	}
}

// A packet that is larger than the whole queue in bytes waits until the line is idle, not for ever.
func TestBlockedByItsOwnSizeAPacketWaitsForAnIdleLine(t *testing.T) {
	l := mustNew(t, core.LinkSpec{Rate: 8_000_000_000, QueueBytes: 100, Block: true})
	pool := pkt.NewPool()
	if err := l.Send(0, pool.Get(0, 1000)); err != nil {
		t.Fatal(err)
	}
	big := pool.Get(0, 1000)
	if err := l.Send(0, big); !errors.Is(err, core.ErrWouldBlock) {
		t.Fatal(err)
	}
	if room := l.Room(0); room != 1000 {
		t.Fatalf("room at %d, want 1000", room)
	}
	if err := l.Send(1000, big); err != nil {
		t.Error(err)
	}
	l.Abandon()
}

// The layers do not see what the device of the sender holds (core.LinkSpec.Device).
func TestDeviceHidesPacketsFromTheLayers(t *testing.T) {
	l := mustNew(t, core.LinkSpec{Rate: 8_000_000, Device: 3})
	pool := pkt.NewPool()
	for sent, want := range []int{0, 0, 0, 0, 1, 2, 3} { // one is in service, three are in the device
		_ = l.Send(0, pool.Get(0, 100))
		if got := l.Queued(0); got != want {
			t.Errorf("%d sent: %d queued, want %d", sent+1, got, want)
		}
	}
	if st := l.Stats(0); st.QueueMax != 6 || st.Waiting != 6 {
		t.Errorf("%d wait, and at most %d did, want 6", st.Waiting, st.QueueMax)
	}
	if got := l.Queued(100_000); got != 2 {
		t.Errorf("after one service: %d queued, want 2", got)
	}
	l.Abandon()
}

// Exactly the packets that are named are lost, counted from the Set (core.LinkSpec.Drop).
func TestTargetedLoss(t *testing.T) {
	l := mustNew(t, core.LinkSpec{Drop: []uint64{2, 5}})
	for round := range 2 {
		order, _ := deliver(t, l, 7, 100, 10)
		if want := []int{1, 3, 4, 6, 7}; !slices.Equal(order, want) {
			t.Errorf("round %d: received %v, want %v", round, order, want)
		}
		if err := l.Set(0, l.Spec()); err != nil {
			t.Fatal(err)
		}
	}
	if order, _ := deliver(t, l, 1, 100, 10); len(order) != 1 {
		t.Error("the first packet was lost")
	}
	if st := l.Stats(0); st.DropLoss != 4 {
		t.Errorf("%+v", st)
	}
}

// within reports a rate that lies outside 4.4 standard deviations (1 in 100,000) of its expectation; the
// seed is fixed.
func within(t *testing.T, what string, hits, n int, p, inflation float64) {
	t.Helper()
	dev := 4.4 * math.Sqrt(p*(1-p)/float64(n)*inflation)
	if got := float64(hits) / float64(n); math.Abs(got-p) > dev {
		t.Errorf("%s: %.5f, want %.5f ± %.5f", what, got, p, dev)
	}
}

const samples = 100_000

// Bernoulli losses come at their rate, one independent of the other.
func TestBernoulliLoss(t *testing.T) {
	for _, p := range []float64{0, 0.001, 0.08, 0.5, 1} {
		l := mustNew(t, core.LinkSpec{Loss: p})
		order, _ := deliver(t, l, samples, 100, 10)
		within(t, "loss", samples-len(order), samples, p, 1)
		both := 0
		for i := 1; i < len(order); i++ {
			both += max(order[i]-order[i-1]-2, 0) // pairs of neighbours that were both lost
		}
		if p < 1 {
			within(t, "loss of neighbours", both, samples-1, p*p, 2)
		}
	}
}

// Gilbert–Elliott losses have the stationary rate of the two-state chain, and bursts of mean length 1/R
// (Gilbert 1960).
func TestGilbertElliottLoss(t *testing.T) {
	g := core.GilbertElliott{P: 0.01, R: 0.2, LossBad: 1}
	l := mustNew(t, core.LinkSpec{Gilbert: &g})
	order, _ := deliver(t, l, samples, 100, 10)
	lost := samples - len(order)
	bad := g.P / (g.P + g.R)
	rho := 1 - g.P - g.R // correlation of neighbours
	within(t, "loss", lost, samples, bad, (1+rho)/(1-rho))
	bursts, prev := 0, 0
	for _, n := range append(order, samples+1) {
		if n > prev+1 {
			bursts++
		}
		prev = n
	}
	mean := float64(lost) / float64(bursts)
	if dev := 4.4 * math.Sqrt((1-g.R)/(g.R*g.R)/float64(bursts)); math.Abs(mean-1/g.R) > dev {
		t.Errorf("bursts of %.3f packets, want %.3f ± %.3f", mean, 1/g.R, dev)
	}

	soft := core.GilbertElliott{P: 0.1, R: 0.3, LossGood: 0.05, LossBad: 0.6}
	order, _ = deliver(t, mustNew(t, core.LinkSpec{Gilbert: &soft}), samples, 100, 10)
	within(t, "loss with both states lossy", samples-len(order), samples, 0.75*0.05+0.25*0.6, 4)
}

// With an FCS a packet with bit errors is lost, with probability 1-(1-BER)^bits.
func TestBitErrorsAreLossWithFCS(t *testing.T) {
	const ber, size = 1e-4, 125
	l := mustNew(t, core.LinkSpec{BER: ber})
	order, _ := deliver(t, l, samples, size, 10)
	within(t, "loss", samples-len(order), samples, 1-math.Pow(1-ber, size*8), 1)
	if st := l.Stats(0); st.DropError != uint64(samples-len(order)) || st.DropLoss != 0 {
		t.Errorf("%+v", st)
	}
}

// Without an FCS all packets arrive, and each bit is wrong with probability BER, wherever it stands; a
// phantom payload is materialised.
func TestBitErrorsFlipBitsWithoutFCS(t *testing.T) {
	const ber, size, n = 0.01, 100, 2000
	l := mustNew(t, core.LinkSpec{BER: ber, NoFCS: true})
	pool := pkt.NewPool()
	wrong := 0
	halves := [2]int{}
	for i := range n {
		if err := l.Send(clock.Time(i), pool.GetPhantom(0, size/2, size/2)); err != nil {
			t.Fatal(err)
		}
		p := l.Pop(clock.Time(i))
		for k, b := range p.Bytes() {
			for ; b != 0; b &= b - 1 {
				wrong++
				halves[k*2/size]++
			}
		}
		p.Release()
	}
	within(t, "wrong bits", wrong, n*size*8, ber, 1)
	within(t, "of them in the first half", halves[0], wrong, 0.5, 1)
	all := mustNew(t, core.LinkSpec{BER: 1, NoFCS: true})
	_ = all.Send(0, pool.Get(0, 3))
	if p := all.Pop(0); !bytes.Equal(p.Bytes(), []byte{255, 255, 255}) {
		t.Errorf("BER 1 gives % x", p.Bytes())
	}
}

// Jitter delays each packet by up to its bound and keeps the order.
func TestJitterKeepsTheOrder(t *testing.T) {
	const jitter, gap = 1000, 300
	l := mustNew(t, core.LinkSpec{Delay: 50, Jitter: jitter})
	order, at := deliver(t, l, 5000, 100, gap)
	if !slices.IsSorted(order) || len(order) != 5000 {
		t.Fatal("packets were reordered or lost")
	}
	early, late := 0, 0
	for i, a := range at {
		d := a - clock.Time(i*gap) - 50
		if d < 0 || d >= jitter {
			t.Fatalf("packet %d is %d ns late", i+1, d)
		}
		if d < jitter/4 {
			early++
		} else if d >= jitter*3/4 {
			late++
		}
	}
	if early < 300 || late < 1000 {
		t.Errorf("%d early, %d late packets: not uniform", early, late)
	}
}

// A packet that is held back is overtaken by those behind, which are not delayed.
func TestReorderOvertakes(t *testing.T) {
	const gap, hold = 10, 35
	l := mustNew(t, core.LinkSpec{Delay: 50, Reorder: 0.1, ReorderBy: hold})
	order, at := deliver(t, l, samples, 100, gap)
	held := 0
	for i, n := range order {
		switch d := at[i] - clock.Time((n-1)*gap) - 50; d {
		case 0:
		case hold:
			held++
		default:
			t.Fatalf("packet %d is %d ns late", n, d)
		}
	}
	within(t, "held", held, samples, 0.1, 1)
	if len(order) != samples || slices.IsSorted(order) {
		t.Error("packets were lost, or none overtaken")
	}
}

// A duplicate arrives right behind its original, is a packet of its own and is counted.
func TestDuplicate(t *testing.T) {
	l := mustNew(t, core.LinkSpec{Duplicate: 0.03, Delay: 5})
	order, at := deliver(t, l, samples, 100, 10)
	twice := 0
	for i := 1; i < len(order); i++ {
		if order[i] == order[i-1] {
			twice++
			if at[i] != at[i-1] {
				t.Fatalf("packet %d arrives at %d and %d", order[i], at[i-1], at[i])
			}
		}
	}
	within(t, "duplicates", twice, samples, 0.03, 1)
	st := l.Stats(clock.Never - 1)
	if len(order) != samples+twice || st.Duplicated != uint64(twice) || st.DeliveredPackets != uint64(len(order)) {
		t.Errorf("%d arrived, %d twice: %+v", len(order), twice, st)
	}
}

// What arrives where nobody is counts as dropped, not as delivered.
func TestDiscardIsADrop(t *testing.T) {
	l := mustNew(t, core.LinkSpec{Drop: []uint64{2}})
	pool := pkt.NewPool()
	for range 2 {
		_ = l.Send(0, pool.Get(0, 10))
		l.Discard(0)
	}
	if st := l.Stats(0); st.DropDown != 1 || st.DropLoss != 1 || st.DeliveredPackets != 0 || st.DeliveredBytes != 0 || pool.Live() != 0 {
		t.Errorf("%+v, %d out", st, pool.Live())
	}
}

// A value that no line can have is refused by name, and the line keeps its spec.
func TestSetRefusesByName(t *testing.T) {
	nan := math.NaN()
	for key, s := range map[string]core.LinkSpec{
		"loss": {Loss: 1.1}, "ber": {BER: -1}, "reorder": {Reorder: nan}, "duplicate": {Duplicate: 2},
		"gilbert p": {Gilbert: &core.GilbertElliott{P: -1}}, "gilbert r": {Gilbert: &core.GilbertElliott{R: 2}},
		"gilbert loss_good": {Gilbert: &core.GilbertElliott{LossGood: 2}}, "gilbert loss_bad": {Gilbert: &core.GilbertElliott{LossBad: nan}},
		"rate": {Rate: -1}, "delay": {Delay: -1}, "jitter": {Jitter: -1}, "reorder by": {ReorderBy: -1},
		"queue packets": {QueuePackets: -1}, "queue bytes": {QueueBytes: -1}, "queue device": {Device: -1},
		"mtu": {MTU: -1}, "overhead": {Overhead: -1},
	} {
		l := mustNew(t, core.LinkSpec{Delay: 3})
		s.Name = "a-b"
		err := l.Set(0, s)
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte("link a-b: "+key+":")) || !bytes.Contains([]byte(err.Error()), []byte("accepted is")) {
			t.Errorf("%s: %v", key, err)
		}
		if l.Spec().Delay != 3 {
			t.Errorf("%s: the spec has changed", key)
		}
		if _, err := New(s, nil, nil); err == nil {
			t.Errorf("%s: New accepts it", key)
		}
	}
}

// The line does not look at the caller's values after Set.
func TestSetKeepsItsOwnCopy(t *testing.T) {
	drop := []uint64{1}
	g := core.GilbertElliott{}
	l := mustNew(t, core.LinkSpec{Drop: drop, Gilbert: &g})
	drop[0], g.LossGood = 99, 1
	if order, _ := deliver(t, l, 3, 10, 1); !slices.Equal(order, []int{2, 3}) {
		t.Errorf("received %v", order)
	}
}

// A packet on the line costs no allocation in steady state, with or without impairments (design §3).
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	for name, s := range map[string]core.LinkSpec{
		"plain":    {Rate: 1e9, Delay: 1000},
		"impaired": {Rate: 1e9, Delay: 1000, Loss: 0.1, Jitter: 100, Reorder: 0.1, ReorderBy: 5000, Duplicate: 0.1, BER: 1e-6},
	} {
		l, pool := mustNew(t, s), pkt.NewPool()
		now := clock.Time(0)
		step := func() {
			for range 20 {
				now += 500
				_ = l.Send(now, pool.GetPhantom(0, 0, 100))
				for l.Next() <= now {
					if p := l.Pop(l.Next()); p != nil {
						p.Release()
					}
				}
			}
		}
		for range 50 {
			step()
		}
		if a := testing.AllocsPerRun(100, step); a != 0 {
			t.Errorf("%s: %v allocations", name, a)
		}
	}
}

// BenchmarkSendPop is a packet through a line with 16 others on it.
func BenchmarkSendPop(b *testing.B) {
	for name, s := range map[string]core.LinkSpec{
		"plain":    {Rate: 1e9, Delay: 12_800},
		"impaired": {Rate: 1e9, Delay: 12_800, Loss: 0.01, Jitter: 100},
	} {
		b.Run(name, func(b *testing.B) {
			l, p := mustNew(b, s), pkt.NewPool()
			now := clock.Time(0)
			b.ReportAllocs()
			for b.Loop() {
				now += 800
				_ = l.Send(now, p.GetPhantom(0, 0, 100))
				for l.Next() <= now {
					if p := l.Pop(now); p != nil {
						p.Release()
					}
				}
			}
		})
	}
}
