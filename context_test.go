package ouroboros_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/shim/host"
)

// live makes two Apps for goroutines, on two systems of a live world that runs until the end of the test.
func live(t *testing.T, stack string) (client, server *ouroboros.App) {
	t.Helper()
	w := host.New(1)
	h := coretest.New(t, w)
	envs, allocs := pair(t, h, stack, core.LinkSpec{})
	var running sync.WaitGroup
	running.Go(func() { _ = w.Run(core.Time(time.Hour)) })
	t.Cleanup(func() {
		w.Stop()
		running.Wait()
	})
	return ouroboros.New(envs[0], allocs[0], w.Caller(envs[0])), ouroboros.New(envs[1], allocs[1], w.Caller(envs[1]))
}

// connect makes a flow between two Apps for goroutines.
func connect(t *testing.T, client, server *ouroboros.App, opts ...ouroboros.Option) (f, g *ouroboros.Flow) {
	t.Helper()
	l, err := server.Listen("n")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var dialing sync.WaitGroup
	dialing.Go(func() {
		var err error
		if f, err = client.Dial("n", opts...); err != nil {
			t.Error(err)
		}
	})
	g, err = l.Accept()
	dialing.Wait()
	if err != nil || t.Failed() {
		t.Fatal(err)
	}
	return f, g
}

// slow is an allocator whose answers never come.
type slow struct{ canceled chan struct{} }

func (s *slow) Alloc(core.Request, func(core.Flow, error)) func() {
	return func() { close(s.canceled) }
}

func (s *slow) Join(core.Name, func(core.Flow, error)) func() { return func() { close(s.canceled) } }

func (s *slow) Listen(core.Name, func(core.Incoming)) (func(), error) {
	return func() { close(s.canceled) }, nil
}

// TestAContextEndsWhatWaits: the call returns with the error of the context, and what it has asked for is withdrawn.
func TestAContextEndsWhatWaits(t *testing.T) {
	calls := map[string]func(ctx context.Context, a *ouroboros.App) error{
		"dial":   func(ctx context.Context, a *ouroboros.App) error { _, err := a.DialContext(ctx, "n"); return err },
		"stream": func(ctx context.Context, a *ouroboros.App) error { _, err := a.DialStreamContext(ctx, "n"); return err },
		"join":   func(ctx context.Context, a *ouroboros.App) error { _, err := a.JoinContext(ctx, "n"); return err },
		"listen": func(ctx context.Context, a *ouroboros.App) error {
			l, err := a.ListenContext(ctx, "n")
			if err == nil {
				_, err = l.Accept()
			}
			return err
		},
		"accept": func(ctx context.Context, a *ouroboros.App) error {
			l, err := a.ListenBound()
			if err == nil {
				_, err = l.AcceptContext(ctx)
				if errors.Is(l.Close(), core.ErrNotAlloc) {
					err = errors.New("the listener was closed")
				}
			}
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			w := host.New(1)
			defer w.Close()
			env := w.Node("n")
			var running sync.WaitGroup
			running.Go(func() { _ = w.Run(core.Time(time.Hour)) })
			defer running.Wait()
			defer w.Stop()
			alloc := &slow{canceled: make(chan struct{})}
			app := ouroboros.New(env, alloc, w.Caller(env))
			cause := errors.New("the user has left")
			ctx, cancel := context.WithCancelCause(context.Background())
			time.AfterFunc(5*time.Millisecond, func() { cancel(cause) })
			err := call(ctx, app)
			if name == "listen" { // Accept knows only that the listener is closed
				if !errors.Is(err, core.ErrNotAlloc) {
					t.Errorf("%v, want %v", err, core.ErrNotAlloc)
				}
			} else if !errors.Is(err, core.ErrCanceled) || !errors.Is(err, cause) {
				t.Errorf("%v, want %v because %v", err, core.ErrCanceled, cause)
			}
			select {
			case <-alloc.canceled:
			case <-time.After(10 * time.Second):
				t.Error("the request was not withdrawn")
			}
			late, stop := context.WithTimeout(context.Background(), time.Nanosecond)
			defer stop()
			<-late.Done()
			if _, err := app.DialContext(late, "n"); !errors.Is(err, core.ErrTimedOut) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a context that has ended: %v", err)
			}
		})
	}
}

// TestAProgramHasNoContextThatEnds: the simulator could not tell when it does.
func TestAProgramHasNoContextThatEnds(t *testing.T) {
	script(t, func(x *bench) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		if _, err := x.app.DialContext(ctx, "name"); !errors.Is(err, core.ErrUnsupp) {
			t.Errorf("dial: %v", err)
		}
		if _, err := x.app.ListenContext(ctx, "name"); !errors.Is(err, core.ErrUnsupp) {
			t.Errorf("listen: %v", err)
		}
		f, err := x.app.DialContext(context.Background(), "name")
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	})
}

