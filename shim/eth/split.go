package eth

import (
	"encoding/binary"
	"fmt"
	"slices"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
)

// Split lets several shims stand on one Ethernet: a link has one user, which it is. Frames go to the shim
// that has claimed their EtherType; those with a length in its place are the LLC shim's. Frames that nobody
// has claimed are dropped and counted.
//
// Sending is shared as a link shares it among flows: who finds it full gets the next turn in the order of
// asking.
type Split struct {
	// Unclaimed counts the frames that were for no shim here.
	Unclaimed uint64

	link    core.Link
	ports   []*splitPort
	full    bool         // the link has refused a frame and has not called Writable since
	waiting []*splitPort // to be told of room
	spare   []*splitPort // the slice that waiting came from, for use again
}

// llcType stands for all the lengths of LLC frames among the EtherTypes.
const llcType = 0

// NewSplit makes the splitter of a link and attaches it.
func NewSplit(link core.Link) (*Split, error) {
	if k := link.Info().Kind; k != core.LinkEthernet {
		return nil, fmt.Errorf("split: link of kind %d, accepted is Ethernet (%d)", k, core.LinkEthernet)
	}
	s := &Split{link: link}
	link.Attach(s)
	return s, nil
}

// EtherType returns the link as the shim with that EtherType sees it; 0 stands for the default of Shim.
// It fails when another has claimed the type, or when it is none.
func (s *Split) EtherType(t uint16) (core.Link, error) {
	if t == 0 {
		t = wire.DIXEtherType
	}
	if t <= wire.LLCMaxLength {
		return nil, fmt.Errorf("split: ethertype 0x%04X, accepted are 0x0600 to 0xFFFF", t)
	}
	return s.claim(t)
}

// LLC returns the link as the LLC shim sees it. It fails when another has claimed it.
func (s *Split) LLC() (core.Link, error) { return s.claim(llcType) }

func (s *Split) claim(t uint16) (core.Link, error) {
	if s.port(t) != nil {
		if t == llcType {
			return nil, fmt.Errorf("split: two LLC shims on one link")
		}
		return nil, fmt.Errorf("split: two shims with EtherType 0x%04X on one link", t)
	}
	p := &splitPort{split: s, typ: t}
	s.ports = append(s.ports, p)
	return p, nil
}

// port returns who has claimed a type; there are two or three.
func (s *Split) port(t uint16) *splitPort {
	for _, p := range s.ports {
		if p.typ == t {
			return p
		}
	}
	return nil
}

// Receive hands a frame to the shim it is for.
func (s *Split) Receive(p *pkt.Buf, from core.Addr) {
	if port := s.port(typeOf(p)); port != nil && port.user != nil {
		port.user.Receive(p, from)
		return
	}
	s.Unclaimed++
	p.Release()
}

// typeOf returns the EtherType of a frame, llcType for all lengths. A frame that is too short to have one
// is the LLC shim's to count.
func typeOf(p *pkt.Buf) uint16 {
	f := p.Front()
	if len(f) < wire.EthernetHeaderLen {
		if f = p.Bytes(); len(f) < wire.EthernetHeaderLen {
			return llcType
		}
	}
	if t := binary.BigEndian.Uint16(f[12:]); t > wire.LLCMaxLength {
		return t
	}
	return llcType
}

// Writable gives those their turn who were refused, until the link is full again. Who is refused then
// stands behind those that have not had their turn.
func (s *Split) Writable() {
	s.full = false
	waiting := s.waiting
	s.waiting, s.spare = s.spare[:0], nil
	for i, p := range waiting {
		if s.full {
			refused := s.waiting
			s.waiting = append(slices.Delete(waiting, 0, i), refused...)
			s.spare = refused[:0]
			return
		}
		p.blocked = false
		if p.user != nil {
			p.user.Writable()
		}
	}
	s.spare = waiting[:0]
}

// LinkState tells every shim.
func (s *Split) LinkState(up bool) {
	for i := 0; i < len(s.ports); i++ {
		if u := s.ports[i].user; u != nil {
			u.LinkState(up)
		}
	}
}

// splitPort is the link as one shim sees it.
type splitPort struct {
	split   *Split
	typ     uint16
	user    core.LinkUser
	blocked bool // waits for Writable
}

// Info describes the link.
func (p *splitPort) Info() core.LinkInfo { return p.split.link.Info() }

// Queued returns the queue of the link, which all share.
func (p *splitPort) Queued() int { return p.split.link.Queued() }

// Attach sets the shim.
func (p *splitPort) Attach(u core.LinkUser) { p.user = u }

// Send passes a frame on, unless the link has told another shim to wait.
func (p *splitPort) Send(b *pkt.Buf, to core.Addr) error {
	s := p.split
	if !s.full {
		err := s.link.Send(b, to)
		if err != core.ErrWouldBlock { //nolint:errorlint // a sentinel that links return as it is
			return err
		}
		s.full = true
	}
	if !p.blocked {
		p.blocked = true
		s.waiting = append(s.waiting, p)
	}
	return core.ErrWouldBlock
}
