package ouroboros

import (
	"fmt"

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
type Flow struct {
	app   *App
	under core.Flow
	// Of under, where they stay the same.
	mtu, headroom int

	rx      []*pkt.Buf // received and not read, oldest first
	part    *pkt.Buf   // the rest of a message that Read has returned in part
	endMark bool       // the next Read returns 0: a message ended where the buffer did
	paused  bool       // receiving is off
	resumed bool       // receiving was switched on and what the provider held may be on its way
	settle  core.Timer

	tx   *pkt.Buf // being written
	full bool     // Write has returned ErrWouldBlock and Writable has not come yet

	down   bool
	closed bool  // by Close
	ended  error // by the provider, for this reason

	reader, writer              *waiter // the program's, unless a Stream has taken the flow over
	readDeadline, writeDeadline core.Time

	got      *pkt.Buf // what the attempts below have brought
	err      error
	tryRead  func() bool // f.take and f.put, bound once
	tryWrite func() bool
}

// newFlow takes up the end of a flow, on the actor. It closes it when it fails.
func (a *App) newFlow(below core.Flow) (*Flow, error) {
	env := a.env.Derive("flow")
	under, err := a.wrap(env, below)
	if err != nil {
		below.Close(0)
		return nil, err
	}
	f := &Flow{
		app: a, under: under, reader: a.main, writer: a.main, readDeadline: Never, writeDeadline: Never,
	}
	i := f.under.Info()
	f.mtu, f.headroom = i.MTU, i.Headroom
	f.tryRead, f.tryWrite = f.take, f.put
	f.settle = env.NewTimer(func() {
		f.resumed = false
		f.reader.signal()
	})
	f.under.Attach((*sink)(f))
	return f, nil
}

// Info describes the flow. Its MTU is the length of the longest message.
func (f *Flow) Info() core.FlowInfo { return f.info(f.app.main) }

func (f *Flow) info(w *waiter) (i core.FlowInfo) {
	w.b.Do(func() { i = f.under.Info() })
	return i
}

// QoS returns the quality that the client asked for, which both ends use (spec 12 §12.5).
func (f *Flow) QoS() core.QoS { return f.Info().QoS }

// Queued returns how many packets the next one written would wait behind on this system.
func (f *Flow) Queued() (n int) {
	f.app.main.b.Do(func() { n = f.under.Queued() })
	return n
}

// Unread returns how many messages can be read without waiting.
func (f *Flow) Unread() (n int) {
	f.app.main.b.Do(func() { n = len(f.rx) })
	return n
}

// SetDeadline sets both deadlines.
func (f *Flow) SetDeadline(t core.Time) { f.readDeadline, f.writeDeadline = t, t }

// SetReadDeadline limits how long reading waits: at t it gives up with core.ErrTimedOut. A deadline that
// has passed makes it take what is there without waiting. Never, the initial value, is no limit.
func (f *Flow) SetReadDeadline(t core.Time) { f.readDeadline = t }

// SetWriteDeadline does the same for writing.
func (f *Flow) SetWriteDeadline(t core.Time) { f.writeDeadline = t }

// Close deallocates the flow. It does not wait: what was written is retransmitted in the background as
// far as delta-t allows (spec 10 §10.16). What was received and not read is discarded. On ordered and
// reliable flows the peer is told, if it is one of ours: it reads what was written, and then
// core.ErrPeerClosed. A second Close returns core.ErrNotAlloc.
func (f *Flow) Close() error {
	first := false
	f.app.main.b.Do(func() { first = f.shut() })
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

// sink is the flow as its provider sees it.
type sink Flow

// Deliver takes a packet.
func (s *sink) Deliver(p *pkt.Buf) {
	s.rx = append(s.rx, p)
	if len(s.rx) >= readAhead && !s.paused {
		s.paused = true
		s.under.SetReceive(false)
	}
	s.reader.signal()
}

// Writable ends the wait of a writer.
func (s *sink) Writable() {
	s.full = false
	s.writer.signal()
}

// State notes that the flow went down or came up.
func (s *sink) State(up bool) {
	s.down = !up
	(*Flow)(s).signal()
}

// Closed notes why the provider ended the flow.
func (s *sink) Closed(err error) {
	if err == nil {
		err = core.ErrFlowDown
	}
	s.ended = err
	(*Flow)(s).signal()
}
