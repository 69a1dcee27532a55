package line

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
)

// The directions of a Shaper.
const (
	Out = 0 // from the user to the link below
	In  = 1 // from the link below to the user
)

// Shaper is a link with wires of its own around it: what its user sends goes through one Line and then to
// the link below, what that receives goes through another and then to the user. So any link, a simulated one
// or a device of the system, gets the rate, delay, queue, loss, jitter, reordering and duplication that the
// simulator gives its wires, by the same code.
//
//	user ---Send---> [ line out ] ---> backlog ---> Send    link below
//	user <-Receive-- [ line in  ] <----------------Receive
//
// A direction whose spec asks for nothing passes packets straight through. All methods are called on the
// actor of the link below.
type Shaper struct {
	env   core.Env
	below core.Link
	user  core.LinkUser
	ways  [2]way
	seen  core.LinkInfo // of the link below, when it last told its state
	max   int           // bytes of the largest frame that the link below takes

	backlog ring[outgoing] // has passed the line, while the link below is full
	limit   int            // packets in backlog from which the shaper is full
	room    core.Timer     // next room in the line, for a blocked user
	waiting bool           // for the link below, which is full
	blocked bool           // the user waits for Writable
	refused int            // bytes of the packet that was refused last

	up     bool       // by SetUp
	told   bool       // the state that the user knows
	notice core.Timer // the user learns of the state
	closed bool
}

// outgoing is a packet for the link below.
type outgoing struct {
	p  *pkt.Buf
	to core.Addr
}

// way is one direction of a Shaper.
type way struct {
	line    *Line
	none    bool       // the spec asks for nothing and the shaper is up
	alarm   core.Timer // the next packet arrives
	pending clock.Time // when alarm fires, Never when it is not set
	passed  tally      // straight through
	failed  tally      // dropped behind the line or beside it: nobody takes it
	lost    tally      // dropped behind the line: the backlog is full
}

// tally counts packets and their bytes.
type tally struct{ packets, bytes uint64 }

func (t *tally) add(n int) { t.packets++; t.bytes += uint64(n) }

var (
	_ core.Link     = (*Shaper)(nil)
	_ core.LinkUser = (*Shaper)(nil)
)

// NewShaper puts a shaper on a link and attaches itself to it. The specs are as those of a wire; name, kind,
// MTU and address family are those of the link below whatever they say.
func NewShaper(env core.Env, below core.Link, out, in core.LinkSpec) (*Shaper, error) {
	s := &Shaper{env: env, below: below, up: true, told: below.Info().Up}
	s.measure()
	for dir, spec := range [2]core.LinkSpec{out, in} {
		part := env.Derive([2]string{"out", "in"}[dir])
		spec, err := s.accept(dir, spec)
		if err != nil {
			return nil, err
		}
		w := &s.ways[dir]
		if w.line, err = New(spec, part.Rand, part.Trace); err != nil {
			return nil, err
		}
		w.pending = clock.Never
		w.alarm = env.NewTimer(func() {
			w.pending = clock.Never
			s.pump(dir, env.Now())
		})
	}
	s.room = env.NewTimer(s.wake)
	s.notice = env.NewTimer(s.tell)
	s.changed(env.Now())
	below.Attach(s)
	return s, nil
}

// accept completes a spec of one direction, or says what no shaper can do.
func (s *Shaper) accept(dir int, spec core.LinkSpec) (core.LinkSpec, error) {
	if dir != Out && dir != In {
		return spec, fmt.Errorf("shaper %s: direction %d: accepted are %d (out) and %d (in)", s.env.Path, dir, Out, In)
	}
	if spec.Name == "" {
		spec.Name = s.env.Path
	}
	if dir == In && spec.Block {
		return spec, fmt.Errorf("link %s: block: accepted for what comes in is a queue that drops: nobody can stop a network from sending", spec.Name)
	}
	return spec, nil
}

// Set changes one direction during the run, Out or In. What is in service or in flight keeps the values it
// started with.
func (s *Shaper) Set(dir int, spec core.LinkSpec) error {
	spec, err := s.accept(dir, spec)
	if err != nil {
		return err
	}
	now := s.env.Now()
	if err := s.ways[dir].line.Set(now, spec); err != nil {
		return err
	}
	s.changed(now)
	return nil
}

// Spec returns the spec of one direction now in force.
func (s *Shaper) Spec(dir int) core.LinkSpec { return s.ways[dir].line.Spec() }

