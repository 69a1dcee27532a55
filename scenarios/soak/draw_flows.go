package soak

import (
	"fmt"
	"time"

	"ouroboros/scenarios"
)

// flows draws the pairs of programs.
func (d *drawer) flows(end time.Duration) {
	for i := range 2 + d.IntN(8) {
		d.p.Flows = append(d.p.Flows, d.flow(i, end))
	}
}

// flow draws one: reliable ones most often.
func (d *drawer) flow(i int, end time.Duration) Flow {
	f := Flow{Name: fmt.Sprintf("f%d", i), Layer: d.layers[d.IntN(len(d.layers))]}
	members := d.members(f.Layer)
	a := d.IntN(len(members))
	b := (a + 1 + d.IntN(len(members)-1)) % len(members)
	f.From, f.To = members[a], members[b]
	f.QoS = d.qos()
	f.Encrypt = d.odds(3)
	f.Authenticate = d.certified && d.odds(2)
	f.Start = scenarios.Duration(d.moment(3*time.Second, 20*time.Second))
	f.Stop = scenarios.Duration(end - 10*time.Second)
	f.Lag = scenarios.Duration(pick(d, 0, time.Nanosecond, d.upTo(5*time.Second)))
	f.Accept = scenarios.Duration(pick(d, 0, 0, d.upTo(900*time.Millisecond)))
	d.frcp(&f)
	if d.odds(3) {
		f.FirstSeq = 1<<32 - 1 - uint64(d.IntN(3000))
	}
	f.There = d.bursts(end)
	switch d.IntN(3) {
	case 0:
		f.Echo = true
	case 1:
		f.Back = d.bursts(end)
	}
	if f.QoS.Bandwidth != nil || f.QoS.Preset == "voice" {
		modest(f.There)
		modest(f.Back)
	}
	for range d.IntN(3) {
		at := d.moment(bringUp, d.silence[0]-60*time.Second)
		f.Pauses = append(f.Pauses, Pause{
			End: pick(d, endFrom, endTo), At: scenarios.Duration(at), For: scenarios.Duration(d.between(time.Second, 50*time.Second)),
		})
	}
	return f
}

// modest keeps bursts to about 40 kbit/s, and their echo too: a flow that is held to less than what is written on it would
// be behind for minutes.
func modest(bursts []Burst) {
	for i := range bursts {
		b := &bursts[i]
		b.Min = min(b.Min, 200)
		b.Max = max(b.Min, min(b.Max, 200))
		b.Count = min(b.Count, 100)
		b.Interval = max(b.Interval, scenarios.Duration(50*time.Millisecond)*scenarios.Duration(b.Count))
	}
}

func (d *drawer) members(layer string) []string {
	for i := range d.p.Scenario.Layers {
		if l := &d.p.Scenario.Layers[i]; l.Name == layer && l.Members != nil {
			return l.Members
		}
	}
	return d.nodes
}

func (d *drawer) qos() scenarios.QoS {
	q := scenarios.QoS{Preset: pick(d, "raw", "raw_no_errors", "best", "best", "data", "data", "data", "data", "video", "voice")}
	if q.Preset != "raw" && q.Preset != "raw_no_errors" && d.odds(2) {
		none := uint32(0)
		q.BER = &none
	}
	if q.Preset == "video" || d.odds(4) {
		rate := scenarios.Rate(pick[int64](d, 100, 300, 1000) * 1000)
		q.Bandwidth = &rate
	}
	// An ordered flow without a time-out whose peer is gone asks for its window forever: it is left out.
	t := pick(d, 120*time.Second, 120*time.Second, 20*time.Second, 5*time.Second)
	if q.Preset == "data" && d.odds(6) {
		t = 0
	}
	timeout := scenarios.Duration(t)
	q.Timeout = &timeout
	return q
}

func (d *drawer) frcp(f *Flow) {
	x := &f.FRCP
	x.Recovery = pick(d, "rack", "rack", "rack", "prototype")
	x.Window = pick(d, 64, 64, 65, 128, 1024)
	x.AckEvery = pick(d, 1, 2, 2, 8, 32)
	x.AckDelay = scenarios.Duration(pick(d, time.Millisecond, 10*time.Millisecond, 10*time.Millisecond, 500*time.Millisecond))
	x.PlainAcks = d.odds(6)
	for _, v := range []**bool{&x.TailProbe, &x.Undo, &x.Ranges} {
		if d.odds(5) {
			no := false
			*v = &no
		}
	}
	x.KeyEpoch = pick(d, 0, 16, 64, 1000)
	if d.odds(3) {
		x.A = d.seconds(1, 2, 5)
		x.R = d.seconds(10, 20, 40)
	}
}

// bursts draws what one end writes: before the silence and after it. Every flow writes something at the end,
// when everything must work.
func (d *drawer) bursts(end time.Duration) []Burst {
	var out []Burst
	for range 1 + d.IntN(2) {
		from := d.moment(bringUp, d.silence[0]-30*time.Second)
		out = append(out, d.burst(from, d.between(from+5*time.Second, d.silence[0])))
	}
	from := d.moment(d.silence[1], d.silence[1]+20*time.Second)
	out = append(out, d.burst(from, d.calm()))
	last := d.burst(d.calm()+d.upTo(20*time.Second), end-flush)
	last.Interval, last.Count = scenarios.Duration(d.between(200*time.Millisecond, 2*time.Second)), 1+d.IntN(3)
	last.Max = max(last.Min, min(last.Max, 300)) // less than what the slowest link carries
	return append(out, last)
}

func (d *drawer) burst(from, until time.Duration) Burst {
	b := Burst{From: scenarios.Duration(from), Until: scenarios.Duration(until), Count: 1}
	switch d.IntN(4) {
	case 0: // one by one
		b.Interval = scenarios.Duration(d.between(10*time.Millisecond, 300*time.Millisecond))
	case 1: // rarely
		b.Interval = scenarios.Duration(d.between(time.Second, 15*time.Second))
	case 2: // some at a time
		b.Interval, b.Count = scenarios.Duration(d.between(500*time.Millisecond, 5*time.Second)), 2+d.IntN(60)
	case 3: // many at a time
		b.Interval, b.Count = scenarios.Duration(d.between(5*time.Second, 40*time.Second)), 100+d.IntN(1500)
	}
	b.Min = scenarios.Size(pick(d, 1, 1, 20, 100, 1000))
	b.Max = max(b.Min, scenarios.Size(pick(d, 1, 64, 300, 1400, 100_000)))
	return b
}
