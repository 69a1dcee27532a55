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
)

// window is what one event brings: the phases of the layers until the next event, and the interruptions of
// flows until each has ended, whatever happens meanwhile.
type window struct {
	number   int // of the event in the run
	event    *faults.Event
	at       core.Time
	repaired core.Time // when another event took it back; Never before
	phases   map[string]*phases
	hits     []*hit
	members  map[string]*member // on the paths of the flows that were hit, by node/layer
}

func newWindow(e *faults.Event, at core.Time) *window {
	return &window{event: e, at: at, repaired: clock.Never, phases: map[string]*phases{}, members: map[string]*member{}}
}

// repair notes that a later event takes back what the window is about.
func (w *window) repair(later *window) {
	e, x := w.event, later.event
	wires := x.Repairs && slices.ContainsFunc(e.Wires, func(y *node.Wire) bool { return slices.Contains(x.Wires, y) })
	if w.repaired == clock.Never && (wires || x.Joins != "" && x.Joins == e.Leaves) {
		w.repaired = later.at
	}
}

// phases are the times by which the members of one layer got over an event; Never before it happened. What
// members hear after the last table has changed, such as the neighbours of one that has left long since giving
// up their connections to it, is no part of getting over it.
type phases struct {
	noticed core.Time
	heard   core.Time // of any news
	known   core.Time // of the news before the last table changed
	routed  core.Time
}

// phase takes an event of a member of a layer. What members compute before any of them has noticed is about
// something else; a policy that notices nothing has no phases. A member that leaves knows itself, and says so.
func (w *window) phase(member, layer string, e trace.Event) {
	if e.Time < w.at {
		return
	}
	p := w.phases[layer]
	if p == nil {
		p = &phases{clock.Never, clock.Never, clock.Never, clock.Never}
		w.phases[layer] = p
	}
	switch e.Kind {
	case trace.AdjacencyLost, trace.AdjacencyUp:
		p.noticed = min(p.noticed, e.Time)
	case trace.LSAOriginated:
		if e.Time == w.at && layer == w.event.Leaves && slices.ContainsFunc(w.event.Nodes, func(s *node.System) bool { return s.Name == member }) {
			p.noticed = e.Time
		}
	case trace.LSAAccepted:
		if p.noticed != clock.Never {
			p.heard = e.Time
		}
	case trace.RoutesChanged:
		if p.noticed != clock.Never {
			p.known, p.routed = p.heard, e.Time
		}
	}
}

// convergence returns what a layer did about each event that concerns it. A change of parameters has nothing
// to converge on.
func (r *Recorder) convergence(l *node.Layer, now core.Time) (out []result.Convergence) {
	for _, w := range r.windows {
		if concerns(w.event, l, r.cfg.Network) {
			c := w.converged(l.Name)
			c.Outages = w.outages(l.Name, now)
			out = append(out, c)
		}
	}
	return out
}

// concerns reports whether an event may move paths of a layer: a wire or a node is below every layer but the
// local ones, and a layer that members leave or join below those that run over it.
func concerns(e *faults.Event, l *node.Layer, n *node.Network) bool {
	of := e.Joins + e.Leaves // one of them is empty
	switch {
	case l.Kind == scenarios.LayerLocal:
		return false
	case of == "":
		return e.Breaks || e.Repairs
	case l.Name == of:
		return true
	}
	return slices.ContainsFunc(l.Over, func(name string) bool {
		below := n.Layer(name)
		return below != nil && concerns(e, below, n)
	})
}

// converged returns the phases of a layer, one after the other.
func (w *window) converged(layer string) result.Convergence {
	c := result.Convergence{Fault: w.event.Name, At: time.Duration(w.at)}
	p := w.phases[layer]
	if p == nil || p.noticed == clock.Never {
		return c
	}
	if p.routed == clock.Never {
		p.known = p.heard
	}
	last := w.at
	step := func(t core.Time) result.Opt[time.Duration] {
		if t == clock.Never {
			return result.None[time.Duration]()
		}
		d := max(t.Sub(last), 0)
		last = max(last, t)
		return result.Some(d)
	}
	c.Detection, c.Flooding, c.Computation = step(p.noticed), step(p.known), step(p.routed)
	if c.Flooding.OK() || c.Computation.OK() {
		c.Total = result.Some(last.Sub(w.at))
	}
	return c
}
