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

const (
	// enrollPause is the time between an enrollment that failed and the next.
	enrollPause = time.Second
	// tidyAfter is how long after a member has left its neighbours give up their connections to it. Its farewell
	// has reached them by then, or is lost.
	tidyAfter = 10 * time.Second
)

// Member is the part of a system in a unicast or broadcast layer. It does what an administrator does by
// hand: it bootstraps the first member, has the others enroll with a neighbour that is in the layer, and
// connects neighbours. Everything else the IPCP does.
type Member struct {
	Layer   *Layer
	System  *System
	Unicast *unicast.IPCP   // in the present life of the node, nil in a broadcast layer
	Hub     *broadcast.IPCP // nil in a unicast layer
	// Since is when the member came into the layer, and Until when it was out of it again.
	Since, Until core.Time
	// Past are the IPCPs that the member had before: in earlier lives of its node, or before it left the layer
	// and joined again.
	Past []Past

	ipcp     ipcp
	index    int
	addr     uint64 // of a shadow, as its part has told it
	pairs    []*pair
	state    memberState
	wanted   bool // it should be in the layer
	scripted bool // the scenario says when it joins or leaves
	tries    int
	life     uint32    // counts enrollments and the ends of lives, to know late answers
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
	// connect makes a connection and keeps it up.
	connect(to, lower core.Name, qos core.QoS, done func(error))
	connected(to *Member) bool
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

// Wanted reports whether the member should be in the layer, by what the scenario says so far.
func (m *Member) Wanted() bool { return m.wanted }

// make creates the IPCP, which is in no layer yet.
func (m *Member) make() error {
	s := m.System
	env := s.Env.Derive(m.Layer.Name)
	if m.ipcp != nil {
		m.Past = append(m.Past, Past{m.Unicast, m.Hub, m.Until})
	}
	m.state, m.tries, m.err, m.retry = outside, 0, nil, env.NewTimer(m.seek)
	var err error
	if m.Layer.Kind == scenarios.LayerBroadcast {
		m.Hub, err = broadcast.New(env, s.Broker, broadcast.Config{Name: m.ipcpName()})
		m.ipcp = hub{m.Hub}
		return err
	}
	if old := m.Unicast; old != nil { // a table that all share does not notice that a node was killed
		m.Layer.names.Forget(m.Address())
	}
	m.Unicast, err = unicast.New(env, s.Broker, unicast.Config{Name: m.ipcpName(), Catalog: m.Layer.catalog})
	m.ipcp = router{m.Unicast}
	return err
}

// begin has a member that is wanted come into its layer when time passes. The one that begins the layer does so
// whenever nobody is in it.
func (m *Member) begin() {
	if !m.wanted || !m.here() {
		return
	}
	m.System.Env.Post(func() {
		if m.state != outside || !m.wanted {
			return
		}
		if m == m.Layer.boot && m.Layer.empty() {
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
	if m == m.Layer.boot && m.Layer.empty() { // since it began to seek the last member has gone
		m.state = outside
		m.begin()
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
	m.life++
	life := m.life
	m.cancel = m.ipcp.enroll(m, m.with, p.lower, func(err error) {
		if m.life != life { // it was on its way when the member left
			return
		}
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
		m.ipcp.Leave()
		m.Layer.net.note(errors.Join(err, s.Broker.RemoveProvider(m.ipcp)))
		return
	}
	m.err = nil
	m.arrived()
	m.tell(true)
}

// arrived notes that the member is in the layer, be it here or elsewhere, and calls those who wait for it.
func (m *Member) arrived() {
	s := m.System
	m.state, m.Since = inLayer, s.Env.Now()
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

// Past is an IPCP that a member had before, with its counters.
type Past struct {
	Unicast *unicast.IPCP   // nil in a broadcast layer
	Hub     *broadcast.IPCP // nil in a unicast layer
	Until   core.Time       // when the member was out of the layer
}

// Join has the node enroll in the layer, a killed one when it is started again.
func (m *Member) Join() error {
	if m.wanted {
		return nil
	}
	m.wanted = true
	if !m.System.alive {
		return nil
	}
	if err := m.make(); err != nil {
		return err
	}
	m.begin()
	return nil
}

// Leave takes the node out of the layer. A killed one does not come back to it when it is started again.
func (m *Member) Leave() error {
	m.wanted = false
	if m.state == outside || !m.System.alive || !m.here() {
		return nil
	}
	was := m.state
	if m.cancel != nil {
		m.cancel()
	}
	m.lost()
	m.tell(false)
	m.retry.Stop()
	m.ipcp.Leave()
	if was != inLayer {
		return nil
	}
	for _, p := range m.pairs {
		p.tidy(m)
	}
	return errors.Join(m.System.Broker.Unregister(m.ipcpName()), m.System.Broker.RemoveProvider(m.ipcp))
}

// lost notes that the member is not in the layer any more. What runs over it on this node has to connect anew
// when it is back.
func (m *Member) lost() {
	m.state, m.Until = outside, m.System.Env.Now()
	m.life++
	if b := m.Layer.boot; b != nil && b != m && b.here() && b.state == seeking && b.System.alive && m.Layer.empty() {
		b.System.Env.Post(b.seek)
	}
	if m.cancel != nil {
		m.cancel = nil
		m.Layer.net.connecting--
	}
	for _, p := range m.pairs {
		p.reset()
	}
	for _, u := range m.Layer.upper {
		x := m.System.Member(u.Name)
		if x == nil {
			continue
		}
		for _, p := range x.pairs {
			if p.below == m.Layer {
				p.reset()
			}
		}
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
	r.Connect(to, lower, unicast.ConnectOptions{QoS: qos, Persist: true}, done)
}

func (r router) connected(to *Member) bool { return r.Connected(to.Address()) }

func (r router) disconnect(from core.Name) { r.Disconnect(from, procs.Both) }

// hub is a broadcast IPCP in the hands of the builder.
type hub struct{ *broadcast.IPCP }

func (h hub) bootstrap(m *Member) error { return h.Bootstrap(core.Name(m.Layer.Name)) }

func (h hub) enroll(_ *Member, with, lower core.Name, done func(error)) (cancel func()) {
	return h.Enroll(with, lower, done)
}

func (h hub) connect(to, lower core.Name, qos core.QoS, done func(error)) {
	h.Connect(to, lower, broadcast.ConnectOptions{QoS: qos, Persist: true}, done)
}

func (h hub) connected(to *Member) bool { return h.Connected(to.ipcpName()) }

func (h hub) disconnect(from core.Name) { h.Disconnect(from) }
