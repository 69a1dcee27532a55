package main

import (
	"math"
	"time"

	"ouroboros/cmd/internal/tool"
)

// statistics is what came of the requests. Mean and variance are those of Welford's method.
type statistics struct {
	sent, received         int
	outOfOrder, duplicates int
	invalid                int
	window                 tool.Window
	min, max               time.Duration
	mean, squares          float64 // ns
}

// add counts a reply and returns how it is marked.
func (s *statistics) add(id uint32, rtt time.Duration) (mark string) {
	switch s.window.Add(id) {
	case tool.Duplicate:
		s.duplicates++
		return " [duplicate]"
	case tool.Late:
		s.outOfOrder++
		mark = " [out-of-order]"
	}
	s.received++
	if s.received == 1 {
		s.min = rtt
	}
	s.min, s.max = min(s.min, rtt), max(s.max, rtt)
	d := float64(rtt) - s.mean
	s.mean += d / float64(s.received)
	s.squares += d * (float64(rtt) - s.mean)
	return mark
}

// mdev is the sample standard deviation in ns, NaN of a single reply.
func (s *statistics) mdev() float64 { return math.Sqrt(s.squares / float64(s.received-1)) }

// inUnit returns d in ms, or in µs if what decides is less than 0.1 ms.
func inUnit(d, decides time.Duration) (value float64, unit string) {
	if decides < 100*time.Microsecond {
		return float64(d) / 1e3, "µs"
	}
	return float64(d) / 1e6, "ms"
}

// print prints the statistics.
func (p *pinger) print() {
	s := &p.stats
	p.s.Printf("\n--- %s ping statistics ---\n", p.peer.Name)
	p.s.Printf("%d packets transmitted, %d received, ", s.sent, s.received)
	if s.duplicates > 0 {
		p.s.Printf("+%d duplicates, ", s.duplicates)
	}
	if s.invalid > 0 {
		p.s.Printf("+%d invalid, ", s.invalid)
	}
	loss := tool.Percent(uint64(s.sent-s.received), uint64(s.sent))
	p.s.Printf("%d out-of-order, %s packet loss, time: %.3f ms\n", s.outOfOrder, loss, float64(p.s.B.Now().Sub(p.begin))/1e6)
	if s.received == 0 {
		return
	}
	mean := time.Duration(s.mean)
	low, unit := inUnit(s.min, mean)
	avg, _ := inUnit(mean, mean)
	high, _ := inUnit(s.max, mean)
	scale := avg / float64(mean) // also right for the deviation
	if mean == 0 {
		scale = 1e-3
	}
	p.s.Printf("rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f %s\n", low, avg, high, s.mdev()*scale, unit)
}
