package ca

import (
	"time"

	"ouroboros/core"
)

const (
	// maxPause is the longest pause before a packet.
	maxPause = time.Second
	// credit is how far a flow may fall behind its rate and catch up at once. Without it a source whose
	// gaps vary would lose what it leaves unused in between.
	credit = time.Millisecond
)

// pacer spreads the packets of a flow over time: a packet goes when what was sent before it has had its
// time at the rate of the flow. A source that always has packets thus makes no bursts.
type pacer struct {
	rate int64     // bytes per second, at least 1
	next core.Time // when the packets so far have had their time
	rem  int64     // of the last division: byte·s/10^9
}

// send takes a packet of n bytes and returns how long it has to wait. A packet that would have to wait
// for more than maxPause goes then, and does not burden those behind it.
func (p *pacer) send(now core.Time, n int) time.Duration {
	at := min(max(p.next, now.Add(-credit)), now.Add(maxPause))
	cost := min(int64(n), p.rate, 1<<32)*int64(time.Second) + p.rem
	p.next = at.Add(time.Duration(cost / p.rate))
	p.rem = cost % p.rate
	return max(at.Sub(now), 0)
}

// idle returns for how long the flow has not had anything to send.
func (p *pacer) idle(now core.Time) time.Duration { return now.Sub(p.next) }
