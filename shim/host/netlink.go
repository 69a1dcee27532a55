package host

import (
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// netlinkNews tells of changes of interfaces, addresses or routes, and answers questions about them.
type netlinkNews struct {
	fd      int // subscribed to changes; -1 when closed
	watcher *watch
	routes  *netlink.Handle
	buf     []byte
}

const netlinkBuffer = 32 << 10

// subscribe has readable called when something of the groups has changed, in the network namespace of the calling
// thread.
func (n *netlinkNews) subscribe(w *World, owner *node, groups uint32, readable func()) error {
	n.buf = make([]byte, netlinkBuffer)
	var err error
	n.fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err == nil {
		err = unix.Bind(n.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups})
	}
	if err == nil {
		n.routes, err = netlink.NewHandle(unix.NETLINK_ROUTE)
	}
	if err == nil {
		n.watcher, err = w.watch(owner, n.fd, readable, nil)
	}
	if err != nil {
		n.unsubscribe()
		return fmt.Errorf("netlink: %w", err)
	}
	return nil
}

// unsubscribe closes the sockets. A second call does nothing.
func (n *netlinkNews) unsubscribe() {
	if n.watcher != nil {
		n.watcher.stop()
	}
	if n.routes != nil {
		n.routes.Close()
		n.routes = nil
	}
	if n.fd >= 0 {
		_ = unix.Close(n.fd) // only read from
		n.fd = -1
	}
}
