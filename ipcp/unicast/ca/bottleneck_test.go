package ca

import (
	"testing"
	"time"

	"ouroboros/core"
)

// bottleneck is a small network: sources that always have packets, each with its own delay, share one FIFO
// of a given rate. It runs whole flows of a policy, marker, receiver and sender, without the rest of a layer.
type bottleneck struct {
	rate   int64 // bit/s
	size   int   // bytes of a packet
	limit  int   // packets that wait at most
	marker Marker
	flows  []*source

	now    core.Time
	events events
	busy   core.Time
	inside int // packets waiting or in service
	seq    int

	cutFeedback core.Time // reports are lost from then on, 0 = never

	drops    int
	maxQueue int
	queueSum int64 // over arrivals
	arrivals int64
}

// source is a flow through the bottleneck, from start to stop.
type source struct {
	tx, rx      Flow
	delay       time.Duration // one way, half of it before the bottleneck
	start, stop core.Time
	bytes       int64 // that arrived since the last reset
}

type event struct {
	at   core.Time
	seq  int
	kind uint8
	flow int
	v    uint16
}

const (
	evTry uint8 = iota // the source offers a packet
	evArrive
	evDepart
	evDeliver
	evReport
)

// events is a binary heap by time, and order of creation.
type events []event

func (e events) before(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}

func (e *events) push(x event) {
	*e = append(*e, x)
	h := *e
	for i := len(h) - 1; i > 0 && h.before(i, (i-1)/2); i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
}

func (e *events) pop() event {
	h := *e
	first, n := h[0], len(h)-1
	h[0] = h[n]
	h = h[:n]
	for i := 0; ; {
		c := 2*i + 1
		if c+1 < n && h.before(c+1, c) {
			c++
		}
		if c >= n || !h.before(c, i) {
			break
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
	*e = h
	return first
}

func newBottleneck(t testing.TB, policy string, params map[string]any, rate int64, sources ...*source) *bottleneck {
	a := newAvoidance(t, policy, params)
	b := &bottleneck{rate: rate, size: 1000, limit: 1000, marker: a.NewPort(rate), flows: sources}
	for i, s := range sources {
		s.tx, s.rx = a.NewFlow(s.start), a.NewFlow(s.start)
		if s.stop == 0 {
			s.stop = 1 << 62
		}
		b.at(s.start, evTry, i, 0)
	}
	return b
}

func (b *bottleneck) at(t core.Time, kind uint8, flow int, v uint16) {
	b.seq++
	b.events.push(event{t, b.seq, kind, flow, v})
}

// run goes on until t and forgets what it has counted before.
func (b *bottleneck) run(t time.Duration) {
	b.drops, b.maxQueue, b.queueSum, b.arrivals = 0, 0, 0, 0
	for _, s := range b.flows {
		s.bytes = 0
	}
	for len(b.events) > 0 && b.events[0].at < core.Time(t) {
		e := b.events.pop()
		b.now = e.at
		b.step(e, b.flows[e.flow])
	}
	b.now = core.Time(t)
}

func (b *bottleneck) step(e event, s *source) {
	switch e.kind {
	case evTry:
		if b.now >= s.stop {
			return
		}
		sent := b.now.Add(s.tx.Send(b.now, b.size))
		b.at(sent.Add(s.delay/2), evArrive, e.flow, 0)
		b.at(sent+core.Time(b.size)*8/10, evTry, e.flow, 0) // the source's own link has 10 Gb/s
	case evArrive:
		b.arrive(e.flow)
	case evDepart:
		b.inside--
		b.at(b.now.Add(s.delay/2), evDeliver, e.flow, e.v)
	case evDeliver:
		s.bytes += int64(b.size)
		if report, ece := s.rx.Recv(b.now, b.size, uint8(e.v)); report && (b.cutFeedback == 0 || b.now < b.cutFeedback) {
			b.at(b.now.Add(s.delay), evReport, e.flow, ece)
		}
	case evReport:
		s.tx.Report(b.now, e.v)
	}
}

func (b *bottleneck) arrive(flow int) {
	waiting := max(b.inside-1, 0)
	b.maxQueue = max(b.maxQueue, waiting)
	b.queueSum += int64(waiting)
	b.arrivals++
	if waiting >= b.limit {
		b.drops++
		return
	}
	ecn := b.marker.Mark(b.now, 0, waiting, b.size)
	b.inside++
	b.busy = max(b.busy, b.now) + core.Time(int64(b.size)*8e9/b.rate)
	b.at(b.busy, evDepart, flow, uint16(ecn))
}

// utilisation is the share of the rate that was delivered in a run of length d.
func (b *bottleneck) utilisation(d time.Duration) float64 {
	sum := int64(0)
	for _, s := range b.flows {
		sum += s.bytes
	}
	return float64(sum) * 8 / float64(b.rate) / d.Seconds()
}

// jain is the fairness index of what the flows got in the last run.
func (b *bottleneck) jain() float64 {
	sum, squares := 0., 0.
	for _, s := range b.flows {
		sum += float64(s.bytes)
		squares += float64(s.bytes) * float64(s.bytes)
	}
	return sum * sum / squares / float64(len(b.flows))
}

// meanQueue is what arrivals found in the last run.
func (b *bottleneck) meanQueue() float64 { return float64(b.queueSum) / float64(b.arrivals) }
