package soak

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/scenarios"
	"ouroboros/scenarios/faults"
	"ouroboros/scenarios/node"
	"ouroboros/sim"
)

// controlNode is the actor that faults and checks run on; it has no links.
const controlNode = "~soak"

// run is one run of a plan.
type run struct {
	p       *Plan
	w       *sim.World
	n       *node.Network
	control core.Env
	pairs   []*pair
	ends    []*end // all that ever were, in the order of their making
	lives   map[uint32]*life
	dirty   bool // bit errors reach the receivers
	bound   int  // of packet buffers
	res     Result
	byWire  map[core.Wire]string
}

// maxViolations is how many violations of one run are reported: more have the same cause most often.
const maxViolations = 3

// Run carries a plan out. An error says that the plan could not be run; violations are in the result.
func Run(p *Plan) (Result, error) {
	r, err := begin(p)
	if err != nil {
		return Result{}, err
	}
	defer r.w.Close()
	return r.finish()
}

// begin builds the network and arms all that happens in it.
func begin(p *Plan) (*run, error) {
	g, err := node.Catalog{}.Graph(&p.Scenario.Topology)
	if err != nil {
		return nil, err
	}
	w := sim.New(p.Seed)
	n, err := node.Build(w, &p.Scenario, g)
	if err != nil {
		return nil, err
	}
	r := &run{p: p, w: w, n: n, lives: map[uint32]*life{}, byWire: map[core.Wire]string{}, dirty: dirty(&p.Scenario)}
	r.res = newResult(p)
	r.control = w.Node(controlNode)
	for _, x := range n.Wires {
		r.byWire[x.Wire] = x.Name
	}
	events, err := faults.Plan(n, p.Scenario.Faults)
	if err != nil {
		return nil, err
	}
	var failed []error
	faults.Schedule(r.control, events, func(e *faults.Event) { r.met(e.Name) }, func(*faults.Event) {}, func(err error) { failed = append(failed, err) })
	for _, c := range p.Clocks {
		r.at(core.Time(c.At), func() {
			r.met("clock-")
			w.SetClock(c.Node, c.By)
		})
	}
	for i := range p.Flows {
		x, err := r.pair(i, &p.Flows[i])
		if err != nil {
			return nil, err
		}
		r.pairs = append(r.pairs, x)
	}
	r.bound = r.bufferBound()
	w.SetTap(r.tap)
	r.every(time.Second, r.watch)
	return r, errors.Join(failed...)
}

// dirty reports whether a scenario has frames delivered with bit errors.
func dirty(sc *scenarios.Scenario) bool {
	wrong := func(p *scenarios.LinkParams) bool { return p != nil && p.FCS != nil && !*p.FCS }
	found := wrong(&sc.Topology.Defaults)
	for i := range sc.Topology.Wires {
		found = found || wrong(&sc.Topology.Wires[i].LinkParams)
	}
	for i := range sc.Links {
		found = found || wrong(&sc.Links[i].LinkParams)
	}
	for i := range sc.Faults {
		found = found || wrong(sc.Faults[i].Set)
	}
	return found
}

func (r *run) now() core.Time { return r.w.Now() }

// at has fn called at a time on the control node.
func (r *run) at(t core.Time, fn func()) {
	r.control.NewTimer(fn).Reset(max(t.Sub(r.control.Now()), 0))
}

// every has fn called again and again until the end of the plan.
func (r *run) every(d time.Duration, fn func()) {
	var t core.Timer
	t = r.control.NewTimer(func() {
		fn()
		if r.now() < r.p.End() {
			t.Reset(d)
		}
	})
	t.Reset(d)
}

// tap looks for what must not be seen on a wire.
func (r *run) tap(w core.Wire, _ int, _ core.Time, p *pkt.Buf) {
	r.res.Frames++
	b := p.Front()
	for {
		i := bytes.Index(b, marker)
		if i < 0 || len(b)-i < headerLen {
			return
		}
		of := binary.BigEndian.Uint32(b[i+8:])
		if l := r.lives[of]; l != nil && l.p.secret && (!r.dirty || genuine(b[i:])) {
			r.violate(promiseClear, l.p, l.ends[0], "a message of an encrypted flow is on the wire %s in clear", r.byWire[w])
		}
		b = b[i+len(marker):]
	}
}

// violate reports that a promise was broken.
func (r *run) violate(promise string, p *pair, e *end, format string, args ...any) {
	r.res.Broken++
	if len(r.res.Violations) >= maxViolations {
		return
	}
	v := Violation{Seed: r.p.Seed, At: r.now(), Promise: promise, Text: fmt.Sprintf(format, args...), kind: format}
	if p != nil {
		v.Flow = fmt.Sprintf("%s (%s, %s to %s in %s)", p.Name, p.kind(), p.From, p.To, p.Layer)
	}
	if e != nil {
		v.Events = eventsOf(e)
	}
	r.res.Violations = append(r.res.Violations, v)
	r.w.Stop()
}

func (e *end) violate(promise, format string, args ...any) {
	e.p.r.violate(promise, e.p, e, "at "+e.sys.Name+": "+format, args...)
}

// fail counts why something did not work: no violation by itself.
func (r *run) fail(what string, err error) {
	if err == nil {
		return
	}
	var code core.Code
	if errors.As(err, &code) {
		err = code
	}
	r.res.Failures[what+": "+err.Error()]++
}

// Times after the end of a plan: until every flow must have been given back, and until the network must have
// nothing left that waits.
const (
	patience = 5 * time.Second
	grace    = 700 * time.Second
	// forgotten is how long a layer keeps a closed flow at most: 133 s, and 148 s where the MPL is 5 s.
	forgotten = 200 * time.Second
	steps     = 20 * time.Second
)

// finish lets time pass and looks at what is left.
func (r *run) finish() (Result, error) {
	err := r.w.Run(r.p.End())
	if r.w.Stopped() || err != nil {
		return r.end(), err
	}
	for _, p := range r.pairs {
		p.stop()
		p.hushed()
	}
	last := r.p.End()
	for _, e := range r.ends {
		if e.closed != clock.Never && !e.dead {
			last = max(last, e.closed.Add(e.lingers()))
		}
	}
	if err := r.w.Run(last); err != nil || r.w.Stopped() {
		return r.end(), err
	}
	r.lingering()
	r.exact()
	if err := r.w.Run(last.Add(forgotten)); err != nil || r.w.Stopped() {
		return r.end(), err
	}
	r.records()
	r.bury()
	r.n.Close()
	for until := r.now().Add(grace); r.now() < until && !r.w.Stopped() && !r.idle(); {
		if err := r.w.Run(r.now().Add(steps)); err != nil {
			return r.end(), err
		}
	}
	if !r.w.Stopped() {
		r.nothingLeft()
	}
	return r.end(), nil
}

// end completes the result.
func (r *run) end() Result {
	r.res.Simulated = time.Duration(r.now())
	r.res.Fingerprint = r.w.Fingerprint()
	r.res.PeakBuffers = r.w.Pool().Peak()
	return r.res
}
