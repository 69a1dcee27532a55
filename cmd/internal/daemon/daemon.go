package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"path/filepath"
	"time"

	"ouroboros/cmd/internal/control"
	"ouroboros/core/clock"
	"ouroboros/core/irm"
	"ouroboros/shim/host"
)

// DefaultAppMode is the mode of the socket of applications: everybody may use the system.
const DefaultAppMode fs.FileMode = 0o666

const (
	// appSocket is the socket of applications in the directory of the daemon.
	appSocket = "app.sock"
	// DefaultGrace is how long packets on their way, and programs that the daemon has started, have at the end.
	DefaultGrace = 2 * time.Second
)

// Config says how a daemon runs. The zero value is one in the default directory that logs nothing.
type Config struct {
	Dir        string      // of the sockets; "" = that of the environment, or the default
	ManageMode fs.FileMode // of the socket of operators; 0 = control.DefaultMode
	AppMode    fs.FileMode // of the socket of applications; 0 = DefaultAppMode

	SecurityDir     string // of the files of spec 11 §11.8; "" = none
	ForceEncryption bool   // encrypt every flow

	Metrics string // host:port that Prometheus reads; "" = none
	RIB     string // directory that the management tree is mounted on; "" = nowhere

	Version string
	Log     *slog.Logger  // nil = nothing is logged
	Lost    func() uint64 // lines of the log that were dropped; nil = none are
	Grace   time.Duration // 0 = DefaultGrace

	// Startup does what a configuration file asks for, once the sockets are open. Its error ends the daemon.
	Startup func(ctx context.Context, h control.Handler) error
	// Ready is called when Startup has ended, and Stopping when the daemon begins to end.
	Ready, Stopping func()
	// Alive is called every Beat by the actor: a daemon that hangs does not call it.
	Alive func()
	Beat  time.Duration
}

// complete fills the defaults in.
func (c Config) complete() Config {
	c.Dir = control.Dir(c.Dir)
	if c.ManageMode == 0 {
		c.ManageMode = control.DefaultMode
	}
	if c.AppMode == 0 {
		c.AppMode = DefaultAppMode
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Grace == 0 {
		c.Grace = DefaultGrace
	}
	if c.Lost == nil {
		c.Lost = func() uint64 { return 0 }
	}
	for _, f := range []*func(){&c.Ready, &c.Stopping, &c.Alive} {
		if *f == nil {
			*f = func() {}
		}
	}
	return c
}

// daemon is what runs around a System.
type daemon struct {
	cfg    Config
	lock   *lock
	world  *host.World
	system *System
	spawn  *spawner
	server *control.Server
	apps   *host.AppServer
	extras []func() // close what is optional: metrics, the mount

	actor  chan error // the result of the actor
	manage chan error // that of the socket of operators
}

// Run is a daemon: it returns when ctx ends and everything has been put away, or with the error that has ended the
// daemon before.
func Run(ctx context.Context, cfg Config) error {
	d := &daemon{cfg: cfg.complete(), actor: make(chan error, 1), manage: make(chan error, 1)}
	if err := d.open(); err != nil {
		d.close()
		return err
	}
	err := d.serve(ctx)
	d.drain()
	d.close()
	return err
}

// open takes the directory and makes the system and its sockets.
func (d *daemon) open() (err error) {
	cfg := &d.cfg
	if d.lock, err = acquire(cfg.Dir); err != nil {
		return err
	}
	d.world = host.New(rand.Uint64())
	d.spawn = newSpawner(cfg.Dir, cfg.Log)
	if d.system, err = newSystem(d.world, cfg, d.spawn.start); err != nil {
		return err
	}
	d.system.numbers = d.samples
	go func() {
		d.actor <- d.world.Run(clock.Never)
		close(d.system.ended)
	}()
	if err = d.openApps(); err != nil {
		return err
	}
	if err = d.openExtras(); err != nil {
		return err
	}
	l, err := control.Listen(cfg.Dir, cfg.ManageMode)
	if err != nil {
		return err
	}
	d.server = &control.Server{Handler: d.system, Log: cfg.Log}
	go func() { d.manage <- d.server.Serve(l) }()
	return nil
}

// openApps opens the socket of applications.
func (d *daemon) openApps() error {
	path := filepath.Join(d.cfg.Dir, appSocket)
	return d.system.call(func() (err error) {
		d.apps, err = d.world.ServeApps(d.system.env.Derive("apps"), path, d.cfg.AppMode, d.system.broker)
		if err == nil {
			d.apps.Notify(d.appEnded)
		}
		return err
	})
}

// appEnded says in the log which application was cut off, and why.
func (d *daemon) appEnded(p irm.Process, err error) {
	if err != nil {
		d.cfg.Log.Warn("Connection of an application has ended.", "pid", p.PID, "program", p.Program, "uid", p.UID, "error", err)
	}
}

// serve runs until ctx ends or something fails.
func (d *daemon) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.system.beat(&d.cfg)
	started := make(chan error, 1)
	go func() { started <- d.startUp(ctx) }()
	for {
		select {
		case <-ctx.Done():
			return startedOr(started)
		case err := <-started:
			if err != nil {
				return err
			}
			started = nil
			d.cfg.Ready()
			d.cfg.Log.Info("Ouroboros IPC Resource Manager daemon started.", "dir", d.cfg.Dir, "version", d.cfg.Version)
		case err := <-d.actor:
			d.actor <- err
			if err == nil {
				err = errEnding
			}
			return err
		case err := <-d.manage:
			if err == nil {
				err = net.ErrClosed
			}
			return fmt.Errorf("socket of operators: %w", err)
		}
	}
}

// startedOr waits for a start that is under way, and was told to end; nil: none is.
func startedOr(started chan error) error {
	if started == nil {
		return nil
	}
	return <-started
}

// startUp does what the configuration asks for.
func (d *daemon) startUp(ctx context.Context) error {
	if d.cfg.Startup == nil {
		return nil
	}
	err := d.cfg.Startup(ctx, d.system)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("configuration: %w", err)
	}
	return nil
}

// beat has the actor say that it lives.
func (s *System) beat(cfg *Config) {
	if cfg.Beat <= 0 {
		return
	}
	_ = s.call(func() error {
		var t interface{ Reset(time.Duration) }
		t = s.env.NewTimer(func() {
			cfg.Alive()
			t.Reset(cfg.Beat)
		})
		cfg.Alive()
		t.Reset(cfg.Beat)
		return nil
	})
}

// close puts everything away. What was not opened is not there.
func (d *daemon) close() {
	if d.server != nil {
		d.server.Close()
	}
	for _, f := range d.extras {
		f()
	}
	if d.spawn != nil {
		d.spawn.stop(d.cfg.Grace)
	}
	if d.world != nil {
		d.world.Close()
	}
	if d.system != nil {
		if err := <-d.actor; err != nil && !errors.Is(err, context.Canceled) {
			d.cfg.Log.Error("The actor has failed.", "error", err)
		}
	}
	if d.lock != nil {
		d.lock.release()
	}
}
