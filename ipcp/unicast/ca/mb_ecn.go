package ca

import (
	"math/bits"
	"time"

	"ouroboros/core"
)

// Bounds of the sender's state. The prototype has none and loses its limit in scaling (spec 06, D6).
const (
	minExponent = 8       // slots of 256 ns
	maxExponent = 46      // slots of about 20 hours
	maxLimit    = 1 << 46 // bytes; times a level of 16 bits it still fits 63
)

// maxPhase bounds the phase of a member's slots, about 18 minutes.
const maxPhase = 1 << 40

// mbECN is the policy of spec 06 §2. Slots are counted on the monotonic clock of a system, which runs
// since its start: those of two members are not aligned. phase stands for that; with aligned slots the
// bursts after a pause would meet at every bottleneck at the same instant, and the flow that comes
// first there would stay first.
type mbECN struct {
	cfg   *MBECNConfig
	phase int64 // ns
}

func (a *mbECN) NewPort(int64) Marker { return mbMarker(a.cfg.QueueShift) }

func (a *mbECN) NewFlow(now core.Time) Flow {
	f := a.newFlow(now)
	return &f
}

func (a *mbECN) newFlow(now core.Time) mbFlow {
	t := int64(now) + a.phase
	return mbFlow{
		cfg: a.cfg, phase: a.phase,
		exp: uint8(a.cfg.SlotExponent), slot: t >> a.cfg.SlotExponent, doubled: t,
		limit: a.cfg.InitialLimit, inc: a.cfg.Increment,
	}
}

// mbMarker is the binary logarithm of the packets that make a level. It looks at the queue alone.
type mbMarker uint8

// Mark ORs the level of the queue into the byte (spec 06 §3): two levels together are at least the
// larger and at most their sum.
func (m mbMarker) Mark(_ core.Time, ecn uint8, queued, _ int) uint8 {
	return ecn | uint8(queued>>m)
}

// SetRate is of no interest.
func (mbMarker) SetRate(int64) {}

// mbFlow is one end of a flow. The letters of spec 06 §4 and §5.1 stand beside the fields.
type mbFlow struct {
	cfg   *MBECNConfig
	phase int64 // of the member's clock, ns

	slot    int64  // S: number of the current slot
	limit   int64  // L: bytes per slot
	inc     int64  // I: additive increment, bytes per slot
	bytes   int64  // B: counted in the current slot
	packets int64  // P: counted in the current slot
	unheard uint32 // n: packets sent since the last report; level is 0 by the time it wraps
	level   uint16 // X: last reported level
	exp     uint8  // M: a slot is 2^M ns long
	avoid   bool   // V: false in slow start
	doubled int64  // when slow start has doubled the limit last, ns of the member's clock

	seen      uint32 // c: congested packets received in this spell
	congested uint16 // R: level to report
}

// Send is spec 06 §5.3.
func (f *mbFlow) Send(now core.Time, n int) time.Duration {
	f.unheard++
	f.packets++
	f.bytes += int64(n)
	if f.unheard > uint32(f.cfg.ReportWindow) {
		f.level = 0
	}
	t := int64(now) + f.phase
	if s := t >> f.exp; s-f.slot > 0 {
		f.slot = s
		f.adapt(t)
		if !f.scale() {
			f.bytes, f.packets = 0, 0
		}
		f.cap()
	}
	if f.bytes <= f.limit {
		return 0
	}
	wait := time.Duration((f.slot+1)<<f.exp - t)
	return min(max(wait, 0), f.cfg.MaxPause)
}

// adapt sets the limit at the start of a slot, at the time t of the member's clock (step 4.2).
func (f *mbFlow) adapt(t int64) {
	switch {
	case !f.avoid:
		if f.bytes > f.limit && f.mayDouble(t) {
			f.limit *= 2
			f.doubled = t
		}
	case f.level > 0:
		f.limit -= f.limit * int64(f.level) >> f.cfg.DecreaseShift
	default:
		f.limit = f.bytes + f.inc
	}
	f.limit = clamp(f.limit)
}

