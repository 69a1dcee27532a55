package ouroboros

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"ouroboros/core"
)

// EventKind is what has happened to a flow: a mask of the constants below, whose values are the prototype's where it
// has them (spec 14 §14.5).
type EventKind uint8

// The kinds of events. EventPkt and EventAlloc are levels: every Wait tells them as long as they are so. The others are
// told once each, and not before everything that came earlier was read.
const (
	EventPkt      EventKind = 1  // a message can be read
	EventDown     EventKind = 2  // the flow went down
	EventUp       EventKind = 4  // the flow came up again
	EventAlloc    EventKind = 8  // a request waits for Accept of a listener
	EventDealloc  EventKind = 16 // the other end, or the layer, has deallocated the flow; the broker has ended the listener
	EventPeer     EventKind = 32 // the peer has timed out
	EventWritable EventKind = 64 // there is room again, after a write failed with core.ErrAgain
)

var eventNames = [...]string{"pkt", "down", "up", "alloc", "dealloc", "peer", "writable"}

// String names the kinds, for instance "pkt|dealloc".
func (k EventKind) String() string {
	var names []string
	for i, n := range eventNames {
		if k&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, "|")
}

// Event is what a Set tells of one flow or listener.
type Event struct {
	Flow     *Flow     // nil if it is about a listener
	Listener *Listener // nil if it is about a flow
	Kind     EventKind
	Err      error // why the flow or listener has ended, with EventDealloc and EventPeer
}

// Set waits for many flows and listeners at once, so that one program serves them all. A flow or listener is in at
// most one Set. It takes no calls of its own: reading after EventPkt, and Accept after EventAlloc, do not wait.
type Set struct {
	app     *App
	gate    *gate
	mu      sync.Mutex // of Wait
	waiter  *waiter
	members []*member
	ready   []*member // that may have something to tell, oldest first; nil where one has left
	told    []Event
	until   core.Time
	collect func() bool // s.look, bound once
}

// member is a flow's or listener's part of a Set.
type member struct {
	source interface {
		pending() Event // what there is to tell now
		tell(Event)     // it was told
	}
	set   *Set // nil: in none
	place int  // in set.members
	at    int  // in set.ready, -1: not there
}

// NewSet returns an empty set. There may be any number of them.
func (a *App) NewSet() *Set {
	s := &Set{app: a, gate: a.gate(), waiter: a.private()}
	s.collect = s.look
	return s
}

// Add puts a flow into the set; what there is to tell of it already is told by the next Wait. It fails with core.ErrPerm
// if the flow is in another set, and with core.ErrNotAlloc if it is closed.
func (s *Set) Add(f *Flow) error {
	return s.add(&f.member, func() bool { return !f.closed })
}

// AddListener puts a listener into the set.
func (s *Set) AddListener(l *Listener) error {
	return s.add(&l.member, func() bool { return l.stop != nil })
}

func (s *Set) add(m *member, open func() bool) error {
	err := error(core.ErrNotAlloc) // also when there is no actor any more
	s.gate.do(func() {
		switch {
		case !open():
		case m.set == nil:
			err = nil
			m.set, m.place = s, len(s.members)
			s.members = append(s.members, m)
			m.wake()
		case m.set == s:
			err = nil
		default:
			err = fmt.Errorf("it is in another set: %w", core.ErrPerm)
		}
	})
	if err != nil {
		return fmt.Errorf("add to set: %w", err)
	}
	return nil
}

// Del takes a flow out of the set. One that is not in it is no error. Close does this too.
func (s *Set) Del(f *Flow) { s.del(&f.member) }

// DelListener takes a listener out of the set.
func (s *Set) DelListener(l *Listener) { s.del(&l.member) }

func (s *Set) del(m *member) {
	s.gate.do(func() {
		if m.set == s {
			m.leave()
		}
	})
}

// Has reports whether a flow is in the set.
func (s *Set) Has(f *Flow) (in bool) {
	s.gate.do(func() { in = f.member.set == s })
	return in
}

