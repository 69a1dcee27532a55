package netns

import (
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// VethOptions describes a pair of virtual Ethernet devices. Zero values are the kernel's choice.
type VethOptions struct {
	MTU int // bytes, 0 = 1500
	// MAC addresses of the two ends, nil = random.
	MAC [2]net.HardwareAddr
}

// Veth joins two namespaces by a pair of devices and takes both up. What goes into one end comes out of
// the other.
func Veth(a *Namespace, aDev string, b *Namespace, bDev string, o VethOptions) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.HardwareAddr = aDev, o.MTU, o.MAC[0]
	pair := &netlink.Veth{
		LinkAttrs: attrs, PeerName: bDev, PeerHardwareAddr: o.MAC[1],
		PeerNamespace: netlink.NsFd(b.ns), PeerMTU: uint32(o.MTU),
	}
	if err := a.routes.LinkAdd(pair); err != nil {
		return fmt.Errorf("veth %s:%s - %s:%s: %w", a, aDev, b, bDev, err)
	}
	if err := a.SetUp(aDev, true); err != nil {
		return err
	}
	return b.SetUp(bDev, true)
}

// device runs fn on a device of the namespace; doing is what it does, for the error.
func (n *Namespace) device(dev, doing string, fn func(netlink.Link) error) error {
	link, err := n.routes.LinkByName(dev)
	if err == nil {
		err = fn(link)
	}
	if err != nil {
		return fmt.Errorf("device %s of network namespace %q: %s: %w", dev, n.name, doing, err)
	}
	return nil
}

// SetUp takes a device up or down.
func (n *Namespace) SetUp(dev string, up bool) error {
	return n.device(dev, "set up or down", func(l netlink.Link) error {
		if up {
			return n.routes.LinkSetUp(l)
		}
		return n.routes.LinkSetDown(l)
	})
}

// SetMTU changes the MTU of a device, in bytes.
func (n *Namespace) SetMTU(dev string, mtu int) error {
	return n.device(dev, "set MTU", func(l netlink.Link) error { return n.routes.LinkSetMTU(l, mtu) })
}

// SetMAC changes the Ethernet address of a device.
func (n *Namespace) SetMAC(dev string, mac net.HardwareAddr) error {
	return n.device(dev, "set address", func(l netlink.Link) error { return n.routes.LinkSetHardwareAddr(l, mac) })
}

// Delete removes a device, and with an end of a veth pair the other one.
func (n *Namespace) Delete(dev string) error {
	return n.device(dev, "delete", n.routes.LinkDel)
}

// AddAddr gives a device an address with a prefix length, IPv4 ("10.0.0.1/24") or IPv6 ("fd00::1/64"). It
// can be used at once: no duplicate address detection is made.
func (n *Namespace) AddAddr(dev, cidr string) error {
	addr, err := parseAddr(cidr)
	if err != nil {
		return err
	}
	if addr.IP.To4() == nil {
		addr.Flags = unix.IFA_F_NODAD
	}
	return n.device(dev, "add address "+cidr, func(l netlink.Link) error { return n.routes.AddrAdd(l, addr) })
}

// DelAddr takes an address from a device that AddAddr has given.
func (n *Namespace) DelAddr(dev, cidr string) error {
	addr, err := parseAddr(cidr)
	if err != nil {
		return err
	}
	return n.device(dev, "remove address "+cidr, func(l netlink.Link) error { return n.routes.AddrDel(l, addr) })
}

func parseAddr(cidr string) (*netlink.Addr, error) {
	addr, err := netlink.ParseAddr(cidr)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w; accepted is for instance 10.0.0.1/24 or fd00::1/64", cidr, err)
	}
	return addr, nil
}

// AddRoute sends what goes to a prefix ("10.1.0.0/16", "::/0") by way of a gateway.
func (n *Namespace) AddRoute(prefix, gateway string) error {
	_, dst, err := net.ParseCIDR(prefix)
	if err != nil {
		return fmt.Errorf("route to %q: %w", prefix, err)
	}
	gw := net.ParseIP(gateway)
	if gw == nil {
		return fmt.Errorf("route to %s by %q: the gateway is no IP address", prefix, gateway)
	}
	if err := n.routes.RouteAdd(&netlink.Route{Dst: dst, Gw: gw}); err != nil {
		return fmt.Errorf("network namespace %q: route to %s by %s: %w", n.name, prefix, gateway, err)
	}
	return nil
}
