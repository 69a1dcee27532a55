package ca

import (
	"math/rand/v2"

	"ouroboros/core"
)

// lgc is logistic growth control (P. Teymoori, D. Hayes, M. Welzl, S. Gjessing, "Even lower latency, even
// better fairness: logistic growth congestion control in datacenters", LCN 2016): a rate x, as a share of the
// capacity of the path, follows
//
//	x += α·x·(1 − x − load)
//
// whose fixed point is x = 1 − load, whatever α and whatever the round-trip time. All flows that see the
// same load have the same fixed point, so they share evenly.
//
// The publication drives it by the share of one-bit marks and takes the rate from TCP's window. Here the load
// itself travels, in the eight bits of the ECN byte (see loadMarker): that of the N-1 flow, on the way, which is
// loaded most, with the flow's own packets in it. With N flows that always have packets the load is N·x, if x is
// a share of the capacity, hence x = 1/(N+1): even, stable, and below the capacity by one share. That is the
// price of a load that includes the flow's own; a load of the others alone has no single fixed point (any
// shares that sum up to 1 are one). With scale s, x is a share of s times the capacity, and the flows
// together use target·N/(N + 1/s): 0.8 of the target for one flow with the default of 4, 0.89 for two, and
// more for more. A larger s uses more, and evens out more slowly: unequal flows approach each other with
// the rate α·x.
//
// The capacity is the smallest on the path, which also travels in the ECN byte, coarsely but the same for
// all. So a sender needs to know nothing of the path. Flows that share a bottleneck but have different
// smallest capacities get shares in their proportion; the parameter capacity makes them equal. A path of
// which no N-1 flow knows its rate, as over another layer, has no load: its flows stay at their initial rate,
// unless port_rate says what to assume.
//
// Stability: the loop linearised at the fixed point is a delayed integrator of gain α, for any N and s, so it
// is stable up to α·delay = π/2. Senders whose round trip is longer take 1/(2·round trip) for α: the
// fixed point stays, and is reached later.
type lgc struct {
	cfg    *LGCConfig
	pace   pace
	rng    *rand.PCG
	growth int64 // α in 1/s, of 16 bits behind the point
}

func (l *lgc) NewPort(rate int64) Marker {
	m := &loadMarker{cfg: l.cfg, rng: l.rng}
	m.SetRate(rate)
	return m
}

func (l *lgc) NewFlow(now core.Time) Flow {
	f := &lgcFlow{l: l, throttle: newThrottle(&l.pace, now)}
	f.relate(l.cfg.Capacity)
	return f
}

const (
	// A report has 14 bits of load behind the point, or with the highest bit set the code of a capacity.
	reportShift    = 14
	reportCapacity = 1 << 15
	// repeatCapacity is how many reports of load go by until an unchanged capacity is reported again, in
	// case that it was lost.
	repeatCapacity = 16
)

// lgcFlow is one end of a flow.
type lgcFlow struct {
	throttle
	l    *lgc
	full int64 // bytes per second of x = 1; 0 = the capacity of the path is not known yet

	end      core.Time // of the receiver's interval
	sum      uint64    // of the codes of load in it
	count    uint32    // of them
	lastN    uint32    // that the last report stands for
	last     uint16    // load reported
	capacity uint8     // code of the path, 0 = not seen
	told     uint8     // the one reported
	since    uint8     // reports of load since then
}

// relate sets the capacity of the path in bit/s, 0 = not known.
func (f *lgcFlow) relate(rate int64) {
	f.full = int64(float64(min(rate, highestRate)) / 8 * f.l.cfg.Scale)
}

// Recv gathers loads and reports their mean at the end of an interval, or the capacity of the path when it
// is new. The first packet that brings either is reported at once.
func (f *lgcFlow) Recv(now core.Time, _ int, ecn uint8) (report bool, ece uint16) {
	switch {
	case ecn == 0: // no N-1 flow on the path knows its rate
		return false, 0
	case ecn >= capacityBit:
		f.capacity = ecn
	default:
		f.sum += uint64(ecn - 1)
		f.count++
	}
	if f.capacity != f.told || f.capacity != 0 && f.since >= repeatCapacity {
		f.told, f.since = f.capacity, 0
		return true, reportCapacity | uint16(f.capacity)
	}
	if f.count == 0 || now < f.end {
		return false, 0
	}
	f.last = uint16(min(f.sum<<(reportShift-loadShift)/uint64(f.count), reportCapacity-1))
	f.end, f.sum, f.lastN, f.count = now.Add(f.interval), 0, f.count, 0
	f.since++
	return true, f.last
}

// Report takes a step of the equation, over the time since the last one. Nothing is done before the
// capacity is known.
func (f *lgcFlow) Report(now core.Time, ece uint16) {
	if ece >= reportCapacity {
		if f.l.cfg.Capacity == 0 {
			f.relate(capacityOf(uint8(ece)))
		}
		return
	}
	dt, used := f.report(now, ece)
	if f.full == 0 {
		return
	}
	f.slow = false
	rest := fixed - f.rate*fixed/f.full - int64(ece)<<(16-reportShift) // 1 - x - load
	if rest > 0 && !used {
		return
	}
	gain := min(f.l.growth*dt.Microseconds()/1e6, fixed*int64(dt)/(2*int64(f.loop)), fixed)
	step := (f.rate * gain >> 16) * rest >> 16
	f.set(min(max(f.rate+step, f.rate/2), f.full))
	if f.regime = Increase; rest < 0 {
		f.regime = Decrease
	}
}

func (f *lgcFlow) Snapshot() Snapshot {
	s := f.snapshot()
	s.Algorithm = "Logistic growth"
	s.Downstream, s.DownPackets = f.last, f.lastN
	return s
}