// Len returns how many flows and listeners are in the set.
func (s *Set) Len() (n int) {
	s.gate.do(func() { n = len(s.members) })
	return n
}

// Zero takes everything out of the set.
func (s *Set) Zero() {
	s.gate.do(func() {
		for len(s.members) > 0 {
			s.members[len(s.members)-1].leave()
		}
	})
}

// Wait waits until there is something to tell, and returns one event for each flow and listener that it is about, in
// the order in which they became ready. At the deadline it returns core.ErrTimedOut. A deadline that has passed makes it
// look without waiting; Never is no limit. The events are valid until the next Wait.
func (s *Set) Wait(deadline core.Time) ([]Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told, s.until = s.told[:0], deadline
	if s.waiter == nil {
		return nil, fmt.Errorf("wait: %w", core.ErrCanceled)
	}
	if err := s.waiter.await(&s.until, nil, s.collect); err != nil {
		return nil, fmt.Errorf("wait: %w", err)
	}
	return s.told, nil
}

// WaitFor is Wait for a duration from now.
func (s *Set) WaitFor(d time.Duration) ([]Event, error) {
	return s.Wait(s.app.all.b.Now().Add(d))
}

// look gathers what there is to tell, on the actor. Those that told something stay ready until they have nothing more.
func (s *Set) look() bool {
	keep := s.ready[:0]
	for _, m := range s.ready {
		if m == nil {
			continue
		}
		e := m.source.pending()
		if e.Kind == 0 {
			m.at = -1
			continue
		}
		m.source.tell(e)
		s.told = append(s.told, e)
		m.at = len(keep)
		keep = append(keep, m)
	}
	clear(s.ready[len(keep):])
	s.ready = keep
	return len(s.told) > 0
}

// wake puts a member among the ready ones, on the actor.
func (m *member) wake() {
	if m.set == nil {
		return
	}
	s := m.set
	if m.at < 0 {
		if len(s.ready) > 2*len(s.members) {
			s.compact()
		}
		m.at = len(s.ready)
		s.ready = append(s.ready, m)
	}
	if s.waiter != nil {
		s.waiter.signal()
	}
}

// compact closes the gaps that members have left, so that they cannot pile up between two Waits.
func (s *Set) compact() {
	s.ready = slices.DeleteFunc(s.ready, func(m *member) bool { return m == nil })
	for i, m := range s.ready {
		m.at = i
	}
}

// leave takes a member out of its set, on the actor.
func (m *member) leave() {
	s := m.set
	if s == nil {
		return
	}
	if m.at >= 0 {
		s.ready[m.at] = nil
		m.at = -1
	}
	last := len(s.members) - 1
	s.members[m.place] = s.members[last]
	s.members[m.place].place = m.place
	s.members[last] = nil
	s.members = s.members[:last]
	m.set = nil
}

// pending says what there is to tell of a flow.
func (f *Flow) pending() Event {
	e := Event{Flow: f}
	if f.refused && !f.full {
		e.Kind |= EventWritable
	}
	switch {
	case len(f.rx) > 0 || f.part != nil || f.endMark:
		e.Kind |= EventPkt
	case f.ended != nil:
		e.Kind |= f.news & (EventDealloc | EventPeer)
		e.Err = f.ended
	case f.isDown() && f.resumed:
		f.settle.Reset(time.Nanosecond) // see take
	default:
		e.Kind |= f.news & (EventDown | EventUp)
	}
	return e
}

// tell notes what was told.
func (f *Flow) tell(e Event) {
	if e.Kind&EventWritable != 0 {
		f.refused = false
	}
	f.news &^= e.Kind
}

// pending says whether a request waits, or that none will come any more.
func (l *Listener) pending() Event {
	e := Event{Listener: l}
	switch {
	case len(l.taken) > 0 || len(l.requests) > 0 && l.ended == nil:
		e.Kind = EventAlloc
	case l.ended != nil && !l.told:
		e.Kind, e.Err = EventDealloc, l.ended
	}
	return e
}

// tell notes what was told.
func (l *Listener) tell(e Event) { l.told = l.told || e.Kind == EventDealloc }
