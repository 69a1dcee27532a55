package line

import (
	"errors"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// Send puts a packet on the way out. One that is larger than the MTU allows is dropped with a
// core.SizeError, on a link that is down with core.ErrFlowDown. It takes no packet, with
// core.ErrWouldBlock, when the link below is full and the way out asks for nothing, or when that has a
// queue that blocks.
func (s *Shaper) Send(p *pkt.Buf, to core.Addr) error {
	w := &s.ways[Out]
	if w.none && w.line.flights.n == 0 && s.backlog.n == 0 {
		return s.pass(p, to)
	}
	switch n := p.Len(); {
	case s.inert():
		p.Release()
		return core.ErrFlowDown
	case n > s.max:
		p.Release()
		return core.SizeError{Len: n, MTU: s.max}
	case s.full():
		s.blocked, s.refused = true, n
		return core.ErrWouldBlock
	}
	now := s.env.Now()
	if err := w.line.SendTo(now, p, to); err != nil {
		return s.refuse(now, p, err)
	}
	s.pump(Out, now)
	return nil
}

// pass hands a packet straight to the link below.
func (s *Shaper) pass(p *pkt.Buf, to core.Addr) error {
	w, n := &s.ways[Out], p.Len()
	err := s.below.Send(p, to)
	switch {
	case err == nil:
		w.passed.add(n)
	case errors.Is(err, core.ErrWouldBlock):
		s.waiting, s.blocked, s.refused = true, true, n
	case !errors.Is(err, core.ErrMsgSize):
		w.passed.add(n)
		w.failed.add(n)
	}
	return err
}

// full reports whether so much waits for the link below that the line takes nothing either.
func (s *Shaper) full() bool {
	return s.backlog.n >= s.limit && s.ways[Out].line.spec.Block
}

// refuse sees to a packet that the line has not taken, or has dropped.
func (s *Shaper) refuse(now clock.Time, p *pkt.Buf, err error) error {
	line := s.ways[Out].line
	switch {
	case errors.Is(err, core.ErrWouldBlock):
		s.blocked, s.refused = true, p.Len()
		s.room.Reset(line.Room(now).Sub(now))
	case s.told && line.spec.Detect > 0:
		return nil // nobody knows yet that the link is down
	}
	return err
}

// pump moves on what has reached the end of a line, and sets the alarm for the next.
func (s *Shaper) pump(dir int, now clock.Time) {
	w := &s.ways[dir]
	for w.line.Next() <= now {
		p := w.line.Pop(now)
		switch {
		case p == nil:
		case dir == Out:
			s.forward(outgoing{p, w.line.from})
		case s.user == nil:
			s.fail(In, p)
		default:
			s.user.Receive(p, w.line.from)
		}
	}
	w.arm(now)
}

// forward gives a packet that has passed the line to the link below, or keeps it for later.
func (s *Shaper) forward(x outgoing) {
	switch {
	case s.backlog.n == 0 && s.handOver(x):
	case s.backlog.n >= s.limit && !s.ways[Out].line.spec.Block:
		s.ways[Out].lost.add(x.p.Len())
		x.p.Release()
	default:
		*s.backlog.push() = x
	}
}

// handOver reports whether the link below has taken the packet.
func (s *Shaper) handOver(x outgoing) bool {
	n := x.p.Len()
	err := s.below.Send(x.p, x.to)
	if errors.Is(err, core.ErrWouldBlock) {
		s.waiting = true
		return false
	}
	if err != nil {
		s.ways[Out].failed.add(n)
	}
	return true
}

// Writable is called by the link below when it has room again: what waits for it goes first.
func (s *Shaper) Writable() {
	s.waiting = false
	for s.backlog.n > 0 {
		if !s.handOver(*s.backlog.at(0)) {
			return
		}
		s.unload()
	}
	s.wake()
}

// wake tells a blocked user that there is room again, if there is.
func (s *Shaper) wake() {
	if !s.blocked || s.full() || s.waiting && s.ways[Out].none {
		return
	}
	now, line := s.env.Now(), s.ways[Out].line
	if line.Blocks(now, s.refused) {
		line.refused = s.refused
		s.room.Reset(line.Room(now).Sub(now))
		return
	}
	s.blocked = false
	if s.user != nil {
		s.user.Writable()
	}
}

// Receive takes a packet off the link below and puts it on the way in. Packets that come before a user is
// attached are dropped and counted.
func (s *Shaper) Receive(p *pkt.Buf, from core.Addr) {
	w := &s.ways[In]
	switch n := p.Len(); {
	case s.user == nil:
		w.passed.add(n)
		s.fail(In, p)
	case w.none && w.line.flights.n == 0:
		w.passed.add(n)
		s.user.Receive(p, from)
	default:
		now := s.env.Now()
		if w.line.SendTo(now, p, from) == nil { // otherwise the line is down and has dropped it
			s.pump(In, now)
		}
	}
}

// LinkState follows the link below. The user hears of a change of its address or MTU also while the state stays
// what it is.
func (s *Shaper) LinkState(bool) {
	told, was := s.told, s.seen
	s.measure()
	s.tell()
	if was.Up = s.seen.Up; was != s.seen && s.told == told && s.user != nil {
		s.user.LinkState(told)
	}
}
