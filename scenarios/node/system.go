package node

import (
	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/ipcp/broadcast"
	"ouroboros/ipcp/unicast"
)

// System is one node of the network.
type System struct {
	Name  string
	Index int
	// Env and Broker are those of the node's present life: a node that is killed and revived gets others.
	Env    core.Env
	Broker *irm.Broker

	net     *Network
	alive   bool
	shims   []Shim    // of the present life
	members []*Member // in the order of the layers
	killed  []func()
	revived []func()
}

// start begins a life of the node.
func (s *System) start(env core.Env) error {
	security, err := s.net.security(s)
	if err != nil {
		return err
	}
	s.Env, s.alive, s.shims = env, true, nil
	s.Broker = irm.New(env.Derive("irm"), irm.Config{Security: security})
	return nil
}

// Shims returns the shim IPCPs of the system.
func (s *System) Shims() []Shim { return s.shims }

// Alive reports whether the node is not killed.
func (s *System) Alive() bool { return s.alive }

// OnKill has f called whenever the node has been killed. Nothing on the node runs any more by then.
func (s *System) OnKill(f func()) { s.killed = append(s.killed, f) }

// OnRevive has f called whenever the node has been started again.
func (s *System) OnRevive(f func()) { s.revived = append(s.revived, f) }

// Member returns the system's part in a layer, nil if it has none.
func (s *System) Member(layer string) *Member {
	for _, m := range s.members {
		if m.Layer.Name == layer {
			return m
		}
	}
	return nil
}

// IPCP returns the system's unicast IPCP in a layer, nil if it has none.
func (s *System) IPCP(layer string) *unicast.IPCP {
	if m := s.Member(layer); m != nil {
		return m.Unicast
	}
	return nil
}

// Hub returns the system's broadcast IPCP in a layer, nil if it has none.
func (s *System) Hub(layer string) *broadcast.IPCP {
	if m := s.Member(layer); m != nil {
		return m.Hub
	}
	return nil
}
