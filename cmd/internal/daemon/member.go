package daemon

import (
	"fmt"
	"slices"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/ipcp"
	"ouroboros/ipcp/rib"
)

// maxMembers is how many IPCPs a system can have.
const maxMembers = 4096

// member is an IPCP of the system, in a layer or not. Those of the kinds local and shim have no process
// before they are bootstrapped: they are made with what they are told then.
type member struct {
	s      *System
	number int // from 1, given out once
	name   core.Name
	kind   core.LayerKind
	p      process     // nil: a local or shim IPCP that is in no layer
	client *irm.Client // of a joiner
	listed bool        // p is one of the broker's providers
	links  []link      // that an operator has asked for
}

// process is an IPCP as the system handles it.
type process interface {
	core.Provider
	RIB() rib.Node
	// Leave takes it out of its layer, for good, and frees what it holds.
	Leave()
}

// joiner is a process that enrolls with others and connects to them.
type joiner interface {
	process
	State() ipcp.State
	ServeName(n core.Name) error
	StopServing(n core.Name) bool
	Serving() []core.Name
	bootstrap(b *control.BootstrapConfig) error
	enroll(dst core.Name, done func(error)) (cancel func())
	// connect makes a connection and keeps it up, also after a failure of the first try, until disconnect.
	connect(dst core.Name, comp ipcp.Components, qos core.QoS, done func(error))
	disconnect(dst core.Name, comp ipcp.Components)
}

// link is a connection that an operator has asked for: one component of a peer.
type link struct {
	dst  core.Name
	comp ipcp.Components // one bit
	qos  core.QoS
}

// create makes an IPCP that is in no layer.
func (s *System) create(name string, kind core.LayerKind) (*member, error) {
	m := &member{s: s, name: core.Name(name), kind: kind}
	if err := m.name.Validate(); err != nil {
		return nil, fmt.Errorf("%w: IPCP: %w", core.ErrInvalid, err)
	}
	switch {
	case s.draining:
		return nil, errEnding
	case kind > core.KindUDP6:
		return nil, fmt.Errorf("%w: %d, accepted are 0 (local) to 6 (udp6)", core.ErrIPCPType, kind)
	case s.find(name) != nil:
		return nil, fmt.Errorf("%w: IPCP %q exists already", core.ErrInvalid, name)
	case len(s.members) >= maxMembers:
		return nil, fmt.Errorf("%w: the system has %d IPCPs, the most that it can have", core.ErrAgain, maxMembers)
	}
	s.made++
	m.number = s.made
	if err := m.revive(); err != nil {
		return nil, err
	}
	s.members = append(s.members, m)
	s.log.Info(fmt.Sprintf("Created IPCP %d.", m.number), "name", name, "type", control.KindWord(kind))
	return m, nil
}

// revive gives the member a process in state boot, where its kind has one before it is in a layer.
func (m *member) revive() error {
	if m.kind != core.KindUnicast && m.kind != core.KindBroadcast {
		return nil
	}
	s := m.s
	m.client = s.broker.Attach(irm.Process{
		PID: -m.number, Program: "ipcpd-" + control.KindWord(m.kind), UID: selfUID, GID: selfGID, IPCP: m.name,
	})
	p, err := newJoiner(s.env.Derive(string(m.name)), m.client, m.name, m.kind)
	if err != nil {
		m.client.Close()
		m.client = nil
		return err
	}
	m.p = p
	return nil
}

// state returns the state of the IPCP (spec 13 §13.2).
func (m *member) state() ipcp.State {
	if j, ok := m.p.(joiner); ok {
		return j.State()
	}
	if m.p == nil {
		return ipcp.Boot
	}
	return ipcp.Operational
}

// in reports whether the IPCP is in a layer.
func (m *member) in() bool { return m.state() == ipcp.Operational }

// layer describes the layer of an IPCP that is in one.
func (m *member) layer() core.LayerInfo { return m.p.Layer() }

// joiner returns the process of an IPCP that enrolls and connects.
func (m *member) joiner() (joiner, error) {
	if j, ok := m.p.(joiner); ok {
		return j, nil
	}
	return nil, fmt.Errorf("%w: IPCP %q is of type %s: only unicast and broadcast IPCPs enroll, connect, and have names", core.ErrUnsupp, m.name, control.KindWord(m.kind))
}

// ready reports why the IPCP cannot come into a layer now.
func (m *member) ready() error {
	if st := m.state(); st != ipcp.Boot {
		if m.in() {
			return fmt.Errorf("%w: IPCP %q is in layer %q already", core.ErrIPCPState, m.name, m.layer().Name)
		}
		return fmt.Errorf("%w: IPCP %q is in state %s, and comes into a layer from state %s only", core.ErrIPCPState, m.name, st, ipcp.Boot)
	}
	return nil
}

// entered makes an IPCP that has come into a layer known to the broker. A name that was registered in a layer of
// that name before, and which this one does not take, stays without it.
func (m *member) entered(autobind bool) error {
	if err := m.s.broker.AddProvider(m.p); err != nil {
		m.s.log.Warn("A name could not be registered.", "ipcp", m.name, "error", err)
	}
	m.listed = true
	j, ok := m.p.(joiner)
	if !ok || !autobind {
		return nil
	}
	for _, n := range []core.Name{m.name, m.layer().Name} {
		if err := m.bind(j, n); err != nil {
			return err
		}
	}
	return nil
}

// bind has the IPCP listen to a name, which is made if there is none.
func (m *member) bind(j joiner, n core.Name) error {
	if err := m.s.broker.CreateName(n, irm.NameConfig{Balance: irm.Spillover}); err != nil {
		return err
	}
	return j.ServeName(n)
}

// end takes the IPCP out of its layer and out of the broker. The member is of no use afterwards, until revive.
func (m *member) end() {
	if m.p != nil {
		// What is unregistered cannot fail, and the names of other layers have been tried before.
		if m.listed {
			_ = m.s.broker.RemoveProvider(m.p)
		}
		m.p.Leave()
	}
	if m.client != nil {
		m.client.Close()
	}
	m.p, m.client, m.listed, m.links = nil, nil, false, nil
}

// destroy ends the IPCP for good.
func (m *member) destroy() {
	m.end()
	m.s.members = slices.DeleteFunc(m.s.members, func(o *member) bool { return o == m })
	m.s.log.Info(fmt.Sprintf("Destroyed IPCP %d.", m.number), "name", string(m.name))
}

// info describes the IPCP.
func (m *member) info() control.IPCPInfo {
	i := control.IPCPInfo{PID: m.number, Name: string(m.name), Kind: m.kind, State: m.state()}
	if m.in() {
		l := m.layer()
		i.Layer, i.Hash = string(l.Name), l.Hash
	}
	return i
}
