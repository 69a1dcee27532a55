package unicast

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/ipcp"
	"ouroboros/ipcp/unicast/pff"
)

const (
	// retireAfter is how long a connection that another has replaced is kept. What is on the way arrives,
	// and if the other one turns out to belong to another member it is still there.
	retireAfter = 5 * time.Second
	// farewell is how long the last messages of management may wait for a flow that is full.
	farewell = time.Second
)

var (
	// errNoAddress ends a connection to a peer that is no member yet.
	errNoAddress = errors.New("the peer has no address")
	// errOwnAddress ends one to a peer with the address of this member.
	errOwnAddress = errors.New("the peer has the address of this member")
	// ErrMTU ends one for data transfer over a flow that does not take the packets that the layer promises
	// to its users. Nobody tries it again; the side that has not asked refuses it with ipcp.ErrCEPRefused.
	ErrMTU = errors.New("the flow takes shorter packets than the layer")
)

// connection is an N-1 flow in use by a component.
type connection struct {
	i     *IPCP
	comp  string
	peer  uint64
	flow  core.Flow
	since core.Time
	port  pff.Port
	mgmt  *mgmtFlow
	mine  bool  // this side has asked for it
	wish  *wish // that it fulfils, nil if the peer alone wanted it
	// Once another connection has replaced this one:
	successor *connection
	retire    core.Timer
}

// incoming accepts a flow and waits for the component it is for.
func (i *IPCP) incoming(in core.Incoming) {
	if !i.operational() {
		in.Reject(core.ErrIPCPState)
		return
	}
	f, err := in.Accept()
	if err != nil {
		return
	}
	if f, err = ipcp.EndToEnd(i.env, f); err != nil {
		return
	}
	lookup := func(component string) (ipcp.Announcement, bool) { return i.component(component, f) }
	ipcp.Accept(i.env, f, lookup, i.exchanges.Add, func(peer ipcp.Announcement, err error) {
		switch {
		case err != nil:
		case !i.operational():
			f.Close(0)
		case peer.Component == ipcp.Enrollment.Component:
			i.registrar.Serve(f)
		default:
			_ = i.connected(peer, f, nil) // the peer notices that its flow is silent
		}
	})
}

// component returns what this IPCP announces for a component that a peer asks for over a flow.
func (i *IPCP) component(name string, f core.Flow) (ipcp.Announcement, bool) {
	switch name {
	case ipcp.Enrollment.Component:
		return ipcp.Enrollment, i.operational()
	case ipcp.Management.Component:
		return ipcp.Management.At(i.address), i.operational()
	case ipcp.DataTransfer.Component:
		return ipcp.DataTransfer.At(i.address), i.operational() && i.fits(f) == nil
	}
	return ipcp.Announcement{}, false
}

// connected hands a flow to its component, or closes it. w is the wish of this side, nil if the peer has
// asked. Of two connections of a component to the same peer one stays.
func (i *IPCP) connected(peer ipcp.Announcement, f core.Flow, w *wish) error {
	if err := i.acceptable(peer, w != nil); err != nil {
		f.Close(0)
		return err
	}
	c := &connection{
		i: i, comp: peer.Component, peer: peer.Address, flow: f, since: i.env.Now(),
		port: pff.None, mine: w != nil, wish: w,
	}
	old := i.connection(c.comp, c.peer)
	if old != nil && i.older(old, c) {
		f.Close(0)
		old.takeWish(c)
		return nil
	}
	if err := c.attach(); err != nil {
		f.Close(0)
		return err
	}
	if w != nil {
		w.conn = c
	}
	if old != nil {
		old.retireFor(c)
	}
	return nil
}

// acceptable checks whom a connection is to. The side that asked for one to a peer with its own address
// takes another (decision 6), the other side does not, so that they do not both.
func (i *IPCP) acceptable(peer ipcp.Announcement, mine bool) error {
	switch {
	case !i.operational():
		return core.ErrIPCPState
	case peer.Address == 0:
		return errNoAddress
	case peer.Address == i.address:
		if mine {
			i.conflict()
		}
		return errOwnAddress
	}
	return nil
}

// fits checks that a flow takes the packets that the layer promises to its users.
func (i *IPCP) fits(f core.Flow) error {
	if mtu := f.Info().MTU - i.parts.dt.HeaderLen(); mtu < i.layer.MTU {
		return fmt.Errorf("%w: %d bytes, the mtu of the layer is %d", ErrMTU, max(mtu, 0), i.layer.MTU)
	}
	return nil
}

// older reports whether the older of two connections to one peer stays. In general the newer replaces it
// (spec 04 §2.1). If both sides asked at a time, each has the two in an order of its own: then that of the
// lower address stays.
func (i *IPCP) older(old, c *connection) bool {
	began := c.since
	if c.mine {
		began = c.wish.asked
	}
	if old.mine == c.mine || began.Sub(old.since) >= ipcp.CEPTimeout {
		return false
	}
	return old.mine == (i.address < c.peer)
}

