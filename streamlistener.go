package ouroboros

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"ouroboros/core"
)

// StreamListener takes flows to a name as streams of bytes: a net.Listener. Of an App whose Blocker is
// core.Shared, any goroutines may use it at the same time.
type StreamListener struct {
	l    *Listener
	addr Addr
}

var _ net.Listener = (*StreamListener)(nil)

// ListenStream is Listen for streams. A client that asks for a flow which is not reliable is refused with
// core.ErrInvalid.
func (a *App) ListenStream(name string) (*StreamListener, error) {
	return a.ListenStreamContext(context.Background(), name)
}

// ListenStreamContext is ListenStream that closes when ctx ends; see ListenContext.
func (a *App) ListenStreamContext(ctx context.Context, name string) (*StreamListener, error) {
	if err := validate(name); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	l, err := a.listen(ctx, name, reliable)
	if err != nil {
		return nil, err
	}
	return &StreamListener{l: l, addr: Addr{Name: name}}, nil
}

// Addr returns the name that is listened to.
func (l *StreamListener) Addr() net.Addr { return l.addr }

// Accept waits for a client and returns its stream, a *Stream. Clients whose allocation fails are passed over; an
// error says that the listener is closed or that its deadline has come.
func (l *StreamListener) Accept() (net.Conn, error) {
	for {
		f, err, ended := l.l.next(context.Background())
		switch {
		case errors.Is(ended, core.ErrTimedOut):
			return nil, l.fail("accept", timeout{})
		case errors.Is(ended, core.ErrIRMD):
			return nil, l.fail("accept", ended)
		case ended != nil:
			return nil, l.fail("accept", net.ErrClosed)
		case err == nil:
			i := f.Info()
			return newStream(f, l.addr, Addr{Name: i.Peer, Layer: i.Layer, EID: i.EID}), nil
		}
	}
}

// SetDeadline limits how long Accept waits, also the one that does; the zero Time is no limit.
func (l *StreamListener) SetDeadline(t time.Time) error {
	open := false
	l.l.gate.do(func() {
		if open = l.l.stop != nil; open {
			l.l.deadline = wallTime(l.l.app.env, t)
			l.l.accept.signal()
		}
	})
	if !open {
		return l.fail("set", net.ErrClosed)
	}
	return nil
}

// Close stops listening and refuses the clients that wait. Streams go on.
func (l *StreamListener) Close() error {
	first := false
	l.l.gate.do(func() { first = l.l.shut() })
	if !first {
		return l.fail("close", net.ErrClosed)
	}
	return nil
}

func (l *StreamListener) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: network, Addr: l.addr, Err: err}
}

// timeout is the error of a deadline: what package net, package os and package core call it.
type timeout struct{}

func (timeout) Error() string   { return os.ErrDeadlineExceeded.Error() }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

// Is makes it both errors.
func (timeout) Is(target error) bool {
	return target == os.ErrDeadlineExceeded || target == core.ErrTimedOut
}
