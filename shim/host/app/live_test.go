package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ouroboros"
	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/shim/host"
	"ouroboros/shim/host/app"
)

// net/http runs unchanged over streams between two processes.
func TestHTTPOverStreams(t *testing.T) {
	d := newDaemon(t, t.TempDir(), irm.Config{})
	server, client := open(t, d.dir), open(t, d.dir)
	l, err := server.App().ListenStream("web")
	check(t, err)
	body := strings.Repeat("0123456789abcdef", 10_000)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.URL.Path+body)
	})}
	go func() { _ = srv.Serve(l) }()
	tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return client.App().DialStream("web", ouroboros.WithEncryption())
	}}
	for i := range 3 {
		resp, err := (&http.Client{Transport: tr}).Get(fmt.Sprintf("http://web/%d", i))
		check(t, err)
		got, err := io.ReadAll(resp.Body)
		if _ = resp.Body.Close(); err != nil || string(got) != fmt.Sprintf("/%d", i)+body {
			t.Errorf("%d bytes: %v", len(got), err)
		}
	}
	tr.CloseIdleConnections()
	check(t, srv.Close())
	check(t, client.Close())
	check(t, server.Close())
	d.idle()
}

// A process that is killed in mid-flow leaves nothing: its flows are closed, the other process is told, and the daemon
// goes on to serve.
func TestAnApplicationIsKilledInMidFlow(t *testing.T) {
	d := newDaemon(t, t.TempDir(), irm.Config{})
	server, client := open(t, d.dir), open(t, d.dir)
	l, err := server.App().Listen("sink")
	check(t, err)
	f, g := meet(t, client, l, ouroboros.WithQoS(core.QoSData))
	for range 3000 { // more than the windows hold
		f.SetWriteDeadline(now(client).Add(20 * time.Millisecond))
		if err = f.WriteMsg(make([]byte, 1000)); err != nil {
			break
		}
	}
	if !errors.Is(err, core.ErrTimedOut) {
		t.Errorf("a flow that nobody reads takes 3000 messages: %v", err)
	}
	client.Abort()
	buf := make([]byte, 2000)
	for err = nil; err == nil; {
		_, err = g.ReadMsg(buf)
	}
	if !errors.Is(err, core.ErrFlowDown) {
		t.Errorf("the other process was told %v", err)
	}
	_ = g.Close()
	check(t, l.Close())
	check(t, server.Close())
	d.idle()
	ready, again, last := make(chan struct{}), open(t, d.dir), open(t, d.dir)
	go func() { _ = echo(t, again, "echo", ready) }()
	<-ready
	h, err := last.App().Dial("echo")
	check(t, err)
	check(t, h.WriteMsg([]byte("still here")))
	if n, err := h.ReadMsg(buf); err != nil || string(buf[:n]) != "still here" {
		t.Errorf("after the kill: %q, %v", buf[:n], err)
	}
	check(t, h.Close())
}

// meet sets up a flow between a client and a listener.
func meet(t *testing.T, client *app.Session, l *ouroboros.Listener, opts ...ouroboros.Option) (f, g *ouroboros.Flow) {
	t.Helper()
	asked := make(chan error, 1)
	go func() {
		var err error
		f, err = client.App().Dial(l.Name(), opts...)
		asked <- err
	}()
	g, err := l.Accept()
	check(t, err)
	check(t, <-asked)
	return f, g
}

func now(s *app.Session) core.Time {
	_, env := s.World()
	return env.Now()
}

// The same with a process that the kernel ends, while it writes as fast as it can on a reliable and encrypted flow.
func TestAProcessIsKilledInMidFlow(t *testing.T) {
	d := newDaemon(t, t.TempDir(), irm.Config{})
	server := open(t, d.dir)
	l, err := server.App().Listen("sink")
	check(t, err)
	kill := start(t, "flood", d.dir)
	f, err := l.Accept()
	check(t, err)
	buf := make([]byte, 2000)
	for i := 0; err == nil; i++ {
		if i == 500 {
			kill()
		}
		_, err = f.ReadMsg(buf)
	}
	if !errors.Is(err, core.ErrFlowDown) {
		t.Errorf("told %v", err)
	}
	check(t, f.Close())
	check(t, server.Close())
	d.idle()
}