// SetUp takes the shaper down or up, as the wire it stands for: both directions drop what is not yet wholly
// on the wire, and what comes while it is down. The user notices after the Detect of the spec out.
func (s *Shaper) SetUp(up bool) {
	if s.up == up || s.closed {
		return
	}
	s.up = up
	now := s.env.Now()
	for i := range s.ways {
		s.ways[i].line.SetUp(now, up)
	}
	s.changed(now)
	switch d := s.ways[Out].line.spec.Detect; {
	case d > 0:
		s.notice.Reset(d)
	case s.user == nil:
		s.tell()
	default:
		s.env.Post(s.tell)
	}
}

// changed brings what depends on specs and state up to date.
func (s *Shaper) changed(now clock.Time) {
	for dir := range s.ways {
		w := &s.ways[dir]
		sp := &w.line.spec
		w.none = w.line.plain && sp.Rate == 0 && sp.Delay == 0 && s.up && !s.closed
		w.arm(now)
	}
	s.limit = s.ways[Out].line.spec.QueuePackets
	if s.limit == 0 {
		s.limit = DefaultQueue
	}
	if s.blocked {
		s.room.Reset(0)
	}
}

// measure notes how large a frame may be.
func (s *Shaper) measure() {
	info := s.below.Info()
	s.seen, s.max = info, info.MTU
	if info.Kind == core.LinkEthernet {
		s.max += etherHeader
	}
}

// etherHeader is the length of an Ethernet header, which the MTU does not count.
const etherHeader = 14

// tell has the user know the state of the link, unless it does.
func (s *Shaper) tell() {
	up := s.up && !s.closed && s.below.Info().Up
	if s.told == up {
		return
	}
	s.told = up
	if s.user != nil {
		s.user.LinkState(up)
	}
}

// Info describes the link below as the specs make it look.
func (s *Shaper) Info() core.LinkInfo {
	info := s.below.Info()
	out := &s.ways[Out].line.spec
	info.Up = s.told && !s.inert()
	info.Delay += out.Delay
	if out.Rate > 0 && (info.Rate == 0 || out.Rate < info.Rate) {
		info.Rate = out.Rate
	}
	return info
}

// inert reports whether the shaper, or the life of the node that it belongs to, has ended.
func (s *Shaper) inert() bool { return s.closed || s.env.Ended() }

// Queued returns how many packets wait here and in the link below.
func (s *Shaper) Queued() int {
	w := &s.ways[Out]
	if w.line.flights.n == 0 && s.backlog.n == 0 {
		return s.below.Queued()
	}
	return w.line.Queued(s.env.Now()) + s.backlog.n + s.below.Queued()
}

// Attach sets the user.
func (s *Shaper) Attach(u core.LinkUser) {
	if !s.inert() {
		s.user = u
	}
}

// Stats returns the counters of one direction so far. Delivered is what the link below has taken, or the user.
func (s *Shaper) Stats(dir int) core.LinkStats {
	w := &s.ways[dir]
	st := w.line.Stats(s.env.Now())
	st.SentPackets += w.passed.packets
	st.SentBytes += w.passed.bytes
	st.DeliveredPackets += w.passed.packets - w.failed.packets - w.lost.packets
	st.DeliveredBytes += w.passed.bytes - w.failed.bytes - w.lost.bytes
	st.DropDown += w.failed.packets
	st.DropQueue += w.lost.packets
	if dir == Out {
		st.Waiting += s.backlog.n
		st.DeliveredPackets -= uint64(s.backlog.n)
		for i := range s.backlog.n {
			st.DeliveredBytes -= uint64(s.backlog.at(i).p.Len())
		}
	}
	return st
}

// Close drops what the shaper holds and makes it inert: it takes packets with core.ErrFlowDown and tells its
// user nothing. The link below stays open.
func (s *Shaper) Close() {
	if s.closed {
		return
	}
	s.closed, s.user, s.blocked = true, nil, false
	s.room.Stop()
	s.notice.Stop()
	now := s.env.Now()
	for i := range s.ways {
		w := &s.ways[i]
		w.none = false
		w.alarm.Stop()
		for w.line.Next() != clock.Never {
			w.line.Discard(now)
		}
	}
	for s.backlog.n > 0 {
		s.fail(Out, s.unload().p)
	}
}

// fail drops a packet that has passed the line and that nobody takes.
func (s *Shaper) fail(dir int, p *pkt.Buf) {
	s.ways[dir].failed.add(p.Len())
	p.Release()
}

// unload takes the first packet out of the backlog.
func (s *Shaper) unload() outgoing {
	x := *s.backlog.at(0)
	*s.backlog.at(0) = outgoing{}
	s.backlog.pop()
	return x
}

// arm sets the alarm to the next arrival. One that is set too early finds nothing due and is set again.
func (w *way) arm(now clock.Time) {
	if next := w.line.Next(); next < w.pending {
		w.pending = next
		w.alarm.Reset(time.Duration(next - now))
	}
}
