// Package measure observes an experiment and turns what it saw into results: flows, links, layers,
// convergence after faults, time series, and the judgement of the scenario's expectations.
package measure

import (
	"slices"
	"strings"
	"time"

	"ouroboros/core"
	"ouroboros/core/trace"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/scenarios"
	"ouroboros/scenarios/faults"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/traffic"
)

// Config is what a recorder observes.
type Config struct {
	Scenario *scenarios.Scenario
	Network  *node.Network
	Flows    []*traffic.Flow
	Start    core.Time // of the measurement of links; the warm-up is added
	// Pieces: the recorder sees nodes that make up a part of the network, or shall be taken apart into such; it notes
	// what Piece needs.
	Pieces bool
}

// Recorder observes one run.
type Recorder struct {
	env     core.Env
	cfg     Config
	base    [][2]core.LinkStats      // of the wires at the end of the warm-up
	windows []*window                // of the events so far; phases are those of the last one
	open    []*window                // those with flows that have not come back
	down    map[*node.Wire]core.Time // since when a wire is down
	downFor map[*node.Wire]time.Duration
	changed core.Time // when the last event has happened
	faulty  bool      // a wire or node has failed: paths may have moved
	series  *sampler
	waited  map[*dt.DT][]dt.Waiting // in the IPCPs by the end of the warm-up
	notes   *notebook               // of a part; nil otherwise
	whole   *whole                  // what the parts have counted, in the one who puts them together; nil otherwise
}

// New returns a recorder that lives on env.
func New(env core.Env, cfg Config) *Recorder {
	r := &Recorder{
		env: env, cfg: cfg, base: make([][2]core.LinkStats, len(cfg.Network.Wires)),
		down: map[*node.Wire]core.Time{}, downFor: map[*node.Wire]time.Duration{},
	}
	if cfg.Pieces {
		r.notes = newNotebook()
	}
	if sc := cfg.Scenario; sc.Series.Interval > 0 {
		r.series = newSampler(env, cfg)
	}
	return r
}

// Begin arms the end of the warm-up and the time series.
func (r *Recorder) Begin() {
	if w := r.cfg.Scenario.Warmup.D(); w > 0 {
		r.env.NewTimer(func() {
			for i, w := range r.cfg.Network.Wires {
				r.base[i] = [2]core.LinkStats{w.Stats(0), w.Stats(1)}
			}
			r.warm(r.env.Now())
		}).Reset(core.Time(w).Sub(r.env.Now()))
	}
	if r.series != nil {
		r.series.begin()
	}
}

// Fault is called right before an event happens: it looks which flows the event will hit, by the forwarding
// tables as they stand.
func (r *Recorder) Fault(e *faults.Event) {
	w := newWindow(e, r.env.Now())
	w.number = len(r.windows)
	for _, old := range r.windows {
		old.repair(w)
	}
	r.windows = append(r.windows, w)
	r.changed = r.env.Now()
	r.faulty = r.faulty || e.Breaks || e.Repairs || e.Joins != "" || e.Leaves != ""
	if e.Breaks || e.Leaves != "" {
		r.hit(w)
		r.mark(w)
	}
	r.open = append(r.open, w)
	if r.whole == nil { // else all is known before it happens
		r.open = slices.DeleteFunc(r.open, (*window).over)
	}
}

// Past takes note of an event that has happened before this part of the network began.
func (r *Recorder) Past(e *faults.Event) {
	w := newWindow(e, e.At)
	w.number = len(r.windows)
	r.windows = append(r.windows, w)
	r.changed, r.faulty = r.env.Now(), true
}

// Happened is called right after an event: it keeps the time that wires are down. Faults overlap, so that what
// counts is how the wires stand.
func (r *Recorder) Happened(e *faults.Event) {
	now := r.env.Now()
	for _, x := range e.Wires {
		since, was := r.down[x]
		switch is := e.Down(x); {
		case is && !was:
			r.down[x] = now
		case was && !is:
			r.downFor[x] += now.Sub(since)
			delete(r.down, x)
		}
	}
}

// Observe takes a control event of the run. Its stream begins with the node and the layer of the component.
func (r *Recorder) Observe(e trace.Event) {
	if len(r.windows) == 0 {
		return
	}
	at, rest, _ := strings.Cut(e.Stream, "/")
	layer, _, _ := strings.Cut(rest, "/")
	if layer == "" {
		return
	}
	r.notes.event(e)
	at, layer = anyLife(at), anyLife(layer)
	r.windows[len(r.windows)-1].phase(at, layer, e)
	if len(r.open) == 0 {
		return
	}
	k := at + "/" + layer
	for _, w := range r.open {
		if m := w.members[k]; m != nil {
			m.observe(e)
		}
	}
}

// anyLife takes the number off that an environment has from its second life on: c~2 is c, started again.
func anyLife(name string) string {
	i := strings.LastIndexByte(name, '~')
	if i <= 0 || i == len(name)-1 || strings.Trim(name[i+1:], "0123456789") != "" {
		return name
	}
	return name[:i]
}
