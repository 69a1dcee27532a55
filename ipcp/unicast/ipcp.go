// Package unicast is the unicast IPC process: a router of one layer, with its data transfer, flow
// allocator, routing and directory (spec 02–06). It offers flows to the broker of its system as a
// core.Provider, and gets the flows it runs over from the same broker as a user.
package unicast

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/policy"
	"ouroboros/core/wire"
	"ouroboros/ipcp/unicast/addr"
	"ouroboros/ipcp/unicast/adm"
	"ouroboros/ipcp/unicast/ca"
	"ouroboros/ipcp/unicast/cost"
	"ouroboros/ipcp/unicast/dir"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/fa"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/ipcp/unicast/routing"
	"ouroboros/ipcp/unicast/sched"
	"ouroboros/ipcp/unicast/shape"
)

// Policies are the policies of a layer, the same for all its members.
type Policies struct {
	Routing    policy.Choice[routing.Routing]
	Forwarding policy.Choice[pff.PFF]
	Congestion policy.Choice[ca.Avoidance]
	Directory  policy.Choice[dir.Directory]
	Scheduler  policy.Choice[sched.Scheduler]
	Addressing policy.Choice[addr.Policy]
	Cost       policy.Choice[cost.Cost]
	Shaping    policy.Choice[shape.Shaper]
	Admission  policy.Choice[adm.Admission]
}

// Config describes one member of a unicast layer.
type Config struct {
	Name     core.Name // of this IPCP, to which its peers connect
	Layer    core.LayerInfo
	Header   wire.PCI      // sizes of the fields of the header; the zero value is that of the prototype
	MaxTTL   uint8         // 0 = 60
	MPL      time.Duration // maximum packet lifetime; 0 = 100 ms
	Queue    int           // transmit queue of a flow in packets; 0 = 1023
	Policies Policies
}

// IPCP is a unicast IPC process. It belongs to one actor.
type IPCP struct {
	env   core.Env
	cfg   Config
	alloc core.Allocator

	addrs   addr.Policy
	dir     dir.Directory
	dt      *dt.DT
	fa      *fa.FA
	router  *router
	started bool
	left    bool // Leave was called
	address uint64
	listens []func()
	conns   []*connection
	pending []*attempt
	// exchanges counts the messages of connection exchanges that this member has sent.
	exchanges dt.Counter
}

// New returns an IPCP that is in no layer yet. alloc gives it its N-1 flows.
func New(env core.Env, alloc core.Allocator, cfg Config) (*IPCP, error) {
	if cfg.Header == (wire.PCI{}) {
		cfg.Header = wire.DefaultPCI
	}
	if err := cfg.Header.Validate(); err != nil {
		return nil, err
	}
	i := &IPCP{env: env, cfg: cfg, alloc: alloc}
	pol := cfg.Policies
	var err error
	if i.addrs, err = pol.Addressing.New(env.Derive("addressing")); err != nil {
		return nil, err
	}
	table, err := pol.Forwarding.New(env.Derive("forwarding"))
	if err != nil {
		return nil, err
	}
	avoid, err := pol.Congestion.New(env.Derive("congestion"))
	if err != nil {
		return nil, err
	}
	if i.dir, err = pol.Directory.New(env.Derive("directory")); err != nil {
		return nil, err
	}
	route, err := pol.Routing.New(env.Derive("routing"))
	if err != nil {
		return nil, err
	}
	queueEnv := env.Derive("scheduler")
	i.dt = dt.New(env.Derive("dt"), dt.Config{
		Layout: cfg.Header, MaxTTL: cfg.MaxTTL, PFF: table, Avoidance: avoid,
		Scheduler: func() (sched.Scheduler, error) { return pol.Scheduler.New(queueEnv) },
	})
	i.fa = fa.New(env.Derive("fa"), fa.Config{Layer: cfg.Layer, DT: i.dt, Directory: i.dir, Avoidance: avoid, MPL: cfg.MPL, Queue: cfg.Queue})
	i.router = newRouter(env.Derive("router"), route, table)
	return i, nil
}

