package ouroboros

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"ouroboros/core"
)

// backlog is how many requests wait for Accept; more are told to try again.
const backlog = 128

// Listener takes the flows that others allocate to a name. Of an App whose Blocker is core.Shared, any goroutines may
// use it at the same time.
type Listener struct {
	app      *App
	name     core.Name
	acceptMu sync.Mutex
	gate     *gate                // of calls that do not wait
	accept   *waiter              // of Accept
	want     func(core.QoS) error // what is refused at once; nil: nothing
	stop     func()               // nil after Close
	requests []core.Incoming
	deadline core.Time
	member   member

	answered bool    // the broker takes requests for the name, or ended says why not
	ended    error   // by the broker, for this reason
	told     bool    // a Set has told so
	taking   bool    // a request is being accepted
	taken    []taken // and has been, for an Accept

	got         taken       // what an Accept has brought
	closed      error       // why it has brought nothing
	tryAccept   func() bool // bound once
	stopContext func() bool // ends the watch on the context of ListenContext
}

// taken is how the acceptance of a request has ended.
type taken struct {
	flow *Flow
	err  error
}

// Listen takes requests for a name from now on; they wait for Accept.
func (a *App) Listen(name string) (*Listener, error) {
	return a.ListenContext(context.Background(), name)
}

// ListenContext is Listen for goroutines: the listener closes when ctx ends. A context that can end needs a core.Shared
// Blocker, else the error is core.ErrUnsupp.
func (a *App) ListenContext(ctx context.Context, name string) (*Listener, error) {
	if err := validate(name); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return a.listen(ctx, name, nil)
}

// ListenBound takes requests for every name that this process is bound to, or its program is, now and later: the
// administrator says which (spec 13 §13.3). Flow.Name says which name a flow was allocated to.
func (a *App) ListenBound() (*Listener, error) { return a.ListenBoundContext(context.Background()) }

// ListenBoundContext is ListenBound for goroutines; see ListenContext.
func (a *App) ListenBoundContext(ctx context.Context) (*Listener, error) {
	return a.listen(ctx, "", nil)
}

func (a *App) listen(ctx context.Context, name string, want func(core.QoS) error) (*Listener, error) {
	if err := a.usable(ctx); err != nil {
		return nil, fmt.Errorf("listen %q: %w", name, err)
	}
	l := &Listener{app: a, name: core.Name(name), want: want, deadline: Never, gate: a.gate(), stopContext: func() bool { return true }}
	l.tryAccept, l.member = l.look, member{at: -1, source: l}
	if err := l.start(ctx); err != nil {
		return nil, fmt.Errorf("listen %q: %w", name, err)
	}
	if ctx.Done() != nil {
		l.stopContext = context.AfterFunc(ctx, func() { a.env.Post(func() { l.shut() }) })
	}
	return l, nil
}

// start asks the broker for the requests to the name, and waits for its answer where it is in another process.
func (l *Listener) start(ctx context.Context) error {
	err := error(core.ErrCanceled) // when there is no actor any more
	d, distant := l.app.alloc.(core.Distant)
	l.gate.do(func() {
		l.accept, err = l.app.another(), nil
		if distant {
			l.stop = d.ListenLater(l.name, l.incoming, l.state)
		} else {
			l.stop, err = l.app.alloc.Listen(l.name, l.incoming)
		}
	})
	if err != nil || !distant {
		return err
	}
	never := Never
	if err = l.accept.awaitContext(ctx, &never, func() bool { return l.answered }); err == nil {
		err = l.ended
	}
	if err != nil {
		l.gate.do(func() { l.shut() })
	}
	return err
}

// state is the broker's answer, and its word that it has ended.
func (l *Listener) state(err error) {
	l.answered, l.ended = true, err
	l.accept.signal()
	l.member.wake()
}

// Name returns the name that is listened to, empty for ListenBound.
func (l *Listener) Name() string { return string(l.name) }

