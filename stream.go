package ouroboros

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"ouroboros/core"
)

// Stream is a reliable flow as a stream of bytes: a net.Conn. What is written is cut into messages of at most
// the MTU of the flow, and what is read does not show where they began. Nothing travels that says so: both ends
// must take the flow for a stream.
//
// A Write is sent at once, in as few messages as it needs. Nothing is held back to fill a message, so that no
// byte waits for another; who writes many small pieces puts a bufio.Writer in front. Read takes all that is
// there, up to the length of its buffer.
//
// The peer's Close is io.EOF to Read, after all that it has written, and core.ErrPeerClosed to Write. It closes
// both directions: there is no half-close.
//
// Errors are *net.OpError, but for io.EOF. After a deadline they are os.ErrDeadlineExceeded and
// core.ErrTimedOut to errors.Is; after Close, and when the actor is gone, net.ErrClosed; and else those of
// package core. Deadlines are those of the clock on the wall: in the simulator, that of the system
// (core.Env.Wall).
//
// Of an App whose Blocker is core.Shared, any goroutines may use a Stream at the same time. In a world of
// programs it belongs to one, as a Flow does.
type Stream struct {
	flow          *Flow
	local, remote Addr

	in      []byte // of the Read in progress; n bytes of it are filled
	n       int
	out     []byte // of the Write in progress, what is not taken yet
	readErr error
	sendErr error
	tryRead func() bool // s.take and s.put, bound once
	trySend func() bool
}

var _ net.Conn = (*Stream)(nil)

// network is the name that Addr has for package net.
const network = "ouroboros"

// Addr is one end of a Stream, a net.Addr: a name, or as what is known of an end that has none.
type Addr struct {
	Name  string
	Layer core.Name // that carries the flow; empty for a Listener
	EID   uint64    // of the end of the flow on this system
}

// Network returns "ouroboros".
func (Addr) Network() string { return network }

// String returns the name, or layer and endpoint id.
func (a Addr) String() string {
	if a.Name != "" {
		return a.Name
	}
	return fmt.Sprintf("%s/%d", a.Layer, a.EID)
}

// DialStream allocates a flow to a name for a Stream. It is core.QoSData unless an option asks for another
// quality, which must be that of a reliable flow.
func (a *App) DialStream(name string, opts ...Option) (*Stream, error) {
	return a.DialStreamContext(context.Background(), name, opts...)
}

// DialStreamContext is DialStream for goroutines; see DialContext.
func (a *App) DialStreamContext(ctx context.Context, name string, opts ...Option) (*Stream, error) {
	o, err := gather(append([]Option{WithQoS(core.QoSData)}, opts...))
	if err == nil {
		err = reliable(o.qos)
	}
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	f, err := a.dial(ctx, name, o)
	if err != nil {
		return nil, err
	}
	i := f.Info()
	return newStream(f, Addr{Layer: i.Layer, EID: i.EID}, Addr{Name: name, Layer: i.Layer, EID: i.EID}), nil
}

// Stream takes the flow over as a stream of bytes; it must be reliable, leaves its Set, and is used as a Stream from
// then on. What Read has left of a message is the beginning of it.
func (f *Flow) Stream() (*Stream, error) {
	i := f.Info()
	if err := reliable(i.QoS); err != nil {
		return nil, fmt.Errorf("stream: %w", err)
	}
	end := Addr{Layer: i.Layer, EID: i.EID}
	return newStream(f, end, Addr{Name: i.Peer, Layer: i.Layer, EID: i.EID}), nil
}

// reliable refuses a quality that does not make a stream.
func reliable(q core.QoS) error {
	if m := q.Mode(); m != core.ModeReliable {
		return fmt.Errorf("a stream needs a reliable flow (in order, loss 0), this one is %v: %w", m, core.ErrInvalid)
	}
	return nil
}

func newStream(f *Flow, local, remote Addr) *Stream {
	s := &Stream{flow: f, local: local, remote: remote}
	s.tryRead, s.trySend = s.take, s.put
	f.gate.do(func() {
		f.endMark = false
		f.member.leave()
	})
	return s
}

// LocalAddr returns the address of this end.
func (s *Stream) LocalAddr() net.Addr { return s.local }

// RemoteAddr returns that of the other: the name that was asked for, or that its certificate vouches for.
func (s *Stream) RemoteAddr() net.Addr { return s.remote }

