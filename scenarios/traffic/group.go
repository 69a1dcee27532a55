package traffic

import (
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
	"ouroboros/scenarios/node"
)

// Groups are the sources of a workload that send to broadcast layers. A source sends each message once; a
// Flow for each of its destinations records what arrives there. Each node joins a layer once, for all
// sources and destinations on it.
type Groups struct {
	all   []*group
	seats map[seatKey]*seat
}

// NewGroups returns the groups of one experiment.
func NewGroups() *Groups { return &Groups{seats: map[seatKey]*seat{}} }

// group is one source and its flows, the first of which sends for all.
type group struct {
	g     *Groups
	id    uint32
	flows []*Flow
}

type seatKey struct {
	s     *node.System
	layer core.Name
}

// seat is the part of a node in a broadcast layer: the user of the flow that joined it.
type seat struct {
	env     core.Env
	s       *node.System
	layer   core.Name
	flow    core.Flow
	opened  []func(core.Flow) // who waits for the flow
	wanted  bool              // a destination is to hear from now on
	asking  bool
	closed  bool
	life    uint32 // of the node, to know late answers
	retry   core.Timer
	deliver []*Flow // whose destination this is
	sources []*Flow // that have begun on this node
}

// joinPause is the time between two attempts to join a layer that the node is not in yet.
const joinPause = 100 * time.Millisecond

// add makes a flow part of the group of its source.
func (g *Groups) add(f *Flow) {
	for _, x := range g.all {
		if l := x.flows[0]; l.From == f.From && l.Workload == f.Workload {
			f.group = x
		}
	}
	if f.group == nil {
		f.group = &group{g: g, id: uint32(len(g.all))}
		g.all = append(g.all, f.group)
	}
	f.group.flows = append(f.group.flows, f)
	f.renv = f.To.Env.Derive("receiver:" + f.Name)
	s := g.seat(f.To, f.Ask, f.renv)
	s.deliver = append(s.deliver, f)
}

// seat returns that of a node in a layer.
func (g *Groups) seat(s *node.System, layer core.Name, env core.Env) *seat {
	k := seatKey{s, layer}
	if g.seats[k] == nil {
		t := &seat{s: s, layer: layer}
		t.live(env)
		s.OnKill(t.killed)
		s.OnRevive(t.revived)
		g.seats[k] = t
	}
	return g.seats[k]
}

// live makes what the seat has in one life of its node.
func (t *seat) live(env core.Env) {
	t.env, t.retry = env, env.NewTimer(t.ask)
	t.life++
}

// killed forgets what was on the node. The packets of the flow are those of the IPCP.
func (t *seat) killed() {
	t.flow, t.opened, t.sources, t.asking = nil, nil, nil, false
	t.life++
}

// revived has the destinations on the node hear again.
func (t *seat) revived() {
	t.live(t.s.Env.Derive("group:" + string(t.layer)))
	if t.wanted {
		t.ask()
	}
}

// join has the destination of a flow join, and for the first flow of its group the source too.
func (x *group) join(f *Flow) {
	if f.To.AppsHere() {
		to := x.g.seat(f.To, f.Ask, f.renv)
		to.wanted = true
		to.env.Post(to.ask)
	}
	if x.flows[0] == f && f.From.AppsHere() {
		from := x.g.seat(f.From, f.Ask, f.env)
		from.open(func(fl core.Flow) {
			if f.Stats.Ended != clock.Never { // it came too late
				return
			}
			from.sources = append(from.sources, f)
			f.begun(fl)
		})
	}
}

// open calls done with the flow as soon as it stands.
func (t *seat) open(done func(core.Flow)) {
	t.opened = append(t.opened, done)
	t.ask()
}

// ask joins the layer, again and again until the node is in it.
func (t *seat) ask() {
	switch {
	case t.asking || t.closed:
		return
	case t.flow != nil:
		t.tell()
		return
	}
	t.asking = true
	life := t.life
	t.s.Users().Join(t.layer, func(fl core.Flow, err error) {
		switch {
		case err == nil && (t.closed || t.life != life):
			fl.Close(0)
		case t.life != life:
		case err != nil:
			t.asking = false
			t.retry.Reset(joinPause)
		default:
			t.asking, t.flow = false, fl
			fl.Attach(t)
			t.tell()
		}
	})
}

func (t *seat) tell() {
	opened := t.opened
	t.opened = nil
	for _, f := range opened {
		f(t.flow)
	}
}

// close leaves the layer, for good.
func (t *seat) close() {
	t.retry.Stop()
	t.opened, t.sources, t.closed = nil, nil, true
	if t.flow != nil {
		t.flow.Close(0)
		t.flow = nil
	}
}

// leave has both nodes of a flow leave the layer.
func (x *group) leave(f *Flow) {
	for _, s := range []*node.System{f.From, f.To} {
		if t := x.g.seats[seatKey{s, f.Ask}]; t != nil {
			t.close()
		}
	}
}

// tag is the type of a message of the group.
func (x *group) tag() uint32 { return typeGroup | x.id<<8 }

// sent copies what the first flow has sent to the others.
func (x *group) sent() {
	l := &x.flows[0].Stats
	for _, f := range x.flows[1:] {
		st := &f.Stats
		st.Offered, st.OfferedBytes, st.Sent, st.SentBytes = l.Offered, l.OfferedBytes, l.Sent, l.SentBytes
		st.First, st.Last, st.Asked, st.Allocated, st.Blocked = l.First, l.Last, l.Asked, l.Allocated, l.Blocked
		st.Ended, st.Failure = l.Ended, l.Failure
	}
}

// Deliver records a message at the flow of its source.
func (t *seat) Deliver(p *pkt.Buf) {
	defer p.Release()
	b := p.Front()
	if len(b) < HeaderLen {
		if b = p.Bytes(); len(b) < HeaderLen {
			return
		}
	}
	typ, id, wall := header(b)
	for _, f := range t.deliver {
		if f.group.tag() == typ {
			now := t.env.Now()
			t.env.Trace.Note(now, trace.MessageDelivered, uint64(id), uint64(p.Len()))
			f.record(now, id, uint64(p.Len()), t.env.Wall()-wall)
			return
		}
	}
}

// Writable continues the sources on this node that wait for room.
func (t *seat) Writable() {
	for _, f := range t.sources {
		if f.blocked != clock.Never {
			(*source)(f).Writable()
		}
	}
}

// State continues them too.
func (t *seat) State(up bool) {
	for _, f := range t.sources {
		(*source)(f).State(up)
	}
}

// Closed ends the sources on this node: it is not in the layer any more. Its destinations hear again as soon as
// it is back.
func (t *seat) Closed(err error) {
	sources := t.sources
	t.flow, t.sources = nil, nil
	for _, f := range sources {
		(*source)(f).Closed(err)
	}
	if t.wanted {
		t.retry.Reset(joinPause)
	}
}