// SetDeadline limits how long Accept waits, also the call that does; Never for no limit.
func (l *Listener) SetDeadline(t core.Time) {
	l.gate.do(func() {
		l.deadline = t
		l.accept.signal()
	})
}

// incoming is the up-call of the allocator.
func (l *Listener) incoming(in core.Incoming) {
	if l.want != nil {
		if err := l.want(in.QoS()); err != nil {
			in.Reject(err)
			return
		}
	}
	if len(l.requests) >= backlog {
		in.Reject(core.ErrAgain)
		return
	}
	l.requests = append(l.requests, in)
	l.accept.signal()
	l.member.wake()
}

// Accept waits for a request and answers it. The flow has the quality that the client asked for. An
// error may be about one client only (core.ErrAuth, core.ErrCrypt and others): a server goes on, except
// after core.ErrNotAlloc, which says that the listener is closed, and core.ErrTimedOut.
func (l *Listener) Accept() (*Flow, error) { return l.AcceptContext(context.Background()) }

// AcceptContext is Accept for goroutines: when ctx ends first, the error is that of ctx and core.ErrCanceled or
// core.ErrTimedOut, and the listener goes on. A context that can end needs a core.Shared Blocker, else the error is
// core.ErrUnsupp.
func (l *Listener) AcceptContext(ctx context.Context) (*Flow, error) {
	flow, err, ended := l.next(ctx)
	if err = errors.Join(err, ended); err != nil {
		return nil, fmt.Errorf("accept %q: %w", string(l.name), err)
	}
	return flow, nil
}

// next waits for a request. err is about one client, ended about the listener.
func (l *Listener) next(ctx context.Context) (flow *Flow, err, ended error) {
	if err := l.app.usable(ctx); err != nil {
		return nil, nil, err
	}
	l.acceptMu.Lock()
	defer l.acceptMu.Unlock()
	l.got, l.closed = taken{}, nil
	if err := l.accept.awaitContext(ctx, &l.deadline, l.tryAccept); err != nil {
		return nil, nil, err
	}
	return l.got.flow, l.got.err, l.closed
}

// look is one attempt at Accept, on the actor.
func (l *Listener) look() bool {
	if len(l.taken) == 0 && len(l.requests) > 0 && !l.taking && l.stop != nil {
		in := l.requests[0]
		l.requests[0] = nil
		l.requests = l.requests[1:]
		l.taking = true
		core.Accept(in, func(f core.Flow, err error) { l.take(in.Name(), f, err) })
	}
	switch {
	case l.stop == nil:
		l.closed = core.ErrNotAlloc
	case len(l.taken) > 0:
		l.got = l.taken[0]
		l.taken = l.taken[1:]
	case l.ended != nil:
		l.closed = l.ended
	default:
		return false
	}
	return true
}

// take takes up an accepted flow.
func (l *Listener) take(name core.Name, f core.Flow, err error) {
	l.taking = false
	if l.stop == nil {
		if err == nil {
			f.Close(0)
		}
		return
	}
	t := taken{err: err}
	if err == nil {
		t.flow, t.err = l.app.newFlow(f, name)
	}
	l.taken = append(l.taken, t)
	l.accept.signal()
	l.member.wake()
}

// Close stops listening and refuses the requests that wait.
func (l *Listener) Close() error {
	first := false
	l.gate.do(func() { first = l.shut() })
	if !first {
		return core.ErrNotAlloc
	}
	return nil
}

// shut stops listening, on the actor, and reports whether it was on.
func (l *Listener) shut() bool {
	if l.stop == nil {
		return false
	}
	l.stopContext()
	l.member.leave()
	l.stop()
	for _, in := range l.requests {
		in.Reject(core.ErrName)
	}
	for _, t := range l.taken {
		if t.flow != nil {
			t.flow.shut()
		}
	}
	l.stop, l.requests, l.taken = nil, nil, nil
	l.accept.signal()
	return true
}
