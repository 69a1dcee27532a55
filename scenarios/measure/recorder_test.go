package measure

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/trace"
	"ouroboros/scenarios/faults"
	"ouroboros/scenarios/result"
)

// TestConvergenceFollowsTheEvents: detection ends with the first member that notices, flooding with the
// last that hears of it, computation with the last table; other layers and earlier events do not count,
// and the phases add up to the total.
func TestConvergenceFollowsTheEvents(t *testing.T) {
	const ms = core.Time(time.Millisecond)
	window := func(breaks bool) *Recorder {
		return &Recorder{window: &window{
			event: &faults.Event{Name: "cut", Breaks: breaks}, at: 100 * ms,
			layers: map[string]*phases{"net": {clock.Never, clock.Never, clock.Never}},
		}}
	}
	r := window(true)
	for _, e := range []trace.Event{
		{Time: 99 * ms, Stream: "a/net/routing", Kind: trace.RoutesChanged},
		{Time: 103 * ms, Stream: "a/net/routing", Kind: trace.AdjacencyLost},
		{Time: 104 * ms, Stream: "b/net/routing", Kind: trace.AdjacencyLost},
		{Time: 105 * ms, Stream: "b/other/routing", Kind: trace.LSAAccepted},
		{Time: 110 * ms, Stream: "c/net/routing", Kind: trace.LSAAccepted},
		{Time: 120 * ms, Stream: "d/net/routing", Kind: trace.LSAAccepted},
		{Time: 118 * ms, Stream: "c/net/routing", Kind: trace.RoutesChanged},
		{Time: 125 * ms, Stream: "d/net/routing", Kind: trace.RoutesChanged},
		{Time: 900 * ms, Stream: "a/net/dt", Kind: trace.FlowAllocated},
		{Time: 900 * ms, Stream: "a", Kind: trace.RoutesChanged},
	} {
		r.Observe(e)
	}
	r.closeWindow()
	got := r.convergence("net")
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	some := func(n int) result.Opt[time.Duration] { return result.Some(time.Duration(n) * time.Millisecond) }
	if c := got[0]; c.Detection != some(3) || c.Flooding != some(17) || c.Computation != some(5) || c.Total != some(25) || c.Installation != some(0) {
		t.Errorf("%+v", c)
	}

	r = window(true) // nobody notices
	r.closeWindow()
	if c := r.convergence("net")[0]; c.Detection.OK() || c.Total.OK() || c.Computation.OK() {
		t.Errorf("without any event: %+v", c)
	}
	r = window(false) // a change of parameters has nothing to converge on
	r.closeWindow()
	if got := r.convergence("net"); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	r.Observe(trace.Event{Time: 1, Stream: "a/net/routing", Kind: trace.AdjacencyLost}) // before any fault
}
