package unicast

import (
	"errors"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/ipcp/unicast/routing"
)

// router is the shell around a routing policy: it carries messages over the management flows, arms the
// timer and installs the tables.
type router struct {
	env       core.Env
	policy    routing.Routing
	table     pff.PFF
	timer     core.Timer
	armed     core.Time // when timer fires, clock.Never if it is stopped
	mgmt      []*mgmtFlow
	conflict  func()      // told that another member has the address of this one
	yield     func() bool // asks for another address; false if there is none
	self      uint64
	announced bool // a neighbour for data transfer is or was known
	sent      dt.Counter
	lost      uint64 // messages that a management flow refused or had no room for
}

// maxHeld bounds the messages that wait for one management flow: a database of 4096 adjacencies each way
// twice over. What is dropped beyond that, refresh makes up for.
const maxHeld = 1 << 14

func newRouter(env core.Env, p routing.Routing, table pff.PFF) *router {
	r := &router{env: env, policy: p, table: table, armed: clock.Never}
	r.timer = env.NewTimer(func() {
		r.armed = clock.Never
		r.policy.Tick(r.env.Now())
		r.flush()
	})
	return r
}

func (r *router) start(self uint64) {
	r.self, r.announced = self, false
	r.policy.Start(r.env.Now(), self, r.table.Wants())
	r.flush()
}

func (r *router) stop() {
	r.policy.Stop(r.env.Now())
	r.flush()
}

// flush carries out what the policy wants done.
func (r *router) flush() {
	e := r.policy.Out()
	for _, s := range e.Sends {
		r.send(s)
	}
	if e.Install {
		r.table.Replace(e.Routes)
	}
	if e.Conflict {
		r.conflict()
	}
	switch d := r.policy.Deadline(); d {
	case r.armed: // as after nearly every message
	case clock.Never:
		r.armed = d
		r.timer.Stop()
	default:
		r.armed = d
		r.timer.Reset(d.Sub(r.env.Now()))
	}
}

func (r *router) send(s routing.Send) {
	if int(s.Port) >= len(r.mgmt) || r.mgmt[s.Port] == nil {
		return
	}
	m := r.mgmt[s.Port]
	p := r.env.Pool.GetCopy(m.headroom, s.SDU)
	if len(m.held) > 0 {
		m.hold(p)
		return
	}
	m.write(p)
}

// addNeighbour tells the policy of a connection for data transfer, and what it costs.
func (r *router) addNeighbour(peer uint64, p pff.Port, cost uint32) {
	r.announced = true
	r.table.PortUp(p) // its number may have been that of one that ended
	r.policy.AddNeighbour(r.env.Now(), routing.DT, peer, p)
	if cost != 1 {
		r.policy.SetCost(r.env.Now(), p, cost)
	}
	r.flush()
}

// setCost tells it that the cost may be another one.
func (r *router) setCost(p pff.Port, cost uint32) {
	r.policy.SetCost(r.env.Now(), p, cost)
	r.flush()
}

// claims is implemented by routing policies that can tell from one message that a member with the given
// address is part of the layer.
type claims interface {
	Claims(sdu []byte, addr uint64) bool
}

// taken reports whether a message shows that the address of this member, which nobody can have heard of
// yet, is that of another: a newcomer finds out before it disturbs anybody (decision 6).
func (r *router) taken(sdu []byte) bool {
	c, ok := r.policy.(claims)
	return ok && !r.announced && c.Claims(sdu, r.self)
}

// removeNeighbour tells it that the connection has ended.
func (r *router) removeNeighbour(p pff.Port) {
	r.table.PortDown(p)
	r.policy.RemoveNeighbour(r.env.Now(), routing.DT, p)
	r.flush()
}

// PortState passes on that an N-1 flow went down or came up.
func (r *router) PortState(p pff.Port, up bool) {
	if up {
		r.env.Trace.Note(r.env.Now(), trace.LinkUp, uint64(p), 0)
		r.table.PortUp(p)
	} else {
		r.env.Trace.Note(r.env.Now(), trace.LinkDown, uint64(p), 0)
		r.table.PortDown(p)
	}
	r.policy.PortState(r.env.Now(), p, up)
	r.flush()
}

