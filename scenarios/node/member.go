package node

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"ouroboros/core"
	procs "ouroboros/ipcp"
	"ouroboros/ipcp/broadcast"
	"ouroboros/ipcp/rib"
	"ouroboros/ipcp/unicast"
	"ouroboros/scenarios"
)

// memberState is where a member stands in its layer.
type memberState uint8

const (
	outside   memberState = iota
	seeking               // waits for a neighbour that it can enroll with
	enrolling             // with one
	inLayer
)

// enrollPause is the time between an enrollment that failed and the next.
const enrollPause = time.Second

// Member is the part of a system in a unicast or broadcast layer. It does what an administrator does by
// hand: it bootstraps the first member, has the others enroll with a neighbour that is in the layer, and
// connects neighbours. Everything else the IPCP does.
type Member struct {
	Layer   *Layer
	System  *System
	Unicast *unicast.IPCP   // in the present life of the node, nil in a broadcast layer
	Hub     *broadcast.IPCP // nil in a unicast layer
	// Since is when the member came into the layer.
	Since core.Time

	ipcp     ipcp
	index    int
	pairs    []*pair
	state    memberState
	wanted   bool // it should be in the layer
	scripted bool // the scenario says when it joins or leaves
	tries    int
	with     core.Name // whom it enrolls with
	err      error     // of the last enrollment
	cancel   func()
	retry    core.Timer
}

// ipcp is what both kinds of IPCPs can do for the builder.
type ipcp interface {
	core.Provider
	bootstrap(m *Member) error
	enroll(m *Member, with core.Name, lower core.Name, done func(error)) (cancel func())
	connect(to, lower core.Name, qos core.QoS, done func(error))
	disconnect(from core.Name)
	Serve() error
	Leave()
	RIB() rib.Node
}

// Name returns the name of the node.
func (m *Member) Name() string { return m.System.Name }

// ipcpName returns the name of the IPCP.
func (m *Member) ipcpName() core.Name { return ipcpName(m.Layer.Name, m.System.Name) }

// In reports whether the member is in the layer now.
func (m *Member) In() bool { return m.state == inLayer }

// make creates the IPCP, which is in no layer yet.
func (m *Member) make() error {
	s := m.System
	env := s.Env.Derive(m.Layer.Name)
	m.state, m.tries, m.retry = outside, 0, env.NewTimer(m.seek)
	var err error
	if m.Layer.Kind == scenarios.LayerBroadcast {
		m.Hub, err = broadcast.New(env, s.Broker, broadcast.Config{Name: m.ipcpName()})
		m.ipcp = hub{m.Hub}
		return err
	}
	m.Unicast, err = unicast.New(env, s.Broker, unicast.Config{Name: m.ipcpName(), Catalog: m.Layer.catalog})
	m.ipcp = router{m.Unicast}
	return err
}

// begin has a member that is wanted come into its layer when time passes.
func (m *Member) begin() {
	if !m.wanted {
		return
	}
	m.System.Env.Post(func() {
		if m.state != outside || !m.wanted {
			return
		}
		if m == m.Layer.boot && !m.Layer.begun {
			m.Layer.begun = true
			m.entered(m.ipcp.bootstrap(m))
			return
		}
		m.state = seeking
		m.seek()
	})
}

// seek enrolls with the next neighbour that is in the layer. Without one the member waits: who comes into
// the layer calls its neighbours.
func (m *Member) seek() {
	if m.state != seeking {
		return
	}
	var able []*pair
	for _, p := range m.pairs {
		if p.usable() && p.other(m).In() {
			able = append(able, p)
		}
	}
	if len(able) == 0 {
		return
	}
	p := able[m.tries%len(able)]
	m.state, m.with = enrolling, p.other(m).ipcpName()
	m.tries++
	m.Layer.net.connecting++
	m.cancel = m.ipcp.enroll(m, m.with, p.lower, func(err error) {
		m.Layer.net.connecting--
		m.cancel = nil
		if err != nil {
			m.err, m.state = err, seeking
			m.retry.Reset(enrollPause)
			return
		}
		m.entered(nil)
	})
}

// entered makes the member known on its node and to its neighbours.
func (m *Member) entered(err error) {
	s := m.System
	if err == nil {
		err = s.Broker.AddProvider(m.ipcp)
	}
	if err == nil {
		err = m.listen()
	}
	if err != nil {
		m.state = outside
		m.Layer.net.note(err)
		return
	}
	m.state, m.Since, m.err = inLayer, s.Env.Now(), nil
	m.Layer.attend(m.pairs)
	for _, u := range m.Layer.upper {
		if x := s.Member(u.Name); x != nil {
			u.attend(x.pairs)
		}
	}
}

// listen registers the IPCP in the layers below, so that neighbours can reach it.
func (m *Member) listen() error {
	var below []core.Name
	for _, p := range m.pairs {
		below = append(below, p.lower)
	}
	if len(below) == 0 {
		return nil
	}
	slices.Sort(below)
	err := m.System.Broker.Register(m.ipcpName(), slices.Compact(below)...)
	return errors.Join(err, m.ipcp.Serve())
}

