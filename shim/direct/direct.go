// Package direct is the shim IPCP over a point-to-point link of the simulator (design §3). It adds no
// header: the flow number and the kind of a message travel beside the packet, in its buffer. What it
// saves is the work and the bytes of frames on large maps; its procedures are those of all shims.
package direct

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/shim/internal/flows"
)

// MPL is the maximum packet lifetime that the layer reports, that of an Ethernet (spec 01 §2.4).
const MPL = 100 * time.Millisecond

const (
	firstEID = 64
	lastEID  = 65535
)

// Counters counts what the shim did and what it dropped, by cause.
type Counters = flows.Counters

// Config describes the layer: both ends use the same.
type Config struct {
	Layer core.Name
	// Hash is one of the SHA3 digests.
	Hash core.HashAlgo
}

// Validate reports what is wrong with the configuration.
func (c Config) Validate() error {
	if err := c.Layer.Validate(); err != nil {
		return fmt.Errorf("direct: layer: %w", err)
	}
	if c.Hash > core.SHA3_512 {
		return fmt.Errorf("direct: hash %d, accepted are 0 to 3 (SHA3-224, SHA3-256, SHA3-384, SHA3-512)", c.Hash)
	}
	return nil
}

// Shim is the IPCP at one end of a link: a core.Provider for the broker above and the core.LinkUser
// of the link.
type Shim struct {
	*flows.Machine
	env     core.Env
	reserve int // headroom that the link asks for
}

// New makes the shim of one end of a link and attaches it.
func New(env core.Env, link core.Link, cfg Config) (*Shim, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	info := link.Info()
	if info.Kind != core.LinkDirect || info.Shared {
		return nil, fmt.Errorf("direct: layer %q: link of kind %d (shared %v), accepted is a direct one (%d) with two ends",
			cfg.Layer, info.Kind, info.Shared, core.LinkDirect)
	}
	s := &Shim{env: env, reserve: info.Headroom}
	s.Machine = flows.New(env, link, medium{s}, flows.Config{
		Layer:    core.LayerInfo{Name: cfg.Layer, Kind: core.KindDirect, Hash: cfg.Hash},
		MPL:      MPL,
		FirstEID: firstEID, LastEID: lastEID,
		MinPeer: 1, MaxPeer: lastEID,
		MaxMTU: 1<<31 - 1,
		Fixed:  wire.DIXMessageLen,
	})
	link.Attach(s)
	return s, nil
}

// Receive takes a packet off the link.
func (s *Shim) Receive(p *pkt.Buf, _ core.Addr) {
	if p.Meta.Kind != 0 {
		s.management(p)
		p.Release()
		return
	}
	e := s.Lookup(p.Meta.Flow)
	if e == nil {
		s.Drop.EID++
		p.Release()
		return
	}
	e.Deliver(p)
}