// floodRole writes on a flow for ever.
func floodRole(dir string) error {
	s, err := patient(dir)
	if err != nil {
		return err
	}
	return s.Run(context.Background(), func(_ core.Blocker, a *ouroboros.App) error {
		f, err := a.Dial("sink", ouroboros.WithQoS(core.QoSData), ouroboros.WithEncryption())
		for err == nil {
			err = f.WriteMsg(make([]byte, 1000))
		}
		return err
	})
}

// Half of the places are for one user at most; who comes after is told to try again, and served when there is room.
func TestOneUserDoesNotTakeAllPlaces(t *testing.T) {
	d := newDaemon(t, t.TempDir(), irm.Config{})
	var fds []int
	for range host.MaxApps / 2 {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		if errors.Is(err, unix.EMFILE) {
			t.Skipf("not tested: the limit of applications needs %d descriptors", host.MaxApps)
		}
		check(t, err)
		defer unix.Close(fd)
		check(t, unix.Connect(fd, &unix.SockaddrUnix{Name: filepath.Join(d.dir, app.Socket)}))
		fds = append(fds, fd)
	}
	_, err := app.Open(app.WithDir(d.dir))
	if !errors.Is(err, core.ErrIRMD) || !errors.Is(err, core.ErrAgain) {
		t.Errorf("one application too many: %v", err)
	}
	for _, fd := range fds {
		check(t, unix.Shutdown(fd, unix.SHUT_RDWR))
	}
	within(t, "there is room again", func() bool {
		s, err := app.Open(app.WithDir(d.dir))
		if err == nil {
			err = s.Close()
		}
		return err == nil
	})
}

