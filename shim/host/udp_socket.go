package host

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// udpSocket is what openUDP has found out.
type udpSocket struct {
	fd                        int
	local                     netip.AddrPort
	zone                      uint32 // of link-local addresses
	segments, merges          bool
	receiveBuffer, sendBuffer int
}

// openUDP opens a socket, bound to the local address and connected to nobody. It does not block. Datagrams
// are fragmented as IP likes: without path MTU discovery (spec 01 §5.6).
func openUDP(cfg UDPConfig) (s udpSocket, err error) {
	ip := cfg.Local.Addr()
	family := unix.AF_INET6
	if ip.Is4() {
		family = unix.AF_INET
	}
	if s.zone, err = zoneIndex(ip.Zone()); err != nil {
		return s, err
	}
	if s.fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return s, os.NewSyscallError("socket", err)
	}
	defer func() {
		if err != nil {
			_ = unix.Close(s.fd) // never used
		}
	}()
	if err := s.fragment(family); err != nil {
		return s, err
	}
	if err := s.enlarge(); err != nil {
		return s, err
	}
	if !cfg.NoOffload {
		_, err := unix.GetsockoptInt(s.fd, unix.SOL_UDP, unix.UDP_SEGMENT)
		s.segments = err == nil
		s.merges = unix.SetsockoptInt(s.fd, unix.SOL_UDP, unix.UDP_GRO, 1) == nil
	}
	if err := unix.Bind(s.fd, s.sockaddr(cfg.Local)); err != nil {
		return s, os.NewSyscallError("bind", err)
	}
	s.local, err = s.name()
	return s, err
}

// zoneIndex returns the number of an interface by its name or number; "" has 0.
func zoneIndex(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n), nil
	}
	dev, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, fmt.Errorf("zone %q: there is no such interface", zone)
	}
	return uint32(dev.Index), nil
}

func (s *udpSocket) sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16(), ZoneId: s.zone}
}

// name asks for the address that the socket is bound to.
func (s *udpSocket) name() (netip.AddrPort, error) {
	sa, err := unix.Getsockname(s.fd)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", err)
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)), nil
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port)), nil
	}
	return netip.AddrPort{}, fmt.Errorf("getsockname: %T is no IP address", sa)
}

// fragment has IP fragment what is larger than the path takes.
func (s *udpSocket) fragment(family int) error {
	if family == unix.AF_INET {
		return os.NewSyscallError("setsockopt", unix.SetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT))
	}
	err := unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_DONT)
	if err == nil {
		err = unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	return os.NewSyscallError("setsockopt", err)
}

// enlarge asks for large buffers, beyond the limit of the system where that is allowed, and notes how large
// they became.
func (s *udpSocket) enlarge() (err error) {
	for _, b := range []struct {
		force, plain int
		got          *int
	}{
		{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, &s.receiveBuffer},
		{unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, &s.sendBuffer},
	} {
		if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, b.force, udpBuffer) != nil {
			if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, b.plain, udpBuffer); err != nil {
				return os.NewSyscallError("setsockopt", err)
			}
		}
		if *b.got, err = unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, b.plain); err != nil {
			return os.NewSyscallError("getsockopt", err)
		}
	}
	return nil
}

// socketDrops returns how many packets the kernel has dropped at a socket so far, modulo 2^32: its buffer was
// full, or a checksum wrong.
func socketDrops(fd int) (uint32, error) {
	const drops = 8 // index of SK_MEMINFO_DROPS (linux/sock_diag.h)
	var info [drops + 1]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0, os.NewSyscallError("getsockopt", errno)
	}
	return info[drops], nil
}
