package app_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/irm"
	"ouroboros/ipcp/local"
	"ouroboros/shim/host"
	"ouroboros/shim/host/app"
)

// daemon is a broker with a local layer in a world of its own, which serves applications at a socket.
type daemon struct {
	t      testing.TB
	dir    string
	w      *host.World
	env    core.Env
	broker *irm.Broker
	server *host.AppServer
	ended  sync.WaitGroup
	gone   chan error // why applications have gone
}

func newDaemon(t testing.TB, dir string, cfg irm.Config) *daemon {
	t.Helper()
	d, err := startDaemon(dir, cfg)
	check(t, err)
	d.t = t
	t.Cleanup(d.close)
	return d
}

// startDaemon starts one that runs until close.
func startDaemon(dir string, cfg irm.Config) (*daemon, error) {
	d := &daemon{dir: dir, w: host.New(1), gone: make(chan error, 1000)}
	d.env = d.w.Node("irmd")
	d.broker = irm.New(d.env.Derive("irm"), cfg)
	l, err := local.New(d.env.Derive("local"), local.Config{Name: "local", Layer: "loop", Hash: core.SHA3_256})
	if err == nil {
		err = d.broker.AddProvider(l)
	}
	if err == nil {
		d.server, err = d.w.ServeApps(d.env, filepath.Join(dir, app.Socket), 0o666, d.broker)
	}
	if err != nil {
		d.w.Close()
		return nil, err
	}
	d.server.Notify(func(_ irm.Process, err error) {
		select {
		case d.gone <- err:
		default:
		}
	})
	d.ended.Go(func() {
		if err := d.w.Run(clock.Never); err != nil {
			panic(err)
		}
	})
	return d, nil
}

// do runs fn on the actor of the daemon.
func (d *daemon) do(fn func()) { d.w.Caller(d.env).Do(fn) }

func (d *daemon) close() {
	d.w.Stop()
	d.ended.Wait()
	d.w.Close()
}

// idle waits until the daemon serves no application and has no packet.
func (d *daemon) idle() {
	d.t.Helper()
	var st host.AppStats
	live := 0
	within(d.t, "the daemon has nothing left of its applications", func() bool {
		d.do(func() { st, live = d.server.Stats(), d.w.Pool().Live() })
		return st.Apps == 0 && live == 0
	})
}

// within waits for a condition.
func within(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

func open(t testing.TB, dir string) *app.Session {
	t.Helper()
	s, err := app.Open(app.WithDir(dir), app.WithProgram("/usr/bin/test"), app.WithLinger(time.Second))
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// echo is a program that answers what comes on one flow to the name, n times.
func echo(t testing.TB, s *app.Session, name string, ready chan<- struct{}) error {
	return s.Run(t.Context(), func(_ core.Blocker, a *ouroboros.App) error {
		l, err := a.Listen(name)
		if err != nil {
			return err
		}
		defer l.Close()
		close(ready)
		f, err := l.Accept()
		if err != nil {
			return err
		}
		defer f.Close()
		for {
			p, err := f.ReadPacket()
			if err != nil {
				return err
			}
			if err := f.WritePacket(p); err != nil {
				return err
			}
		}
	})
}

// Two processes talk through the broker of a third, on raw, ordered and reliable flows, in clear and encrypted (spec 13
// §13.3, 10 §10.1): what runs end to end runs in the applications.
func TestFlowsBetweenTwoProcesses(t *testing.T) {
	for name, q := range map[string]core.QoS{"raw": core.QoSRaw, "checked": core.QoSRawNoErrors, "ordered": core.QoSBestEffort, "reliable": core.QoSData} {
		for _, encrypted := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", encrypted"}[encrypted], func(t *testing.T) {
				d := newDaemon(t, t.TempDir(), irm.Config{})
				server, client := open(t, d.dir), open(t, d.dir)
				ready, ended := make(chan struct{}), make(chan error, 1)
				go func() { ended <- echo(t, server, "echo", ready) }()
				<-ready
				opts := []ouroboros.Option{ouroboros.WithQoS(q)}
				if encrypted {
					opts = append(opts, ouroboros.WithEncryption())
				}
				f, err := client.App().Dial("echo", opts...)
				check(t, err)
				if i := f.Info(); (i.Cipher != 0) != encrypted || i.QoS != q || i.Layer != "loop" {
					t.Errorf("info %+v", i)
				}
				buf := make([]byte, 70_000)
				for _, n := range []int{1, 100, 1400, f.Info().MTU} {
					msg := make([]byte, n)
					for i := range msg {
						msg[i] = byte(i * n)
					}
					check(t, f.WriteMsg(msg))
					got, err := f.ReadMsg(buf)
					if err != nil || string(buf[:got]) != string(msg) {
						t.Fatalf("a message of %d bytes came back as %d: %v", n, got, err)
					}
				}
				check(t, f.Close())
				if err := <-ended; !errors.Is(err, core.ErrPeerClosed) && !errors.Is(err, core.ErrFlowDown) {
					t.Errorf("the other end was told %v", err)
				}
				check(t, client.Close())
				check(t, server.Close())
				d.idle()
			})
		}
	}
}

// A program that is told to end gets ErrCanceled and can close what it has; so does one whose session is closed.
func TestProgramsCanBeEnded(t *testing.T) {
	d := newDaemon(t, t.TempDir(), irm.Config{})
	s := open(t, d.dir)
	ctx, cancel := context.WithCancel(t.Context())
	started := make(chan struct{})
	go func() {
		<-started
		cancel()
	}()
	slept := false
	err := s.Run(ctx, func(b core.Blocker, a *ouroboros.App) error {
		l, err := a.Listen("name")
		if err != nil {
			return err
		}
		defer l.Close()
		close(started)
		_, err = l.Accept()
		b.Sleep(time.Hour)
		slept = true
		return err
	})
	if !errors.Is(err, core.ErrCanceled) || !slept {
		t.Errorf("Run: %v, after Sleep: %v", err, slept)
	}
	go func() {
		time.Sleep(10 * time.Millisecond)
		_ = s.Close()
	}()
	err = s.Run(t.Context(), func(b core.Blocker, _ *ouroboros.App) error {
		b.Park()
		return nil
	})
	if err == nil {
		t.Error("Run of a closed session: no error")
	}
	if err = s.Run(t.Context(), func(core.Blocker, *ouroboros.App) error { return nil }); !errors.Is(err, core.ErrCanceled) {
		t.Errorf("Run after Close: %v", err)
	}
}

// Without a daemon there is ErrIRMD, at once (spec 14 §14.1).
func TestNoDaemon_14_1(t *testing.T) {
	if _, err := app.Open(app.WithDir(t.TempDir())); !errors.Is(err, core.ErrIRMD) {
		t.Errorf("Open: %v", err)
	}
	t.Setenv(app.Variable, t.TempDir())
	if app.Dir("") == app.DefaultDir || app.Dir("x") != "x" {
		t.Error("the directory of the environment is not taken")
	}
}
