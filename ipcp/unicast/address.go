package unicast

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/trace"
	"ouroboros/ipcp"
	"ouroboros/ipcp/unicast/addr"
)

// ErrReaddressed ends the flows of a member that has taken another address (decision 6).
var ErrReaddressed = fmt.Errorf("%w: the member has taken another address", core.ErrFlowDown)

// errTaken is an error of a policy that has no other address to give.
var errTaken = errors.New("address is in use by another member")

// draws is how often an address policy is asked for an address that is free.
const draws = 16

// assign returns an address for this member that fits the header and is none of those taken.
func assign(p addr.Policy, l Layer, index int, taken ...uint64) (uint64, error) {
	var a uint64
	for range draws {
		var err error
		if a, err = p.Assign(index); err != nil {
			return 0, err
		}
		if size := l.Header.Addr; size < 8 && a>>(8*size) != 0 {
			return 0, fmt.Errorf("address %#x does not fit the %d bytes of the header", a, size)
		}
		if a != 0 && !slices.Contains(taken, a) {
			return a, nil
		}
	}
	return 0, fmt.Errorf("address %#x: %w", a, errTaken)
}

// free returns an address for this member that is neither its own nor that of a peer.
func (i *IPCP) free() (uint64, error) {
	taken := []uint64{i.address}
	for _, c := range i.conns {
		taken = append(taken, c.peer)
	}
	return assign(i.parts.addrs, i.layer, i.index, taken...)
}

// yield gives way to another member with the address of this one, if the policy has another to give: else
// what was heard is of an earlier life of this member, which has the same address again.
func (i *IPCP) yield() bool {
	if _, err := i.free(); err != nil {
		return false
	}
	i.conflict()
	return true
}

// conflict is called when another member is heard with the address of this one. The address changes in a
// call of its own, since the components are at work.
func (i *IPCP) conflict() {
	if i.moving {
		return
	}
	i.moving = true
	i.conflicts++
	i.env.Post(func() {
		i.moving = false
		if i.operational() {
			i.readdress()
		}
	})
}

// readdress takes another address and says so. Flows end: the other ends know the old address only.
// Connections stay. Our own members are told on the management flows; to a peer that does not understand
// that, the connections that this side has made are made anew. If the policy has no other address to give
// nothing changes: the conflict stays and has been counted.
func (i *IPCP) readdress() {
	a, err := i.free()
	if err != nil {
		return
	}
	old := i.address
	i.env.Trace.Note(i.env.Now(), trace.AddressChanged, a, old)
	i.parts.fa.Abort(ErrReaddressed)
	i.parts.router.stop()
	i.setAddress(a)
	i.parts.router.start(a)
	for _, c := range slices.Clone(i.conns) {
		c.introduce()
	}
	i.reminder.start()
	for _, c := range slices.Clone(i.conns) {
		if c.mine && c.wish != nil && c.retire == nil {
			c.wish.redo()
		}
	}
}

// introduce tells routing of the neighbour behind a connection that stands.
func (c *connection) introduce() {
	if c.mgmt != nil {
		c.mgmt.introduce()
		return
	}
	c.adjacent()
}

// reminder tells the peers of a member that has changed its address of the new one. The word may get lost,
// so it is repeated.
type reminder struct {
	i     *IPCP
	timer core.Timer
	left  int
	wait  time.Duration
}

const (
	reminders     = 4
	reminderPause = time.Second
)

func (r *reminder) start() {
	if r.timer == nil {
		r.timer = r.i.env.NewTimer(r.tell)
	}
	r.left, r.wait = reminders, reminderPause
	r.tell()
}

func (r *reminder) stop() {
	if r.timer != nil {
		r.timer.Stop()
	}
}

// tell sends the announcement of the management component once more on all its flows. The prototype ignores
// it there, since it is no link state message (spec 04 §3).
func (r *reminder) tell() {
	b, err := ipcp.Management.At(r.i.address).Marshal()
	if err != nil {
		return
	}
	for _, c := range r.i.conns {
		if c.mgmt != nil {
			c.mgmt.post(b, &r.i.exchanges)
		}
	}
	if r.left--; r.left > 0 {
		r.timer.Reset(r.wait)
		r.wait *= 2
	}
}

// announcing is how the announcement of the management component begins.
var announcing = []byte("\x0a\x0aManagement")

// moved takes a message on a management connection by which the peer says that its address is another one.
// It reports false if the message is none.
func (c *connection) moved(msg []byte) bool {
	if !bytes.HasPrefix(msg, announcing) {
		return false
	}
	peer, err := ipcp.ParseAnnouncement(msg)
	if err != nil {
		return false
	}
	if err := c.i.acceptable(peer, c.mine); err != nil || peer.Address == c.peer {
		return true
	}
	old := c.peer
	for _, x := range c.i.conns {
		if x.peer == old && x.belongsTo(c) {
			x.move(peer.Address)
		}
	}
	for _, x := range c.i.conns {
		if x.successor != nil && x.peer == old && x.successor.peer != old {
			x.resume()
		}
	}
	return true
}

// belongsTo reports whether c leads to the same member as the management connection m. The addresses are
// the same; those of two members may be (decision 6). Connections to one name lead to one member, and who
// connects makes the management connection first.
func (c *connection) belongsTo(m *connection) bool {
	switch {
	case c == m:
		return true
	case c.mgmt != nil:
		return false
	case c.wish != nil && m.wish != nil:
		return c.wish.dst == m.wish.dst
	}
	return c.since >= m.since
}

// move tells routing that the peer of a connection has another address.
func (c *connection) move(peer uint64) {
	c.peer = peer
	if c.mgmt != nil {
		c.mgmt.move(peer)
		return
	}
	c.i.parts.dt.SetPeer(c.port, peer)
	c.i.parts.router.removeNeighbour(c.port)
	c.adjacent()
}
