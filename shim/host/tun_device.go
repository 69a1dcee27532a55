package host

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/tun"
)

// openTun opens one end of a new interface.
func openTun(cfg TunConfig) (fd int, name string, err error) {
	fd, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, "", &os.PathError{Op: "open", Path: "/dev/net/tun", Err: err}
	}
	flags := uint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if cfg.Ethernet {
		flags = unix.IFF_TAP | unix.IFF_NO_PI
	}
	ifr, err := unix.NewIfreq(cfg.Name)
	if err == nil {
		ifr.SetUint16(flags)
		err = os.NewSyscallError("TUNSETIFF", unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr))
	}
	if err != nil {
		_ = unix.Close(fd) // never used
		return -1, "", err
	}
	return fd, ifr.Name(), nil
}

// setUpTun gives the interface its MTU and addresses and takes it up. The addresses can be used at once: there is
// nobody on the link who could have them.
func setUpTun(name string, cfg TunConfig) error {
	routes, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	defer routes.Close()
	dev, err := routes.LinkByName(name)
	if err != nil {
		return err
	}
	if err := routes.LinkSetMTU(dev, cfg.MTU); err != nil {
		return fmt.Errorf("set MTU %d: %w", cfg.MTU, err)
	}
	for _, a := range cfg.Addrs {
		if err := routes.AddrAdd(dev, netlinkAddr(a)); err != nil {
			return fmt.Errorf("add address %v: %w", a, err)
		}
	}
	if err := routes.LinkSetUp(dev); err != nil {
		return fmt.Errorf("take up: %w", err)
	}
	for _, a := range cfg.Addrs {
		awaitLocal(routes, a.Addr())
	}
	return nil
}

// localTime is how long the system may take to make an address of an interface its own.
const localTime = time.Second

// awaitLocal waits until the system takes an address for its own. It does that for IPv6 in the background, and drops
// what comes to the address before. When it takes too long there is only that to fear, so that is no error.
func awaitLocal(routes *netlink.Handle, ip netip.Addr) {
	for end := time.Now().Add(localTime); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if r, err := routes.RouteGet(ip.AsSlice()); err == nil && len(r) > 0 && r[0].Type == unix.RTN_LOCAL {
			return
		}
	}
}

func netlinkAddr(p netip.Prefix) *netlink.Addr {
	ip := p.Addr()
	a := &netlink.Addr{IPNet: &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(p.Bits(), ip.BitLen())}}
	if ip.Is6() {
		a.Flags = unix.IFA_F_NODAD
	}
	return a
}

// ipDevice is an interface of IP packets. The library splits and merges what the system sends and receives in
// large pieces.
type ipDevice struct {
	dev tun.Device
	fd  int
	in  [][]byte // of one write: with room for what is merged
	now [][]byte
}

func newIPDevice(dev tun.Device, fd int) *ipDevice {
	return &ipDevice{dev: dev, fd: fd, in: makeBufs(tunBatch, tunOffset+maxTunMTU), now: make([][]byte, 0, tunBatch)}
}

func (d *ipDevice) descriptor() int { return d.fd }

func (d *ipDevice) read(bufs [][]byte, sizes []int) (int, error) {
	return d.dev.Read(bufs, sizes, tunOffset)
}

func (d *ipDevice) write(q *queue) (refused int, err error) {
	d.now = d.now[:0]
	for i := range min(q.n, tunBatch) {
		p := q.pop()
		n := copy(d.in[i][tunOffset:], p.Bytes())
		p.Release()
		if n > 0 { // an empty message is no packet
			d.now = append(d.now, d.in[i][:tunOffset+n])
		} else {
			refused++
		}
	}
	if len(d.now) == 0 {
		return refused, nil
	}
	taken, err := d.dev.Write(d.now, tunOffset)
	if taken == 0 && err != nil {
		return refused + len(d.now), err
	}
	return refused + countErrors(err), err
}

// countErrors returns how many errors are joined in err.
func countErrors(err error) int {
	if err == nil {
		return 0
	}
	var many interface{ Unwrap() []error }
	if !errors.As(err, &many) {
		return 1
	}
	n := 0
	for _, e := range many.Unwrap() {
		n += countErrors(e)
	}
	return n
}

func (d *ipDevice) close() { _ = d.dev.Close() } // nothing waits in it

// tapDevice is an interface of Ethernet frames.
type tapDevice struct{ fd int }

func (d *tapDevice) descriptor() int { return d.fd }

func (d *tapDevice) read(bufs [][]byte, sizes []int) (int, error) {
	n, err := unix.Read(d.fd, bufs[0][tunOffset:])
	if err != nil {
		return 0, err
	}
	sizes[0] = n
	return 1, nil
}

func (d *tapDevice) write(q *queue) (refused int, err error) {
	for range min(q.n, tunBatch) {
		p := q.pop()
		if _, e := unix.Write(d.fd, p.Bytes()); e != nil {
			refused++
			err = e
		}
		p.Release()
	}
	return refused, err
}

func (d *tapDevice) close() { _ = unix.Close(d.fd) } // nothing waits in it
