package eth

import (
	"fmt"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/shim/internal/flows"
)

// station is what the shims on an Ethernet share: a Machine at an address.
type station struct {
	*flows.Machine
	env     core.Env
	mac     [6]byte
	number  uint64 // mac as the receive path compares it
	reserve int    // headroom that the link asks for
	link    core.Link
}

// newStation reads the address of a link. The Machine is the caller's to make.
func newStation(env core.Env, link core.Link, kind string, layer core.Name) (station, error) {
	info := link.Info()
	if info.Kind != core.LinkEthernet {
		return station{}, fmt.Errorf("%s: layer %q: link of kind %d, accepted is Ethernet (%d)", kind, layer, info.Kind, core.LinkEthernet)
	}
	s := station{env: env, mac: info.Addr.MAC(), reserve: info.Headroom, link: link}
	if core.MACAddr(s.mac) != info.Addr {
		return station{}, fmt.Errorf("%s: layer %q: link address %v is no MAC", kind, layer, info.Addr)
	}
	s.number = wire.MACNumber(s.mac)
	return s, nil
}

// LinkState passes a change of the link on to all flows. The address of a live interface may have changed
// too. Flows keep theirs: the peer takes their frames from the old address alone, and they end by time-out.
func (s *station) LinkState(up bool) {
	s.mac = s.link.Info().Addr.MAC()
	s.number = wire.MACNumber(s.mac)
	s.Machine.LinkState(up)
}

// short handles a frame whose header is not stored: it is too short, or a phantom, which is received
// again with its bytes.
func (s *station) short(p *pkt.Buf, again core.LinkUser) {
	if p.Phantom() > 0 {
		p.Materialise()
		again.Receive(p, core.Addr{})
		return
	}
	s.Drop.Short++
	p.Release()
}

// management checks to whom a management message of n bytes is sent, and how long it is. own tells that
// it is for this station alone.
func (s *station) management(frame []byte, n int) (own, ok bool) {
	own = [6]byte(frame) == s.mac
	switch {
	case !own && core.MACFrom(frame) != core.BroadcastMAC:
		s.Drop.Destination++
	case n > wire.DIXMaxManagement:
		s.Drop.Size++
	default:
		return own, true
	}
	return own, false
}

// takes reports whether a message of that kind is taken, sent to this station alone or to everybody: only
// a name query is for everybody.
func (s *station) takes(k flows.Kind, own bool) bool {
	if !own && k != flows.Query {
		s.Drop.Destination++
		return false
	}
	return true
}

// destination returns the MAC to send to; the zero address means everybody.
func destination(to core.Addr) [6]byte {
	if to.IsZero() {
		to = core.BroadcastMAC
	}
	return to.MAC()
}
