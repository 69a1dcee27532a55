// Package measure observes an experiment and turns what it saw into results: flows, links, layers,
// convergence after faults, time series, and the judgement of the scenario's expectations.
package measure

import (
	"strings"
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

// Config is what a recorder observes.
type Config struct {
	Scenario *scenarios.Scenario
	Network  *node.Network
	Flows    []*traffic.Flow
	Start    core.Time // of the measurement of links; the warm-up is added
}

// Recorder observes one run.
type Recorder struct {
	env     core.Env
	cfg     Config
	base    [][2]core.LinkStats // of the wires at the end of the warm-up
	window  *window             // of the last fault
	done    []*window
	down    map[*node.Wire]core.Time // since when a wire is down
	downFor map[*node.Wire]time.Duration
	faulty  bool // a wire or node has failed: paths may have moved
	series  *sampler
}

// window is the time from one fault to the next.
type window struct {
	event    *faults.Event
	at       core.Time
	affected []*traffic.Flow
	outages  []outage // of the affected flows, when the window closes
	layers   map[string]*phases
	order    []string
}

// outage is the longest pause of a flow between two deliveries, 0 if it did not get any after the fault.
type outage struct {
	gap  time.Duration
	lost uint64
}

// phases are the times by which the members of one layer got over a fault; Never before it happened.
type phases struct{ noticed, known, routed core.Time }

// New returns a recorder that lives on env.
func New(env core.Env, cfg Config) *Recorder {
	r := &Recorder{
		env: env, cfg: cfg, base: make([][2]core.LinkStats, len(cfg.Network.Wires)),
		down: map[*node.Wire]core.Time{}, downFor: map[*node.Wire]time.Duration{},
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
		}).Reset(core.Time(w).Sub(r.env.Now()))
	}
	if r.series != nil {
		r.series.begin()
	}
}

// Fault is called right before an event happens: it closes the window of the one before and looks which
// flows the event will hit, by the forwarding tables as they stand.
func (r *Recorder) Fault(e *faults.Event) {
	now := r.env.Now()
	r.closeWindow()
	w := &window{event: e, at: now, layers: map[string]*phases{}}
	for _, l := range r.cfg.Network.Layers {
		w.layers[l.Name] = &phases{clock.Never, clock.Never, clock.Never}
		w.order = append(w.order, l.Name)
	}
	r.window = w
	r.count(e, now)
	if !e.Breaks {
		return
	}
	r.faulty = true
	for _, f := range r.cfg.Flows {
		if f.Stats.Sent == 0 || f.Stats.Ended != clock.Never || f.Stats.Delivered == 0 {
			continue
		}
		l := r.cfg.Network.Layer(f.Layer)
		if l == nil {
			continue
		}
		hash, _ := f.Hash()
		path := r.cfg.Network.Path(l, f.From, f.To, hash)
		for _, x := range e.Wires {
			if node.Uses(path, x) {
				w.affected = append(w.affected, f)
				f.WatchGaps()
				break
			}
		}
	}
}

// count keeps the time that wires are down.
func (r *Recorder) count(e *faults.Event, now core.Time) {
	for _, x := range e.Wires {
		since, isDown := r.down[x]
		switch {
		case e.Breaks && !isDown:
			r.down[x] = now
		case e.Repairs && isDown:
			r.downFor[x] += now.Sub(since)
			delete(r.down, x)
		}
	}
}

func (r *Recorder) closeWindow() {
	w := r.window
	if w == nil {
		return
	}
	for _, f := range w.affected {
		var o outage
		if f.Stats.GapEnd >= w.at {
			o = outage{f.Stats.Gap, f.Stats.GapLost}
		}
		w.outages = append(w.outages, o)
	}
	r.done = append(r.done, w)
	r.window = nil
}

// Observe takes a control event of the run. The layer is the second element of a component's path.
func (r *Recorder) Observe(e trace.Event) {
	if r.window == nil || e.Time < r.window.at {
		return
	}
	parts := strings.SplitN(e.Stream, "/", 3)
	if len(parts) < 2 {
		return
	}
	p := r.window.layers[parts[1]]
	if p == nil {
		return
	}
	switch e.Kind {
	case trace.AdjacencyLost, trace.AdjacencyUp:
		if p.noticed == clock.Never {
			p.noticed = e.Time
		}
	case trace.LSAAccepted:
		p.known = e.Time
	case trace.RoutesChanged:
		p.routed = e.Time
	}
}

// convergence returns what a layer did about each fault that broke or repaired something.
func (r *Recorder) convergence(layer string) (out []result.Convergence) {
	for _, w := range r.done {
		if !w.event.Breaks && !w.event.Repairs {
			continue
		}
		c := result.Convergence{Fault: w.event.Name, At: time.Duration(w.at)}
		p := w.layers[layer]
		last := w.at
		step := func(t core.Time) result.Opt[time.Duration] {
			if t == clock.Never {
				return result.None[time.Duration]()
			}
			d := max(t.Sub(last), 0)
			last = max(last, t)
			return result.Some(d)
		}
		c.Detection = step(p.noticed)
		c.Flooding = step(p.known)
		c.Computation = step(p.routed)
		if p.routed != clock.Never {
			// The shortest paths are installed in the call that computes them.
			c.Installation = result.Some(time.Duration(0))
		}
		if last > w.at {
			c.Total = result.Some(last.Sub(w.at))
		} else if p.noticed != clock.Never {
			c.Total = result.Some(time.Duration(0))
		}
		c.Outages = outages(w, layer)
		out = append(out, c)
	}
	return out
}

// outages returns the interruptions of the flows that an event hit.
func outages(w *window, layer string) (out []result.Outage) {
	for i, f := range w.affected {
		if f.Layer != layer {
			continue
		}
		o := result.Outage{Flow: f.ID, Lost: w.outages[i].lost}
		if w.outages[i].gap > 0 {
			o.Duration = result.Some(w.outages[i].gap)
		}
		out = append(out, o)
	}
	return out
}
