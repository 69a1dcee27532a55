// Package eth holds the shim IPCPs that give an Ethernet the interface of a layer: Shim over Ethernet II
// frames, "eth-dix" (spec 01 §3), and LLC over IEEE 802.3 frames, "eth-llc" (spec 01 §4). A Split lets
// several of them stand on one interface.
//
// The procedures that all shims share are in package flows; here are the frames and what is checked
// on receipt. Frames for other stations, of another type, from another station than the peer of
// the flow, for a flow that does not exist, or shorter than their length field says are dropped and
// counted by cause (D2, D11, D13, D14). The padding that Ethernet adds to short frames is cut off.
package eth

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/shim/internal/flows"
)

const (
	// MPL is the maximum packet lifetime that the layer reports (spec 01 §2.4).
	MPL = 100 * time.Millisecond
	// MaxMTU is the largest MTU in bytes of the layer, shim header included (spec 01 §3.7).
	MaxMTU = 65535
	// FirstEID is the first EID that the shim gives out, as the prototype does (spec 01 §3.4).
	FirstEID = 64
	lastEID  = 65535
)

// Counters counts what the shim did and what it dropped, by cause.
type Counters = flows.Counters

// Config describes the layer. All members use the same EtherType and Hash.
type Config struct {
	Layer core.Name
	// EtherType is 0x0600 to 0xFFFE; 0 stands for the default, 0xA000. A layer over LLC frames has none: 0.
	EtherType uint16
	// Hash is one of the SHA3 digests.
	Hash core.HashAlgo
	// Recheck has members that do not answer looked up again.
	Recheck bool
}

// Validate reports what is wrong with the configuration of a layer over Ethernet II frames.
func (c Config) Validate() error {
	if c.EtherType != 0 && (c.EtherType < 0x0600 || c.EtherType == 0xFFFF) {
		return fmt.Errorf("eth-dix: ethertype 0x%04X, accepted are 0x0600 to 0xFFFE", c.EtherType)
	}
	return c.validate("eth-dix")
}

// ValidateLLC reports what is wrong with the configuration of a layer over LLC frames.
func (c Config) ValidateLLC() error {
	if c.EtherType != 0 {
		return fmt.Errorf("eth-llc: ethertype 0x%04X, LLC frames have none", c.EtherType)
	}
	return c.validate("eth-llc")
}

func (c Config) validate(kind string) error {
	if err := c.Layer.Validate(); err != nil {
		return fmt.Errorf("%s: layer: %w", kind, err)
	}
	if c.Hash > core.SHA3_512 {
		return fmt.Errorf("%s: hash %d, accepted are 0 to 3 (SHA3-224, SHA3-256, SHA3-384, SHA3-512)", kind, c.Hash)
	}
	return nil
}

// Shim is an eth-dix IPCP on one interface: a core.Provider for the broker above and the
// core.LinkUser of its link.
type Shim struct {
	station
	etherType uint16
}

// New makes the shim of an interface and attaches it to its link.
func New(env core.Env, link core.Link, cfg Config) (*Shim, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	at, err := newStation(env, link, "eth-dix", cfg.Layer)
	if err != nil {
		return nil, err
	}
	s := &Shim{station: at, etherType: cfg.EtherType}
	if s.etherType == 0 {
		s.etherType = wire.DIXEtherType
	}
	s.Machine = flows.New(env, link, medium{s}, flows.Config{
		Layer:    core.LayerInfo{Name: cfg.Layer, Kind: core.KindEthDIX, Hash: cfg.Hash},
		MPL:      MPL,
		FirstEID: FirstEID, LastEID: lastEID,
		MinPeer: 1, MaxPeer: lastEID, // EID 0 is management (spec 01 §3.4): no flow can be there
		MaxMTU:        MaxMTU,
		Overhead:      wire.DIXHeaderLen,
		Header:        wire.DIXFrameHeaderLen,
		Fixed:         wire.DIXMessageLen,
		MaxManagement: wire.DIXMaxManagement,
		Recheck:       cfg.Recheck,
	})
	link.Attach(s)
	return s, nil
}

// Receive takes a frame off the link.
func (s *Shim) Receive(p *pkt.Buf, _ core.Addr) {
	f := wire.DIXFrame(p.Front())
	if len(f) < wire.DIXFrameHeaderLen {
		s.short(p, s)
		return
	}
	dst, src, etherType, eid := f.Fields()
	n, have := f.Length(), p.Len()-wire.DIXFrameHeaderLen
	switch {
	case etherType != s.etherType:
		s.Drop.Type++
	case n > have:
		s.Drop.Short++
	case eid == wire.DIXManagementEID:
		s.management(f, p, n)
	case dst != s.number:
		s.Drop.Destination++
	default:
		e := s.Lookup(uint32(eid))
		if e == nil {
			s.Drop.EID++
			break
		}
		if src != e.Tag() {
			s.Drop.Source++
			break
		}
		p.Pull(wire.DIXFrameHeaderLen)
		if n < have {
			p.Truncate(n)
		}
		e.Deliver(p)
		return
	}
	p.Release()
}
