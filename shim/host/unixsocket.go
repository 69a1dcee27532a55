package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"ouroboros/core"
	"ouroboros/core/irm/remote"
)

// connectTime is how long a connection to the daemon may take.
const connectTime = 5 * time.Second

// errServed says that another process listens at a socket.
var errServed = errors.New("another daemon serves there")

// unixAddr returns the address of a Unix socket.
func unixAddr(path string) (*unix.SockaddrUnix, error) {
	if len(path) > sunPath {
		return nil, fmt.Errorf("path %q of a Unix socket: %d bytes, accepted are %d: choose a shorter directory", path, len(path), sunPath)
	}
	return &unix.SockaddrUnix{Name: path}, nil
}

// listenUnix listens at a socket that keeps the boundaries of messages and does not block, and returns the number of its
// file beside it.
func listenUnix(path string, mode fs.FileMode) (fd int, ino uint64, err error) {
	addr, err := unixAddr(path)
	if err != nil {
		return -1, 0, err
	}
	if fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return -1, 0, os.NewSyscallError("socket", err)
	}
	err = unix.Bind(fd, addr)
	if errors.Is(err, unix.EADDRINUSE) {
		if err = dislodge(path); err == nil {
			err = unix.Bind(fd, addr)
		}
	}
	if err == nil {
		err = os.Chmod(path, mode) // nobody can connect before Listen
	}
	if err == nil {
		ino, err = inode(path)
	}
	if err == nil {
		err = unix.Listen(fd, appBacklog)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, 0, fmt.Errorf("%s: %w", path, err)
	}
	return fd, ino, nil
}

// dislodge removes the socket of a daemon that is gone.
func dislodge(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("there is a file of that name, which is no socket")
	}
	fd, err := connectUnix(path)
	switch {
	case err == nil:
		_ = unix.Close(fd)
		return errServed
	case errors.Is(err, unix.EAGAIN):
		return errServed // and has much to do
	case errors.Is(err, unix.ECONNREFUSED):
		return os.Remove(path)
	}
	return err
}

// connectUnix connects to a socket. The descriptor does not block from then on.
func connectUnix(path string) (fd int, err error) {
	addr, err := unixAddr(path)
	if err != nil {
		return -1, err
	}
	if fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0); err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	limit := unix.NsecToTimeval(int64(connectTime))
	if err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err == nil {
		for {
			if err = unix.Connect(fd, addr); !errors.Is(err, unix.EINTR) {
				break
			}
		}
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func inode(path string) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return 0, os.NewSyscallError("lstat", err)
	}
	return st.Ino, nil
}

// DialApps connects an application to the daemon that serves at the Unix socket of that path. It is called
// before Run or on the actor. Without a daemon it fails with core.ErrIRMD.
func (w *World) DialApps(env core.Env, path, program string) (*remote.Client, error) {
	n := w.nodeOf(env)
	if n == nil {
		return nil, fmt.Errorf("dial the daemon: %q is no component of this world", env.Path)
	}
	fd, err := connectUnix(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", core.ErrIRMD, path, err)
	}
	p, err := w.newAppPipe(n, fd)
	if err != nil {
		return nil, err
	}
	return remote.NewClient(env, p, remote.Hello{PID: os.Getpid(), Program: program}), nil
}
