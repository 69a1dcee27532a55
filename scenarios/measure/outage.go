package measure

import (
	"slices"
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

// hit is a flow whose path an event breaks.
type hit struct {
	flow  *traffic.Flow
	watch *traffic.Watch
	at    []*member // right before the failure, in each layer from that of the flow down
	path  []*member // those that packets pass on the way there, and these
}

// member is what a member of a layer did since an event.
type member struct {
	noticed core.Time   // a link of its own that failed; Never before
	changed []core.Time // its forwarding table
}

func (m *member) observe(e trace.Event) {
	switch e.Kind {
	case trace.LinkDown, trace.AdjacencyLost:
		m.noticed = min(m.noticed, e.Time)
	case trace.RoutesChanged:
		m.changed = append(m.changed, e.Time)
	}
}

// hit finds the flows that an event will hit. A flow that begins or ends where a node is killed or
// leaves the layer is none of them: no layer could keep it.
func (r *Recorder) hit(w *window) {
	if r.whole != nil {
		r.cfg.Network.Steps = r.whole.steps(w.number)
	}
	for _, f := range r.cfg.Flows {
		l := r.cfg.Network.Layer(f.Layer)
		if l == nil || ends(w.event, f) {
			continue
		}
		breaks := r.breaks(w.event, l, f)
		if breaks == nil {
			continue
		}
		watch, ok := f.WatchOf(w.number, w.at)
		if !ok {
			continue
		}
		h := &hit{flow: f, watch: watch}
		for _, b := range breaks {
			at := w.member(b.At, b.Layer)
			h.at, h.path = append(h.at, at), append(h.path, at)
			for _, s := range b.Before {
				h.path = append(h.path, w.member(s, b.Layer))
			}
		}
		w.hits = append(w.hits, h)
	}
}

// over reports whether all flows that were hit have come back.
func (w *window) over() bool {
	return !slices.ContainsFunc(w.hits, func(h *hit) bool { return !h.watch.Ended() })
}

// ends reports whether an event ends a flow rather than its path.
func ends(e *faults.Event, f *traffic.Flow) bool {
	if e.Leaves != "" && e.Leaves != f.Layer {
		return false
	}
	return slices.Contains(e.Nodes, f.From) || slices.Contains(e.Nodes, f.To)
}

// breaks returns where an event breaks the path of a flow; for one that waits for answers the way back
// counts too.
func (r *Recorder) breaks(e *faults.Event, l *node.Layer, f *traffic.Flow) []node.Break {
	fails := func(h *node.Hop) bool {
		if e.Leaves != "" {
			return h.Layer.Name == e.Leaves && (slices.Contains(e.Nodes, h.From) || slices.Contains(e.Nodes, h.To))
		}
		_, down := r.down[h.Wire]
		return h.Wire != nil && !down && slices.Contains(e.Wires, h.Wire)
	}
	there, home := f.Hash()
	out := node.Cut(r.cfg.Network.Route(l, f.From, f.To, there), fails)
	if f.Kind == traffic.Ping {
		out = append(out, node.Cut(r.cfg.Network.Route(l, f.To, f.From, home), fails)...)
	}
	return out
}

// member returns what is kept of a member of a layer.
func (w *window) member(s *node.System, l *node.Layer) *member {
	k := s.Name + "/" + l.Name
	if w.members[k] == nil {
		w.members[k] = &member{noticed: clock.Never}
	}
	return w.members[k]
}

// outages returns the interruptions of the flows of a layer.
func (w *window) outages(layer string, now core.Time) (out []result.Outage) {
	for _, h := range w.hits {
		if h.flow.Layer != layer {
			continue
		}
		if o, ok := h.watch.Outage(now); ok {
			out = append(out, w.outage(h, o))
		}
	}
	return out
}

// outage splits an interruption up. The member at the failed link notices; then it has an alternate and
// sends on at once, or the flow waits until a member on the way there has computed another path.
func (w *window) outage(h *hit, o traffic.Outage) result.Outage {
	x := result.Outage{Flow: h.flow.ID, Lost: o.Lost}
	if !o.Ended {
		x.AtLeast = result.Some(o.Length)
		return x
	}
	x.Duration = result.Some(o.Length)
	noticed := h.noticed()
	if noticed > o.Resumed {
		return x
	}
	detection := noticed.Sub(w.at)
	x.Detection = result.Some(detection)
	changed := h.changed(noticed)
	switch {
	case o.Resumed < min(changed, w.repaired):
		x.Protected = true
		changed = noticed
	case changed > o.Resumed:
		return x
	}
	x.Switch = result.Some(changed.Sub(noticed))
	x.Rest = result.Some(o.Length - detection - changed.Sub(noticed))
	return x
}

// noticed returns when a member at the failure has noticed, Never if none has.
func (h *hit) noticed() core.Time {
	t := clock.Never
	for _, m := range h.at {
		t = min(t, m.noticed)
	}
	return t
}

// changed returns when the first table on the way to the failure has changed since.
func (h *hit) changed(since core.Time) core.Time {
	t := clock.Never
	for _, m := range h.path {
		if i := slices.IndexFunc(m.changed, func(c core.Time) bool { return c >= since }); i >= 0 {
			t = min(t, m.changed[i])
		}
	}
	return t
}

// unended returns how many outages had not ended.
func unended(cs []*result.Convergence) (n uint64) {
	for _, c := range cs {
		for i := range c.Outages {
			n += one(!c.Outages[i].Duration.OK())
		}
	}
	return n
}

// outageMetric evaluates a metric of outages.
func outageMetric(name string, cs []*result.Convergence) result.Opt[float64] {
	var all, protected, others []result.Outage
	for _, c := range cs {
		for _, o := range c.Outages {
			all = append(all, o)
			if o.Protected {
				protected = append(protected, o)
			} else {
				others = append(others, o)
			}
		}
	}
	switch name {
	case "outage.flows":
		return result.Some(float64(len(all)))
	case scenarios.Unended:
		if len(cs) > 0 {
			return result.Some(float64(unended(cs)))
		}
	case "outage.protected":
		return result.Some(float64(len(protected)))
	case "outage.min", "outage.mean", "outage.max":
		return span(name[len("outage."):], all)
	case "outage.protected.min", "outage.protected.mean", "outage.protected.max":
		return span(name[len("outage.protected."):], protected)
	case "outage.unprotected.min", "outage.unprotected.mean", "outage.unprotected.max":
		return span(name[len("outage.unprotected."):], others)
	}
	return result.None[float64]()
}

// span returns one of the shortest, mean and longest outage in ns.
func span(which string, of []result.Outage) result.Opt[float64] {
	shortest, mean, longest := result.Span(of)
	v := map[string]result.Opt[time.Duration]{"min": shortest, "mean": mean, "max": longest}[which]
	if ns, ok := v.Float(); ok {
		return result.Some(ns)
	}
	return result.None[float64]()
}
