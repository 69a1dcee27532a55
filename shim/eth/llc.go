package eth

import (
	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/shim/internal/flows"
)

// The SAPs of an LLC layer (spec 01 §4.2.4).
const (
	// FirstSAP and LastSAP bound the SAPs that the shim gives out: 62 flows at a time.
	FirstSAP = 2
	LastSAP  = 63
	// lastPeerSAP is the largest SAP that a peer can have: one bit of the eight is not part of the number.
	lastPeerSAP = 127
	// MaxLLCMTU is the largest MTU in bytes of an LLC layer, LLC header included (spec 01 §4.4).
	MaxLLCMTU = 1500
)

// LLC is an eth-llc IPCP on one interface: a core.Provider for the broker above and the core.LinkUser of
// its link. Its procedures are those of Shim; the EIDs of its flows are SAPs.
type LLC struct {
	station
}

// NewLLC makes the shim of an interface and attaches it to its link.
func NewLLC(env core.Env, link core.Link, cfg Config) (*LLC, error) {
	if err := cfg.ValidateLLC(); err != nil {
		return nil, err
	}
	at, err := newStation(env, link, "eth-llc", cfg.Layer)
	if err != nil {
		return nil, err
	}
	s := &LLC{station: at}
	s.Machine = flows.New(env, link, llcMedium{s}, flows.Config{
		Layer:    core.LayerInfo{Name: cfg.Layer, Kind: core.KindEthLLC, Hash: cfg.Hash},
		MPL:      MPL,
		FirstEID: FirstSAP, LastEID: LastSAP,
		MinPeer: FirstSAP, MaxPeer: lastPeerSAP,
		MaxMTU:   MaxLLCMTU,
		Overhead: wire.LLCHeaderLen,
		Header:   wire.LLCFrameHeaderLen,
		Fixed:    wire.LLCMessageLen,
		Recheck:  cfg.Recheck,
	})
	link.Attach(s)
	return s, nil
}

// Receive takes a frame off the link.
func (s *LLC) Receive(p *pkt.Buf, _ core.Addr) {
	f := wire.LLCFrame(p.Front())
	if len(f) < wire.LLCFrameHeaderLen {
		s.short(p, s)
		return
	}
	dst, src := f.Addresses()
	dsap, ssap := f.DSAP(), f.SSAP()
	n, have := f.Length()-wire.LLCHeaderLen, p.Len()-wire.LLCFrameHeaderLen
	switch {
	case f.Length() > wire.LLCMaxLength:
		s.Drop.Type++
	case n < 0 || n > have:
		s.Drop.Short++
	case dsap == wire.LLCManagementSAP && ssap == wire.LLCManagementSAP:
		s.management(f, p, n)
	case dst != s.number:
		s.Drop.Destination++
	default:
		e := s.Lookup(uint32(dsap))
		if e == nil {
			s.Drop.EID++
			break
		}
		if e.Tag() != llcTag(src, ssap) {
			s.Drop.Source++
			break
		}
		p.Pull(wire.LLCFrameHeaderLen)
		if n < have {
			p.Truncate(n)
		}
		e.Deliver(p)
		return
	}
	p.Release()
}

// llcTag is what the frames of a flow are known by: the MAC of the peer and its SAP.
func llcTag(mac uint64, sap uint8) uint64 { return uint64(sap)<<48 | mac }