// Bootstrap makes this IPCP a member of its layer with an address of its own; index is its number
// within the layer, from 0. It is called once: who has left does not come back (spec 07 §4, SHUTDOWN).
func (i *IPCP) Bootstrap(index int) error {
	if i.started || i.left {
		return core.ErrIPCPState
	}
	a, err := i.addrs.Assign(index)
	if err != nil {
		return fmt.Errorf("ipcp %s: %w", i.cfg.Name, err)
	}
	if size := i.cfg.Header.Addr; size < 8 && a>>(8*size) != 0 {
		return fmt.Errorf("ipcp %s: address %#x does not fit the %d bytes of the header", i.cfg.Name, a, size)
	}
	i.address, i.started = a, true
	i.dt.SetAddress(a)
	i.dir.SetAddress(i.env.Now(), a)
	i.router.start(a)
	return nil
}

// Address returns the address of this member, 0 before Bootstrap.
func (i *IPCP) Address() uint64 { return i.address }

// Name returns the name of this IPCP.
func (i *IPCP) Name() core.Name { return i.cfg.Name }

// Layer describes the layer.
func (i *IPCP) Layer() core.LayerInfo { return i.cfg.Layer }

// Register makes a name known in the layer at this member.
func (i *IPCP) Register(h core.Hash) error {
	if !i.started {
		return core.ErrIPCPState
	}
	return i.dir.Register(i.env.Now(), h)
}

// Unregister takes it back.
func (i *IPCP) Unregister(h core.Hash) { i.dir.Unregister(i.env.Now(), h) }

// Query asks whether another member has the name.
func (i *IPCP) Query(h core.Hash, done func(found bool)) (cancel func()) {
	return i.dir.Query(i.env.Now(), h, func(addrs []uint64) {
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
	return i.fa.AllocFlow(r, done)
}

// Join is refused: a unicast layer has no broadcast channel.
func (i *IPCP) Join(done func(core.Flow, error)) (cancel func()) {
	canceled := false
	i.env.Post(func() {
		if !canceled {
			done(nil, core.ErrUnsupp)
		}
	})
	return func() { canceled = true }
}

// OnRequest sets who is told of requests for names of this system.
func (i *IPCP) OnRequest(h func(core.IncomingFlow)) { i.fa.OnRequest(h) }

// Leave takes this member out of the layer: it withdraws its links, ends its flows and connections.
func (i *IPCP) Leave() {
	if !i.started {
		return
	}
	i.started, i.left = false, true
	i.router.stop()
	i.fa.Close()
	i.dir.Stop(i.env.Now())
	for _, stop := range i.listens {
		stop()
	}
	for _, a := range i.pending {
		a.giveUp()
	}
	i.listens, i.pending = nil, nil
	conns := i.conns
	i.conns = nil
	for _, c := range conns {
		c.close()
	}
}

// DT returns the data transfer component, for results and the management tree.
func (i *IPCP) DT() *dt.DT { return i.dt }

// FA returns the flow allocator, for results and the management tree.
func (i *IPCP) FA() *fa.FA { return i.fa }

// Routing returns the routing policy, for results and the management tree.
func (i *IPCP) Routing() routing.Routing { return i.router.policy }

// Forwarding returns the forwarding function, for results and the management tree.
func (i *IPCP) Forwarding() pff.PFF { return i.router.table }

// Control returns what this member has sent to manage its layer, by kind.
func (i *IPCP) Control() []Control {
	st := i.fa.Stats()
	return []Control{
		{"link-state", i.router.sent},
		{"flow-allocation", dt.Counter{
			Packets: st.Sent[wire.FlowReq].Packets + st.Sent[wire.FlowReply].Packets,
			Bytes:   st.Sent[wire.FlowReq].Bytes + st.Sent[wire.FlowReply].Bytes,
		}},
		{"flow-update", st.Sent[wire.FlowUpdate]},
		{"connection", i.exchanges},
	}
}

// Control counts one kind of management message, with its length without the headers of the layer.
type Control struct {
	Kind string
	dt.Counter
}

// Conflicts returns how often another member was heard with this address (decision 6).
func (i *IPCP) Conflicts() int { return i.router.conflicts }
