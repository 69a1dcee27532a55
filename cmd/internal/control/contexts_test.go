package control_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"ouroboros/cmd/internal/control"
	"ouroboros/cmd/internal/control/controltest"
	"ouroboros/cmd/internal/control/pb"
	"ouroboros/core"
)

// blocking returns a handler whose calls wait for the end of their context, and where it says so.
func blocking() (*controltest.Fake, chan error) {
	ended := make(chan error, 10)
	f := &controltest.Fake{}
	f.SetFail(func(ctx context.Context, _ string) error {
		select {
		case <-ctx.Done():
		case <-time.After(patience):
		}
		ended <- ctx.Err()
		return ctx.Err()
	})
	return f, ended
}

// A deadline or a cancellation of the client ends its call and that of the handler; the client can go on.
func TestContextsCrossTheSocket(t *testing.T) {
	f, ended := blocking()
	c := dial(t, serve(t, &control.Server{Handler: f}))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if err := c.DestroyName(ctx, "n"); !errors.Is(err, core.ErrTimedOut) {
		t.Errorf("after the deadline: %v", err)
	}
	if err := <-ended; err == nil {
		t.Error("the handler was not told of the deadline")
	}
	ctx, cancel = context.WithCancel(context.Background())
	time.AfterFunc(30*time.Millisecond, cancel)
	if err := c.DestroyName(ctx, "n"); !errors.Is(err, core.ErrCanceled) || !errors.Is(err, context.Canceled) {
		t.Errorf("after the cancellation: %v", err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the handler ended with %v", err)
	}
	if err := c.DestroyName(ctx, "n"); !errors.Is(err, core.ErrCanceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	f.SetFail(nil)
	if err := c.DestroyName(context.Background(), "n"); err != nil {
		t.Error(err)
	}
}

// A client that dies cancels its request.
func TestClientThatDiesCancels(t *testing.T) {
	f, ended := blocking()
	c := raw(t, serve(t, &control.Server{Handler: f}))
	write(t, c, piece(t, &pb.Request{Operation: &pb.Request_Status{}}))
	waitFor(t, func() bool { return len(f.Calls()) == 1 })
	c.Close()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the handler ended with %v", err)
	}
}

// Close cancels what runs, and gives clients an error instead of silence.
func TestCloseEndsRequests(t *testing.T) {
	f, ended := blocking()
	s := &control.Server{Handler: f}
	c := dial(t, serve(t, s))
	got := make(chan error, 1)
	go func() { got <- c.DestroyName(context.Background(), "n") }()
	waitFor(t, func() bool { return len(f.Calls()) == 1 })
	s.Close()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the handler ended with %v", err)
	}
	if err := <-got; !errors.Is(err, core.ErrIRMD) {
		t.Errorf("the client got %v", err)
	}
	if err := c.DestroyName(context.Background(), "n"); !errors.Is(err, core.ErrIRMD) || !strings.HasPrefix(err.Error(), control.NoDaemon) {
		t.Errorf("without a daemon: %v", err)
	}
	if err := s.Serve(listen(t, shortDir(t))); err != nil {
		t.Errorf("Serve after Close: %v", err)
	}
}
