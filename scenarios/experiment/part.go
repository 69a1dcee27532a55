package experiment

import (
	"ouroboros/core"
	"ouroboros/scenarios"
	"ouroboros/scenarios/faults"
	"ouroboros/scenarios/measure"
	"ouroboros/scenarios/node"
	"ouroboros/topologies"
)

// News is what a part of an experiment tells the others.
type News struct {
	Member *node.News `json:"member,omitempty"`
	Flow   *FlowNews  `json:"flow,omitempty"`
}

// FlowNews says what tells a flow apart from others on its way; see traffic.Flow.Hash.
type FlowNews struct {
	ID    int    `json:"id"`
	EID   uint64 `json:"eid"` // of the flow at its source, from the application; then the others are not known
	There uint32 `json:"there"`
	Back  uint32 `json:"back"`
}

// Role is which part of a node runs in a process.
type Role string

// The roles.
const (
	Whole  Role = ""       // all of it
	System Role = "system" // its layers: what a daemon is
	Apps   Role = "apps"   // its applications, the workload
)

// PartConfig says which part of an experiment runs here.
type PartConfig struct {
	// Node is the one that runs here. The others are shadows of those that run elsewhere.
	Node string
	Role Role
	// Users is what the applications ask for flows, in the role Apps.
	Users core.Allocator
	// Tell is called with what the other parts must hear, and Killed when a fault has ended the node: from then
	// on nothing of it runs. Both are called on the actor.
	Tell   func(News)
	Killed func()
}

// Part is the part of an experiment that one node has: its end of the wires, its IPCPs, and its half of the flows.
// All parts know the whole scenario and have a common time, so that each carries out its share of the faults by
// itself. It belongs to the actor of its world.
type Part struct {
	*Experiment
	cfg PartConfig
}

// NewPart builds a part. In a node that was killed and has been started again what has happened before is past: it
// finds the network as the faults have left it.
func NewPart(w World, sc *scenarios.Scenario, g *topologies.Graph, seed uint64, cfg PartConfig) (*Part, error) {
	p := &Part{cfg: cfg}
	tell := func(x node.News) { cfg.Tell(News{Member: &x}) }
	part := &node.Part{
		Here:  func(name string) bool { return name == cfg.Node && cfg.Role != Apps },
		Apps:  func(name string) bool { return name == cfg.Node && cfg.Role != System },
		Users: cfg.Users, Tell: tell,
	}
	e, err := build(w, sc, g, seed, config{part: part, pieces: true})
	if err != nil {
		return nil, err
	}
	p.Experiment = e
	for _, f := range e.Flows {
		if f.From.AppsHere() {
			f.Begun = p.begun
		}
	}
	w.Observe(e.rec.Observe)
	p.catchUp()
	p.schedule(p.happened)
	e.rec.Begin()
	return p, nil
}

// begun tells of a flow that stands at its source.
func (p *Part) begun(f *flow) {
	if p.cfg.Role == Apps {
		p.cfg.Tell(News{Flow: &FlowNews{ID: f.ID, EID: f.EID()}})
		return
	}
	p.hashed(f)
}

// hashed tells the others what tells a flow apart on its way.
func (p *Part) hashed(f *flow) {
	if there, back := f.Hash(); there != 0 || back != 0 {
		p.cfg.Tell(News{Flow: &FlowNews{ID: f.ID, There: there, Back: back}})
	}
}

// catchUp carries out the events until the node was last started again. They have happened to the others already.
func (p *Part) catchUp() {
	now, last := p.World.Now(), -1
	for i := range p.events {
		if e := &p.events[i]; e.At <= now && e.Revives(p.cfg.Node) {
			last = i
		}
	}
	for i := range p.events[:last+1] {
		e := &p.events[i]
		p.rec.Past(e)
		if err := e.Do(); err != nil {
			p.failed = append(p.failed, err)
		}
		p.rec.Happened(e)
	}
	p.events = p.events[last+1:]
}

func (p *Part) happened(e *faults.Event) {
	p.rec.Happened(e)
	if e.Kills(p.cfg.Node) && p.cfg.Killed != nil {
		p.cfg.Killed()
	}
}

// Hear takes what another part has told.
func (p *Part) Hear(x News) {
	if x.Member != nil {
		p.Network.Hear(*x.Member)
	}
	switch {
	case x.Flow == nil:
	case x.Flow.EID == 0:
		p.rec.Hash(x.Flow.ID, x.Flow.There, x.Flow.Back)
	default:
		for _, f := range p.Flows {
			if f.ID == x.Flow.ID && f.From.Here() {
				f.Told(x.Flow.EID)
				p.hashed(f)
			}
		}
	}
}

// News returns what a part that begins now must hear of this one.
func (p *Part) News() (out []News) {
	for _, x := range p.Network.News() {
		out = append(out, News{Member: &x})
	}
	return out
}

// Piece returns what was measured up to now.
func (p *Part) Piece() measure.Piece {
	return p.rec.Piece(p.World.Now(), func(name string) bool { return name == p.cfg.Node })
}

// Halt stops the sources, as at the end of the run.
func (p *Part) Halt() {
	for _, f := range p.Flows {
		f.Halt()
	}
}

// Late returns how many messages the receivers here have had by now, by the ID of the flow.
func (p *Part) Late() map[int]uint64 {
	out := map[int]uint64{}
	for _, f := range p.Flows {
		if f.To.AppsHere() {
			out[f.ID] = f.Stats.Delivered
		}
	}
	return out
}

// Close takes the node out of the network. The buffers that are left can be counted a little later.
func (p *Part) Close() {
	for _, f := range p.Flows {
		f.Close()
	}
	p.Network.Close()
}

// BuffersLeft returns how many packet buffers have not been returned.
func (p *Part) BuffersLeft() int { return p.World.Pool().Live() }

// Env returns that of the actor on which the part runs.
func (p *Part) Env() core.Env { return p.control }
