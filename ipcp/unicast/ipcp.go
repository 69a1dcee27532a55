// Package unicast is the unicast IPC process: a router of one layer, with its data transfer, flow
// allocator, routing and directory (spec 02–07). It offers flows to the broker of its system as a
// core.Provider, and gets the flows it runs over from the same broker as a user.
//
// # Life
//
//	New ──► boot ──Bootstrap──────────────────► operational ──Leave──► shutdown
//	          └─────Enroll──► init ──enrolled──►┘
//	          ▲                 │
//	          └──────failed─────┘
//
// An IPCP knows its layer, and has its components, once it is operational. One that has left does not come
// back: who rejoins a layer makes a new IPCP and adds it to the broker in place of the old one.
package unicast

import (
	"ouroboros/core"
	"ouroboros/core/wire"
	"ouroboros/ipcp"
	"ouroboros/ipcp/unicast/addr"
	"ouroboros/ipcp/unicast/cost"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/fa"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/ipcp/unicast/routing"
)

// Config describes an IPCP before it is a member of a layer: what is its own, and not that of the layer.
type Config struct {
	Name    core.Name // of this IPCP, to which its peers connect
	Catalog Catalog   // the policies that it knows
	// Autobind has it listen to the name of its layer too, so that "enroll with layer X" finds any member.
	Autobind bool
	// Prompt has messages of the directory and the flow allocator, and the packets of flows, reach a new neighbour before the routes to it are
	// computed. A newcomer of the prototype asks for its own identifier 10 to 20 ms after it has connected, twice, and
	// then not for minutes (spec 05 §7.2, §8); by then routes may still wait for the hold time (decision 16), and without an
	// answer it knows nobody. Members of a network that is only ours ask again.
	Prompt bool
	// SkipUnreachable has flows to a name of several members go to one that can be reached at once.
	SkipUnreachable bool
}

// IPCP is a unicast IPC process. It belongs to one actor.
type IPCP struct {
	env      core.Env
	cfg      Config
	alloc    core.Allocator
	life     ipcp.Life
	requests func(core.IncomingFlow)

	layer     Layer
	parts     *parts // nil before the IPCP is operational
	address   uint64
	index     int
	conflicts int
	moving    bool // a change of the address is posted

	doors     ipcp.Doors
	applicant ipcp.Applicant
	registrar ipcp.Registrar
	conns     []*connection
	wishes    []*wish
	reminder  reminder
	// exchanges and enrollments count the messages of each kind that this IPCP has sent.
	exchanges, enrollments dt.Counter
}

// parts are the components of an operational IPCP.
type parts struct {
	addrs  addr.Policy
	cost   cost.Cost
	dir    *directory
	dt     *dt.DT
	fa     *fa.FA
	router *router
}

// New returns an IPCP that is in no layer yet. alloc gives it its N-1 flows.
func New(env core.Env, alloc core.Allocator, cfg Config) (*IPCP, error) {
	if err := cfg.Name.Validate(); err != nil {
		return nil, err
	}
	i := &IPCP{env: env, cfg: cfg, alloc: alloc, life: ipcp.NewLife()}
	i.layer.Info.Kind = core.KindUnicast
	i.doors = ipcp.Doors{Alloc: alloc, Own: cfg.Name, Autobind: cfg.Autobind, Incoming: i.incoming}
	i.applicant = ipcp.Applicant{
		Env: env, Alloc: alloc, Name: cfg.Name, Life: &i.life,
		Exchanges: i.exchanges.Add, Enrollments: i.enrollments.Add,
	}
	i.registrar = ipcp.Registrar{Env: env, Config: i.handOn, Sent: i.enrollments.Add}
	i.reminder.i = i
	return i, nil
}

// Name returns the name of this IPCP.
func (i *IPCP) Name() core.Name { return i.cfg.Name }

// State returns the state of its life.
func (i *IPCP) State() ipcp.State { return i.life.State() }

// OnState sets who is told of each change of the state.
func (i *IPCP) OnState(f func(ipcp.State)) { i.life.OnState(f) }

// operational reports whether this IPCP is a member of a layer.
func (i *IPCP) operational() bool { return i.life.Operational() }

// Address returns the address of this member, 0 before it is operational.
func (i *IPCP) Address() uint64 { return i.address }

// Layer describes the layer. It has no name before the IPCP is operational.
func (i *IPCP) Layer() core.LayerInfo { return i.layer.Info }