// Info describes the flow below: what it is encrypted with, whose certificate was seen, and how long its messages
// are.
func (s *Stream) Info() core.FlowInfo {
	return s.flow.Info()
}

// Read reads what is there into b, and waits for the first byte.
func (s *Stream) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	s.flow.readMu.Lock()
	defer s.flow.readMu.Unlock()
	s.in, s.n, s.readErr = b, 0, nil
	err := s.flow.reader.await(&s.flow.readDeadline, &s.flow.readTimeout, s.tryRead)
	s.in = nil
	if err == nil {
		err = s.readErr
	}
	if errors.Is(err, io.EOF) {
		return 0, io.EOF
	}
	return s.n, s.fail("read", err)
}

// Write writes b and waits until the flow has taken all of it. It returns how much was taken.
func (s *Stream) Write(b []byte) (int, error) {
	s.flow.writeMu.Lock()
	defer s.flow.writeMu.Unlock()
	s.out, s.sendErr = b, nil
	err := s.flow.writer.await(&s.flow.writeDeadline, &s.flow.writeTimeout, s.trySend)
	n := len(b) - len(s.out)
	s.out = nil
	if err == nil {
		err = s.sendErr
	}
	return n, s.fail("write", err)
}

// Close closes the flow: see Flow.Close. It does not wait; what was written is still delivered.
func (s *Stream) Close() error {
	first := false
	s.flow.gate.do(func() { first = s.flow.shut() })
	if !first {
		return s.fail("close", net.ErrClosed)
	}
	return nil
}

// SetDeadline sets both deadlines; the zero Time is none. A call whose deadline has passed does nothing.
func (s *Stream) SetDeadline(t time.Time) error { return s.setDeadline(t, true, true) }

// SetReadDeadline sets that of Read, also of the one that waits.
func (s *Stream) SetReadDeadline(t time.Time) error { return s.setDeadline(t, true, false) }

// SetWriteDeadline sets that of Write, also of the one that waits.
func (s *Stream) SetWriteDeadline(t time.Time) error { return s.setDeadline(t, false, true) }

func (s *Stream) setDeadline(t time.Time, read, write bool) error {
	open := false
	s.flow.gate.do(func() {
		f := s.flow
		if open = !f.closed; !open {
			return
		}
		at := wallTime(f.app.env, t)
		if read {
			f.readDeadline = at
		}
		if write {
			f.writeDeadline = at
		}
		f.signal()
	})
	if !open {
		return s.fail("set", net.ErrClosed)
	}
	return nil
}

// take is one attempt to read, on the actor. It waits only as long as nothing was read.
func (s *Stream) take() bool {
	f := s.flow
	if !f.closed && f.app.env.Now() >= f.readDeadline {
		return false
	}
	for s.n < len(s.in) {
		if f.part == nil {
			if s.n > 0 && len(f.rx) == 0 {
				return true
			}
			p, ok, err := f.take()
			if s.readErr = err; p == nil {
				return ok
			}
			f.part = p
		}
		k := min(len(s.in)-s.n, f.part.Len())
		s.n += copy(s.in[s.n:], f.part.Pull(k))
		if f.part.Len() == 0 {
			f.dropPart()
		}
	}
	return true
}

// put is one attempt to write, on the actor.
func (s *Stream) put() bool {
	f := s.flow
	for {
		switch {
		case f.closed || f.ended != nil || f.isDown(): // f.put has the reason
		case f.app.env.Now() >= f.writeDeadline, f.full:
			return false
		case len(s.out) == 0:
			return true
		}
		n := min(len(s.out), f.mtu)
		p := f.app.env.Pool.GetCopy(f.headroom, s.out[:n])
		ok, took, err := f.put(p)
		if !took {
			p.Release()
		}
		if s.sendErr = err; !ok || err != nil {
			return ok
		}
		s.out = s.out[n:]
	}
}

// fail dresses an error as package net does.
func (s *Stream) fail(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, core.ErrTimedOut):
		err = timeout{}
	case errors.Is(err, core.ErrNotAlloc), errors.Is(err, core.ErrCanceled):
		err = net.ErrClosed
	}
	return &net.OpError{Op: op, Net: network, Source: s.local, Addr: s.remote, Err: err}
}
