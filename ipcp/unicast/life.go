package unicast

import (
	"errors"
	"fmt"

	"ouroboros/core"
	"ouroboros/ipcp"
	"ouroboros/ipcp/pb"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/fa"
	"ouroboros/ipcp/unicast/sched"
)

// Bootstrap makes this IPCP the first member of a layer. index is its number in the layer, from 0, for
// address policies that count. It fails with core.ErrIPCPState unless the IPCP is in state boot, and
// leaves it there when the layer cannot be made.
func (i *IPCP) Bootstrap(l Layer, index int) error {
	if i.life.State() != ipcp.Boot {
		return core.ErrIPCPState
	}
	l, err := l.complete(i.cfg.Catalog)
	if err == nil {
		err = l.handsOn()
	}
	if err == nil {
		err = i.start(l, index, 0)
	}
	if err != nil {
		return fmt.Errorf("ipcp %s: %w", i.cfg.Name, err)
	}
	i.enter(0)
	return nil
}

// handsOn reports whether the configuration can be handed on at enrollment.
func (l Layer) handsOn() error {
	c, err := l.encode(^uint64(0))
	if err == nil {
		_, err = ipcp.OEPResponse{Config: c}.Marshal()
	}
	return err
}

// handOn returns the configuration that a newcomer gets from this member.
func (i *IPCP) handOn() (*pb.Config, error) {
	if !i.operational() {
		return nil, core.ErrIPCPState
	}
	return i.layer.encode(i.address)
}

// start makes the components for a layer and takes an address. peer is the address of the member that this
// one enrolled with, 0 for none. Nothing is known outside before enter.
func (i *IPCP) start(l Layer, index int, peer uint64) error {
	p, err := i.assemble(l)
	if err != nil {
		return err
	}
	a, err := assign(p.addrs, l, index, peer)
	if err != nil {
		return err
	}
	i.layer, i.parts, i.index = l, p, index
	i.setAddress(a)
	p.router.start(a)
	p.fa.OnRequest(i.requests)
	return nil
}

// enter makes the components work: this IPCP is a member from now on.
func (i *IPCP) enter(peer uint64) {
	i.parts.dir.join(peer)
	i.doors.Entered(i.layer.Info.Name)
	i.life.Become(ipcp.Operational)
}

// assemble makes the components of a layer.
func (i *IPCP) assemble(l Layer) (*parts, error) {
	pol, p := l.Policies, &parts{}
	var errs []error
	table, err := pol.Forwarding.New(i.env.Derive("forwarding"))
	errs = append(errs, err)
	avoid, err := pol.Congestion.New(i.env.Derive("congestion"))
	errs = append(errs, err)
	names, err := pol.Directory.New(i.env.Derive("directory"))
	errs = append(errs, err)
	route, err := pol.Routing.New(i.env.Derive("routing"))
	errs = append(errs, err)
	p.addrs, err = pol.Addressing.New(i.env.Derive("addressing"))
	errs = append(errs, err)
	p.cost, err = pol.Cost.New(i.env.Derive("cost"))
	errs = append(errs, err)
	shaper, err := pol.Shaping.New(i.env.Derive("shaping"))
	errs = append(errs, err)
	admission, err := pol.Admission.New(i.env.Derive("admission"))
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	queueEnv := i.env.Derive("scheduler")
	p.dt = dt.New(i.env.Derive("dt"), dt.Config{
		Layout: l.Header, MaxTTL: l.MaxTTL, PFF: table, Avoidance: avoid, Prompt: i.cfg.Prompt,
		Scheduler: func() (sched.Scheduler, error) { return pol.Scheduler.New(queueEnv) },
	})
	p.dir = newDirectory(i.env.Derive("names"), names, l.Info.Hash, p.dt)
	p.fa = fa.New(i.env.Derive("fa"), fa.Config{
		Layer: l.Info, DT: p.dt, Directory: p.dir, Avoidance: avoid, Shaping: shaper, Admission: admission,
		Rate: i.rate, Cube: l.Cube, MPL: l.MPL, Queue: l.Queue, MTU: l.MTU,
		SkipUnreachable: i.cfg.SkipUnreachable,
	})
	p.router = newRouter(i.env.Derive("router"), route, table)
	p.router.conflict, p.router.yield = i.conflict, i.yield
	return p, nil
}

// setAddress sets the address of this member in all its components but routing.
func (i *IPCP) setAddress(a uint64) {
	i.address = a
	i.parts.dt.SetAddress(a)
	i.parts.dir.SetAddress(i.env.Now(), a)
}

// Serve accepts connections and newcomers: the IPCP listens to its own name, which the broker registers in
// the layers below, and with Autobind to that of its layer as soon as it is a member.
func (i *IPCP) Serve() error { return i.doors.Open(&i.life, i.layer.Info.Name) }

// ServeName has the IPCP listen to one more name of its system, as an administrator binds it to one, and take
// connections and newcomers there. It may be called in any state but shutdown, which is an ErrIPCPState; requests
// that come before the IPCP is a member of its layer are refused.
func (i *IPCP) ServeName(n core.Name) error { return i.doors.Serve(&i.life, n) }

// StopServing has the IPCP not listen to a name any more, be it bound to it by ServeName, by Serve or by
// Autobind, and reports whether it did. What came through the name stands.
func (i *IPCP) StopServing(n core.Name) bool { return i.doors.Stop(n) }

// Serving returns the names that the IPCP listens to.
func (i *IPCP) Serving() []core.Name { return i.doors.Names() }

// Leave takes this IPCP out of its layer, for good: it withdraws its links and names, ends its flows with
// core.ErrFlowDown, its connections, and all operations under way, which report core.ErrIPCPState. In any
// state it is shut down afterwards. Its peers are told by its routing policy only (spec 07 §3.3).
func (i *IPCP) Leave() {
	if i.life.State() == ipcp.Shutdown {
		return
	}
	was := i.operational()
	i.life.Become(ipcp.Shutdown)
	i.applicant.Stop(core.ErrIPCPState)
	i.doors.Close()
	if was {
		i.parts.router.stop()
		i.parts.fa.Close()
		i.parts.dir.Stop(i.env.Now())
	}
	i.reminder.stop()
	wishes := i.wishes
	i.wishes = nil
	for _, w := range wishes {
		w.stop(core.ErrIPCPState)
	}
	conns := i.conns
	i.conns = nil
	for _, c := range conns {
		c.close()
	}
	i.registrar.Stop()
}
