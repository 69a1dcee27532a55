package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/shim/host"
)

// errEnding is what callers get while the daemon ends, and after it has ended.
var errEnding = fmt.Errorf("%w: the daemon ends", core.ErrIRMD)

// System is the node that a daemon runs: its broker and its IPCPs. It implements control.Handler, from any
// goroutine. Its fields belong to the actor of the world, but for those that never change.
type System struct {
	world   *host.World
	env     core.Env
	broker  *irm.Broker
	log     *slog.Logger
	dir     string // of the daemon
	version string
	began   time.Time
	// ended is closed when the actor has stopped.
	ended chan struct{}

	members  []*member // in the order in which they were made
	made     int       // how many there have been; the number of the last one
	draining bool
	// numbers reads all samples, those of the daemon around the system included.
	numbers func() []sample
}

// newSystem makes a system without IPCPs in a world that runs or will.
func newSystem(w *host.World, cfg *Config, spawn func(string, []string) error) (*System, error) {
	s := &System{world: w, env: w.Node("irmd"), log: cfg.Log, dir: cfg.Dir, version: cfg.Version, began: time.Now(), ended: make(chan struct{})}
	security, err := s.security(cfg)
	if err != nil {
		return nil, err
	}
	s.broker = irm.New(s.env.Derive("irm"), irm.Config{
		Explicit: true, Direct: true, Spawn: spawn, Privileged: newPrivileges().has, Security: security,
	})
	s.numbers = s.samples
	return s, nil
}

// call runs fn on the actor and returns its error.
func (s *System) call(fn func() error) error {
	err := errEnding
	s.world.Caller(s.env).Do(func() { err = fn() })
	return err
}

// await begins an operation on the actor and waits for its end. When ctx ends before, the operation is given
// up by what begin has returned.
func (s *System) await(ctx context.Context, begin func(done func(error)) (cancel func(), err error)) error {
	result := make(chan error, 1)
	var cancel func()
	err := s.call(func() (err error) {
		if s.draining {
			return errEnding
		}
		cancel, err = begin(func(err error) {
			select {
			case result <- err:
			default: // told twice: the first counts
			}
		})
		return err
	})
	if err != nil {
		return err
	}
	select {
	case err := <-result:
		return err
	case <-s.ended:
		return errEnding
	case <-ctx.Done():
	}
	if err := s.call(func() error { cancel(); return nil }); err != nil {
		return err
	}
	select {
	case err := <-result:
		if err == nil {
			return nil // it was over by then
		}
	default:
	}
	return ended(ctx)
}

// ended returns the error for a request whose context has ended.
func ended(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: it was given up", core.ErrTimedOut)
	}
	return fmt.Errorf("%w: it was given up", core.ErrCanceled)
}

// member returns the IPCP of that name.
func (s *System) member(name string) (*member, error) {
	if m := s.find(name); m != nil {
		return m, nil
	}
	return nil, fmt.Errorf("%w: IPCP %q does not exist", core.ErrIPCP, name)
}

// find returns the IPCP of that name, nil if there is none.
func (s *System) find(name string) *member {
	for _, m := range s.members {
		if string(m.name) == name {
			return m
		}
	}
	return nil
}

// inLayer returns the first IPCP that is in the layer of that name, nil if there is none.
func (s *System) inLayer(layer core.Name) *member {
	i := slices.IndexFunc(s.members, func(m *member) bool { return m.in() && m.layer().Name == layer })
	if i < 0 {
		return nil
	}
	return s.members[i]
}
