package frcp

import (
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// Keepalives are empty packets (spec 10 §10.13), which nothing protects: on an encrypted flow too anybody on the
// path could send them, and keep a flow alive whose other end is dead. So they are encrypted like all others
// when the peer is known to be one of ours, by the numbers of its packets (crypt.Packets.Vouches). Once such a
// one has come from a peer, its empty packets count for nothing.

// sendKeepalive tells the peer that this end is there. A packet that waits for the flow below serves as well.
func (e *Endpoint) sendKeepalive(now clock.Time) {
	e.lastSend = now
	if e.held == nil {
		e.keepalive++
		_ = e.emit(e.env.Pool.Get(e.info.Headroom, 0))
	}
}

// open decrypts a packet and reports whether it is one of the peer.
func (e *Endpoint) open(p *pkt.Buf) bool {
	empty := p.Len() == 0
	switch {
	case empty && e.vouched:
		e.hollows++
		return false
	case !e.packets.Open(p):
		return false
	case !empty && p.Len() == 0:
		e.vouched = true
	}
	return true
}