// mayDouble tells whether slow start may double the limit. A source that uses its whole limit makes the
// slots shorter as its rate rises. Doubled in every slot, the rate then rises without bound in a finite
// time, long before a report can tell of it; that is what the specification says, and what the mode
// capped prevents: there the limit doubles once in the time of a first slot.
func (f *mbFlow) mayDouble(t int64) bool {
	return f.cfg.SlowStart == slowStartSpec || t-f.doubled >= 1<<f.cfg.SlotExponent
}

// cap applies the largest rate.
func (f *mbFlow) cap() {
	if f.cfg.MaxRate == 0 {
		return
	}
	hi, lo := bits.Mul64(uint64(f.cfg.MaxRate), 1<<f.exp)
	if hi < 8e9 {
		q, _ := bits.Div64(hi, lo, 8e9)
		f.limit = clamp(int64(min(q, uint64(f.limit))))
	}
}

// scale fits the length of the slot to the number of packets in it (step 4.3), keeping limit and
// increment per time. It reports whether the counters are carried over.
func (f *mbFlow) scale() (carry bool) {
	switch {
	case f.packets < f.cfg.MinPackets:
		k := uint8(0)
		for f.packets<<k < f.cfg.MinPackets && f.exp+k < maxExponent {
			k++
		}
		f.exp += k
		f.slot >>= k
		f.limit, f.inc = clamp(f.limit<<k), clamp(f.inc<<k)
		if k > 0 && f.slot&(1<<k-1) == 0 {
			f.slot++
			return true
		}
	case f.packets > f.cfg.MaxPackets:
		k := uint8(0)
		for f.packets>>k > f.cfg.MaxPackets && f.exp-k > minExponent {
			k++
		}
		f.exp -= k
		f.slot <<= k
		f.limit, f.inc = clamp(f.limit>>k), clamp(f.inc>>k)
	}
	return false
}

// clamp keeps a number of bytes per slot usable (D6): 0 would stop the flow for ever.
func clamp(n int64) int64 { return min(max(n, 1), maxLimit) }

// Recv is the table of spec 06 §4.
func (f *mbFlow) Recv(_ core.Time, _ int, ecn uint8) (report bool, ece uint16) {
	switch {
	case ecn == 0 && f.congested == 0:
		return false, 0
	case ecn == 0:
		f.congested >>= 2
		report = f.congested == 0
	case f.congested == 0:
		f.congested, f.seen = uint16(ecn), 0
		report = true
	default:
		f.congested += uint16(ecn) - f.congested>>f.cfg.AverageShift
		report = f.seen%uint32(f.cfg.ReportEvery) == 1
		f.seen++
	}
	return report, f.congested
}

// Report is spec 06 §5.2: the first report, of whatever level, ends slow start for ever.
func (f *mbFlow) Report(_ core.Time, ece uint16) {
	f.level, f.unheard, f.avoid = ece, 0, true
}

// Rate is that of the current slot, at least 1.
func (f *mbFlow) Rate() int64 {
	hi, lo := bits.Mul64(uint64(f.limit), 1e9)
	return int64(max(hi<<(64-f.exp)|lo>>f.exp, 1))
}

func (f *mbFlow) Snapshot() Snapshot {
	window := time.Duration(1) << f.exp
	s := Snapshot{
		Algorithm: "Multi-bit ECN",
		Rate:      float64(f.limit) / window.Seconds(), Window: window,
		Limit: f.limit, Bytes: f.bytes, Packets: f.packets,
		Upstream: f.level, UpPackets: f.unheard,
		Downstream: f.congested, DownPackets: f.seen,
	}
	switch {
	case !f.avoid:
		s.Regime = SlowStart
	case f.level > 0:
		s.Regime = Decrease
	default:
		s.Regime = Increase
	}
	return s
}
