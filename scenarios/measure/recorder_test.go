package measure

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/trace"
	"ouroboros/scenarios"
	"ouroboros/scenarios/faults"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
	"ouroboros/scenarios/traffic"
)

const ms = core.Time(time.Millisecond)

func some(n int) result.Opt[time.Duration] { return result.Some(time.Duration(n) * time.Millisecond) }

// windowAt is a recorder with the window of an event at 100 ms.
func windowAt(e faults.Event, events ...trace.Event) (*Recorder, *window) {
	w := newWindow(&e, 100*ms)
	r := &Recorder{windows: []*window{w}, open: []*window{w}, cfg: Config{Network: &node.Network{}}}
	for _, e := range events {
		r.Observe(e)
	}
	return r, w
}

// TestConvergenceFollowsTheEvents: detection ends with the first member that notices, flooding with the
// last that hears of it, computation with the last table; other layers and earlier events do not count,
// and the phases add up to the total.
func TestConvergenceFollowsTheEvents(t *testing.T) {
	cut := faults.Event{Name: "cut", Breaks: true}
	r, _ := windowAt(
		cut,
		trace.Event{Time: 99 * ms, Stream: "a/net/routing", Kind: trace.RoutesChanged},
		trace.Event{Time: 103 * ms, Stream: "a/net/routing", Kind: trace.AdjacencyLost},
		trace.Event{Time: 104 * ms, Stream: "b/net/routing", Kind: trace.AdjacencyLost},
		trace.Event{Time: 105 * ms, Stream: "b/other/routing", Kind: trace.LSAAccepted},
		trace.Event{Time: 110 * ms, Stream: "c/net/routing", Kind: trace.LSAAccepted},
		trace.Event{Time: 120 * ms, Stream: "d/net/routing", Kind: trace.LSAAccepted},
		trace.Event{Time: 118 * ms, Stream: "c/net/routing", Kind: trace.RoutesChanged},
		trace.Event{Time: 125 * ms, Stream: "d/net/routing", Kind: trace.RoutesChanged},
		trace.Event{Time: 800 * ms, Stream: "d/net/routing", Kind: trace.LSAAccepted}, // moves no table
		trace.Event{Time: 900 * ms, Stream: "a/net/dt", Kind: trace.FlowAllocated},
		trace.Event{Time: 900 * ms, Stream: "a", Kind: trace.RoutesChanged},
	)
	got := r.convergence(&node.Layer{Name: "net"}, clock.Never)
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	if c := got[0]; c.Detection != some(3) || c.Flooding != some(17) || c.Computation != some(5) || c.Total != some(25) {
		t.Errorf("%+v", c)
	}
	(&Recorder{}).Observe(trace.Event{Time: 1, Stream: "a/net/routing", Kind: trace.AdjacencyLost}) // before any fault
}

