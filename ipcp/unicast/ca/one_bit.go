package ca

import (
	"time"

	"ouroboros/core"
)

// threshold marks with one bit: 1 in the ECN byte of a packet that finds at least so many packets in the
// queue. Marks combine by OR: a packet that was marked stays marked.
type threshold int

// Mark looks at the length of the queue at this instant, as DCTCP does (RFC 8257 §3.1).
func (k threshold) Mark(_ core.Time, ecn uint8, queued, _ int) uint8 {
	if queued >= int(k) {
		return ecn | 1
	}
	return ecn
}

// SetRate is of no interest.
func (threshold) SetRate(int64) {}

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
