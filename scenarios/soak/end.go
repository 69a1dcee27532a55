package soak

import (
	"errors"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/frcp"
	"ouroboros/scenarios/node"
)

// written is what one end has written in one life of a flow, message by message: the other end is checked
// against it.
type written struct {
	of    id
	times []core.Time
	sizes []int32
	next  int       // reliable: the message that must be delivered next
	last  int64     // ordered: the latest one delivered; -1 before
	got   uint64    // messages delivered
	heard core.Time // latest delivery
}

// life is one flow of a pair: from its allocation to the failure of either end.
type life struct {
	p    *pair
	id   uint32
	ways [2]written // there, back
	ends [2]*end    // at from, at to
}

// end is the program at one end of a flow.
type end struct {
	p     *pair
	l     *life // of an end at to: nil before its first message
	which int   // 0 at from, 1 at to
	env   core.Env
	sys   *node.System
	born  core.Time
	flow  *frcp.Endpoint
	spy   *spy
	mtu   int
	head  int
	past  history

	timers   []core.Timer
	min, max int       // of the burst that was begun last
	backlog  int       // messages to be written
	blocked  core.Time // Never unless the program waits for Writable
	paused   int       // pauses under way
	readable core.Time // end of the last pause
	closed   core.Time // the program has closed the flow; Never before
	told     core.Time // the program was told that the flow is over; Never before
	err      error     // why
	dead     bool      // its node was killed
	refused  int
	runts    uint64 // short messages without order
	early    uint64 // messages that do not say whose they are, before one that does
	corrupt  uint64 // on flows that nothing protects
}

var endNames = [2]string{endFrom, endTo}

// maxBacklog is how far a program may be behind before it gives up messages of its bursts.
const maxBacklog = 2000

// newEnd puts the end-to-end protocol and a program on a flow.
func (p *pair) newEnd(which int, sys *node.System, f core.Flow) (*end, error) {
	env := sys.Env.Derive("soak:" + p.Name + ":" + endNames[which])
	e := &end{p: p, which: which, sys: sys, env: env, born: env.Now(), blocked: clock.Never, closed: clock.Never, told: clock.Never}
	f, e.spy = spied(f, e)
	flow, err := frcp.WrapWith(startsNear(env, p.FirstSeq), f, p.params)
	if err != nil {
		f.Close(0)
		return nil, err
	}
	e.flow = flow
	i := flow.Info()
	e.mtu, e.head = i.MTU, i.Headroom
	e.min, e.max = headerLen, headerLen
	p.r.ends = append(p.r.ends, e)
	flow.Attach(e)
	for _, x := range p.Pauses {
		if (x.End == endTo) == (which == 1) {
			e.pause(x)
		}
	}
	return e, nil
}

// begin has the program write, from now on.
func (e *end) begin() {
	bursts := e.p.There
	if e.which == 1 {
		bursts = e.p.Back
	}
	for i := range bursts {
		e.burst(&bursts[i])
	}
	if e.which == 0 {
		e.backlog++ // tells the other end who it talks to
		e.pump()
	}
}

func (e *end) timer(at core.Time, fn func()) core.Timer {
	t := e.env.NewTimer(fn)
	e.timers = append(e.timers, t)
	t.Reset(max(at.Sub(e.env.Now()), 0))
	return t
}

// burst arms the ticks of a burst that are still to come.
func (e *end) burst(b *Burst) {
	now, from := e.env.Now(), core.Time(b.From)
	if now > from {
		n := (now - from + core.Time(b.Interval) - 1) / core.Time(b.Interval)
		from += n * core.Time(b.Interval)
	}
	if from > core.Time(b.Until) {
		return
	}
	at := from
	var t core.Timer
	t = e.timer(at, func() {
		e.min, e.max = int(b.Min), int(b.Max)
		e.backlog = min(e.backlog+b.Count, maxBacklog)
		e.pump()
		if at += core.Time(b.Interval); at <= core.Time(b.Until) {
			t.Reset(at.Sub(e.env.Now()))
		}
	})
}