// Configuration returns the whole configuration of the layer, for results and the management tree.
func (i *IPCP) Configuration() Layer { return i.layer }

// Register makes a name known in the layer at this member.
func (i *IPCP) Register(h core.Hash) error {
	if !i.operational() {
		return core.ErrIPCPState
	}
	return i.parts.dir.Register(i.env.Now(), h)
}

// Unregister takes it back.
func (i *IPCP) Unregister(h core.Hash) {
	if i.operational() {
		i.parts.dir.Unregister(i.env.Now(), h)
	}
}

// Query asks whether another member has the name. An IPCP that is in no layer knows of none.
func (i *IPCP) Query(h core.Hash, done func(found bool)) (cancel func()) {
	if !i.operational() {
		return ipcp.Later(i.env, func() { done(false) })
	}
	return i.parts.dir.Query(i.env.Now(), h, func(addrs []uint64) {
		for _, a := range addrs {
			if a != i.address {
				done(true)
				return
			}
		}
		done(false)
	})
}

// AllocFlow asks for a flow to a name of the layer.
func (i *IPCP) AllocFlow(r core.FlowRequest, done func(core.Flow, core.FlowReply, error)) (cancel func()) {
	if !i.operational() {
		return ipcp.Later(i.env, func() { done(nil, core.FlowReply{}, core.ErrIPCPState) })
	}
	return i.parts.fa.AllocFlow(r, done)
}

// Join is refused: a unicast layer has no broadcast channel.
func (i *IPCP) Join(done func(core.Flow, error)) (cancel func()) {
	return ipcp.Later(i.env, func() { done(nil, core.ErrUnsupp) })
}

// OnRequest sets who is told of requests for names of this system.
func (i *IPCP) OnRequest(h func(core.IncomingFlow)) {
	i.requests = h
	if i.parts != nil {
		i.parts.fa.OnRequest(h)
	}
}

// DT returns the data transfer component, for results and the management tree; nil before the IPCP is
// operational, as all components.
func (i *IPCP) DT() *dt.DT {
	if i.parts == nil {
		return nil
	}
	return i.parts.dt
}

// FA returns the flow allocator, for results and the management tree.
func (i *IPCP) FA() *fa.FA {
	if i.parts == nil {
		return nil
	}
	return i.parts.fa
}

// Routing returns the routing policy, for results and the management tree.
func (i *IPCP) Routing() routing.Routing {
	if i.parts == nil {
		return nil
	}
	return i.parts.router.policy
}

// Forwarding returns the forwarding function, for results and the management tree.
func (i *IPCP) Forwarding() pff.PFF {
	if i.parts == nil {
		return nil
	}
	return i.parts.router.table
}

// Control counts one kind of management message, with its length without the headers of the layer.
type Control struct {
	Kind string
	dt.Counter
}

// Control returns what this IPCP has sent to manage its layer, by kind. Messages of routing count under the
// name of their policy.
func (i *IPCP) Control() []Control {
	policy := DefaultRouting
	var route, ask, update, names dt.Counter
	if p := i.parts; p != nil {
		st := p.fa.Stats().Sent
		policy = i.layer.Policies.Routing.Name
		route, names, update = p.router.sent, p.dir.sent, st[wire.FlowUpdate]
		ask.Packets = st[wire.FlowReq].Packets + st[wire.FlowReply].Packets
		ask.Bytes = st[wire.FlowReq].Bytes + st[wire.FlowReply].Bytes
	}
	return []Control{
		{policy, route},
		{"flow-allocation", ask},
		{"flow-update", update},
		{"connection", i.exchanges},
		{"directory", names},
		{"enrollment", i.enrollments},
	}
}

// Conflicts returns how often another member was heard with the address of this one (decision 6).
func (i *IPCP) Conflicts() int { return i.conflicts }

// EnrollStats are the counters of enrollment.
type EnrollStats struct {
	ipcp.EnrollStats
	// Clocks is 1 if this member's own enrollment found its clock more than 20 ms away from that of the
	// member it enrolled with (spec 07 §5.3).
	Clocks uint64
}

// Enrollment returns the counters of newcomers that enrolled with this member, and of its own enrollment.
func (i *IPCP) Enrollment() EnrollStats {
	return EnrollStats{i.registrar.Stats(), i.applicant.Clocks()}
}
