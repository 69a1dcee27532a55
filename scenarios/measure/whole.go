package measure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"ouroboros/core/trace"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
	"ouroboros/scenarios/traffic"
)

// whole is what all pieces of an experiment say together.
type whole struct {
	links  map[linkKey]*result.Link
	layers map[string]*result.Layer
	limit  []Limit
	pieces []result.Series
	failed []string
	events []trace.Event
	tables map[int]map[stepKey]node.Step
}

type linkKey struct {
	wire string
	dir  int
}

type stepKey struct {
	layer, from, dest string
	hash              uint32
}

// Join has the recorder report what the pieces say, in place of what it sees itself: its network and its flows are
// shadows. Pieces of one node come in the order of its lives. Events returns what it must be told by Observe at
// their times then.
func (r *Recorder) Join(pieces []Piece) error {
	w := &whole{links: map[linkKey]*result.Link{}, layers: map[string]*result.Layer{}, tables: map[int]map[stepKey]node.Step{}}
	halves := map[int][]traffic.Half{}
	for i := range pieces {
		p := &pieces[i]
		for _, h := range p.Halves {
			halves[h.Flow] = append(halves[h.Flow], h)
		}
		w.addLinks(p.Links)
		for k := range p.Layers {
			w.addLayer(&p.Layers[k])
		}
		w.limit = append(w.limit, p.Limits...)
		w.pieces = append(w.pieces, p.Series...)
		w.failed = append(w.failed, p.Failed...)
		w.events = append(w.events, p.Events...)
		for _, t := range p.Tables {
			w.addTable(t)
		}
	}
	slices.SortStableFunc(w.events, func(a, b trace.Event) int { return cmp.Compare(a.Time, b.Time) })
	for _, f := range r.cfg.Flows {
		if err := f.Join(halves[f.ID], r.cfg.Network.System); err != nil {
			return err
		}
	}
	if err := w.check(r.cfg.Network); err != nil {
		return err
	}
	for _, l := range r.cfg.Network.Layers {
		x := w.layers[l.Name]
		place := func(name string) int {
			return slices.IndexFunc(l.Members, func(s *node.System) bool { return s.Name == name })
		}
		slices.SortStableFunc(x.Queues, func(a, b result.Queue) int { return cmp.Compare(place(a.From), place(b.From)) })
	}
	r.whole = w
	r.cfg.Network.Steps = w.steps(atEnd)
	return nil
}

// Events returns the events of the control plane that the pieces hold, in the order of their time.
func (r *Recorder) Events() []trace.Event { return r.whole.events }

// AtEnd has the recorder look at the tables as they stood at the end.
func (r *Recorder) AtEnd() { r.cfg.Network.Steps = r.whole.steps(atEnd) }

// check makes sure that nothing of the network is missing.
func (w *whole) check(n *node.Network) error {
	for _, x := range n.Wires {
		for dir, s := range []*node.System{x.A, x.B} {
			if w.links[linkKey{x.Name, dir}] == nil {
				return fmt.Errorf("no part of the experiment has reported link %s from %s", x.Name, s.Name)
			}
		}
	}
	for _, l := range n.Layers {
		if w.layers[l.Name] == nil {
			return fmt.Errorf("no part of the experiment has reported layer %s", l.Name)
		}
	}
	return nil
}

// addLinks takes directions of wires. One that several lives of a node have fed is the sum of what they say.
func (w *whole) addLinks(all []LinkPiece) {
	for _, p := range all {
		k := linkKey{p.Wire, p.Dir}
		x := w.links[k]
		if x == nil {
			l := p.Link
			w.links[k] = &l
			continue
		}
		l := &p.Link
		x.Rate, x.Delay = l.Rate, l.Delay
		x.Utilisation, x.Throughput = plus(x.Utilisation, l.Utilisation), plus(x.Throughput, l.Throughput)
		x.QueueMean = plus(x.QueueMean, l.QueueMean)
		x.SentPackets += l.SentPackets
		x.SentBytes += l.SentBytes
		x.DeliveredPackets += l.DeliveredPackets
		x.DeliveredBytes += l.DeliveredBytes
		x.Drops.Queue += l.Drops.Queue
		x.Drops.Loss += l.Drops.Loss
		x.Drops.Error += l.Drops.Error
		x.Drops.Down += l.Drops.Down
		x.Duplicated += l.Duplicated
		x.QueueMax, x.Down = max(x.QueueMax, l.QueueMax), max(x.Down, l.Down)
	}
}

