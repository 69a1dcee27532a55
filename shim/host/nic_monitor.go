package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ouroboros/core"
)

// linkState is what the kernel says of an interface.
type linkState struct {
	index, mtu int
	mac        [6]byte
	why        error // why it is down, nil = up
}

func (s linkState) info() core.LinkInfo {
	return core.LinkInfo{
		Kind: core.LinkEthernet, MTU: s.mtu, Addr: core.MACAddr(s.mac),
		Shared: true, // a switch may be behind it
		Up:     s.why == nil,
	}
}

// The states in which an interface carries nothing (RFC 2863 and Linux's operational states).
var (
	errAdminDown = errors.New("the interface is administratively down")
	errNoCarrier = errors.New("the interface has no carrier (cable pulled, or the other end is down)")
	errRemoved   = errors.New("the interface does not exist")
)

// linkMonitor follows one interface by netlink: administrative state and carrier, MTU, address, removal and
// return (spec 01 §3.8, which looks at the administrative state alone).
type linkMonitor struct {
	netlinkNews
	nic *NIC
}

// newLinkMonitor subscribes to changes, in the network namespace of the calling thread.
func newLinkMonitor(n *NIC) (*linkMonitor, error) {
	m := &linkMonitor{nic: n}
	if err := m.subscribe(n.w, n.node, unix.RTMGRP_LINK, m.readable); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *linkMonitor) close() {
	if m != nil {
		m.unsubscribe()
	}
}

// find returns the interface that is known by its number, or one of the name.
func (m *linkMonitor) find() (netlink.Link, error) {
	if m.nic.index != 0 {
		if link, err := m.routes.LinkByIndex(m.nic.index); err == nil {
			return link, nil
		}
	}
	return m.routes.LinkByName(m.nic.cfg.Device)
}

// look asks the kernel for the state of the interface.
func (m *linkMonitor) look() (linkState, error) {
	link, err := m.find()
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return linkState{}, errRemoved
	}
	if err != nil {
		return linkState{}, fmt.Errorf("netlink: %w", err)
	}
	a := link.Attrs()
	s := linkState{index: a.Index, mtu: min(a.MTU, largestMTU)}
	switch {
	case a.EncapType == "loopback": // its address is 00:00:00:00:00:00
	case a.EncapType == "ether" && len(a.HardwareAddr) == len(s.mac):
		s.mac = [6]byte(a.HardwareAddr)
	default:
		return linkState{}, fmt.Errorf("the interface is of type %q, accepted are Ethernet and loopback", a.EncapType)
	}
	if strings.HasPrefix(m.nic.cfg.Device, "lo") {
		s.mtu = min(s.mtu, loopbackMT)
	}
	switch {
	case a.Flags&net.FlagUp == 0:
		s.why = errAdminDown
	case a.Flags&net.FlagRunning == 0:
		s.why = errNoCarrier
	}
	return s, nil
}

// names lists the interfaces that there are.
func (m *linkMonitor) names() string {
	links, err := m.routes.LinkList()
	if err != nil {
		return err.Error()
	}
	var names []string
	for _, l := range links {
		names = append(names, l.Attrs().Name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// readable reads what has changed. Any doubt is resolved by looking.
func (m *linkMonitor) readable() {
	concerned := false
	for m.fd >= 0 {
		k, from, err := unix.Recvfrom(m.fd, m.buf, 0)
		if errors.Is(err, unix.ENOBUFS) {
			concerned = true // changes were lost
			continue
		}
		if err != nil {
			break // EAGAIN: that was all
		}
		if sender, ok := from.(*unix.SockaddrNetlink); ok && sender.Pid == 0 && m.concerns(m.buf[:k]) {
			concerned = true
		}
	}
	if concerned {
		m.refresh()
	}
}

// concerns tells whether messages of the kernel are about the interface, or may be.
func (m *linkMonitor) concerns(raw []byte) bool {
	msgs, err := syscall.ParseNetlinkMessage(raw)
	if err != nil {
		return true
	}
	for _, msg := range msgs {
		if len(msg.Data) < unix.SizeofIfInfomsg {
			continue
		}
		index := int(int32(binary.NativeEndian.Uint32(msg.Data[4:])))
		if m.nic.index == 0 || index == m.nic.index {
			return true
		}
	}
	return false
}

// refresh looks, brings the socket up to date and tells the user what has changed.
func (m *linkMonitor) refresh() {
	n := m.nic
	state, err := m.look()
	switch {
	case err != nil:
		state = linkState{mtu: n.info.MTU, mac: n.info.Addr.MAC(), why: err}
	default:
		if err := n.follow(state); err != nil {
			state.why = err
		}
	}
	n.index, n.why = state.index, state.why
	info := state.info()
	if info == n.info {
		return
	}
	n.info = info
	if !info.Up {
		n.dropOutput()
	}
	if n.user != nil {
		n.user.LinkState(info.Up)
	}
}

// follow adapts the socket to another interface of the name, and the ring to a larger MTU. Frames that
// arrive meanwhile are lost.
func (n *NIC) follow(s linkState) error {
	if n.ring != nil && s.mtu+etherHeader > n.ring.room {
		n.countDrops()
		if err := n.ring.remove(n.fd); err != nil {
			return err
		}
		n.ring = nil
	}
	if n.ring == nil {
		var err error
		if n.ring, err = newPacketRing(n.fd, s.mtu); err != nil {
			n.ring = nil
			return err
		}
	}
	if s.index == n.index {
		return nil
	}
	return bindPacketSocket(n.fd, s.index, n.cfg.EtherType)
}
