package ouroboros

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/frcp"
)

// Never is the deadline that never comes.
const Never = clock.Never

// DefaultTimeout is how long Dial and Join wait unless WithTimeout says otherwise (spec 14 §14.2).
const DefaultTimeout = 20 * time.Second

// App is the access of one program to the network of its system, or of all goroutines of a live process if its
// Blocker is core.Shared.
type App struct {
	env    core.Env
	alloc  core.Allocator
	shared core.Shared // nil: one program
	main   *waiter     // of the program
	all    *gate       // of the App
	// wrap puts the end-to-end protocol over the flow of a layer. It runs here, with the application, and
	// not in the layer (spec 10 §10.1).
	wrap func(env core.Env, below core.Flow) (core.Flow, error)

	interrupted bool
	parked      *waiter // the latest of those that wait
}

// New returns the App of a program that runs on the actor of env and waits through b.
func New(env core.Env, alloc core.Allocator, b core.Blocker) *App {
	a := &App{alloc: alloc, all: &gate{b: b}}
	a.shared, _ = b.(core.Shared)
	a.wrap = func(env core.Env, below core.Flow) (core.Flow, error) { return frcp.Wrap(env, below) }
	b.Do(func() {
		a.env = env.Derive("app")
		a.main = a.newWaiter(b)
	})
	return a
}

// Interrupt has every call of the App that can wait (those that read, write, accept, allocate, sleep), now and from
// then on, give up with core.ErrCanceled, whether it would have to wait or not. The others still work, so that a
// program can close its flows and say what it has seen. It may be called from anywhere; in the simulator, on the actor.
func (a *App) Interrupt() {
	a.env.Post(func() {
		a.interrupted = true
		for w := a.parked; w != nil; w = a.parked {
			w.signal()
		}
	})
}

// Sleep waits for d. It returns core.ErrCanceled when it was interrupted.
func (a *App) Sleep(d time.Duration) error {
	w := a.private()
	if w == nil {
		return fmt.Errorf("sleep: %w", core.ErrCanceled)
	}
	until := w.b.Now().Add(d)
	err := w.await(&until, nil, func() bool { return false })
	if errors.Is(err, core.ErrTimedOut) {
		return nil
	}
	return fmt.Errorf("sleep: %w", err)
}

// Option changes a Dial or Join.
type Option func(*options)

type options struct {
	qos     core.QoS
	layer   core.Name
	timeout time.Duration
	encrypt bool
	known   bool
}

// WithQoS asks for a flow of that quality. Without it the flow is raw.
func WithQoS(q core.QoS) Option { return func(o *options) { o.qos = q } }

// WithLayer asks for a flow in one layer only.
func WithLayer(layer string) Option { return func(o *options) { o.layer = core.Name(layer) } }

// WithEncryption asks for an encrypted flow: Dial fails with core.ErrCrypt where there can be none. Without it
// the administrators of both systems decide (spec 11 §11.8).
func WithEncryption() Option { return func(o *options) { o.encrypt = true } }

// WithAuthentication asks for a flow whose other end has a certificate for the name: Dial fails with
// core.ErrAuth where there is none. FlowInfo.Peer says who it is.
func WithAuthentication() Option { return func(o *options) { o.known = true } }

// WithTimeout limits how long the allocation may take; d must be positive.
func WithTimeout(d time.Duration) Option { return func(o *options) { o.timeout = d } }

func gather(opts []Option) (options, error) {
	o := options{qos: core.QoSRaw, timeout: DefaultTimeout}
	for _, set := range opts {
		set(&o)
	}
	if o.timeout <= 0 {
		return o, fmt.Errorf("timeout %v: accepted is more than 0: %w", o.timeout, core.ErrInvalid)
	}
	return o, nil
}

// Dial allocates a flow to a name and waits until it stands or has failed.
func (a *App) Dial(name string, opts ...Option) (*Flow, error) {
	return a.DialContext(context.Background(), name, opts...)
}

// DialContext is Dial for goroutines: when ctx ends first, the request is withdrawn and the error is that of ctx and
// core.ErrCanceled or core.ErrTimedOut. A context that can end needs a core.Shared Blocker, else the error is
// core.ErrUnsupp.
func (a *App) DialContext(ctx context.Context, name string, opts ...Option) (*Flow, error) {
	o, err := gather(opts)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return a.dial(ctx, name, o)
}

func (a *App) dial(ctx context.Context, name string, o options) (*Flow, error) {
	if err := validate(name); err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	r := core.Request{
		Name: core.Name(name), QoS: o.qos, Layer: o.layer, Timeout: o.timeout, Encrypt: o.encrypt, Authenticate: o.known,
	}
	f, err := a.allocate(ctx, r.Name, Never, func(done func(core.Flow, error)) func() { return a.alloc.Alloc(r, done) })
	if err != nil {
		return nil, fmt.Errorf("dial %q: %w", name, err)
	}
	return f, nil
}

// Join joins a broadcast layer: what is written reaches every other member. The flow is raw whatever
// the options say.
func (a *App) Join(layer string, opts ...Option) (*Flow, error) {
	return a.JoinContext(context.Background(), layer, opts...)
}

// JoinContext is Join for goroutines; see DialContext.
func (a *App) JoinContext(ctx context.Context, layer string, opts ...Option) (*Flow, error) {
	o, err := gather(opts)
	if err == nil {
		err = validate(layer)
	}
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	n := core.Name(layer)
	deadline := a.all.b.Now().Add(o.timeout)
	f, err := a.allocate(ctx, n, deadline, func(done func(core.Flow, error)) func() { return a.alloc.Join(n, done) })
	if err != nil {
		return nil, fmt.Errorf("join %q: %w", layer, err)
	}
	return f, nil
}

func validate(name string) error {
	if err := core.Name(name).Validate(); err != nil {
		return fmt.Errorf("%w: %w", err, core.ErrInvalid)
	}
	return nil
}

// allocate starts a request for a flow and waits for its answer. The flow is taken up inside the
// answer, so that nothing which arrives at once can be missed.
func (a *App) allocate(
	ctx context.Context, name core.Name, deadline core.Time, start func(done func(core.Flow, error)) (cancel func()),
) (*Flow, error) {
	if err := a.usable(ctx); err != nil {
		return nil, err
	}
	w := a.private()
	if w == nil {
		return nil, core.ErrCanceled
	}
	var flow *Flow
	var fail error
	cancel := func() {}
	w.b.Do(func() {
		cancel = start(func(f core.Flow, err error) {
			if fail = err; err == nil {
				flow, fail = a.newFlow(f, name)
			}
			w.signal()
		})
	})
	if err := w.awaitContext(ctx, &deadline, func() bool { return flow != nil || fail != nil }); err != nil {
		w.b.Do(func() {
			cancel()
			if flow != nil { // it has come since
				flow.shut()
			}
		})
		return nil, err
	}
	return flow, fail
}
