package soak

import (
	"errors"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// spy stands between the end-to-end protocol and the flow of the layer. It changes nothing: it remembers the
// last packets and counts all, and knows when the protocol has given the flow back.
type spy struct {
	core.Flow
	sink core.Sink
	e    *end

	taken  uint64    // packets that the flow has taken from the protocol, or refused for good
	given  uint64    // packets that the protocol got
	empty  uint64    // of them keepalives in clear
	closed core.Time // when the protocol closed the flow; Never before
	gone   core.Time // when the layer ended it; Never before
	heard  core.Time // last packet
	shut   bool
}

func newSpy(f core.Flow, e *end) *spy {
	return &spy{Flow: f, e: e, closed: clock.Never, gone: clock.Never, heard: e.env.Now()}
}

// secret is a spy on a flow that is locked: the protocol unlocks it and finds the spy below too.
type secret struct {
	*spy
	locked core.SecureFlow
}

// Unlock returns the flow below the lock, with the spy on it.
func (s *secret) Unlock() (core.Flow, core.Security) {
	f, sec := s.locked.Unlock()
	s.Flow = f
	return s.spy, sec
}

// spied returns the flow with a spy on it, and the spy.
func spied(f core.Flow, e *end) (core.Flow, *spy) {
	s := newSpy(f, e)
	if l, ok := f.(core.SecureFlow); ok {
		return &secret{s, l}, s
	}
	return s, s
}

// Write passes a packet on.
func (s *spy) Write(p *pkt.Buf) error {
	ev := s.packet("sends", p)
	err := s.Flow.Write(p)
	if err != nil && errors.Is(err, core.ErrWouldBlock) {
		return err
	}
	s.taken++
	ev.err = err
	s.e.note(ev)
	return err
}

// packet is the event of a packet.
func (s *spy) packet(what string, p *pkt.Buf) event {
	ev := event{what: what, n: p.Len()}
	if !s.e.p.secret && s.e.p.mode() != core.ModeRaw {
		ev.head, ev.pci = readPCI(p)
	}
	return ev
}

// Attach puts the spy between the flow and its user.
func (s *spy) Attach(k core.Sink) {
	s.sink = k
	s.Flow.Attach((*spySink)(s))
}

// Close passes it on.
func (s *spy) Close(wait time.Duration) {
	if s.closed == clock.Never {
		s.closed = s.e.env.Now()
		s.e.note(event{what: "released"})
	}
	s.shut = true
	s.Flow.Close(wait)
}

// spySink is the spy as the flow sees it.
type spySink spy

// Deliver passes a packet on.
func (k *spySink) Deliver(p *pkt.Buf) {
	s := (*spy)(k)
	if s.shut {
		s.e.violate(promiseWrongFlow, "the layer delivers a packet on a flow that was closed")
	}
	s.given++
	if p.Len() == 0 {
		s.empty++
	}
	s.heard = s.e.env.Now()
	s.e.note(s.packet("gets", p))
	s.sink.Deliver(p)
}

// Writable passes it on.
func (k *spySink) Writable() { k.sink.Writable() }

// State passes it on.
func (k *spySink) State(up bool) {
	what := "down"
	if up {
		what = "up"
	}
	k.e.note(event{what: what})
	k.sink.State(up)
}

// Closed passes it on.
func (k *spySink) Closed(err error) {
	k.gone = k.e.env.Now()
	k.e.note(event{what: "ended", err: err})
	k.sink.Closed(err)
}