// takeWish makes c, which stays, fulfil what o was for.
func (c *connection) takeWish(o *connection) {
	w := o.wish
	if o.wish = nil; w == nil || w == c.wish {
		return
	}
	if c.wish == nil {
		c.wish, w.conn = w, c
		return
	}
	w.conn = nil
	if w.persist {
		w.persist, c.wish.persist = false, true
		w.drop()
	}
}

// attach makes the component use the flow.
func (c *connection) attach() error {
	i := c.i
	if c.comp == ipcp.Management.Component {
		i.conns = append(i.conns, c)
		c.mgmt = i.parts.router.addManagement(c.peer, c.flow, c)
		return nil
	}
	port, err := i.parts.dt.AddPort(c.peer, c.flow, c)
	if err != nil {
		return err
	}
	c.port = port
	i.conns = append(i.conns, c)
	c.adjacent()
	return nil
}

// adjacent tells routing of the neighbour behind a connection for data transfer, and what the way costs. A
// member that is about to take another address says nothing under the old one.
func (c *connection) adjacent() {
	if c.i.moving {
		return
	}
	c.i.parts.router.addNeighbour(c.peer, c.port, c.i.parts.cost.Of(c.flow.Info()))
	c.i.parts.dir.met(c.peer)
}

// retireFor closes the connection after a while: c has replaced it.
func (c *connection) retireFor(successor *connection) {
	c.successor = successor
	c.retire = c.i.env.NewTimer(func() {
		c.lost()
		c.close()
	})
	c.retire.Reset(retireAfter)
}

// resume puts a connection that has been replaced to use again: its successor was to another member. What
// was flooded meanwhile has not gone over it.
func (c *connection) resume() {
	c.retire.Stop()
	c.retire, c.successor = nil, nil
	if c.mgmt != nil {
		c.mgmt.move(c.peer)
	}
}

// PortState passes on that the N-1 flow went down or came up. It may have come up with another rate.
func (c *connection) PortState(p pff.Port, up bool) {
	c.i.parts.router.PortState(p, up)
	if up {
		c.i.parts.router.setCost(p, c.i.parts.cost.Of(c.flow.Info()))
	}
}

// PortClosed ends the connection: the adjacency is gone at once (decision 5).
func (c *connection) PortClosed(p pff.Port, _ uint64, _ error) {
	c.i.parts.router.removeNeighbour(p)
	c.lost()
}

// lost tells that the connection has ended without having been given up: its N-1 flow has ended, or another
// connection has replaced it. The record goes with it (spec 07 D3).
func (c *connection) lost() {
	c.i.forget(c)
	switch s := c.successor; {
	case s != nil && slices.Contains(c.i.conns, s):
		s.takeWish(c)
	case c.wish != nil && c.wish.conn == c:
		c.wish.lost()
	}
}

// close gives the connection up from this side.
func (c *connection) close() {
	if c.mgmt != nil {
		c.mgmt.remove()
		c.flow.Close(farewell)
		return
	}
	c.i.parts.dt.RemovePort(c.port, true)
	c.i.parts.router.removeNeighbour(c.port)
}

// forget takes the record of a connection away.
func (i *IPCP) forget(c *connection) {
	if c.retire != nil {
		c.retire.Stop()
	}
	for k, x := range i.conns {
		if x == c {
			i.conns = append(i.conns[:k], i.conns[k+1:]...)
			return
		}
	}
}

// connection returns the connection of a component to a peer, nil if there is none; one that has been
// replaced does not count.
func (i *IPCP) connection(comp string, peer uint64) *connection {
	for _, c := range i.conns {
		if c.comp == comp && c.peer == peer && c.retire == nil {
			return c
		}
	}
	return nil
}

// Connected reports whether there is a connection for data transfer to the member with that address.
func (i *IPCP) Connected(peer uint64) bool {
	return i.connection(ipcp.DataTransfer.Component, peer) != nil
}

// rate returns what the N-1 flows for data transfer can carry together in bit/s, 0 if one of them does not
// know, or has no limit.
func (i *IPCP) rate() (sum int64) {
	for _, c := range i.conns {
		if c.mgmt != nil || c.retire != nil {
			continue
		}
		r := c.flow.Info().Rate
		if r == 0 {
			return 0
		}
		sum += r
	}
	return sum
}

// Connection describes a connection for the management tree.
type Connection struct {
	Component string
	Peer      uint64
	Name      core.Name // to which this side has connected, empty if the peer has
	Layer     core.Name // that provides the flow
	EID       uint64    // of the flow in that layer
	Port      pff.Port  // of a connection for data transfer
	Since     core.Time
	Persist   bool
}

// Connections hands out the connections in the order in which they were made.
func (i *IPCP) Connections(yield func(Connection)) {
	for _, c := range i.conns {
		info := c.flow.Info()
		x := Connection{Component: c.comp, Peer: c.peer, Layer: info.Layer, EID: info.EID, Port: c.port, Since: c.since}
		if c.wish != nil {
			x.Name, x.Persist = c.wish.dst, c.wish.persist
		}
		yield(x)
	}
}
