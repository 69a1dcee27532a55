package host

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// addrPause is how long changes of the network are collected before the address is looked for.
const (
	addrPause = 10 * time.Millisecond
	addrAgain = time.Second // until it is looked for again after an error
)

// addrMonitor follows by netlink whether this system has an address: a port is down while no interface that is up
// has it, since nothing can be sent from it or received at it then. A carrier that is lost does not count: other
// interfaces may lead to the address.
type addrMonitor struct {
	netlinkNews
	port  *UDPPort
	local netip.Addr
	zone  uint32
	timer *timer
}

// newAddrMonitor subscribes to changes, in the network namespace of the calling thread.
func newAddrMonitor(u *UDPPort, local netip.Addr, zone uint32) (*addrMonitor, error) {
	m := &addrMonitor{port: u, local: local.WithZone(""), zone: zone}
	m.timer = u.w.newTimer(u.node, m.refresh)
	groups := uint32(unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR)
	if err := m.subscribe(u.w, u.node, groups, m.readable); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *addrMonitor) close() {
	if m != nil {
		m.timer.Stop()
		m.unsubscribe()
	}
}

// readable takes the news that something has changed. What has is looked up later.
func (m *addrMonitor) readable() {
	for m.fd >= 0 {
		_, _, err := unix.Recvfrom(m.fd, m.buf, 0)
		if err != nil && !errors.Is(err, unix.ENOBUFS) { // ENOBUFS: some were lost
			break // EAGAIN: that was all
		}
		if m.timer.place == idle {
			m.timer.Reset(addrPause)
		}
	}
}

// refresh looks for the address and tells the user of a change.
func (m *addrMonitor) refresh() {
	up, err := m.present()
	u := m.port
	if err != nil { // the list has changed while it was read, for instance
		m.timer.Reset(addrAgain)
		return
	}
	if up == u.info.Up {
		return
	}
	u.info.Up = up
	if !up {
		u.dropOutput()
	}
	if u.user != nil {
		u.user.LinkState(up)
	}
}

// present reports whether an interface that is up has the address.
func (m *addrMonitor) present() (bool, error) {
	family := netlink.FAMILY_V6
	if m.local.Is4() {
		family = netlink.FAMILY_V4
	}
	addrs, err := m.routes.AddrList(nil, family)
	if err != nil {
		return false, err
	}
	for _, a := range addrs {
		ip, ok := netip.AddrFromSlice(a.IP)
		if !ok || ip.Unmap() != m.local && !m.covers(a) || m.zone != 0 && a.LinkIndex != int(m.zone) {
			continue
		}
		dev, err := m.routes.LinkByIndex(a.LinkIndex)
		if err == nil && dev.Attrs().Flags&net.FlagUp != 0 {
			return true, nil
		}
	}
	return false, nil
}

// covers reports whether the address is one of a whole network that is local: 127.0.0.0/8.
func (m *addrMonitor) covers(a netlink.Addr) bool {
	return m.local.IsLoopback() && a.IP.IsLoopback() && a.Contains(m.local.AsSlice())
}