// attend connects the pairs whose ends are both in the layer, and has the end that is not enroll with the
// other. It is called when something has changed at one end.
func (l *Layer) attend(pairs []*pair) {
	for _, p := range pairs {
		if !p.usable() {
			continue
		}
		switch {
		case p.a.In() && p.b.In():
			p.connect()
		case p.a.state == seeking && p.b.In():
			p.a.System.Env.Post(p.a.seek)
		case p.b.state == seeking && p.a.In():
			p.b.System.Env.Post(p.b.seek)
		}
	}
}

// whole tells the routing policy static that its map is: all pairs have been told to connect.
func (l *Layer) whole() {
	for _, p := range l.pairs {
		if !p.asked && p.a.wanted && p.b.wanted {
			return
		}
	}
	l.offline.Complete()
}

// connect has a connect to b. What a keeps of an earlier life of b goes first.
func (p *pair) connect() {
	if p.asked {
		return
	}
	p.asked = true
	l, a, ipcp := p.a.Layer, p.a, p.a.ipcp
	if l.offline != nil {
		l.offline.Link(p.a.Unicast.Address(), p.b.Unicast.Address(), 1)
		l.whole()
	}
	l.net.connecting++
	p.life++
	life := p.life
	p.busy = true
	a.System.Env.Post(func() {
		if p.life != life {
			return
		}
		ipcp.disconnect(p.b.ipcpName())
		ipcp.connect(p.b.ipcpName(), p.lower, l.dataQoS(p), func(err error) {
			if p.life == life {
				p.settle()
				l.net.note(err)
			}
		})
	})
}

// settle notes that a is not connecting to b any more.
func (p *pair) settle() {
	if p.busy {
		p.busy = false
		p.a.Layer.net.connecting--
	}
}

// Join has the node enroll in the layer.
func (m *Member) Join() error {
	if m.wanted && m.state != outside {
		return nil
	}
	m.wanted = true
	if m.state != outside { // it has left and comes back
		return fmt.Errorf("layer %s: %s is still in it", m.Layer.Name, m.Name())
	}
	if err := m.make(); err != nil {
		return err
	}
	m.begin()
	return nil
}

// Leave takes the node out of the layer.
func (m *Member) Leave() error {
	m.wanted = false
	return m.leave()
}

func (m *Member) leave() error {
	if m.state == outside || !m.System.alive {
		return nil
	}
	was := m.state
	if m.cancel != nil {
		m.cancel()
	}
	m.lost()
	m.retry.Stop()
	m.ipcp.Leave()
	if was != inLayer {
		return nil
	}
	return errors.Join(m.System.Broker.Unregister(m.ipcpName()), m.System.Broker.RemoveProvider(m.ipcp))
}

// lost notes that the member is not in the layer any more.
func (m *Member) lost() {
	m.state = outside
	if m.cancel != nil {
		m.cancel = nil
		m.Layer.net.connecting--
	}
	for _, p := range m.pairs {
		p.asked = false
		p.life++
		p.settle()
	}
}

// why says why the member is not in the layer.
func (m *Member) why() error {
	switch {
	case m.err != nil:
		return fmt.Errorf("layer %s: %s could not enroll: %w", m.Layer.Name, m.Name(), m.err)
	case m.state == enrolling:
		return fmt.Errorf("layer %s: %s is still enrolling with %s", m.Layer.Name, m.Name(), m.with)
	}
	return fmt.Errorf("layer %s: %s has no neighbour in the layer that it could enroll with", m.Layer.Name, m.Name())
}

// router is a unicast IPCP in the hands of the builder.
type router struct{ *unicast.IPCP }

func (r router) bootstrap(m *Member) error { return r.Bootstrap(m.Layer.config, m.index) }

func (r router) enroll(m *Member, with, lower core.Name, done func(error)) (cancel func()) {
	return r.Enroll(with, lower, m.index, done)
}

func (r router) connect(to, lower core.Name, qos core.QoS, done func(error)) {
	r.Connect(to, lower, unicast.ConnectOptions{QoS: qos}, done)
}

func (r router) disconnect(from core.Name) { r.Disconnect(from, procs.Both) }

// hub is a broadcast IPCP in the hands of the builder.
type hub struct{ *broadcast.IPCP }

func (h hub) bootstrap(m *Member) error { return h.Bootstrap(core.Name(m.Layer.Name)) }

func (h hub) enroll(_ *Member, with, lower core.Name, done func(error)) (cancel func()) {
	return h.Enroll(with, lower, done)
}

func (h hub) connect(to, lower core.Name, qos core.QoS, done func(error)) {
	h.Connect(to, lower, broadcast.ConnectOptions{QoS: qos}, done)
}

func (h hub) disconnect(from core.Name) { h.Disconnect(from) }
