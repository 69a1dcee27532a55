package node

import (
	"fmt"
	"slices"
	"strings"

	"ouroboros/core"
	"ouroboros/core/wire"
	"ouroboros/scenarios"
	"ouroboros/shim/direct"
	"ouroboros/shim/eth"
	"ouroboros/shim/udp"
)

// The shims, as scenarios write them.
const (
	shimDIX    = "eth-dix"
	shimLLC    = "eth-llc"
	shimUDP4   = "udp4"
	shimUDP6   = "udp6"
	shimDirect = "direct"
)

// kindOf returns what a frame looks like under a shim.
func kindOf(shim string) (core.LinkKind, error) {
	switch shim {
	case shimDIX, shimLLC:
		return core.LinkEthernet, nil
	case shimUDP4, shimUDP6:
		return core.LinkDatagram, nil
	case shimDirect:
		return core.LinkDirect, nil
	}
	return 0, fmt.Errorf("shim %q, accepted are %s", shim, strings.Join([]string{shimDIX, shimLLC, shimUDP4, shimUDP6, shimDirect}, ", "))
}

// wire makes the wires and the shims on them. Layers that share a wire share the shim on it.
func (n *Network) wire(sc *scenarios.Scenario) error {
	g := n.Graph
	use := make([]usage, len(g.Links))
	for i := range sc.Layers {
		l := &sc.Layers[i]
		if !l.OverLinks() {
			continue
		}
		members := l.Members.Select(g.NodeNames())
		for k, x := range g.Links {
			if !slices.Contains(members, g.Nodes[x.A].Name) || !slices.Contains(members, g.Nodes[x.B].Name) {
				continue
			}
			if err := use[k].add(l, x.Name); err != nil {
				return fmt.Errorf("layer %s: %w", l.Name, err)
			}
		}
	}
	all := specs(sc, g, use)
	for i, x := range g.Links {
		a, b := n.Systems[x.A], n.Systems[x.B]
		w, err := n.World.Link(all[i][0], a.Env, b.Env)
		if err != nil {
			return err
		}
		if err := w.Set(1, all[i][1]); err != nil {
			return err
		}
		nw := &Wire{Wire: w, Name: x.Name, A: a, B: b, Shim: use[i].shim}
		n.add(nw)
		for _, s := range []*System{a, b} {
			if err := nw.install(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// usage is what the layers make of one wire.
type usage struct {
	shim string
	kind core.LinkKind
	// ordered: a layer has a scheduler that orders packets, so that they must wait there and not on the wire.
	ordered bool
}

// add notes that a layer runs over the wire.
func (u *usage) add(l *scenarios.Layer, wire string) error {
	shim := l.ShimOn(wire)
	kind, err := kindOf(shim)
	if err != nil {
		return err
	}
	if u.shim != "" && u.shim != shim {
		return fmt.Errorf("shim %s on link %s, which has %s already; accepted is one shim a link", shim, wire, u.shim)
	}
	u.shim, u.kind = shim, kind
	if s := l.Policies.Scheduler.Name; s != "" && s != defaultScheduler {
		u.ordered = true
	}
	return nil
}

// Headers of datagrams on an Ethernet wire: Ethernet, IP without options, UDP.
const (
	etherHeader = 14
	udp4Headers = 20 + 8
	udp6Headers = 40 + 8
	etherMTU    = 1500
)

// base returns what holds for a wire of which nothing is said. Datagrams travel in Ethernet frames, whose
// headers take time on the wire and room in the frame; they are not fragmented.
func (u *usage) base() core.LinkSpec {
	s := core.LinkSpec{Rate: DefaultRate}
	switch u.shim {
	case shimUDP4:
		s.Overhead, s.MTU = etherHeader+udp4Headers, etherMTU-udp4Headers
	case shimUDP6:
		s.Overhead, s.MTU, s.IPv6 = etherHeader+udp6Headers, etherMTU-udp6Headers, true
	}
	return s
}

// install puts the shim IPCP on one end of a wire. Its layer is named after the wire.
func (w *Wire) install(s *System) error {
	if w.Shim == "" {
		return nil
	}
	own, other := w.Ends()
	if s == w.B {
		own, other = other, own
	}
	env := s.Env.Derive("shim:" + w.Name)
	p, err := newShim(env, own, other, w.Shim, core.Name(w.Name))
	if err != nil {
		return err
	}
	s.shims = append(s.shims, p)
	return s.Broker.AddProvider(p)
}

// HeaderLen returns how many bytes the shim on the wire puts in front of a packet, without what the Overhead of
// the wire's spec stands for. 0 without a shim.
func (w *Wire) HeaderLen() int {
	switch w.Shim {
	case shimDIX:
		return wire.DIXFrameHeaderLen
	case shimLLC:
		return wire.LLCFrameHeaderLen
	case shimUDP4, shimUDP6:
		return wire.UDPHeaderLen
	}
	return 0
}

// Shim is a shim IPCP.
type Shim interface {
	core.Provider
	// Flows returns the number of flow ends, those that wait for a reply included.
	Flows() int
	// Abandon ends all flows, on a system that has ended.
	Abandon()
}

// newShim makes a shim over the own end of a wire. On the point-to-point wires of a scenario every name
// that is not on this node is on the other one, so that names over UDP resolve to it.
func newShim(env core.Env, own, other core.Link, shim string, layer core.Name) (Shim, error) {
	switch shim {
	case shimDirect:
		return direct.New(env, own, direct.Config{Layer: layer, Hash: core.SHA3_256})
	case shimUDP4, shimUDP6:
		kind := core.KindUDP4
		if shim == shimUDP6 {
			kind = core.KindUDP6
		}
		peer := other.Info().Addr
		return udp.New(env, own, udp.Config{Layer: layer, Kind: kind, Resolver: udp.Fixed(peer)})
	case shimLLC:
		return eth.NewLLC(env, own, eth.Config{Layer: layer, Hash: core.SHA3_256})
	}
	return eth.New(env, own, eth.Config{Layer: layer, Hash: core.SHA3_256})
}
