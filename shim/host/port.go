package host

import (
	"ouroboros/core"
	"ouroboros/core/pkt"
)

// port is an end of a wire as one life of its node sees it: the core.Link. Once the node has another
// life, it is inert.
type port struct {
	end  *end          // nil: the node has another life
	info core.LinkInfo // then
}

// Info describes the end.
func (p *port) Info() core.LinkInfo {
	if p.end == nil {
		return p.info
	}
	return p.end.info
}

// Queued returns how many packets wait for the line or for the socket.
func (p *port) Queued() int {
	if p.end == nil {
		return 0
	}
	return p.end.line.Queued(p.end.w.Now()) + p.end.out.n
}

// Attach sets the user of the end.
func (p *port) Attach(u core.LinkUser) {
	if p.end != nil {
		p.end.user = u
	}
}

// Send puts a frame on the line. One that is larger than the MTU allows is dropped with
// core.ErrMsgSize, on a link that is down with core.ErrFlowDown. A datagram to anybody but the other
// end of the wire is lost.
func (p *port) Send(b *pkt.Buf, to core.Addr) error {
	if p.end == nil {
		b.Release()
		return core.ErrFlowDown
	}
	return p.end.send(b, to)
}
