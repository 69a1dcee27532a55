package ouroboros_test

import (
	"errors"
	"testing"
	"time"

	"ouroboros"
	"ouroboros/core"
)

// distantAlloc is an allocator whose broker is in another process: it answers a while later.
type distantAlloc struct {
	*fakeAlloc
	refuse error
	state  func(error)
}

func (a *distantAlloc) ListenLater(_ core.Name, accept func(core.Incoming), state func(error)) (stop func()) {
	a.accept, a.state = accept, state
	a.env.NewTimer(func() { state(a.refuse) }).Reset(time.Millisecond)
	return func() { a.stopped = true }
}

// deferredIncoming is a request that is answered by that broker.
type deferredIncoming struct{ fakeIncoming }

func (*deferredIncoming) Accept() (core.Flow, error) { return nil, core.ErrUnsupp }

func (i *deferredIncoming) AcceptLater(done func(core.Flow, error)) {
	i.env.NewTimer(func() {
		f, err := i.fakeIncoming.Accept()
		done(f, err)
	}).Reset(time.Millisecond)
}

func (x *bench) distant() *distantAlloc {
	a := &distantAlloc{fakeAlloc: x.alloc}
	x.app = ouroboros.New(x.env, a, x.b)
	x.app.Bare()
	return a
}

// Listen waits for the broker of another process and returns its refusal (core.Distant).
func TestListenWaitsForADistantBroker(t *testing.T) {
	script(t, func(x *bench) {
		a := x.distant()
		a.refuse = core.ErrPerm
		if _, err := x.app.Listen("name"); !errors.Is(err, core.ErrPerm) || !a.stopped {
			t.Errorf("Listen: %v, stopped %v", err, a.stopped)
		}
		a.refuse = nil
		start := x.b.Now()
		l, err := x.app.Listen("name")
		if err != nil || x.b.Now() == start {
			t.Errorf("Listen: %v after %v", err, x.b.Now().Sub(start))
		}
		_ = l.Close()
	})
}

// Accept waits for the flow that such a broker hands out later; an error is about one client only, until the
// broker has gone (spec 14 §14.2, EIRMD).
func TestAcceptFromADistantBroker_14_2(t *testing.T) {
	script(t, func(x *bench) {
		a := x.distant()
		l, err := x.app.Listen("name")
		if err != nil {
			t.Fatal(err)
		}
		good := &deferredIncoming{fakeIncoming{env: x.env}}
		a.accept(&deferredIncoming{fakeIncoming{env: x.env, fail: core.ErrAuth}})
		a.accept(good)
		if _, err := l.Accept(); !errors.Is(err, core.ErrAuth) {
			t.Errorf("the first client: %v", err)
		}
		f, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		// A flow that comes after the deadline is there for the next Accept.
		l.SetDeadline(x.b.Now())
		a.accept(&deferredIncoming{fakeIncoming{env: x.env}})
		if _, err := l.Accept(); !errors.Is(err, core.ErrTimedOut) {
			t.Errorf("Accept at its deadline: %v", err)
		}
		l.SetDeadline(ouroboros.Never)
		if f, err = l.Accept(); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		x.after(time.Millisecond, func() { a.state(core.ErrIRMD) })
		if _, err := l.Accept(); !errors.Is(err, core.ErrIRMD) {
			t.Errorf("Accept when the broker has gone: %v", err)
		}
		_ = l.Close()
	})
}

// Flows that were accepted and are not wanted any more are closed.
func TestAListenerThatIsClosedKeepsNoFlow(t *testing.T) {
	script(t, func(x *bench) {
		a := x.distant()
		l, _ := x.app.Listen("name")
		early, late := &deferredIncoming{fakeIncoming{env: x.env}}, &deferredIncoming{fakeIncoming{env: x.env}}
		l.SetDeadline(x.b.Now())
		a.accept(early)
		_, _ = l.Accept()
		x.b.Sleep(time.Second) // the first stands and nobody has fetched it
		a.accept(late)
		l.SetDeadline(x.b.Now())
		if f, err := l.Accept(); err != nil {
			t.Errorf("the flow that stands: %v", err)
		} else {
			_ = f.Close()
		}
		_, _ = l.Accept() // begins to accept the second
		_ = l.Close()
		x.b.Sleep(time.Second)
		if late.flow == nil || !late.flow.closed {
			t.Error("a flow that came after Close is open")
		}
	})
}

// canceler is a Blocker whose program shall end.
type canceler struct {
	core.Blocker
	canceled bool
}

func (c *canceler) Canceled() bool { return c.canceled }

// A program that shall end gets ErrCanceled from what blocks, and can close what it has.
func TestACanceledProgramCanTidyUp(t *testing.T) {
	script(t, func(x *bench) {
		c := &canceler{Blocker: x.b}
		x.app = ouroboros.New(x.env, x.alloc, c)
		x.app.Bare()
		f, under := x.dial()
		x.after(time.Second, func() { c.canceled = true; c.Wake() })
		if _, err := f.ReadMsg(make([]byte, 10)); !errors.Is(err, core.ErrCanceled) {
			t.Errorf("Read: %v", err)
		}
		if err := f.WriteMsg([]byte("x")); !errors.Is(err, core.ErrCanceled) {
			t.Errorf("Write: %v", err)
		}
		if err := f.Close(); err != nil || !under.closed {
			t.Errorf("Close: %v, closed below: %v", err, under.closed)
		}
	})
}
