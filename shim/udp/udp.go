// Package udp holds the shim IPCPs over UDP datagrams, "udp4" and "udp6" (spec 01 §5): a port on an IP
// network with the interface of a layer.
//
// The procedures that all shims share are in package flows. What differs: names are digests of MD5, there
// is no name query on the wire but a Resolver beside it, and EIDs have 32 bits. Datagrams from another
// address than that of the flow's peer, for a flow that does not exist, or shorter than their header are
// dropped and counted by cause (D2, D13, D14).
//
// An unknown name is refused with a reply (decision 2); the prototype asks its broker for any name and
// stays silent when that knows none.
package udp

import (
	"errors"
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/shim/internal/flows"
)

const (
	// MPL is the maximum packet lifetime that the layer reports (spec 01 §2.4).
	MPL = 5 * time.Second
	// MaxMTU4 is the largest datagram in bytes over IPv4, EID included (spec 01 §5.6): the receive buffer of
	// the prototype. So an SDU has at most 8976 bytes (D7).
	MaxMTU4 = 8980
	// MaxMTU6 is the same over IPv6; an SDU has at most 8948 bytes.
	MaxMTU6 = 8952
	// FirstEID is the first EID that the shim gives out, as the prototype does.
	FirstEID = 64
)

// Counters counts what the shim did and what it dropped, by cause.
type Counters = flows.Counters

// Config describes the layer. All members use the same port, that of the address of their link.
type Config struct {
	Layer core.Name
	// Kind is core.KindUDP4 or core.KindUDP6, as the address of the link is.
	Kind core.LayerKind
	// Resolver finds the members that have registered a name.
	Resolver Resolver
	// Recheck has members that do not answer looked up again.
	Recheck bool
}

// Validate reports what is wrong with the configuration.
func (c Config) Validate() error {
	if c.Kind != core.KindUDP4 && c.Kind != core.KindUDP6 {
		return fmt.Errorf("udp: layer %q: kind %d, accepted are %d (udp4) and %d (udp6)", c.Layer, c.Kind, core.KindUDP4, core.KindUDP6)
	}
	if err := c.Layer.Validate(); err != nil {
		return fmt.Errorf("%s: layer: %w", c.kind(), err)
	}
	if c.Resolver == nil {
		return fmt.Errorf("%s: layer %q: no resolver", c.kind(), c.Layer)
	}
	return nil
}

// kind returns the name of the kind of IPCP.
func (c Config) kind() string {
	if c.Kind == core.KindUDP6 {
		return "udp6"
	}
	return "udp4"
}

// matches reports whether a is an address that a member of the layer can have.
func (c Config) matches(a core.Addr) bool {
	ip := a.AddrPort().Addr()
	return ip.IsValid() && ip.Is4() == (c.Kind == core.KindUDP4) && !ip.IsUnspecified()
}

// Shim is a udp4 or udp6 IPCP on one port: a core.Provider for the broker above and the core.LinkUser of
// its link.
type Shim struct {
	*flows.Machine
	env     core.Env
	cfg     Config
	port    uint16 // of all members
	reserve int    // headroom that the link asks for
}

// New makes the shim of a port and attaches it to its link.
func New(env core.Env, link core.Link, cfg Config) (*Shim, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	info := link.Info()
	if info.Kind != core.LinkDatagram {
		return nil, fmt.Errorf("%s: layer %q: link of kind %d, accepted is datagram (%d)", cfg.kind(), cfg.Layer, info.Kind, core.LinkDatagram)
	}
	if !cfg.matches(info.Addr) {
		return nil, fmt.Errorf("%s: layer %q: link address %v is none of its kind", cfg.kind(), cfg.Layer, info.Addr)
	}
	largest := MaxMTU4
	if cfg.Kind == core.KindUDP6 {
		largest = MaxMTU6
	}
	s := &Shim{env: env, cfg: cfg, port: info.Addr.AddrPort().Port(), reserve: info.Headroom}
	s.Machine = flows.New(env, link, medium{s}, flows.Config{
		Layer:    core.LayerInfo{Name: cfg.Layer, Kind: cfg.Kind, Hash: core.MD5},
		MPL:      MPL,
		FirstEID: FirstEID, LastEID: wire.UDPMaxEID,
		MinPeer: 1, MaxPeer: wire.UDPMaxEID, // EID 0 is management: no flow can be there
		MaxMTU:        largest,
		Overhead:      wire.UDPHeaderLen,
		Header:        wire.UDPHeaderLen,
		Fixed:         wire.UDPMessageLen - wire.UDPHeaderLen,
		MaxManagement: wire.UDPMaxManagement - wire.UDPHeaderLen,
		Recheck:       cfg.Recheck,
	})
	s.LookUpBy(s.Query)
	link.Attach(s)
	return s, nil
}

// Receive takes a datagram off the link.
func (s *Shim) Receive(p *pkt.Buf, from core.Addr) {
	b := p.Front()
	if len(b) < wire.UDPHeaderLen {
		if b = p.Bytes(); len(b) < wire.UDPHeaderLen {
			s.Drop.Short++
			p.Release()
			return
		}
	}
	eid := wire.UDPEID(b)
	if eid == wire.UDPManagementEID {
		s.management(p, from)
		p.Release()
		return
	}
	e := s.Lookup(eid)
	switch {
	case e == nil:
		s.Drop.EID++
	case e.Peer() != from:
		s.Drop.Source++
	default:
		p.Pull(wire.UDPHeaderLen)
		e.Deliver(p)
		return
	}
	p.Release()
}

// management takes a management message. The packet stays the caller's.
func (s *Shim) management(p *pkt.Buf, from core.Addr) {
	if p.Len() > wire.UDPMaxManagement {
		s.Drop.Size++
		return
	}
	w, err := wire.ParseUDPMessage(p.Bytes())
	switch {
	case errors.Is(err, wire.ErrUDPCode):
		s.Drop.Type++
	case err != nil:
		s.Drop.Short++
	default:
		s.Handle(message(&w), from)
	}
}
