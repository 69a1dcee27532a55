// Package app connects a process to the daemon of its system: a live program gets the root package's App from it.
//
//	s, err := app.Open()
//	...
//	defer s.Close()
//	f, err := s.App().Dial("server")     // from goroutines
//	err = s.Run(ctx, program)            // or a program without goroutines of its own, as it runs in the simulator
//
// A Session is one world of package host with one goroutine: FRCP and encryption run there, in the application, and
// its packets cross to the daemon by a Unix socket (package core/irm/remote).
package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/irm/remote"
	"ouroboros/shim/host"
)

const (
	// DefaultDir is where the daemon has its sockets unless the environment or an Option says otherwise.
	DefaultDir = "/run/ouroboros"
	// Variable is the environment variable that says where.
	Variable = "OUROBOROS_DIR"
	// Socket is the name of the socket for applications in that directory.
	Socket = "app.sock"
	// openTime is how long the daemon may take to answer.
	openTime = 5 * time.Second
	// Linger is how long Close waits for flows that were closed and have something left to be acknowledged.
	Linger = 2 * time.Second
)

// Dir returns the directory of the daemon: dir, if it is not empty, else what the environment says, else
// DefaultDir.
func Dir(dir string) string {
	if dir != "" {
		return dir
	}
	if dir = os.Getenv(Variable); dir != "" {
		return dir
	}
	return DefaultDir
}

// Option changes a Session.
type Option func(*options)

type options struct {
	dir, program string
	linger       time.Duration
}

// WithDir says where the daemon has its sockets; empty stands for the default.
func WithDir(dir string) Option { return func(o *options) { o.dir = dir } }

// WithProgram says under which name this program is known to the daemon: the last element of its path decides
// which binds are its own. Without it, that of the command line is taken.
func WithProgram(name string) Option { return func(o *options) { o.program = name } }

// WithLinger says how long Close waits for flows that were closed and have something left to be acknowledged;
// without it, Linger.
func WithLinger(d time.Duration) Option { return func(o *options) { o.linger = d } }

// Session is the connection of a process to its daemon.
type Session struct {
	world  *host.World
	env    core.Env
	client *remote.Client
	call   core.Shared
	linger time.Duration
	lost   chan struct{}
	reason error // of lost

	once sync.Once
	app  *ouroboros.App

	closing sync.Once
	halted  chan struct{} // closed when the world has ended
	fault   error         // of the world
}

// Open connects to the daemon. It fails with core.ErrIRMD when there is none, and with its reason when it
// refuses this program.
func Open(opts ...Option) (*Session, error) {
	o := options{program: filepath.Base(os.Args[0]), linger: Linger}
	for _, set := range opts {
		set(&o)
	}
	s := &Session{
		world: host.New(uint64(time.Now().UnixNano())), linger: o.linger, lost: make(chan struct{}), halted: make(chan struct{}),
	}
	s.env = s.world.Node("app")
	var err error
	s.client, err = s.world.DialApps(s.env, filepath.Join(Dir(o.dir), Socket), filepath.Base(o.program))
	if err != nil {
		s.world.Close()
		return nil, fmt.Errorf("open: %w", err)
	}
	ready := make(chan error, 1)
	s.client.Ready(func(err error) { ready <- err })
	s.client.Lost(func(err error) {
		s.reason = err
		close(s.lost)
	})
	s.call = s.world.Caller(s.env)
	go s.run()
	select {
	case err = <-ready:
	case <-time.After(openTime):
		err = fmt.Errorf("%w: it does not answer within %v", core.ErrIRMD, openTime)
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("open: %w", err)
	}
	return s, nil
}

// run is the goroutine of the session. When the world has ended, nothing waits for it any more.
func (s *Session) run() {
	s.fault = s.world.Run(clock.Never)
	s.world.Close()
	close(s.halted)
}

// App returns the App of this process for goroutines.
func (s *Session) App() *ouroboros.App {
	s.once.Do(func() { s.app = ouroboros.New(s.env, s.client, s.call) })
	return s.app
}

// World returns the world of this session and the Env of its node, for what belongs to the same actor.
func (s *Session) World() (*host.World, core.Env) { return s.world, s.env }

// Client returns the allocator of this process. It belongs to the actor: see Do.
func (s *Session) Client() *remote.Client { return s.client }

// Do runs fn on the actor and waits for it. Any goroutine may call it, the actor not.
func (s *Session) Do(fn func()) { s.call.Another().Do(fn) }

// Lost is closed when the daemon is gone. Everything fails with core.ErrIRMD from then on; who wants to go on
// opens another Session.
func (s *Session) Lost() <-chan struct{} { return s.lost }

// Err returns why the daemon is gone, nil while it is not.
func (s *Session) Err() error {
	select {
	case <-s.lost:
		return s.reason
	default:
		return nil
	}
}

// Run runs a program that blocks only through b and a, on the actor of the session, and returns its error. While it
// computes, nothing else of the session runs. When ctx ends, calls of the program that block return
// core.ErrCanceled, so that it can close what it has and return.
func (s *Session) Run(ctx context.Context, program func(b core.Blocker, a *ouroboros.App) error) error {
	done := make(chan error, 1)
	stop := &canceler{env: s.env}
	s.env.Post(func() {
		s.world.Go(s.env, func(b core.Blocker) {
			result := errors.New("the program was ended")
			defer func() { done <- result }()
			stop.Blocker = b
			result = program(stop, ouroboros.New(s.env, s.client, stop))
			stop.ended = true
		})
	})
	ending := ctx.Done()
	for {
		select {
		case err := <-done:
			return err
		case <-ending:
			ending = nil
			s.env.Post(stop.cancel)
		case <-s.halted: // and the program with it, if it had begun
			select {
			case err := <-done:
				return err
			default:
				return fmt.Errorf("run: the session is closed: %w", core.ErrCanceled)
			}
		}
	}
}

// Close waits until the flows that were closed have nothing of ours under way any more, at most for the time of Linger,
// and leaves the daemon, which closes those that are left. It does not wait for flows that their peers have closed first:
// these are there only to say so again to a peer that has not heard it. Calls that wait return core.ErrCanceled.
func (s *Session) Close() error {
	s.closing.Do(func() {
		idle := make(chan struct{})
		s.env.Post(func() { s.client.Idle(func() { close(idle) }) })
		select {
		case <-idle:
		case <-s.halted:
		case <-time.After(s.linger):
		}
		s.stop()
	})
	return s.fault
}

// Abort leaves the daemon at once, as a process that is killed does.
func (s *Session) Abort() { s.closing.Do(s.stop) }

// stop ends the world.
func (s *Session) stop() {
	s.env.Post(func() {
		s.client.Close()
		s.world.Stop()
	})
	<-s.halted
}
