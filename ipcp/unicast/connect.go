package unicast

import (
	"errors"
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/frcp"
	"ouroboros/ipcp"
	"ouroboros/ipcp/unicast/pff"
)

const (
	connectTimeout = 20 * time.Second // of the whole operation (spec 07 §8)
	connectPause   = 100 * time.Millisecond
)

// errNoAddress ends a connection to a peer that is no member yet.
var errNoAddress = errors.New("the peer has no address")

// connection is an N-1 flow in use by a component.
type connection struct {
	i    *IPCP
	comp string
	peer uint64
	flow core.Flow
	port pff.Port
	mgmt *mgmtFlow
}

// Serve accepts connections to this IPCP: it listens to its own name, which the broker registers in
// the layers below.
func (i *IPCP) Serve() error {
	stop, err := i.alloc.Listen(i.cfg.Name, i.incoming)
	if err != nil {
		return fmt.Errorf("ipcp %s: %w", i.cfg.Name, err)
	}
	i.listens = append(i.listens, stop)
	return nil
}

// incoming accepts a flow and waits for the component it is for.
func (i *IPCP) incoming(in core.Incoming) {
	if !i.started {
		in.Reject(core.ErrIPCPState)
		return
	}
	f, err := in.Accept()
	if err != nil {
		return
	}
	f = i.endToEnd(f)
	ipcp.Accept(i.env, f, i.component, i.exchanges.Add, func(peer ipcp.Announcement, err error) {
		if err == nil {
			_ = i.connected(peer, f) // the peer notices that its flow is silent
		}
	})
}

// endToEnd puts the end-to-end protocol on an N-1 flow where its QoS asks for one, or for liveness.
func (i *IPCP) endToEnd(f core.Flow) core.Flow {
	if q := f.Info().QoS; q.Mode() == core.ModeRaw && q.BER != 0 && q.Timeout == 0 {
		return f
	}
	return frcp.Wrap(i.env.Derive("n-1"), f)
}

// component returns what this IPCP announces for a component that a peer asks for.
func (i *IPCP) component(name string) (ipcp.Announcement, bool) {
	switch name {
	case ipcp.Management.Component:
		return ipcp.Management.At(i.address), true
	case ipcp.DataTransfer.Component:
		return ipcp.DataTransfer.At(i.address), true
	}
	return ipcp.Announcement{}, false
}

// connected hands a flow to its component, or closes it. A second connection of a component to the same
// peer replaces the first (spec 04 §2.1).
func (i *IPCP) connected(peer ipcp.Announcement, f core.Flow) error {
	if !i.started || peer.Address == 0 {
		f.Close(0)
		if !i.started {
			return core.ErrIPCPState
		}
		return errNoAddress
	}
	for _, c := range i.conns {
		if c.comp == peer.Component && c.peer == peer.Address {
			i.forget(c)
			c.close()
			break
		}
	}
	c := &connection{i: i, comp: peer.Component, peer: peer.Address, flow: f, port: pff.None}
	if c.comp == ipcp.Management.Component {
		i.conns = append(i.conns, c)
		c.mgmt = i.router.addManagement(c.peer, f, func(error) { i.forget(c) })
		return nil
	}
	port, err := i.dt.AddPort(c.peer, f, c)
	if err != nil {
		f.Close(0)
		return err
	}
	c.port = port
	i.conns = append(i.conns, c)
	i.router.addNeighbour(c.peer, port)
	return nil
}

// PortState passes on that the N-1 flow went down or came up.
func (c *connection) PortState(p pff.Port, up bool) { c.i.router.PortState(p, up) }

// PortClosed ends the connection: the adjacency is gone at once (decision 5).
func (c *connection) PortClosed(p pff.Port, _ uint64, _ error) {
	c.i.forget(c)
	c.i.router.removeNeighbour(p)
}

// close gives the connection up from this side.
func (c *connection) close() {
	if c.mgmt != nil {
		c.mgmt.remove()
		c.flow.Close(0)
		return
	}
	c.i.dt.RemovePort(c.port, true)
	c.i.router.removeNeighbour(c.port)
}

func (i *IPCP) forget(c *connection) {
	for k, x := range i.conns {
		if x == c {
			i.conns = append(i.conns[:k], i.conns[k+1:]...)
			return
		}
	}
}

// Connected reports whether there is a connection for data transfer to the member with that address.
func (i *IPCP) Connected(peer uint64) bool {
	for _, c := range i.conns {
		if c.peer == peer && c.mgmt == nil {
			return true
		}
	}
	return false
}

// attempt is a connect operation under way.
type attempt struct {
	i        *IPCP
	dst      core.Name
	lower    core.Name
	qos      core.QoS
	own      ipcp.Announcement
	deadline core.Time
	cancel   func()
	timer    core.Timer
	done     func(error)
	ended    bool
}

// Connect makes the connections for management and data transfer, in this order, to the IPCP of the
// given name over a flow of the layer lower (empty: any). Lost messages are tried again within 20 s.
// Management runs over a raw flow; qos is that of data transfer.
func (i *IPCP) Connect(dst, lower core.Name, qos core.QoS, done func(error)) {
	i.connect(dst, lower, core.QoSRaw, ipcp.Management, func(err error) {
		if err != nil {
			done(err)
			return
		}
		i.connect(dst, lower, qos, ipcp.DataTransfer, done)
	})
}

func (i *IPCP) connect(dst, lower core.Name, qos core.QoS, comp ipcp.Announcement, done func(error)) {
	a := &attempt{
		i: i, dst: dst, lower: lower, qos: qos, own: comp.At(i.address),
		deadline: i.env.Now().Add(connectTimeout), done: done,
	}
	a.timer = i.env.NewTimer(a.try)
	i.pending = append(i.pending, a)
	a.try()
}

func (a *attempt) try() {
	left := a.deadline.Sub(a.i.env.Now())
	a.cancel = a.i.alloc.Alloc(core.Request{Name: a.dst, Layer: a.lower, QoS: a.qos, Timeout: left}, func(f core.Flow, err error) {
		a.cancel = nil
		if err != nil {
			a.again(err)
			return
		}
		f = a.i.endToEnd(f)
		ipcp.Initiate(a.i.env, f, a.own, a.i.exchanges.Add, func(peer ipcp.Announcement, err error) {
			switch {
			case a.ended:
				if err == nil {
					f.Close(0)
				}
			case err != nil:
				a.again(err)
			default:
				peer.Component = a.own.Component // the name in the answer is not looked at
				a.end(a.i.connected(peer, f))
			}
		})
	})
}

// again tries once more after a short pause unless the time is up or the peer has refused.
func (a *attempt) again(err error) {
	if errors.Is(err, ipcp.ErrCEPRefused) || a.i.env.Now().Add(connectPause) >= a.deadline {
		a.end(err)
		return
	}
	a.timer.Reset(connectPause)
}

func (a *attempt) end(err error) {
	if err != nil {
		err = fmt.Errorf("ipcp %s: connect %s to %s: %w", a.i.cfg.Name, a.own.Component, a.dst, err)
	}
	a.ended = true
	a.timer.Stop()
	for k, x := range a.i.pending {
		if x == a {
			a.i.pending = append(a.i.pending[:k], a.i.pending[k+1:]...)
			break
		}
	}
	a.done(err)
}

// giveUp ends the operation without an answer. An exchange under way ends by itself and finds it so.
func (a *attempt) giveUp() {
	a.ended = true
	a.timer.Stop()
	if a.cancel != nil {
		a.cancel()
	}
}
