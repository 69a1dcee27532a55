package ouroboros

import (
	"errors"
	"fmt"

	"ouroboros/core"
)

// backlog is how many requests wait for Accept; more are told to try again.
const backlog = 128

// Listener takes the flows that others allocate to a name.
type Listener struct {
	app      *App
	name     core.Name
	accept   *waiter              // of Accept
	want     func(core.QoS) error // what is refused at once; nil: nothing
	stop     func()               // nil after Close
	requests []core.Incoming
	deadline core.Time

	answered bool    // the broker takes requests for the name, or ended says why not
	ended    error   // by the broker, for this reason
	taking   bool    // a request is being accepted
	taken    []taken // and has been, for an Accept
}

// taken is how the acceptance of a request has ended.
type taken struct {
	flow *Flow
	err  error
}

// Listen takes requests for a name from now on; they wait for Accept.
func (a *App) Listen(name string) (*Listener, error) { return a.listen(name, a.main, nil) }

func (a *App) listen(name string, w *waiter, want func(core.QoS) error) (*Listener, error) {
	if err := validate(name); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	l := &Listener{app: a, name: core.Name(name), accept: w, want: want, deadline: Never}
	if err := l.start(); err != nil {
		return nil, fmt.Errorf("listen %q: %w", name, err)
	}
	return l, nil
}

// start asks the broker for the requests to the name, and waits for its answer where it is in another process.
func (l *Listener) start() error {
	err := error(core.ErrCanceled) // when there is no actor any more
	d, distant := l.app.alloc.(core.Distant)
	if !distant {
		l.accept.b.Do(func() { l.stop, err = l.app.alloc.Listen(l.name, l.incoming) })
		return err
	}
	l.accept.b.Do(func() { l.stop = d.ListenLater(l.name, l.incoming, l.state) })
	never := Never
	if err = l.accept.await(&never, func() bool { return l.answered }); err == nil {
		err = l.ended
	}
	if err != nil {
		l.app.main.b.Do(func() { l.shut() })
	}
	return err
}

// state is the broker's answer, and its word that it has ended.
func (l *Listener) state(err error) {
	l.answered, l.ended = true, err
	l.accept.signal()
}

// Name returns the name that is listened to.
func (l *Listener) Name() string { return string(l.name) }

// SetDeadline limits how long Accept waits; Never for no limit.
func (l *Listener) SetDeadline(t core.Time) { l.deadline = t }

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
}

// Accept waits for a request and answers it. The flow has the quality that the client asked for. An
// error may be about one client only (core.ErrAuth, core.ErrCrypt and others): a server goes on, except
// after core.ErrNotAlloc, which says that the listener is closed, and core.ErrTimedOut.
func (l *Listener) Accept() (*Flow, error) {
	flow, err, ended := l.next()
	if err = errors.Join(err, ended); err != nil {
		return nil, fmt.Errorf("accept %q: %w", string(l.name), err)
	}
	return flow, nil
}

// next waits for a request. err is about one client, ended about the listener.
func (l *Listener) next() (flow *Flow, err, ended error) {
	waited := l.accept.await(&l.deadline, func() bool {
		if len(l.taken) == 0 && len(l.requests) > 0 && !l.taking && l.stop != nil {
			in := l.requests[0]
			l.requests = l.requests[1:]
			l.taking = true
			core.Accept(in, l.take)
		}
		switch {
		case l.stop == nil:
			ended = core.ErrNotAlloc
		case len(l.taken) > 0:
			flow, err = l.taken[0].flow, l.taken[0].err
			l.taken = l.taken[1:]
		case l.ended != nil:
			ended = l.ended
		default:
			return false
		}
		return true
	})
	if waited != nil {
		ended = waited
	}
	return flow, err, ended
}

// take takes up an accepted flow.
func (l *Listener) take(f core.Flow, err error) {
	l.taking = false
	if l.stop == nil {
		if err == nil {
			f.Close(0)
		}
		return
	}
	t := taken{err: err}
	if err == nil {
		t.flow, t.err = l.app.newFlow(f)
	}
	l.taken = append(l.taken, t)
	l.accept.signal()
}

// Close stops listening and refuses the requests that wait.
func (l *Listener) Close() error {
	first := false
	l.app.main.b.Do(func() { first = l.shut() })
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
