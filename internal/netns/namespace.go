package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Namespace is a network namespace of this process. Its methods may be called from any goroutine.
type Namespace struct {
	name   string // as the caller gave it
	full   string // below /run/netns
	ns     netns.NsHandle
	routes *netlink.Handle // requests of this namespace
}

var sweepOnce sync.Once

// New makes a namespace with nothing in it but a loopback interface, which is up. The name must be unique
// in this process: 1 to 64 letters, digits, '_', '.', '-'.
func New(name string) (*Namespace, error) {
	var swept error
	sweepOnce.Do(func() { _, swept = Sweep() })
	if swept != nil {
		return nil, fmt.Errorf("remove what earlier runs left: %w", swept)
	}
	full, err := fullName(name)
	if err != nil {
		return nil, fmt.Errorf("network namespace: %w", err)
	}
	n := &Namespace{name: name, full: full, ns: netns.None()}
	if err := onThread(func() (err error) {
		n.ns, err = netns.NewNamed(full)
		return err
	}); err != nil {
		return nil, fmt.Errorf("network namespace %q: %w (needs root: CAP_SYS_ADMIN)", name, err)
	}
	if n.routes, err = netlink.NewHandleAt(n.ns); err == nil {
		err = n.SetUp("lo", true)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("network namespace %q: %w", name, err), n.Close())
	}
	return n, nil
}

// Close removes the namespace and the devices in it, once the last process inside it has ended. Using it
// afterwards gives errors.
func (n *Namespace) Close() error {
	if !n.ns.IsOpen() {
		return nil
	}
	if n.routes != nil {
		n.routes.Close()
	}
	return errors.Join(n.ns.Close(), unpin(n.full))
}

// Name returns the name that New was given.
func (n *Namespace) Name() string { return n.name }

// Path returns the file that stands for the namespace.
func (n *Namespace) Path() string { return filepath.Join(folder, n.full) }

// String returns the name.
func (n *Namespace) String() string { return n.name }

// Do runs fn in the namespace, on the calling goroutine: sockets that fn opens stay there. Goroutines that
// fn starts are outside, and so is a child process that they start.
func (n *Namespace) Do(fn func() error) error {
	return onThread(func() error {
		if err := netns.Set(n.ns); err != nil {
			return fmt.Errorf("enter network namespace %q: %w", n.name, err)
		}
		return fn()
	})
}

// onThread runs fn with the goroutine bound to its thread, and gives the thread back its namespace
// afterwards, also when fn panics or ends the goroutine. A thread that cannot be restored is not used
// again: it stays bound and ends with the goroutine.
func onThread(fn func() error) (err error) {
	runtime.LockOSThread()
	home, err := netns.Get()
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("own network namespace: %w", err)
	}
	defer func() {
		switch back := netns.Set(home); {
		case back == nil:
			runtime.UnlockOSThread()
		case errors.Is(err, fs.ErrPermission) && errors.Is(back, fs.ErrPermission):
			// Who has not the privilege to leave has none to return: told once.
		default:
			err = errors.Join(err, fmt.Errorf("return to the own network namespace: %w", back))
		}
		err = errors.Join(err, home.Close())
	}()
	return fn()
}
