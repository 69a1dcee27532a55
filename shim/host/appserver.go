package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/core/irm/remote"
)

const (
	// MaxApps is how many applications one daemon serves at a time, and half as many of one user.
	MaxApps = 1024
	// appBacklog is how many may wait to be served.
	appBacklog = 128
	// acceptPause is how long nobody is accepted when the process has no descriptor left.
	acceptPause = 100 * time.Millisecond
)

// AppServer serves the applications of a system by a Unix socket.
type AppServer struct {
	w      *World
	env    core.Env
	node   *node
	broker *irm.Broker
	path   string
	ino    uint64 // of the socket's file
	fd     int
	watch  *watch
	again  *timer
	apps   map[*remote.Server]irm.Process
	users  map[uint32]int // applications of each user
	closed bool
	stats  AppStats
	note   func(irm.Process, error)
}

// AppStats count what the server of applications has seen.
type AppStats struct {
	Apps     int    // connected now
	Accepted uint64 // connections
	Refused  uint64 // of them, for there were too many
	Failed   uint64 // connections that ended with an error
	remote.Stats
}

var _ device = (*AppServer)(nil)

// ServeApps serves applications at a Unix socket of that path and mode (SOCK_SEQPACKET) on behalf of a broker on
// the same node. It is called before Run or on the actor. The file that a daemon has left which is gone is
// replaced; where one still serves, ServeApps fails.
//
// What the broker is told of an application, process, user and group, comes from the kernel (SO_PEERCRED), but for
// the name of the program, which is what the application says: nothing checks it. Who may connect says the
// mode of the file, and whom the daemon believes a name is a matter of what is bound to it.
func (w *World) ServeApps(env core.Env, path string, mode fs.FileMode, b *irm.Broker) (*AppServer, error) {
	n := w.nodeOf(env)
	if n == nil {
		return nil, fmt.Errorf("serve applications: %q is no component of this world", env.Path)
	}
	fd, ino, err := listenUnix(path, mode)
	if err != nil {
		return nil, fmt.Errorf("serve applications: %w", err)
	}
	s := &AppServer{
		w: w, env: env, node: n, broker: b, path: path, ino: ino, fd: fd,
		apps: map[*remote.Server]irm.Process{}, users: map[uint32]int{},
	}
	s.again = w.newTimer(n, func() { s.reading(true) })
	if s.watch, err = w.watch(n, fd, s.accept, func() {}); err != nil {
		s.remove()
		return nil, fmt.Errorf("serve applications: %w", err)
	}
	w.open(s)
	return s, nil
}

// Notify has fn told of each application that has gone: why, nil when it has closed the connection. It is for the
// log of the daemon.
func (s *AppServer) Notify(fn func(irm.Process, error)) { s.note = fn }

// Stats returns the counters so far, of all applications.
func (s *AppServer) Stats() AppStats {
	st := s.stats
	st.Apps = len(s.apps)
	for a := range s.apps {
		st.Add(a.Stats())
	}
	return st
}

// accept takes the applications that wait.
func (s *AppServer) accept() {
	for range appReads {
		fd, _, err := unix.Accept4(s.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return
		case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOMEM), errors.Is(err, unix.ENOBUFS):
			s.reading(false)
			s.again.Reset(acceptPause)
			return
		case err != nil: // of the connection that was to be accepted
			continue
		}
		s.stats.Accepted++
		if err := s.serve(fd); err != nil {
			s.stats.Failed++
			s.tell(irm.Process{}, err)
		}
	}
}

func (s *AppServer) reading(on bool) {
	if s.closed {
		return
	}
	if err := s.watch.reading(on); err != nil {
		s.w.fail(err)
	}
}

// serve serves the application at the other end of a socket.
func (s *AppServer) serve(fd int) error {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		_ = unix.Close(fd)
		return fmt.Errorf("credentials of an application: %w", err)
	}
	who := irm.Process{PID: int(cred.Pid), UID: cred.Uid, GID: cred.Gid}
	p, err := s.w.newAppPipe(s.node, fd)
	if err != nil {
		return err
	}
	crowded := len(s.apps) >= MaxApps || s.users[who.UID] >= MaxApps/2
	var a *remote.Server
	a = remote.NewServer(s.env, p, remote.Config{
		Attach: func(h remote.Hello) (core.Allocator, func(), error) {
			who.Program = h.Program
			if crowded {
				s.stats.Refused++
				return nil, nil, fmt.Errorf("%w: there are %d applications, %d of this user; the limits are %d and %d",
					core.ErrAgain, len(s.apps), s.users[who.UID], MaxApps, MaxApps/2)
			}
			c := s.broker.Attach(who)
			s.apps[a] = who
			return c, c.Close, nil
		},
		Ended: func(err error) { s.ended(a, who, err) },
	})
	s.apps[a] = who
	s.users[who.UID]++
	return nil
}

// ended takes out an application that is gone.
func (s *AppServer) ended(a *remote.Server, who irm.Process, err error) {
	delete(s.apps, a)
	if s.users[who.UID]--; s.users[who.UID] <= 0 {
		delete(s.users, who.UID)
	}
	s.stats.Add(a.Stats())
	if err != nil {
		s.stats.Failed++
	}
	if !s.closed {
		s.tell(who, err)
	}
}

func (s *AppServer) tell(who irm.Process, err error) {
	if s.note != nil {
		s.note(who, err)
	}
}

// Close ends the service: applications lose their broker, and the file of the socket is removed. It is called on
// the actor or after Run.
func (s *AppServer) Close() {
	if s.closed {
		return
	}
	s.shut()
	for a := range s.apps {
		a.Close()
	}
	s.w.forget(s)
}

func (s *AppServer) owner() *node { return s.node }

func (s *AppServer) shut() {
	if s.closed {
		return
	}
	s.closed = true
	s.again.Stop()
	s.watch.stop()
	s.remove()
}

func (s *AppServer) release() {}

// remove closes the socket and removes its file, unless it is another's by now.
func (s *AppServer) remove() {
	if ino, err := inode(s.path); err == nil && ino == s.ino {
		_ = os.Remove(s.path) // a file that stays is replaced by the next daemon
	}
	_ = unix.Close(s.fd)
}
