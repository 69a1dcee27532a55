package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
)

// running is a daemon with its sockets.
type running struct {
	t      *testing.T
	dir    string
	cancel context.CancelFunc
	over   chan error
}

// start runs a daemon in the directory and waits until it is ready.
func start(t *testing.T, cfg Config) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, dir: cfg.Dir, cancel: cancel, over: make(chan error, 1)}
	ready := make(chan struct{})
	cfg.Ready = func() { close(ready) }
	go func() { r.over <- Run(ctx, cfg) }()
	select {
	case <-ready:
	case err := <-r.over:
		cancel()
		t.Fatalf("the daemon has ended: %v", err)
	case <-time.After(20 * time.Second):
		t.Fatal("the daemon does not get ready")
	}
	t.Cleanup(func() { r.stop() })
	return r
}

// stop ends the daemon in order and returns its error.
func (r *running) stop() error {
	r.cancel()
	select {
	case err := <-r.over:
		r.over <- err
		return err
	case <-time.After(20 * time.Second):
		r.t.Fatal("the daemon does not end")
		return nil
	}
}

func (r *running) client() *control.Client {
	r.t.Helper()
	c, err := control.Dial(r.t.Context(), r.dir)
	must(r.t, err)
	r.t.Cleanup(func() { c.Close() })
	return c
}

// TestDaemonOpensAndPutsAway: the sockets are there while the daemon runs, with their modes, and nothing is left
// afterwards, neither files nor goroutines (spec 13 §13.5).
func TestDaemonOpensAndPutsAway(t *testing.T) {
	before := goleak.IgnoreCurrent()
	var stopping atomic.Int32
	cfg := Config{Dir: filepath.Join(t.TempDir(), "run"), AppMode: 0o640, Stopping: func() { stopping.Add(1) }}
	r := start(t, cfg)
	for file, mode := range map[string]fs.FileMode{appSocket: 0o640, "irm.sock": control.DefaultMode} {
		st, err := os.Stat(filepath.Join(cfg.Dir, file))
		if err != nil || st.Mode().Perm() != mode || st.Mode().Type() != fs.ModeSocket {
			t.Errorf("%s: %v, %v", file, st, err)
		}
	}
	c := r.client()
	must(t, c.CreateIPCP(t.Context(), "l", core.KindLocal))
	must(t, c.Bootstrap(t.Context(), "l", control.DefaultBootstrap(core.KindLocal, "low")))
	st, err := c.Status(t.Context())
	must(t, err)
	if st.PID != os.Getpid() || len(st.Counters) == 0 {
		t.Errorf("status %+v", st)
	}
	if err := r.stop(); err != nil || stopping.Load() != 1 {
		t.Errorf("ended with %v, told so %d times", err, stopping.Load())
	}
	left, err := os.ReadDir(cfg.Dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := control.Dial(t.Context(), cfg.Dir); !errors.Is(err, core.ErrIRMD) {
		t.Errorf("afterwards somebody answers: %v", err)
	}
	c.Close()
	goleak.VerifyNone(t, before)
}

// TestTwoDaemonsInOneDirectory: the second says which process has it, and the first goes on.
func TestTwoDaemonsInOneDirectory(t *testing.T) {
	r := start(t, Config{Dir: t.TempDir()})
	err := Run(t.Context(), Config{Dir: r.dir})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("the second: %v", err)
	}
	_, err = r.client().Status(t.Context())
	must(t, err)
}

// TestKilledDaemonLeavesItsPlace: the files of a daemon that was killed are no obstacle.
func TestKilledDaemonLeavesItsPlace(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, lockName), []byte("1\n"), 0o644))
	for _, name := range []string{"irm.sock", appSocket} {
		l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: filepath.Join(dir, name), Net: "unixpacket"})
		must(t, err)
		l.SetUnlinkOnClose(false)
		must(t, l.Close())
	}
	r := start(t, Config{Dir: dir})
	_, err := r.client().Status(t.Context())
	must(t, err)
}

// TestDirectoryThatCannotBe: the error names it, and how to choose another.
func TestDirectoryThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o644))
	err := Run(t.Context(), Config{Dir: filepath.Join(file, "run")})
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "--dir") {
		t.Errorf("%v", err)
	}
}

// TestFailedConfigurationEndsTheDaemon (spec 13 §13.5): everything that it had begun is put away.
func TestFailedConfigurationEndsTheDaemon(t *testing.T) {
	dir := t.TempDir()
	why := errors.New("line 3: it cannot be")
	err := Run(t.Context(), Config{Dir: dir, Startup: func(ctx context.Context, h control.Handler) error {
		return errors.Join(h.CreateIPCP(ctx, "l", core.KindLocal), why)
	}})
	if !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestEndDuringStart: a signal that comes while the configuration waits for somebody ends the daemon at once.
func TestEndDuringStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	err := Run(ctx, Config{Dir: t.TempDir(), Startup: func(ctx context.Context, h control.Handler) error {
		must(t, h.CreateIPCP(ctx, "u", core.KindUnicast))
		time.AfterFunc(50*time.Millisecond, cancel)
		return h.Enroll(ctx, "u", control.EnrollConfig{Layer: "nowhere"})
	}})
	if err != nil || time.Since(began) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

// TestWatchdogIsFedByTheActor.
func TestWatchdogIsFedByTheActor(t *testing.T) {
	var n atomic.Int32
	start(t, Config{Dir: t.TempDir(), Beat: time.Millisecond, Alive: func() { n.Add(1) }})
	for end := time.Now().Add(10 * time.Second); n.Load() < 3; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d beats", n.Load())
		}
	}
}

// TestSecurityFilesThatCannotBeRead: a certificate that is none keeps the daemon from starting.
func TestSecurityFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "cacert"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "cacert", "x.pem"), []byte("x"), 0o644))
	err := Run(t.Context(), Config{Dir: t.TempDir(), SecurityDir: dir})
	if err == nil || !strings.Contains(err.Error(), "x.pem") {
		t.Errorf("%v", err)
	}
}

// lines is a log as a list of lines.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(b))
	return len(b), nil
}

// TestCutOffApplicationIsLogged: an application that breaks the protocol is named in the log, with the reason.
func TestCutOffApplicationIsLogged(t *testing.T) {
	log := &lines{}
	r := start(t, Config{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(log, nil))})
	c, err := net.Dial("unixpacket", filepath.Join(r.dir, appSocket))
	must(t, err)
	_, err = c.Write([]byte("no record at all"))
	must(t, err)
	_, err = c.Read(make([]byte, 10))
	if err == nil {
		t.Error("the connection stands")
	}
	must(t, c.Close())
	must(t, r.stop())
	want := fmt.Sprintf("pid=%d", os.Getpid())
	if !slices.ContainsFunc(log.all, func(s string) bool { return strings.Contains(s, want) && strings.Contains(s, "malformed record") }) {
		t.Errorf("the log has no line with %q and the reason: %q", want, log.all)
	}
}
