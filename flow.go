package ouroboros

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// How many packets a flow takes from its provider ahead of the program, and from how few on it takes
// more. The rest waits with the provider, whose window then closes: flow control reaches as far as the
// reader.
const (
	readAhead = 32
	readAgain = readAhead / 2
)

// Flow is one end of a flow. What is written to it are messages: their boundaries are kept.
//
// Of an App whose Blocker is core.Shared, any goroutines may use a Flow at the same time, but for its packets
// (ReadPacket). Calls that read wait for each other, and so do those that write.
type Flow struct {
	app   *App
	name  core.Name
	under core.Flow
	// Of under, where they stay the same.
	mtu, headroom int

	readMu, writeMu sync.Mutex
	gate            *gate // of calls that do not wait
	reader, writer  *waiter
	reading         receiving
	writing         sending

	rx      []*pkt.Buf // received and not read, oldest first
	part    *pkt.Buf   // the rest of a message that Read has returned in part
	endMark bool       // the next Read returns 0: a message ended where the buffer did
	paused  bool       // receiving is off
	resumed bool       // receiving was switched on and what the provider held may be on its way
	settle  core.Timer

	full    bool // Write has returned ErrWouldBlock and Writable has not come yet
	refused bool // so has a write of the program that does not wait

	flags  FlowFlags
	down   bool
	closed bool  // by Close
	ended  error // by the provider, for this reason

	readDeadline, writeDeadline core.Time
	readTimeout, writeTimeout   time.Duration

	member member
	news   EventKind // what a Set has not told yet, of what is told once
}

// receiving is a call that reads.
type receiving struct {
	in     []byte   // where to
	n      int      // bytes that are there
	packet *pkt.Buf // for ReadPacket
	err    error
	// Bound once.
	msg, part, pkt func() bool
}

// sending is a call that writes.
type sending struct {
	out []byte
	tx  *pkt.Buf // made of it, and not taken by the flow
	err error
	msg func() bool // bound once
}

// newFlow takes up the end of a flow, on the actor. It closes it when it fails.
func (a *App) newFlow(below core.Flow, name core.Name) (*Flow, error) {
	env := a.env.Derive("flow")
	under, err := a.wrap(env, below)
	if err != nil {
		below.Close(0)
		return nil, err
	}
	f := &Flow{
		app: a, name: name, under: under, gate: a.gate(), reader: a.another(), writer: a.another(),
		flags: DefaultFlags, readDeadline: Never, writeDeadline: Never,
	}
	f.member = member{at: -1, source: f}
	i := f.under.Info()
	f.mtu, f.headroom = i.MTU, i.Headroom
	f.reading.msg, f.reading.part, f.reading.pkt, f.writing.msg = f.takeMsg, f.takePart, f.takePacket, f.putMsg
	f.settle = env.NewTimer(func() {
		f.resumed = false
		f.readable()
	})
	f.under.Attach((*sink)(f))
	return f, nil
}

// Name returns the name that the flow was allocated to, at both ends, or that of the layer that was joined.
func (f *Flow) Name() string { return string(f.name) }

// Info describes the flow. Its MTU is the length of the longest message.
func (f *Flow) Info() (i core.FlowInfo) {
	f.gate.do(func() { i = f.under.Info() })
	return i
}

// QoS returns the quality that the client asked for, which both ends use (spec 12 §12.5).
func (f *Flow) QoS() core.QoS { return f.Info().QoS }

// Queued returns how many packets the next one written would wait behind on this system (FLOWGTXQLEN).
func (f *Flow) Queued() (n int) {
	f.gate.do(func() { n = f.under.Queued() })
	return n
}

// Unread returns how many messages can be read without waiting (FLOWGRXQLEN).
func (f *Flow) Unread() (n int) {
	f.gate.do(func() { n = len(f.rx) })
	return n
}

// SetDeadline sets both deadlines.
func (f *Flow) SetDeadline(t core.Time) { f.setDeadlines(&t, &t) }

// SetReadDeadline limits how long reading waits, also the call that does: at t it gives up with core.ErrTimedOut. A
// deadline that has passed makes it take what is there without waiting. Never, the initial value, is no limit.
func (f *Flow) SetReadDeadline(t core.Time) { f.setDeadlines(&t, nil) }

// SetWriteDeadline does the same for writing.
func (f *Flow) SetWriteDeadline(t core.Time) { f.setDeadlines(nil, &t) }

func (f *Flow) setDeadlines(read, write *core.Time) {
	if f.app.shared == nil { // the program has the actor, and sets deadlines with every message
		f.moveDeadlines(read, write)
		return
	}
	var r, w *core.Time // copies, so that only this path allocates
	if read != nil {
		t := *read
		r = &t
	}
	if write != nil {
		t := *write
		w = &t
	}
	f.gate.do(func() { f.moveDeadlines(r, w) })
}

func (f *Flow) moveDeadlines(read, write *core.Time) {
	if read != nil {
		f.readDeadline = *read
	}
	if write != nil {
		f.writeDeadline = *write
	}
	f.signal()
}

// Close deallocates the flow. It does not wait: what was written is retransmitted in the background as
// far as delta-t allows (spec 10 §10.16), unless FRCPLinger is off. What was received and not read is discarded. On
// ordered and reliable flows the peer is told, if it is one of ours: it reads what was written, and then
// core.ErrPeerClosed. A second Close returns core.ErrNotAlloc.
func (f *Flow) Close() error {
	first := false
	f.gate.do(func() { first = f.shut() })
	if !first {
		return fmt.Errorf("close: %w", core.ErrNotAlloc)
	}
	return nil
}

// shut closes the flow, on the actor, and reports whether it was open.
func (f *Flow) shut() bool {
	if f.closed {
		return false
	}
	f.closed = true
	f.member.leave()
	f.settle.Stop()
	if f.ended == nil {
		f.under.Close(0)
	}
	for _, p := range f.rx {
		p.Release()
	}
	f.rx = nil
	f.dropPart()
	f.signal()
	return true
}

// signal has both directions look again.
func (f *Flow) signal() {
	f.reader.signal()
	f.writer.signal()
}

// readable tells whoever waits for something to read, or for the end.
func (f *Flow) readable() {
	f.reader.signal()
	f.member.wake()
}

// sink is the flow as its provider sees it.
type sink Flow

// Deliver takes a packet.
func (s *sink) Deliver(p *pkt.Buf) {
	s.rx = append(s.rx, p)
	if len(s.rx) >= readAhead && !s.paused {
		s.paused = true
		s.under.SetReceive(false)
	}
	(*Flow)(s).readable()
}

// Writable ends the wait of a writer.
func (s *sink) Writable() {
	s.full = false
	s.writer.signal()
	s.member.wake()
}

// State notes that the flow went down or came up.
func (s *sink) State(up bool) {
	f := (*Flow)(s)
	f.turn(func() { f.down = !up })
}

// Closed notes why the provider ended the flow.
func (s *sink) Closed(err error) {
	if err == nil {
		err = core.ErrFlowDown
	}
	s.ended = err
	if errors.Is(err, core.ErrFlowPeer) {
		s.news |= EventPeer
	} else {
		s.news |= EventDealloc
	}
	(*Flow)(s).signal()
	s.member.wake()
}