// TestInterruptEndsWhatWaits: each call that can wait, now and from then on; what was opened can be closed.
func TestInterruptEndsWhatWaits(t *testing.T) {
	script(t, func(x *bench) {
		f, under := x.dial()
		l, err := x.app.Listen("name")
		if err != nil {
			t.Fatal(err)
		}
		s := x.app.NewSet()
		_ = s.Add(f)
		if err := x.app.Sleep(time.Second); err != nil || x.b.Now() != core.Time(time.Second) {
			t.Errorf("Sleep: %v until %v", err, x.b.Now())
		}
		x.after(time.Second, x.app.Interrupt)
		if err := x.app.Sleep(time.Hour); !errors.Is(err, core.ErrCanceled) || x.b.Now() != core.Time(2*time.Second) {
			t.Errorf("Sleep: %v until %v", err, x.b.Now())
		}
		_, read := f.ReadMsg(nil)
		_, accept := l.Accept()
		_, wait := s.Wait(ouroboros.Never)
		_, dial := x.app.Dial("name")
		for what, err := range map[string]error{"read": read, "accept": accept, "wait": wait, "dial": dial} {
			if !errors.Is(err, core.ErrCanceled) {
				t.Errorf("%s: %v", what, err)
			}
		}
		under.arrive("x")
		if _, err := f.ReadMsg(make([]byte, 9)); !errors.Is(err, core.ErrCanceled) { // or a busy program would never end
			t.Errorf("a read that need not wait: %v", err)
		}
		if err := errors.Join(f.Close(), l.Close()); err != nil || x.b.Now() != core.Time(2*time.Second) {
			t.Errorf("%v at %v", err, x.b.Now())
		}
	})
}

// TestInterruptReachesEveryGoroutine of a live process.
func TestInterruptReachesEveryGoroutine(t *testing.T) {
	client, server := live(t, "test layer")
	f, g := connect(t, client, server)
	s := client.NewSet()
	var all sync.WaitGroup
	ends := make(chan error, 3)
	all.Go(func() { _, err := f.ReadMsg(nil); ends <- err })
	all.Go(func() { _, err := s.Wait(ouroboros.Never); ends <- err })
	all.Go(func() { ends <- client.Sleep(time.Hour) })
	client.Interrupt()
	all.Wait()
	for range 3 {
		if err := <-ends; !errors.Is(err, core.ErrCanceled) {
			t.Error(err)
		}
	}
	if err := server.Sleep(time.Millisecond); err != nil { // another App is not concerned
		t.Error(err)
	}
	_, _ = f.Close(), g.Close()
}

// TestGoroutinesShareAFlow: several write, several read, one moves deadlines and asks, at both ends of one flow of
// messages; each message arrives whole and once, and Close ends all that waits.
func TestGoroutinesShareAFlow(t *testing.T) {
	for _, q := range []core.QoS{core.QoSRaw, core.QoSData} {
		t.Run(q.Mode().String(), func(t *testing.T) { shareAFlow(t, q) })
	}
}

func shareAFlow(t *testing.T, q core.QoS) {
	const writers, readers, each = 3, 2, 100
	client, server := live(t, "eth-dix")
	f, g := connect(t, client, server, ouroboros.WithQoS(q))
	if _, err := f.ReadPacket(); !errors.Is(err, core.ErrUnsupp) {
		t.Errorf("ReadPacket of a goroutine: %v", err)
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var all, reading sync.WaitGroup
	for end, flow := range []*ouroboros.Flow{f, g} {
		for w := range writers {
			all.Go(func() {
				for i := range each {
					msg := bytes.Repeat([]byte(fmt.Sprintf("%d.%d.%d ", end, w, i)), 20)
					var err error
					if i%2 == 0 {
						err = flow.WriteMsg(msg)
					} else {
						p := flow.NewPacket(len(msg))
						copy(p.Bytes(), msg)
						err = flow.WritePacket(p)
					}
					if err != nil {
						t.Errorf("write: %v", err)
					}
					if q.Mode() == core.ModeRaw { // nothing slows a raw writer down
						time.Sleep(100 * time.Microsecond)
					}
				}
			})
		}
		for range readers {
			reading.Go(func() {
				buf := make([]byte, 1500)
				for {
					n, err := flow.ReadMsg(buf)
					if errors.Is(err, core.ErrNotAlloc) || errors.Is(err, core.ErrPeerClosed) {
						return
					}
					if err != nil {
						t.Errorf("read: %v", err)
						return
					}
					mu.Lock()
					seen[string(buf[:n])]++
					mu.Unlock()
				}
			})
		}
		all.Go(func() {
			for range each {
				flow.SetDeadline(ouroboros.Never)
				_, _, _ = flow.Info(), flow.Unread(), flow.Queued()
				_ = flow.SetFlags(flow.Flags())
			}
		})
	}
	all.Wait()
	complete := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(seen) == 2*writers*each
	}
	for end := time.Now().Add(10 * time.Second); !complete() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	_, _ = f.Close(), g.Close()
	reading.Wait()
	for end := range 2 {
		for w := range writers {
			for i := range each {
				part := fmt.Sprintf("%d.%d.%d ", end, w, i)
				if n := seen[string(bytes.Repeat([]byte(part), 20))]; n != 1 {
					t.Fatalf("message %s arrived %d times, of %d different ones", part, n, len(seen))
				}
			}
		}
	}
}

// tardy is an allocator whose flow comes at the moment when the request is given up.
type tardy struct {
	slow
	env  core.Env
	flow *fakeFlow
}

func (a *tardy) Join(_ core.Name, done func(core.Flow, error)) func() {
	return func() {
		a.flow = &fakeFlow{env: a.env, on: true, qos: core.QoSRaw}
		done(a.flow, nil)
	}
}

// TestAFlowThatComesTooLateIsClosed: nobody would know of it.
func TestAFlowThatComesTooLateIsClosed(t *testing.T) {
	script(t, func(x *bench) {
		a := &tardy{env: x.env}
		app := ouroboros.New(x.env, a, x.b)
		if _, err := app.Join("layer", ouroboros.WithTimeout(time.Second)); !errors.Is(err, core.ErrTimedOut) {
			t.Errorf("join: %v", err)
		}
		if a.flow == nil || !a.flow.closed {
			t.Error("the flow is open")
		}
	})
}
