package ca

import (
	"time"

	"ouroboros/core"
)

const (
	// fullPacket is the packet that steps and thresholds are counted in, in bytes.
	fullPacket = 1500
	// A threshold by rate lies within these, in packets. Fewer would take chance meetings for congestion; more
	// would leave too little of a transmit queue of 1023 packets.
	minThreshold, maxThreshold = 8, 512
	// unknownThreshold is that of an N-1 flow that does not tell its rate.
	unknownThreshold = 20
)

// threshold marks with one bit: 1 in the ECN byte of a packet that finds at least so many packets in the
// queue. Marks combine by OR: a packet that was marked stays marked.
type threshold struct {
	packets  int
	interval time.Duration // 0 = the threshold is given
}

// newThreshold returns the marker of an N-1 flow of rate bit/s. Without a given number of packets the threshold is a
// seventh of what the N-1 flow carries in half an interval. That is the guideline of DCTCP, K > C·RTT/7, with half an
// interval for the round trip: so old is what a report tells, in the mean.
func newThreshold(packets int, interval time.Duration, rate int64) *threshold {
	k := &threshold{packets: packets}
	if packets == 0 {
		k.interval = interval
		k.SetRate(rate)
	}
	return k
}

// Mark looks at the length of the queue at this instant, as DCTCP does (RFC 8257 §3.1).
func (k *threshold) Mark(_ core.Time, ecn uint8, queued, _ int) uint8 {
	if queued >= k.packets {
		return ecn | 1
	}
	return ecn
}

// SetRate changes a threshold by rate.
func (k *threshold) SetRate(rate int64) {
	switch {
	case k.interval == 0:
	case rate <= 0:
		k.packets = unknownThreshold
	default:
		bytes := float64(rate) / 8 * k.interval.Seconds() / 2 / 7
		k.packets = int(min(max(bytes/fullPacket, minThreshold), maxThreshold))
	}
}

// increaseOf returns the increase of a rate in bytes per second and second. Where none is given in bit/s per second it is
// that of TCP, a packet per round trip more in each round trip (RFC 5681 §3.1, RFC 8257 §3.3), with half an
// interval for the round trip: 19.2 Mb/s in a second with an interval of 50 ms, 48 Gb/s with 1 ms.
func increaseOf(given int64, interval time.Duration) int64 {
	if given != 0 {
		return given / 8
	}
	half := interval.Seconds() / 2
	return int64(fullPacket / half / half)
}

// markCounter is the receiver of the one-bit policies. It counts packets, and those of them that are
// marked, over observation windows of at least one interval. The packet that comes at the end of a window or
// after it closes it, and is counted in it; the first packet of a flow is a window of its own. So a flow of few
// packets reports each of them.
type markCounter struct {
	end           core.Time
	total, marked uint32
	last          uint16 // reported
	lastTotal     uint32
}

// count counts a packet. It reports whether the window is over: at its end, or before that with early set.
func (c *markCounter) count(now core.Time, marked, early bool) (over bool) {
	c.total++
	if marked {
		c.marked++
	}
	return early || now >= c.end
}

// next opens the next window.
func (c *markCounter) next(now core.Time, interval time.Duration, reported uint16) {
	c.last, c.lastTotal = reported, c.total
	c.end, c.total, c.marked = now.Add(interval), 0, 0
}

// share returns the marked share of the packets, 0 to 65535 for all. A single mark in a long window is
// still told.
func (c *markCounter) share() uint16 {
	if c.marked == 0 {
		return 0
	}
	return uint16(max(uint64(c.marked)*65535/uint64(c.total), 1))
}
