package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"ouroboros/core"
)

// DefaultDir is the directory of the daemon, unless the environment variable DirVariable names another.
const (
	DefaultDir  = "/run/ouroboros"
	DirVariable = "OUROBOROS_DIR"
)

// DefaultMode is the mode of the socket: its owner and its group may manage the system.
const DefaultMode fs.FileMode = 0o660

const (
	socketName = "irm.sock"
	// maxSocketPath is the longest path of a Unix socket in bytes, without the terminator.
	maxSocketPath = 107
	// probeTime is how long a daemon may take to answer the one that wants its place.
	probeTime = time.Second
)

// Dir returns the directory of the daemon: the given one, or that of the environment, or the default.
func Dir(dir string) string {
	if dir != "" {
		return dir
	}
	if dir = os.Getenv(DirVariable); dir != "" {
		return dir
	}
	return DefaultDir
}

// SocketPath returns the path of the socket in a directory.
func SocketPath(dir string) string { return filepath.Join(dir, socketName) }

// Listen makes the socket in the directory, which is made if it does not exist. The socket has its mode from
// the first moment on. One that a daemon left behind is replaced; one that a daemon listens to is an error. Close
// removes it.
func Listen(dir string, mode fs.FileMode) (net.Listener, error) {
	path := SocketPath(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := vacant(path); err != nil {
		return nil, err
	}
	// The socket gets its mode under another name: nobody can come in between.
	making := fmt.Sprintf("%s.%d", path, os.Getpid())
	if len(making) > maxSocketPath {
		return nil, fmt.Errorf("%s: path of %d bytes, the longest of a socket is %d", making, len(making), maxSocketPath)
	}
	if err := os.Remove(making); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: making, Net: "unixpacket"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	st, err := publish(making, path, mode)
	if err != nil {
		l.Close()
		os.Remove(making)
		return nil, err
	}
	return &listener{UnixListener: l, path: path, file: st}, nil
}

// publish gives the socket its mode and its name.
func publish(making, path string, mode fs.FileMode) (fs.FileInfo, error) {
	if err := os.Chmod(making, mode.Perm()); err != nil {
		return nil, err
	}
	st, err := os.Lstat(making)
	if err != nil {
		return nil, err
	}
	return st, os.Rename(making, path)
}

// vacant reports why the path cannot be taken.
func vacant(path string) error {
	st, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case st.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s: is no socket, and is left alone", path)
	}
	c, err := net.DialTimeout("unixpacket", path, probeTime)
	if err == nil {
		c.Close()
		return fmt.Errorf("%s: %w: another daemon listens here", path, core.ErrIRMD)
	}
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("%s: cannot tell whether a daemon listens here: %w", path, err)
}

// listener removes its socket when it is closed, unless another has taken the name since.
type listener struct {
	*net.UnixListener
	path  string
	file  fs.FileInfo
	close sync.Once
}

// Close ends the listener and removes the socket.
func (l *listener) Close() error {
	l.close.Do(func() {
		if st, err := os.Lstat(l.path); err == nil && os.SameFile(st, l.file) {
			os.Remove(l.path)
		}
	})
	return l.UnixListener.Close()
}
