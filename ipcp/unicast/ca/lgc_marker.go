package ca

import (
	"math/rand/v2"

	"ouroboros/core"
)

// The ECN byte under lgc is one of two things, and 0 before the first N-1 flow of known rate:
//
//	1 … 127    load, (code-1)/64: the largest on the path
//	128 … 255  capacity, 64 kbit/s · 2^((code-128)/4) rounded up: the smallest on the path
//
// The node that finds 0 chooses which, a capacity for one packet in four. Loads are rounded up or down at
// random, so that the mean of many is right although a step is 1/64.
const (
	loadShift    = 6 // a step of the byte is 2^-6
	maxLoadCode  = 127
	capacityBit  = 128
	capacityUnit = 64_000 // bit/s
	// freeQueue is how many packets may wait without counting as load.
	freeQueue = 8
	// backlogShift is the logarithm of how many lengths of the window what waits is spread over. Worked off
	// faster, the queue would be a second integrator in the loop and make it swing.
	backlogShift = 4
)

// capacityOf returns the rate in bit/s that a code stands for; the highest bit is ignored.
func capacityOf(code uint8) int64 {
	// Quarters of an octave, of 16 bits behind the point.
	quarter := [4]int64{65536, 77936, 92682, 110218}
	c := code &^ capacityBit
	return capacityUnit * quarter[c&3] >> 16 << (c >> 2)
}

// capacityCode returns the code of the smallest capacity that is not below rate.
func capacityCode(rate int64) uint8 {
	c := uint8(capacityBit)
	for c < 255 && capacityOf(c) < rate {
		c++
	}
	return c
}

// loadMarker measures the load of one N-1 flow: what its packets, those of all flows together, ask of its
// rate. It counts bytes over a sliding window of 2^LoadExponent ns: those since the last multiple of that
// length, and of the length before the part that is still inside. Of the queue the packets beyond
// freeQueue count too, spread over some time: so a queue that stands, because headers below the layer were
// not counted for instance, is worked off.
type loadMarker struct {
	cfg  *LGCConfig
	rng  *rand.PCG
	unit int64 // bytes in a window at a load of 1; 0 = the rate is not known
	code uint8 // of the capacity
	turn int64 // number of the current length of time
	cur  int64 // bytes in it
	prev int64 // bytes in the one before
}

// SetRate sets the capacity, which also ends the measurement of the load if it is not known.
func (m *loadMarker) SetRate(rate int64) {
	if rate <= 0 {
		rate = m.cfg.PortRate
	}
	rate = min(rate, highestRate)
	m.code = capacityCode(rate)
	// The microsecond is fine enough, and the product fits.
	perSecond := int64(float64(rate) / 8 * m.cfg.Target)
	m.unit = perSecond * (1 << m.cfg.LoadExponent / 1000) / 1e6
	if rate > 0 {
		m.unit = max(m.unit, 1)
	}
}

// load counts a packet and returns the load, of 22 bits behind the point.
func (m *loadMarker) load(now core.Time, queued, n int) int64 {
	e := m.cfg.LoadExponent
	t := int64(now)
	if turn := t >> e; turn != m.turn {
		m.prev = 0
		if turn == m.turn+1 {
			m.prev = min(m.cur, 2*m.unit)
		}
		m.turn, m.cur = turn, 0
	}
	m.cur += int64(n)
	left := 1<<e - t&(1<<e-1)
	bytes := m.cur + m.prev*(left>>10)>>(e-10)
	if queued > freeQueue {
		bytes += int64(queued-freeQueue) * int64(n) >> backlogShift
	}
	return min(bytes, 2*m.unit) << 22 / m.unit
}

// Mark combines the packet's byte with the load or the capacity of this N-1 flow. One of unknown rate
// leaves it as it is.
func (m *loadMarker) Mark(now core.Time, ecn uint8, queued, n int) uint8 {
	if m.unit == 0 {
		return ecn
	}
	load := m.load(now, queued, n)
	draw := m.rng.Uint64()
	if ecn >= capacityBit || ecn == 0 && m.cfg.Capacity == 0 && draw>>62 == 0 {
		if ecn == 0 {
			return m.code
		}
		return min(ecn, m.code)
	}
	// The load has 22 bits behind the point, a code 6: what is cut off is 16 bits.
	code := 1 + (load+int64(draw&(fixed-1)))>>(22-loadShift)
	return max(ecn, uint8(min(code, maxLoadCode)))
}
