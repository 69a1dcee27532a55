package soak

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ouroboros/core"
)

// The promises that the campaign looks for a counterexample to.
const (
	promiseReliable    = "reliable"  // a reliable flow delivers what was written, once, in order, or reports failure
	promiseOrdered     = "ordered"   // ordered flows never go backwards
	promiseWrongFlow   = "integrity" // nothing is delivered to the wrong flow, or changed
	promiseClear       = "clear"     // nothing of an encrypted flow is on a wire in clear
	promiseNothingLeft = "left"      // no buffer, timer or record survives
	promiseMemory      = "memory"    // memory is bounded
	promiseStuck       = "stuck"     // every stuck state ends by its timer
	promiseCounters    = "counters"  // counters add up
)

// Violation is a promise that was broken.
type Violation struct {
	Seed    uint64
	At      core.Time
	Promise string
	Flow    string   // empty: of no flow in particular
	Text    string   // what happened
	Events  []string // the last ones of both ends of the flow

	kind string // what Text is made of: the same for the same mistake
}

// Write prints the violation with what is needed to look into it.
func (v *Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d at %.9fs: promise %q is broken", v.Seed, v.At.Seconds(), v.Promise)
	if v.Flow != "" {
		fmt.Fprintf(&b, " on %s", v.Flow)
	}
	fmt.Fprintf(&b, ": %s\n", v.Text)
	for _, e := range v.Events {
		fmt.Fprintf(&b, "  %s\n", e)
	}
	return b.String()
}

// Met is a kind of fault and what it met: a policy as "routing link-state", a kind of flow as "flow reliable".
type Met struct{ Fault, What string }

// Result is what a run has seen.
type Result struct {
	Seed               uint64
	Simulated          time.Duration
	Frames             uint64 // sent on wires
	Written, Delivered uint64 // messages
	Corrupt            uint64 // delivered on flows that nothing protects from bit errors
	Lives              uint64 // flows allocated
	PeakBuffers        int
	Failures           map[string]uint64 // by what failed and why
	Met                map[Met]uint64
	Fingerprint        uint64
	Violations         []Violation
	Broken             uint64 // violations, the ones not kept too

	meets []string
}

func newResult(p *Plan) Result {
	r := Result{Seed: p.Seed, Failures: map[string]uint64{}, Met: map[Met]uint64{}}
	for i := range p.Scenario.Layers {
		l := &p.Scenario.Layers[i]
		for _, k := range l.Policies.Kinds() {
			if k.Policy.Name != "" {
				r.meets = append(r.meets, k.Kind+" "+k.Policy.Name)
			}
		}
		r.meets = append(r.meets, "members "+l.QoS.Preset)
	}
	for i := range p.Scenario.Security {
		s := &p.Scenario.Security[i]
		r.meets = append(r.meets, "cipher "+s.Cipher, "kex "+s.Kex)
	}
	for i := range p.Flows {
		r.meets = append(r.meets, "flow "+p.Flows[i].kind())
	}
	slices.Sort(r.meets)
	r.meets = slices.Compact(r.meets)
	return r
}

// met counts a fault with all that it meets.
func (r *run) met(name string) {
	kind := name
	for _, k := range faultKinds {
		if strings.HasPrefix(name, k+"-") {
			kind = k
		}
	}
	if strings.Contains(name, " ") {
		return // its end
	}
	for _, what := range r.res.meets {
		r.res.Met[Met{kind, what}]++
	}
}

// Add adds the figures of another run.
func (r *Result) Add(x *Result) {
	if r.Failures == nil {
		r.Failures, r.Met = map[string]uint64{}, map[Met]uint64{}
	}
	r.Simulated += x.Simulated
	r.Frames += x.Frames
	r.Written += x.Written
	r.Delivered += x.Delivered
	r.Corrupt += x.Corrupt
	r.Lives += x.Lives
	r.PeakBuffers = max(r.PeakBuffers, x.PeakBuffers)
	r.Broken += x.Broken
	for k, n := range x.Failures {
		r.Failures[k] += n
	}
	for k, n := range x.Met {
		r.Met[k] += n
	}
	r.Violations = append(r.Violations, x.Violations...)
}

// Causes returns the keys of Failures in order.
func (r *Result) Causes() []string { return slices.Sorted(maps.Keys(r.Failures)) }

// eventsOf returns the last events of both ends of a flow in the order of their time.
func eventsOf(e *end) []string {
	type line struct {
		at   core.Time
		text string
	}
	var all []line
	for _, x := range []*end{e, e.other()} {
		if x == nil {
			continue
		}
		for i := max(0, x.past.n-lastEvents); i < x.past.n; i++ {
			ev := x.past.events[i%lastEvents]
			all = append(all, line{ev.at, ev.String()})
		}
	}
	slices.SortStableFunc(all, func(a, b line) int { return cmp.Compare(a.at, b.at) })
	out := make([]string, 0, len(all))
	for _, l := range all {
		out = append(out, l.text)
	}
	return out
}