func (e *end) pause(x Pause) {
	until := core.Time(x.At).Add(x.For.D())
	if e.env.Now() >= until {
		return
	}
	e.timer(core.Time(x.At), func() {
		e.paused++
		e.note(event{what: "pauses"})
		e.flow.SetReceive(false)
	})
	e.timer(until, func() {
		if e.paused--; e.paused > 0 {
			return
		}
		e.note(event{what: "reads"})
		e.readable = e.env.Now()
		e.flow.SetReceive(true)
	})
}

// out returns what this end has written.
func (e *end) out() *written { return &e.l.ways[e.which] }

// in returns what the other end has written.
func (e *end) in() *written { return &e.l.ways[1-e.which] }

// over reports whether the program has no use for the flow any more.
func (e *end) over() bool { return e.closed != clock.Never || e.told != clock.Never || e.dead }

// size draws the length of the next message. Where messages may get lost every fourth tells who sent it.
func (e *end) size(seq uint32) int {
	var b [8]byte
	stream(b[:], e.out().of, ^seq)
	n := e.min + int(uint(b[0])|uint(b[1])<<8|uint(b[2])<<16)%(e.max-e.min+1)
	if seq == 0 || e.p.mode() != core.ModeReliable && seq%4 == 0 {
		n = max(n, headerLen)
	}
	return min(n, e.mtu)
}

// pump writes the backlog, as far as the flow takes it.
func (e *end) pump() {
	for e.l != nil && e.backlog > 0 && e.blocked == clock.Never && !e.over() {
		w := e.out()
		seq, now := uint32(len(w.times)), e.env.Now()
		n := e.size(seq)
		p := e.env.Pool.Get(e.head, n)
		of := seq
		if n < headerLen && e.p.mode() != core.ModeReliable {
			of = runt
		}
		fill(p.Bytes(), w.of, of)
		// The message counts as written before the flow can pass it on.
		w.times, w.sizes = append(w.times, now), append(w.sizes, int32(n))
		err := e.flow.Write(p)
		if err == nil {
			e.note(event{what: "written", n: n, seq: uint64(seq)})
			e.backlog--
			e.p.r.res.Written++
			continue
		}
		e.unwritten(w, p, err)
		return
	}
}

// unwritten takes back a message that the flow did not take.
func (e *end) unwritten(w *written, p *pkt.Buf, err error) {
	if errors.Is(err, core.ErrWouldBlock) {
		p.Release()
		e.blocked = e.env.Now()
		e.note(event{what: "blocked"})
	} else {
		e.note(event{what: "refused", err: err})
		e.refused++
		e.backlog = 0
	}
	w.times, w.sizes = w.times[:len(w.times)-1], w.sizes[:len(w.sizes)-1]
}

// Writable goes on.
func (e *end) Writable() {
	if e.blocked == clock.Never {
		e.violate(promiseStuck, "Writable without a refusal before")
	}
	e.blocked = clock.Never
	e.note(event{what: "writable"})
	e.pump()
}

// State is told whether the flow is up.
func (e *end) State(bool) {}

// Closed ends the program.
func (e *end) Closed(err error) {
	if e.dead {
		return
	}
	e.told, e.err, e.blocked = e.env.Now(), err, clock.Never
	e.note(event{what: "told", err: err})
	e.stop()
	e.p.ended(e)
}

// stop ends what the program does by itself.
func (e *end) stop() {
	for _, t := range e.timers {
		t.Stop()
	}
	e.timers, e.backlog = nil, 0
}

// close closes the flow.
func (e *end) close() {
	if e.closed != clock.Never {
		return
	}
	e.closed, e.blocked = e.env.Now(), clock.Never
	e.stop()
	e.note(event{what: "closes"})
	e.flow.Close(0)
}

// kill notes that the node of the end is no more.
func (e *end) kill() {
	e.dead, e.blocked = true, clock.Never
	e.timers = nil
	e.note(event{what: "killed"})
}

func (e *end) note(ev event) {
	ev.at, ev.end = e.env.Now(), endNames[e.which]
	e.past.add(ev)
}

// other returns the end at the other side; nil if it is not known.
func (e *end) other() *end {
	if e.l == nil {
		return nil
	}
	return e.l.ends[1-e.which]
}

// longestRTO is the bound of the retransmission time-out: a sender notices at the latest then that R is over.
const longestRTO = 60 * time.Second
