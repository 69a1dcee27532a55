package tool

import (
	"math/bits"
	"time"

	"ouroboros/core"
)

// Pace says when packets are sent: at a constant rate by the clock, so that what was late is caught up with, or as fast as
// possible.
type Pace struct {
	System     *System
	Start, End core.Time
	Size       int   // bytes of each packet
	Rate       int64 // bit/s; 0 = as fast as possible
	n          uint64
}

const (
	turn = 32 // packets after which the system gets its turn
	// overtime is how long packets that were due before the end are still sent.
	overtime = time.Second
)

// Due returns when the next packet is due. A packet takes size·8/rate.
func (p *Pace) Due() core.Time {
	if p.Rate == 0 {
		return p.Start
	}
	hi, lo := bits.Mul64(p.n*uint64(p.Size), 8e9)
	if hi >= uint64(p.Rate) {
		return p.End // beyond any
	}
	q, _ := bits.Div64(hi, lo, uint64(p.Rate))
	return p.Start + core.Time(q)
}

// Over reports whether no packet is to be sent any more. What was due before the end is sent after it, for a second: a
// system that was busy for a moment does not make the test shorter.
func (p *Pace) Over() bool {
	now := p.System.B.Now()
	if p.Rate == 0 {
		return now >= p.End
	}
	return p.Due() >= p.End || now >= p.End.Add(overtime)
}

// Sent notes that a packet was sent, and gives the system its turn now and then: a program that never waits would keep it
// from all other work.
func (p *Pace) Sent() {
	p.n++
	if p.n%turn == 0 {
		p.System.B.Sleep(0)
	}
}

// Next waits until the next packet is due and counts it as sent. It reports false at the end.
func (p *Pace) Next() (bool, error) {
	if p.Over() {
		return false, nil
	}
	if d := p.Due().Sub(p.System.B.Now()); d > 0 {
		if err := p.System.App.Sleep(d); err != nil {
			return false, err
		}
	}
	p.Sent()
	return true, nil
}

// Finish waits for the end, so that a rate is that of the whole time and not of the packets but one.
func (p *Pace) Finish() error {
	if d := p.End.Sub(p.System.B.Now()); d > 0 {
		return p.System.App.Sleep(d)
	}
	return nil
}