func plus[T result.Number](a, b result.Opt[T]) result.Opt[T] {
	x, ok := a.Get()
	y, has := b.Get()
	if !ok && !has {
		return result.None[T]()
	}
	return result.Some(x + y)
}

// addLayer takes what some members of a layer have counted.
func (w *whole) addLayer(p *result.Layer) {
	x := w.layers[p.Name]
	if x == nil {
		l := *p
		l.Control, l.Drops, l.Queues = slices.Clone(p.Control), slices.Clone(p.Drops), slices.Clone(p.Queues)
		w.layers[p.Name] = &l
		return
	}
	x.Joined += p.Joined
	if up, ok := p.Up.Get(); ok {
		x.Up = result.Some(max(x.Up.Or(0), up))
	}
	t := totals{l: x}
	for _, c := range p.Control {
		t.control(c.Kind, c.Packets, c.Bytes)
	}
	for _, d := range p.Drops {
		i := slices.IndexFunc(x.Drops, func(y result.Count) bool { return y.Name == d.Name })
		if i < 0 {
			x.Drops = append(x.Drops, d)
			continue
		}
		x.Drops[i].Value += d.Value
	}
	for _, q := range p.Queues {
		i := slices.IndexFunc(x.Queues, func(y result.Queue) bool { return y.From == q.From && y.To == q.To })
		if i < 0 {
			x.Queues = append(x.Queues, q)
			continue
		}
		x.Queues[i].Max = max(x.Queues[i].Max, q.Max)
		x.Queues[i].Mean = plus(x.Queues[i].Mean, q.Mean)
	}
	a, b := &x.Load, &p.Load
	a.Packets, a.Bytes = plus(a.Packets, b.Packets), plus(a.Bytes, b.Bytes)
	a.HopPackets, a.HopBytes = plus(a.HopPackets, b.HopPackets), plus(a.HopBytes, b.HopBytes)
	if !a.Header.OK() {
		a.Header = b.Header
	}
}

func (w *whole) addTable(t Table) {
	m := w.tables[t.Event]
	if m == nil {
		m = map[stepKey]node.Step{}
		w.tables[t.Event] = m
	}
	for _, s := range t.Steps {
		m[stepKey{s.Layer, s.From, s.Dest, s.Hash}] = s
	}
}

// steps returns where members sent packets right before an event. Of a flow that they could not tell apart it is
// where they sent those of any.
func (w *whole) steps(event int) func(layer, from, dest string, hash uint32) (node.Step, bool) {
	m := w.tables[event]
	return func(layer, from, dest string, hash uint32) (node.Step, bool) {
		s, ok := m[stepKey{layer, from, dest, hash}]
		if !ok {
			s, ok = m[stepKey{layer, from, dest, 0}]
		}
		return s, ok
	}
}

// limits returns those of the members of a layer, in their order.
func (w *whole) limits(l *node.Layer) (out []Limit) {
	for _, s := range l.Members {
		for _, m := range w.limit {
			if m.Layer == l.Name && m.Node == s.Name {
				out = append(out, m)
			}
		}
	}
	return out
}

// series returns the sum of all series of the same name, sample by sample. Clocks of parts differ a little: what
// falls into the same interval belongs together.
func (w *whole) series(x result.Series, every time.Duration) result.Series {
	out := result.Series{Name: x.Name, Unit: x.Unit}
	group := strings.HasPrefix(x.Name, "workload.")
	slot := func(t float64) int64 { return int64(math.Round(t / every.Seconds())) }
	for _, p := range w.pieces {
		if p.Name != x.Name || len(p.T) != len(p.V) {
			continue
		}
		if len(out.T) == 0 || !group {
			out.T, out.V = append(out.T, p.T...), append(out.V, p.V...)
			continue
		}
		at := map[int64]int{}
		for i, t := range out.T {
			at[slot(t)] = i
		}
		for i, t := range p.T {
			if k, ok := at[slot(t)]; ok {
				out.V[k] += p.V[i]
				continue
			}
			out.Add(t, p.V[i])
		}
		sortSeries(&out)
	}
	return out
}

func sortSeries(s *result.Series) {
	order := make([]int, len(s.T))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.T[a], s.T[b]) })
	t, v := make([]float64, len(order)), make([]float64, len(order))
	for i, k := range order {
		t[i], v[i] = s.T[k], s.V[k]
	}
	s.T, s.V = t, v
}

func nodeOf(stream string) string {
	at, _, _ := strings.Cut(stream, "/")
	return at
}
