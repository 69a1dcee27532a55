package soak

import (
	"fmt"
	"time"

	"ouroboros/scenarios"
)

// The kinds of faults: their names in the plan begin with these.
var faultKinds = []string{
	"loss", "burst", "reorder", "duplicate", "corrupt", "errors", "jitter", "slow", "down", "flap", "half-dead",
	"isolate", "crash", "restart", "leave", "clock",
}

// misfortunes draws the faults. All of them end, or the run could not show that everything works again.
func (d *drawer) misfortunes() {
	for range 2 + d.IntN(9) {
		d.fault(bringUp, d.silence[0])
	}
	for range d.IntN(2) {
		d.fault(d.silence[0], d.silence[1])
	}
	for range 1 + d.IntN(4) {
		d.fault(d.silence[1], d.calm())
	}
	if dirty(&d.p.Scenario) {
		d.armour()
	}
}

// armour has members whose protocol keeps a state check what they get: a sequence number with a wrong bit could
// otherwise take a flow between them a million packets ahead, and their QoS says that they accept it.
func (d *drawer) armour() {
	none := uint32(0)
	for i := range d.p.Scenario.Layers {
		if q := &d.p.Scenario.Layers[i].QoS; q.Preset != "raw" {
			q.BER = &none
		}
	}
}

// fault draws one that is over by the end.
func (d *drawer) fault(from, to time.Duration) {
	kind := faultKinds[d.IntN(len(faultKinds))]
	at := d.moment(from, to-2*time.Second)
	long := max(min(d.length(), to-at), time.Millisecond)
	f := scenarios.Fault{At: scenarios.Duration(at)}
	w := d.wires[d.IntN(len(d.wires))].name
	n := d.nodes[d.IntN(len(d.nodes))]
	set := func(p scenarios.LinkParams) {
		f.Link, f.Set, f.For = scenarios.Patterns{w}, &p, scenarios.Period(long)
		f.Direction = pick(d, "both", "forward", "backward")
		d.add(kind, f)
	}
	share := func(of ...float64) *float64 { v := of[d.IntN(len(of))]; return &v }
	yes, no := true, false
	switch kind {
	case "loss":
		set(scenarios.LinkParams{Loss: share(0.01, 0.1, 0.3, 0.6)})
	case "burst":
		all := 1.0
		set(scenarios.LinkParams{Gilbert: &scenarios.Gilbert{P: *share(0.01, 0.05), R: *share(0.05, 0.2, 0.5), LossBad: &all}})
	case "reorder":
		set(scenarios.LinkParams{Reorder: &scenarios.Reorder{Probability: *share(0.05, 0.3), By: scenarios.Duration(d.between(time.Millisecond, 60*time.Millisecond))}})
	case "duplicate":
		set(scenarios.LinkParams{Duplicate: share(0.05, 0.5, 1)})
	case "corrupt": // bit errors that the receiver gets to see
		set(scenarios.LinkParams{BER: share(1e-6, 1e-5, 1e-4), FCS: &no})
	case "errors": // the same with a check at the receiver
		set(scenarios.LinkParams{BER: share(1e-5, 1e-4), FCS: &yes})
	case "jitter":
		j := scenarios.Duration(d.between(time.Millisecond, 30*time.Millisecond))
		set(scenarios.LinkParams{Jitter: &j})
	case "slow":
		r := scenarios.Rate(pick[int64](d, 500_000, 1_000_000, 2_000_000))
		q := scenarios.Queue{Bytes: 6000, Full: "drop"}
		set(scenarios.LinkParams{Rate: &r, Queue: &q})
	case "half-dead":
		f.Link, f.Set, f.For, f.Direction = scenarios.Patterns{w}, &scenarios.LinkParams{Loss: share(1)}, scenarios.Period(long), pick(d, "forward", "backward")
		d.add(kind, f)
	case "clock":
		d.p.Clocks = append(d.p.Clocks, Clock{Node: n, At: scenarios.Duration(at), By: int64(pick(d, -time.Hour, -time.Second, -1, 1, time.Second, time.Hour))},
			Clock{Node: n, At: scenarios.Duration(at + long), By: 0}) // who keeps a wrong clock is nobody's peer for good (spec 11)
	default:
		d.breakage(kind, f, w, n, at, long)
	}
}

// breakage draws a fault that takes wires, nodes or members away.
func (d *drawer) breakage(kind string, f scenarios.Fault, w, n string, at, long time.Duration) {
	period := scenarios.Period(long)
	switch kind {
	case "down":
		f.Link, f.Down = scenarios.Patterns{w}, &period
		d.add(kind, f)
	case "flap":
		f.Link = scenarios.Patterns{w}
		for range 2 + d.IntN(5) {
			short := scenarios.Period(d.between(time.Millisecond, 700*time.Millisecond))
			f.Down = &short
			d.add(kind, f)
			f.At += scenarios.Duration(short) + scenarios.Duration(d.between(time.Millisecond, 200*time.Millisecond))
		}
	case "isolate":
		f.Node, f.Down = scenarios.Patterns{n}, &period
		d.add(kind, f)
	case "crash":
		f.Node, f.Kill, f.For = scenarios.Patterns{n}, true, period
		d.add(kind, f)
	case "restart": // at once
		f.Node, f.Kill, f.For = scenarios.Patterns{n}, true, scenarios.Period(pick(d, time.Nanosecond, time.Microsecond, d.between(time.Millisecond, time.Second)))
		d.add(kind, f)
	case "leave":
		layer := d.layers[d.IntN(len(d.layers))]
		members := d.members(layer)
		f.Node, f.Leave = scenarios.Patterns{members[d.IntN(len(members))]}, layer
		d.add(kind, f)
		f.At, f.Leave, f.Join = scenarios.Duration(at+max(long, 2*time.Millisecond)), "", layer
		d.add(kind, f)
	}
}

func (d *drawer) add(kind string, f scenarios.Fault) {
	f.Name = fmt.Sprintf("%s-%d", kind, d.faults)
	d.faults++
	d.p.Scenario.Faults = append(d.p.Scenario.Faults, f)
}

// length draws how long a fault lasts: from an instant to longer than the protocol retransmits.
func (d *drawer) length() time.Duration {
	return pick(d, d.between(time.Millisecond, time.Second), d.between(time.Second, 10*time.Second),
		d.between(10*time.Second, 60*time.Second), d.between(60*time.Second, 150*time.Second))
}