// When the daemon is killed, everything that waits ends at once with ErrIRMD (spec 14 §14.2), and a new daemon at the
// same place serves whoever opens again.
func TestTheDaemonIsKilled_14_2(t *testing.T) {
	dir := t.TempDir()
	d := newDaemon(t, dir, irm.Config{})
	server, client := open(t, dir), open(t, dir)
	l, err := server.App().Listen("name")
	check(t, err)
	f, g := meet(t, client, l, ouroboros.WithQoS(core.QoSData))
	ended := make(chan error, 4)
	go func() { _, err := f.ReadMsg(make([]byte, 10)); ended <- err }()
	go func() { _, err := g.ReadMsg(make([]byte, 10)); ended <- err }()
	go func() { _, err := l.Accept(); ended <- err }()
	go func() {
		ended <- server.Run(t.Context(), func(b core.Blocker, a *ouroboros.App) error {
			l, err := a.Listen("other")
			if err != nil {
				return err
			}
			_, err = l.Accept()
			return err
		})
	}()
	time.Sleep(20 * time.Millisecond)
	d.close()
	start := time.Now()
	for range 4 {
		select {
		case err := <-ended:
			if !errors.Is(err, core.ErrIRMD) {
				t.Errorf("a call that waited: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a call hangs")
		}
	}
	<-client.Lost()
	if err := client.Err(); !errors.Is(err, core.ErrIRMD) {
		t.Errorf("Err: %v", err)
	}
	if _, err := client.App().Dial("name"); !errors.Is(err, core.ErrIRMD) {
		t.Errorf("Dial: %v", err)
	}
	if _, err := client.App().Listen("name"); !errors.Is(err, core.ErrIRMD) {
		t.Errorf("Listen: %v", err)
	}
	if err := f.WriteMsg([]byte("x")); !errors.Is(err, core.ErrIRMD) {
		t.Errorf("Write: %v", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("that took %v", d)
	}
	check(t, f.Close())
	check(t, client.Close())
	newDaemon(t, dir, irm.Config{})
	if _, err := open(t, dir).App().Dial("nobody"); !errors.Is(err, core.ErrIPCP) {
		t.Errorf("Dial with the new daemon: %v", err)
	}
}

// Random messages on the socket of the daemon, with and without a valid beginning, end their connection; a flow beside
// them does not notice, and no descriptor is left.
func TestGarbageOnTheSocket(t *testing.T) {
	d := newDaemon(t, t.TempDir(), irm.Config{})
	server, client := open(t, d.dir), open(t, d.dir)
	ready := make(chan struct{})
	go func() { _ = echo(t, server, "echo", ready) }()
	<-ready
	f, err := client.App().Dial("echo", ouroboros.WithQoS(core.QoSData))
	check(t, err)
	before := descriptors(t)
	r := rand.New(rand.NewPCG(1, 2))
	buf := make([]byte, 2000)
	hello := []byte{1, 0, 0, 12, 0, 0, 0, 0, 0, 1, 0, 0, 0, 7, 0, 4, 't', 'e', 's', 't'}
	for i := range 500 {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		check(t, err)
		check(t, unix.Connect(fd, &unix.SockaddrUnix{Name: filepath.Join(d.dir, app.Socket)}))
		if i%2 == 0 {
			_, err = unix.Write(fd, hello)
			check(t, err)
		}
		m := make([]byte, 1+r.IntN(1400))
		for k := range m {
			m[k] = byte(r.Uint32())
		}
		if i%3 == 0 {
			m[0], m[1] = byte(r.IntN(18)), 0 // a kind that there is, and a length
			m[2], m[3] = byte((len(m)-8)>>8), byte(len(m)-8)
		}
		_, _ = unix.Write(fd, m) // it may be closed already
		check(t, unix.Close(fd))
		if i%50 == 0 {
			msg := fmt.Appendf(nil, "message %d", i)
			check(t, f.WriteMsg(msg))
			if n, err := f.ReadMsg(buf); err != nil || string(buf[:n]) != string(msg) {
				t.Fatalf("the flow beside the flood: %q, %v", buf[:n], err)
			}
		}
	}
	within(t, "the flood has ended and left no descriptor", func() (over bool) {
		d.do(func() { over = d.server.Stats().Apps == 2 })
		return over && descriptors(t) == before // the last connections may not be accepted yet
	})
	var malformed uint64
	d.do(func() { malformed = d.server.Stats().Malformed })
	if malformed < 400 {
		t.Errorf("%d malformed records are counted", malformed)
	}
	check(t, f.Close())
}

func descriptors(t *testing.T) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	check(t, err)
	return len(fds)
}

// A thousand flows of one process stand at a time, all of them work, and all of them end with it.
func TestAThousandFlows(t *testing.T) {
	const flows = 1000
	d := newDaemon(t, t.TempDir(), irm.Config{})
	server, client := open(t, d.dir), open(t, d.dir)
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- server.Run(t.Context(), func(_ core.Blocker, a *ouroboros.App) error {
			l, err := a.Listen("many")
			if err != nil {
				return err
			}
			close(ready)
			var all []*ouroboros.Flow
			for range flows {
				f, err := l.Accept()
				if err != nil {
					return err
				}
				all = append(all, f)
			}
			for _, f := range all {
				p, err := f.ReadPacket()
				if err == nil {
					err = f.WritePacket(p)
				}
				if err != nil {
					return err
				}
			}
			_, err = all[0].ReadPacket() // until the other end closes
			return err
		})
	}()
	<-ready
	err := client.Run(t.Context(), func(_ core.Blocker, a *ouroboros.App) error {
		var all []*ouroboros.Flow
		for range flows {
			f, err := a.Dial("many", ouroboros.WithQoS(core.QoSData))
			if err != nil {
				return err
			}
			all = append(all, f)
		}
		for i, f := range all {
			if err := f.WriteMsg(fmt.Appendf(nil, "flow %d", i)); err != nil {
				return err
			}
		}
		buf := make([]byte, 100)
		for i, f := range all {
			n, err := f.ReadMsg(buf)
			if err != nil || string(buf[:n]) != fmt.Sprint("flow ", i) {
				return fmt.Errorf("flow %d: %q, %w", i, buf[:n], err)
			}
		}
		for _, f := range all {
			if err := f.Close(); err != nil {
				return err
			}
		}
		return nil
	})
	check(t, err)
	if err := <-ended; !errors.Is(err, core.ErrPeerClosed) {
		t.Errorf("the server was told %v", err)
	}
	check(t, client.Close())
	check(t, server.Close())
	d.idle()
}

// The daemon knows who an application is from the kernel, and its program by what it says; names that are bound to
// the program reach it.
func TestTheDaemonKnowsItsApplications_13_1(t *testing.T) {
	d := newDaemon(t, t.TempDir(), irm.Config{})
	d.do(func() { check(t, d.broker.BindProgram("/opt/bin/test", "bound", false, nil)) })
	s := open(t, d.dir)
	l, err := s.App().ListenBound()
	check(t, err)
	var procs []irm.ProcessInfo
	d.do(func() { procs = d.broker.Processes() })
	if len(procs) != 1 || procs[0].PID != os.Getpid() || procs[0].Program != "test" || procs[0].UID != uint32(os.Getuid()) || procs[0].GID != uint32(os.Getgid()) {
		t.Errorf("%+v", procs)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		ended <- err
	}()
	_, err = open(t, d.dir).App().Dial("bound")
	check(t, err)
	check(t, <-ended)
}