// mgmtFlow is the user of a management flow.
type mgmtFlow struct {
	r        *router
	port     routing.Port
	peer     uint64
	flow     core.Flow
	headroom int
	held     []*pkt.Buf // that the flow had no room for
	user     mgmtUser
}

// mgmtUser is told what happens on a management flow.
type mgmtUser interface {
	// moved takes a message that is not for the routing policy; it reports false if it is.
	moved(msg []byte) bool
	// lost tells that the flow has ended. It is no neighbour any more by then.
	lost()
}

// write sends a message. It reports false if the flow is full: the message is held then.
func (m *mgmtFlow) write(p *pkt.Buf) bool {
	n := p.Len()
	switch err := m.flow.Write(p); {
	case err == nil:
		m.r.sent.Add(n)
	case errors.Is(err, core.ErrWouldBlock):
		m.hold(p)
		return false
	default:
		m.r.lost++
	}
	return true
}

func (m *mgmtFlow) hold(p *pkt.Buf) {
	if len(m.held) >= maxHeld {
		m.r.lost++
		p.Release()
		return
	}
	m.held = append(m.held, p)
}

// addManagement takes over a management flow to peer.
func (r *router) addManagement(peer uint64, f core.Flow, user mgmtUser) *mgmtFlow {
	m := &mgmtFlow{r: r, port: routing.Port(len(r.mgmt)), peer: peer, flow: f, headroom: f.Info().Headroom, user: user}
	for i, x := range r.mgmt {
		if x == nil {
			m.port = routing.Port(i)
			break
		}
	}
	if int(m.port) == len(r.mgmt) {
		r.mgmt = append(r.mgmt, nil)
	}
	r.mgmt[m.port] = m
	f.Attach(m)
	m.introduce()
	return m
}

// introduce tells the policy of the neighbour.
func (m *mgmtFlow) introduce() {
	m.r.policy.AddNeighbour(m.r.env.Now(), routing.Mgmt, m.peer, m.port)
	m.r.flush()
}

// move tells the policy that the neighbour has another address.
func (m *mgmtFlow) move(peer uint64) {
	m.peer = peer
	m.r.policy.RemoveNeighbour(m.r.env.Now(), routing.Mgmt, m.port)
	m.introduce()
}

// post sends a message that is not one of the policy. If there is no room it is lost.
func (m *mgmtFlow) post(msg []byte, count *dt.Counter) {
	p := m.r.env.Pool.GetCopy(m.headroom, msg)
	switch err := m.flow.Write(p); {
	case err == nil:
		count.Add(len(msg))
	case errors.Is(err, core.ErrWouldBlock):
		p.Release()
	}
}

// remove gives the flow up.
func (m *mgmtFlow) remove() {
	if m.r.mgmt[m.port] != m {
		return
	}
	m.r.mgmt[m.port] = nil
	for _, p := range m.held {
		p.Release()
	}
	m.held = nil
	m.r.policy.RemoveNeighbour(m.r.env.Now(), routing.Mgmt, m.port)
	m.r.flush()
}

// Deliver hands a message to the policy.
func (m *mgmtFlow) Deliver(p *pkt.Buf) {
	defer p.Release()
	switch msg := p.Bytes(); {
	case len(msg) == 0 || m.r.mgmt[m.port] != m || m.user.moved(msg):
	case m.r.taken(msg) && m.r.yield(): // nobody has heard of this member yet
	default:
		m.r.policy.Recv(m.r.env.Now(), m.port, msg)
		m.r.flush()
	}
}

// Writable sends what is held, as far as the flow takes it.
func (m *mgmtFlow) Writable() {
	held := m.held
	m.held = nil
	for i, p := range held {
		if !m.write(p) {
			m.held = append(m.held, held[i+1:]...)
			return
		}
	}
}

// State has the whole database sent again when the flow comes back: what was flooded meanwhile has not
// reached the peer.
func (m *mgmtFlow) State(up bool) {
	if !up {
		return
	}
	now := m.r.env.Now()
	m.r.policy.RemoveNeighbour(now, routing.Mgmt, m.port)
	m.r.policy.AddNeighbour(now, routing.Mgmt, m.peer, m.port)
	m.r.flush()
}

// Closed ends the connection.
func (m *mgmtFlow) Closed(error) {
	m.remove()
	m.user.lost()
}