// A node that was started again, and a member that has come back, are who they were: their streams bear a
// number. Who leaves notices at once.
func TestLaterLivesAreObserved(t *testing.T) {
	e := faults.Event{Name: "leaves", Leaves: "net", Nodes: []*node.System{{Name: "e"}}}
	r, w := windowAt(e)
	m := w.member(&node.System{Name: "c"}, &node.Layer{Name: "net"})
	for _, e := range []trace.Event{
		{Time: 100 * ms, Stream: "b/net/routing", Kind: trace.LSAOriginated}, // something else
		{Time: 100 * ms, Stream: "e/net~2/routing", Kind: trace.LSAOriginated},
		{Time: 104 * ms, Stream: "c~2/net/routing", Kind: trace.LSAAccepted},
		{Time: 120 * ms, Stream: "c~2/net~13/routing", Kind: trace.RoutesChanged},
	} {
		r.Observe(e)
		if noticed := w.phases["net"].noticed != clock.Never; noticed != (e.Stream[0] != 'b') {
			t.Errorf("after %v: noticed %v", e, noticed)
		}
	}
	if c := r.convergence(&node.Layer{Name: "net"}, clock.Never)[0]; c.Detection != some(0) || c.Flooding != some(4) || c.Computation != some(16) {
		t.Errorf("%+v", c)
	}
	if len(m.changed) != 1 {
		t.Errorf("tables of c: %v", m.changed)
	}
	for name, want := range map[string]string{"c": "c", "c~2": "c", "c~": "c~", "~experiment": "~experiment", "a~b": "a~b", "~2": "~2"} {
		if got := anyLife(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// What nobody has noticed nobody has computed: tables that change for another reason are no phase, nor is
// the detection alone a total.
func TestPhasesAreMissingRatherThanWrong(t *testing.T) {
	for name, x := range map[string]struct {
		events    []trace.Event
		detection bool
	}{
		"nothing":         {nil, false},
		"an old table":    {[]trace.Event{{Time: 136 * ms, Stream: "a/net/routing", Kind: trace.RoutesChanged}}, false},
		"an old message":  {[]trace.Event{{Time: 136 * ms, Stream: "a/net/routing", Kind: trace.LSAAccepted}}, false},
		"detection alone": {[]trace.Event{{Time: 136 * ms, Stream: "a/net", Kind: trace.AdjacencyLost}}, true},
	} {
		r, _ := windowAt(faults.Event{Name: "cut", Breaks: true}, x.events...)
		c := r.convergence(&node.Layer{Name: "net"}, clock.Never)[0]
		if c.Detection.OK() != x.detection || c.Flooding.OK() || c.Computation.OK() || c.Total.OK() {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// A fault is in the tables of the layers that it concerns: one of a wire or node in all but the local ones,
// one of members in their layer and those over it, a change of parameters in none.
func TestLayersThatAFaultConcerns(t *testing.T) {
	low := &node.Layer{Name: "low", Kind: scenarios.LayerUnicast, Over: []string{scenarios.Links}}
	top := &node.Layer{Name: "top", Kind: scenarios.LayerUnicast, Over: []string{"low"}}
	side := &node.Layer{Name: "side", Kind: scenarios.LayerBroadcast, Over: []string{scenarios.Links}}
	own := &node.Layer{Name: "own", Kind: scenarios.LayerLocal}
	layers := []*node.Layer{low, top, side, own}
	n := &node.Network{Layers: layers}
	for _, x := range []struct {
		event faults.Event
		want  [4]bool
	}{
		{faults.Event{Breaks: true}, [4]bool{true, true, true, false}},
		{faults.Event{Repairs: true}, [4]bool{true, true, true, false}},
		{faults.Event{Leaves: "low"}, [4]bool{true, true, false, false}},
		{faults.Event{Joins: "low"}, [4]bool{true, true, false, false}},
		{faults.Event{Joins: "top"}, [4]bool{false, true, false, false}},
		{faults.Event{}, [4]bool{}},
	} {
		for i, l := range layers {
			if got := concerns(&x.event, l, n); got != x.want[i] {
				t.Errorf("%+v, layer %s: %v", x.event, l.Name, got)
			}
		}
	}
}

// The parts of an outage add up to it. Over an alternate a flow is back before any table on the way to
// the failure has changed; one that the repair has brought back, or new routes, was not protected.
func TestPartsOfAnOutage(t *testing.T) {
	note := func(at core.Time, node string, k trace.Kind) trace.Event {
		return trace.Event{Time: at * ms, Stream: node + "/net/routing", Kind: k}
	}
	noticed := note(110, "b", trace.LinkDown)
	for name, x := range map[string]struct {
		events                     []trace.Event
		repaired, resumed          core.Time
		protected                  bool
		detection, switched, rests result.Opt[time.Duration]
	}{
		"alternate":      {[]trace.Event{noticed, note(310, "b", trace.RoutesChanged)}, 900, 115, true, some(10), some(0), some(4)},
		"static":         {[]trace.Event{noticed}, 900, 115, true, some(10), some(0), some(4)},
		"new routes":     {[]trace.Event{noticed, note(310, "b", trace.RoutesChanged)}, 900, 315, false, some(10), some(200), some(4)},
		"on the way":     {[]trace.Event{noticed, note(300, "a", trace.RoutesChanged)}, 900, 315, false, some(10), some(190), some(14)},
		"elsewhere":      {[]trace.Event{noticed, note(200, "z", trace.RoutesChanged), note(310, "b", trace.RoutesChanged)}, 900, 315, false, some(10), some(200), some(4)},
		"an old table":   {[]trace.Event{note(105, "b", trace.RoutesChanged), noticed, note(310, "b", trace.RoutesChanged)}, 900, 315, false, some(10), some(200), some(4)},
		"repair":         {[]trace.Event{noticed}, 150, 155, false, some(10), result.None[time.Duration](), result.None[time.Duration]()},
		"nobody noticed": {nil, 900, 155, false, result.None[time.Duration](), result.None[time.Duration](), result.None[time.Duration]()},
	} {
		e := faults.Event{Name: "cut", Breaks: true}
		r, w := windowAt(e)
		w.repaired = x.repaired * ms
		net := &node.Layer{Name: "net"}
		at, before := w.member(&node.System{Name: "b"}, net), w.member(&node.System{Name: "a"}, net)
		w.hits = []*hit{{flow: &traffic.Flow{}, at: []*member{at}, path: []*member{at, before}}}
		for _, e := range x.events {
			r.Observe(e)
		}
		resumed := x.resumed * ms
		length := resumed.Sub(101 * ms) // the last delivery before was at 101 ms
		o := w.outage(w.hits[0], traffic.Outage{Ended: true, Resumed: resumed, Length: length})
		if o.Protected != x.protected || o.Detection != x.detection || o.Switch != x.switched || o.Rest != x.rests || o.Duration.Or(0) != length {
			t.Errorf("%s: %+v", name, o)
		}
		if rest, ok := o.Rest.Get(); ok && o.Detection.Or(0)+o.Switch.Or(0)+rest != length {
			t.Errorf("%s: the parts of %v do not add up: %+v", name, length, o)
		}
	}
	_, w := windowAt(faults.Event{Breaks: true})
	if o := w.outage(&hit{flow: &traffic.Flow{}}, traffic.Outage{Length: 7, Lost: 3}); o.Duration.OK() || o.AtLeast.Or(0) != 7 || o.Lost != 3 || o.Protected {
		t.Errorf("not ended: %+v", o)
	}
}

// Means and maxima over outages are missing as soon as one has not ended, and an expectation of them fails and
// says why.
func TestOutageMetrics(t *testing.T) {
	run := result.Run{Layers: []result.Layer{{Convergence: []result.Convergence{
		{Fault: "one", Outages: []result.Outage{{Duration: some(10), Protected: true}, {Duration: some(20), Protected: true}, {Duration: some(200)}, {Duration: some(220)}}},
		{Fault: "two", Outages: []result.Outage{{Duration: some(15), Protected: true}, {AtLeast: some(500)}}},
	}}}}
	none := -1.0
	for name, want := range map[string][3]float64{ // in ms: of one, of two, of both
		"outage.flows": {4, 2, 6}, "outage.unended": {0, 1, 1}, "outage.protected": {2, 1, 3},
		"outage.min": {10, 15, 10}, "outage.mean": {112.5, none, none}, "outage.max": {220, none, none},
		"outage.protected.min": {10, 15, 10}, "outage.protected.mean": {15, 15, 15}, "outage.protected.max": {20, 15, 20},
		"outage.unprotected.min": {200, none, 200}, "outage.unprotected.mean": {210, none, none}, "outage.unprotected.max": {220, none, none},
	} {
		m, ok := scenarios.MetricByName(name)
		if !ok {
			t.Fatalf("%s is no metric", name)
		}
		for i, of := range []scenarios.Patterns{{"one"}, {"two"}, nil} {
			got := Evaluate(m, of, &run).Or(none)
			if m.Unit == scenarios.UnitTime && got != none {
				got /= 1e6
			}
			if got != want[i] {
				t.Errorf("%s of %v: %v, want %v", name, of, got, want[i])
			}
		}
	}
	sc := &scenarios.Scenario{Expect: []scenarios.Expect{
		{Metric: "outage.max", Op: "<", Want: 1e12},
		{Metric: "outage.max", Of: scenarios.Patterns{"one"}, Op: "<", Want: 1e12},
	}}
	Judge(sc, &run)
	if e := run.Expectations; e[0].OK || e[0].Reason != "outages that had not ended when the run did: 1" || !e[1].OK {
		t.Errorf("%+v", e)
	}
}
