package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"ouroboros/cmd/internal/control"
)

const lockName = "lock"

// lock is the sign that a daemon uses a directory. The kernel takes it from a daemon that dies.
type lock struct {
	f    *os.File
	path string
}

// acquire takes the directory, which is made if there is none. One that is taken is an error that says by which
// process.
func acquire(dir string) (*lock, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("directory of the daemon: %w (another one is chosen by --dir or by %s)", err, control.DirVariable)
	}
	path := filepath.Join(dir, lockName)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, fmt.Errorf("directory of the daemon: %w (another one is chosen by --dir or by %s)", err, control.DirVariable)
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			defer f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, fmt.Errorf("%s: a daemon uses this directory already: %s", dir, holder(f))
			}
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if same(f, path) {
			l := &lock{f, path}
			return l, l.sign()
		}
		f.Close() // who had it has removed it in between
	}
}

// holder says who has the lock.
func holder(f *os.File) string {
	b, err := io.ReadAll(io.LimitReader(f, 32))
	pid := strings.TrimSpace(string(b))
	if err != nil || pid == "" {
		return "process unknown"
	}
	return "process " + pid
}

// same reports whether the file is the one at the path.
func same(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}

// sign writes the process id into the file.
func (l *lock) sign() error {
	err := l.f.Truncate(0)
	if err == nil {
		_, err = l.f.WriteAt([]byte(fmt.Sprintln(os.Getpid())), 0)
	}
	if err != nil {
		l.release()
	}
	return err
}

// release removes the file and gives the directory back.
func (l *lock) release() {
	os.Remove(l.path)
	l.f.Close()
}
