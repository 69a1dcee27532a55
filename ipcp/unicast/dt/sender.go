package dt

import (
	"ouroboros/core"
	"ouroboros/core/pkt"
)

// maxHeld bounds the packets of flows that one port holds. It is as many as a member has flows at a time; more
// there can be only if flows come and go while their N-1 flow stands still.
const maxHeld = 1 << 20

// Sender is a flow of this member as the data transfer component knows it. Each flow has one, and it stays
// where it is as long as the flow exists.
type Sender struct {
	// Wake is called when the flow may try again, once after Send has returned core.ErrWouldBlock. It may
	// send, also on the port that calls it.
	Wake func()

	held   *pkt.Buf // its packet in the scheduler of a port, nil if there is none
	place  int      // of it in the list of that port
	wanted bool     // the flow has been refused because of it
}

// waits reports whether the flow has to wait, and if so has it woken when that is over. Under an order of
// arrival it waits for as long as the port is full, behind those that were refused before. Under another
// order it does while a packet of it is in the scheduler, of whatever port: so its packets stay in order.
func (s *Sender) waits(out *port) bool {
	switch {
	case s.held != nil:
		s.wanted = true
		return true
	case out.blocked && out.order == nil:
		out.waiters = append(out.waiters, s)
		return true
	}
	return false
}

// hold has the packet of a flow of this member wait in the scheduler. Where it stands in the list travels
// with the packet, in a field that is otherwise that of the layers below.
func (p *port) hold(b *pkt.Buf, cube core.Cube, s *Sender) error {
	if len(p.held) >= maxHeld {
		p.st.of(cube).DropWrite.Add(b.Len())
		p.d.drop(b)
		return core.ErrAgain
	}
	s.held, s.place = b, len(p.held)
	s.note()
	p.held = append(p.held, s)
	p.order.Hold(p.d.env.Now(), b, cube)
	p.measure()
	return nil
}

// holder returns whose packet it is that waits in the scheduler, nil for one in transit or without a sender.
// What stands in the packet is taken as a hint: one in transit may have come with any number.
func (p *port) holder(b *pkt.Buf) *Sender {
	if i := int(b.Meta.Flow); i < len(p.held) && p.held[i].held == b {
		return p.held[i]
	}
	return nil
}

// release notes that the packet of a flow has left the scheduler.
func (p *port) release(s *Sender) {
	last := len(p.held) - 1
	moved := p.held[last]
	p.held[last] = nil
	p.held = p.held[:last]
	if moved != s {
		p.held[s.place], moved.place = moved, s.place
		moved.note()
	}
	s.held = nil
}

// note writes into the packet where it stands in the list.
func (s *Sender) note() { s.held.Meta.Flow = uint32(s.place) }

// wake lets the flow go on if it was refused.
func (s *Sender) wake() {
	if s.wanted {
		s.wanted = false
		s.Wake()
	}
}
