package measure

import (
	"ouroboros/core"
	"ouroboros/core/trace"
	"ouroboros/scenarios"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
	"ouroboros/scenarios/traffic"
)

// Piece is what some nodes of an experiment have seen of it: what they have counted, and what the one who puts
// the pieces together needs beside it.
type Piece struct {
	At     core.Time       `json:"at"`
	Halves []traffic.Half  `json:"halves"`
	Links  []LinkPiece     `json:"links"`
	Layers []result.Layer  `json:"layers"` // the parts of these nodes in them
	Limits []Limit         `json:"limits"`
	Series []result.Series `json:"series"`
	Events []trace.Event   `json:"events"` // of the control plane, since the first fault
	// Missed is how many events there were no room for.
	Missed uint64    `json:"missed"`
	Tables []Table   `json:"tables"`
	Failed []string  `json:"failed"`
	Now    core.Time `json:"now"`
	Peak   uint64    `json:"peak"` // most packet buffers
}

// LinkPiece is one direction of a wire.
type LinkPiece struct {
	Wire string      `json:"wire"`
	Dir  int         `json:"dir"`
	Link result.Link `json:"link"`
}

// Table is where members sent packets right before an event, or at the end.
type Table struct {
	Event int         `json:"event"` // number of the event in the run, from 0; -1 at the end
	Steps []node.Step `json:"steps"`
}

// atEnd is the event of the tables at the end.
const atEnd = -1

// maxEvents is how many events of the control plane a part keeps.
const maxEvents = 1 << 20

// notebook is what a part keeps for its piece. The nil notebook keeps nothing.
type notebook struct {
	events []trace.Event
	missed uint64
	tables []Table
	hashes map[int][2]uint32 // of the flows whose source is elsewhere
}

func newNotebook() *notebook { return &notebook{hashes: map[int][2]uint32{}} }

func (n *notebook) event(e trace.Event) {
	switch {
	case n == nil:
	case len(n.events) < maxEvents:
		n.events = append(n.events, e)
	default:
		n.missed++
	}
}

// Hash tells a part what tells a flow with a source elsewhere apart from others; see traffic.Flow.Hash.
func (r *Recorder) Hash(flow int, there, back uint32) {
	if r.notes != nil {
		r.notes.hashes[flow] = [2]uint32{there, back}
	}
}

// mark notes where all flows and tables stand right before an event.
func (r *Recorder) mark(w *window) {
	if r.notes == nil {
		return
	}
	for _, f := range r.cfg.Flows {
		f.Mark(w.number, w.at)
	}
	r.notes.tables = append(r.notes.tables, r.table(w.number, everywhere))
}

// table returns where the members on some nodes send packets now.
func (r *Recorder) table(event int, mine func(node string) bool) Table {
	t := Table{Event: event}
	n := r.cfg.Network
	for _, l := range n.Layers {
		if l.Kind != scenarios.LayerUnicast && l.Kind != scenarios.LayerBroadcast {
			continue
		}
		var ends []node.FlowEnd
		for _, f := range r.cfg.Flows {
			if f.Layer != l.Name {
				continue
			}
			there, back := f.Hash()
			if there == 0 && back == 0 {
				h := r.notes.hashes[f.ID]
				there, back = h[0], h[1]
			}
			ends = append(ends, node.FlowEnd{Dest: f.To, Hash: there}, node.FlowEnd{Dest: f.From, Hash: back})
		}
		seen := map[node.Step]bool{}
		for _, s := range l.Members {
			if !mine(s.Name) {
				continue
			}
			n.Table(l, s, ends, func(x node.Step) {
				if !seen[x] {
					seen[x] = true
					t.Steps = append(t.Steps, x)
				}
			})
		}
	}
	return t
}

// Piece returns what was measured up to now on the nodes that are mine. The recorder was made for pieces.
func (r *Recorder) Piece(now core.Time, mine func(node string) bool) Piece {
	p := Piece{At: now, Missed: r.notes.missed, Now: r.env.Now(), Peak: uint64(max(r.env.Pool.Peak(), 0))}
	for _, f := range r.cfg.Flows {
		if h := f.Half(mine); h.Source != nil || h.Receiver != nil || h.Below != nil {
			p.Halves = append(p.Halves, h)
		}
	}
	for i, w := range r.cfg.Network.Wires {
		for dir, from := range []*node.System{w.A, w.B} {
			if mine(from.Name) && from.Here() {
				p.Links = append(p.Links, LinkPiece{w.Name, dir, r.link(w, i, dir, now)})
			}
		}
	}
	here := func(name string) bool { return mine(name) && r.cfg.Network.System(name).Here() }
	for _, l := range r.cfg.Network.Layers {
		p.Layers = append(p.Layers, r.counted(l, now, here))
		p.Limits = append(p.Limits, r.limits(l, here)...)
	}
	if r.series != nil {
		p.Series = r.series.of(mine)
	}
	for _, e := range r.notes.events {
		if mine(anyLife(nodeOf(e.Stream))) {
			p.Events = append(p.Events, e)
		}
	}
	for _, t := range r.notes.tables {
		own := Table{Event: t.Event}
		for _, s := range t.Steps {
			if mine(s.From) {
				own.Steps = append(own.Steps, s)
			}
		}
		p.Tables = append(p.Tables, own)
	}
	p.Tables = append(p.Tables, r.table(atEnd, mine))
	for _, e := range r.cfg.Network.Failed() {
		p.Failed = append(p.Failed, e.Error())
	}
	return p
}

// of returns the series so far of the nodes that are mine.
func (s *sampler) of(mine func(node string) bool) (out []result.Series) {
	for _, p := range s.probes {
		if p.read != nil && mine(p.owner) && len(p.series.T) > 0 {
			out = append(out, p.series)
		}
	}
	return out
}
