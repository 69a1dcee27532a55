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
}

// Listen takes requests for a name from now on; they wait for Accept.
func (a *App) Listen(name string) (*Listener, error) { return a.listen(name, a.main, nil) }

func (a *App) listen(name string, w *waiter, want func(core.QoS) error) (*Listener, error) {
	if err := validate(name); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	l := &Listener{app: a, name: core.Name(name), accept: w, want: want, deadline: Never}
	err := error(core.ErrCanceled) // when there is no actor any more
	w.b.Do(func() { l.stop, err = a.alloc.Listen(l.name, l.incoming) })
	if err != nil {
		return nil, fmt.Errorf("listen %q: %w", name, err)
	}
	return l, nil
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
		switch {
		case l.stop == nil:
			ended = core.ErrNotAlloc
		case len(l.requests) == 0:
			return false
		default:
			in := l.requests[0]
			l.requests = l.requests[1:]
			var f core.Flow
			if f, err = in.Accept(); err == nil {
				flow, err = l.app.newFlow(f)
			}
		}
		return true
	})
	if waited != nil {
		ended = waited
	}
	return flow, err, ended
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
	l.stop, l.requests = nil, nil
	l.accept.signal()
	return true
}
